function hostile(request, session, config) {
  var head = null;
  for (;;) { head = (function (tail) { return function () { return tail; }; })(head); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
