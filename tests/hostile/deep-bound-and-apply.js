function hostile(request, session, config) {
  var f = function () { return f.apply.call(f, this, arguments); }; for (var i = 0; i < 1e4; i++) { f = f.bind(f); } Reflect.apply(f, f, new Array(60000)); Reflect.construct(f, []);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
