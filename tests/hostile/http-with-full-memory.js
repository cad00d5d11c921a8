function hostile(request, session, config) {
  var keep = []; for (var i = 0; i < 24; i++) { keep.push('x'.repeat(1 << 20) + i); keep[i].charAt(5); }
  for (;;) { TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: 'http://127.0.0.1:9', Resource: '/'})); keep[0] = keep[0] + 'y'; }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
