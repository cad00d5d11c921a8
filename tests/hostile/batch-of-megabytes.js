function hostile(request, session, config) {
  var r = []; for (var i = 0; i < 8; i++) { r.push({method: 'POST', relative_url: 'http://127.0.0.1:9/', body: 'x'.repeat(1 << 20), headers: {a: 'b\r\nc'}}); } for (;;) { TykBatchRequest(JSON.stringify({requests: r, suppress_parallel_execution: false})); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
