function hostile(request, session, config) {
  function* n() { for (var i = 0; ; i++) { yield i; } } n().map(function (x) { return x; }).filter(function () { return false; }).take(Infinity).toArray();
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
