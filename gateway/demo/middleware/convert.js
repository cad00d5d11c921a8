// A file: change it and send the gateway a SIGHUP to load it again.
function convert(request, session, config) {
  var celsius;
  try {
    celsius = Number(JSON.parse(request.Body).celsius);
  } catch (error) {
    celsius = NaN;
  }
  if (isNaN(celsius)) {
    return TykJsResponse({ Body: "send JSON such as {\"celsius\": 21}\n", Code: 400 }, session.meta_data);
  }
  log("converting " + celsius + " °C");
  return TykJsResponse({
    Body: JSON.stringify({ celsius: celsius, fahrenheit: celsius * 9 / 5 + 32 }),
    Headers: { "Content-Type": "application/json" },
    Code: 200
  }, session.meta_data);
}
