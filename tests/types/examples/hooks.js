// @ts-check

var tag = new TykJS.TykMiddleware.NewMiddleware({});

tag.NewProcessRequest(function (request, session, config) {
  request.SetHeaders["X-Api"] = config.APIID;
  request.DeleteHeaders.push("X-Old");
  request.AddParams["page"] = "1";
  request.ExtendedParams["tag"] = ["a", "b"];
  request.DeleteParams.push("debug");
  request.URL = request.URL.replace("/v1/", "/v2/");
  if (request.Body === "") {
    request.ReturnOverrides.ResponseCode = 400;
    request.ReturnOverrides.ResponseError = "empty";
    request.ReturnOverrides.headers = { "X-Why": "empty" };
  }
  session.meta_data = _.extend({}, session.meta_data, { seen: true });
  return tag.ReturnData(request, session.meta_data);
});

var door = new TykJS.TykMiddleware.NewMiddleware({});

door.NewProcessRequest(function (request, session) {
  var stored = JSON.parse(TykGetKeyData(request.Headers["Authorization"][0], "shop"));
  if (stored.status === "error") {
    request.ReturnOverrides.ResponseCode = 403;
    request.ReturnOverrides.ResponseError = "no";
  }
  session.rate = 100;
  session.per = 60;
  session.meta_data = { name: stored.alias };
  return door.ReturnAuthData(request, session);
});

var clean = new TykJS.TykMiddleware.NewMiddleware({});

clean.NewProcessResponse(function (response, request, session) {
  if (response.StatusCode === 404 && request.Method === "GET") response.StatusCode = 410;
  response.SetHeaders["X-Length"] = String(response.Body.length);
  response.DeleteHeaders = ["Server"];
  return clean.ReturnResponseData(response, session.meta_data);
});
