function hostile(request, session, config) {
  var t = 'a'.repeat(1 << 20), u = 'a'.repeat(1 << 19) + 'b'; for (;;) { t.indexOf(u); t.lastIndexOf(u); t.includes(u); t.split(u); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
