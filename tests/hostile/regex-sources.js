function hostile(request, session, config) {
  for (var i = 0; ; i++) { new RegExp(('(' + i + '|x)*?').repeat(50) + 'y').exec('x'.repeat(100)); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
