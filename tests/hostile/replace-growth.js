function hostile(request, session, config) {
  var text = 'x';
  for (;;) { text = text.replace(/x/g, '$&$&'); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
