function hostile(request, session, config) {
  var o = {};
  for (var i = 0; i < 100000; i++) { o = Object.create(o, {x: {get: function () { return Object.getPrototypeOf(this).x; }}}); }
  o.x;
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
