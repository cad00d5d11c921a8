function hostile(request, session, config) {
  var source = 'x';
  for (var i = 0; i < 20000; i++) { source = 'with({}){' + source + '}'; }
  new Function('x', source)(1);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
