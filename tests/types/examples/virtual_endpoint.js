// @ts-check

/** @type {TykVirtualEndpoint} */
function quote(request, session, config) {
  if (!request.Headers["Content-Type"] || request.Method !== "POST") {
    return TykJsResponse({ Code: 400, Body: "what?" }, session.meta_data);
  }
  /** @type {TykHttpRequest} */
  var call = {
    Method: "POST", Domain: "http://127.0.0.1:3000", Resource: "/prices?id=" + request.Params["id"][0],
    Headers: { "X-Request-Id": request.RequestID }, BodyBase64: request.BodyBase64, TimeoutMs: 500
  };
  var text = TykMakeHttpRequest(JSON.stringify(call));
  if (text === undefined) return TykJsResponse({ Code: 502, Body: "" });
  /** @type {TykHttpResponse} */
  var answer = JSON.parse(text);
  log("upstream said " + answer.Code);
  var count = parseInt(TykStorageIncr("quotes", 60), 10);
  return TykJsResponse({
    Code: 200,
    Headers: { "Content-Type": "application/json", "Set-Cookie": ["a=1", "b=2"] },
    Body: JSON.stringify({ count: count, currency: config.config_data.currency, body: b64dec(answer.body) })
  }, session.meta_data);
}

/** @type {TykVirtualEndpoint} */
function both() {
  /** @type {TykBatch} */
  var batch = {
    requests: [
      { relative_url: "http://127.0.0.1:3000/a" },
      { relative_url: "http://127.0.0.1:3000/b", method: "PUT", body: "x" }
    ],
    suppress_parallel_execution: true
  };
  /** @type {TykBatchAnswer[]} */
  var answers = JSON.parse(TykBatchRequest(JSON.stringify(batch)) || "[]");
  return TykJsResponse({ Code: 200, Body: answers.map(function (answer) { return answer.code; }).join() });
}
