function hostile(request, session, config) {
  var a = []; for (var i = 0; i < 1e5; i++) { a.push(i); } for (;;) { a.sort(function () { return Math.random() - 0.5; }); a.sort(function (x, y) { a.length = 10; return 1; }); a.length = 1e5; }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
