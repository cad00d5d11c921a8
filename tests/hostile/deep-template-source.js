function hostile(request, session, config) {
  var t = '1'; for (var i = 0; i < 20000; i++) { t = '`${' + t + '}`'; } eval(t);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
