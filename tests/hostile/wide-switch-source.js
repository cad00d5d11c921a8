function hostile(request, session, config) {
  var t = 'switch(x){'; for (var i = 0; i < 200000; i++) { t += 'case ' + i + ':'; } for (;;) { new Function('x', t + '}')(199999); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
