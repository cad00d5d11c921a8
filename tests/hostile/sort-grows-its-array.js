function hostile(request, session, config) {
  var list = [3, 2, 1];
  list.sort(function () { list.push(1); return Math.random() - 0.5; });
  for (;;) { list.push(0); list.sort(); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
