function hostile(request, session, config) {
  var r = /(a*)*b/y, text = 'a'.repeat(1 << 12); for (r.lastIndex = 0; ; r.lastIndex = 0) { r.exec(text); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
