function hostile(request, session, config) {
  var requests = [];
  for (var i = 0; i < 100000; i++) { requests.push({method: 'GET', relative_url: 'http://127.0.0.1:9/' + i}); }
  for (;;) { TykBatchRequest(JSON.stringify({requests: requests})); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
