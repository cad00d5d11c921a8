function hostile(request, session, config) {
  var o = {}, p = o; for (var i = 0; i < 2000; i++) { p = p.a = {}; } for (;;) { JSON.stringify(o, null, '          '); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
