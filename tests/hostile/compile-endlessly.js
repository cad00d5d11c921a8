function hostile(request, session, config) {
  for (var i = 0; ; i++) { new Function('a' + i, 'return a' + i + ' + ' + i + ';' + 'a'.repeat(1000))(i); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
