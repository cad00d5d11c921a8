function hostile(request, session, config) {
  var t = 'x'.repeat(6 << 20); for (;;) { TykMakeHttpRequest(JSON.stringify({Method: 'POST', Domain: 'http://127.0.0.1:9', Body: t, Headers: {a: t}, FormData: {b: t}})); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
