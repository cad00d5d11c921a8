function hostile(request, session, config) {
  var o = {get a() { return TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: 'http://127.0.0.1:9', Resource: '/'})); }}; for (;;) { JSON.stringify(o); [2, 1].sort(function () { o.a; return 0; }); 'x'.replace(/x/, function () { return o.a; }); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
