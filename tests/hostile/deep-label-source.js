function hostile(request, session, config) {
  var t = ''; for (var i = 0; i < 50000; i++) { t += 'l' + i + ':'; } eval(t + 'for(;;){ continue l0; }');
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
