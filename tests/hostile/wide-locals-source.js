function hostile(request, session, config) {
  var t = ''; for (var i = 0; i < 70000; i++) { t += 'let v' + i + '=' + i + ';'; } for (;;) { new Function(t)(); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
