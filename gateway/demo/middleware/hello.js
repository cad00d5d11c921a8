// Inline: the definition carries this source in base64 (see apps/hello.json).
function hello(request, session, config) {
  var name = (request.Params.name || [config.config_data.greeted])[0];
  return TykJsResponse({
    Body: JSON.stringify({ message: "Hello, " + name + "!", path: request.URL }),
    Headers: { "Content-Type": "application/json" },
    Code: 200
  }, session.meta_data);
}
