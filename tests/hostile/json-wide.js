function hostile(request, session, config) {
  var text = '[' + '0,'.repeat(1 << 22) + '0]';
  for (;;) { JSON.parse(text); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
