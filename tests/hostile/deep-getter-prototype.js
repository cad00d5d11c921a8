function hostile(request, session, config) {
  var o = {}; for (var i = 0; i < 3e5; i++) { o = Object.create(o); } for (;;) { o.missing; 'missing' in o; for (var k in o) {} }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
