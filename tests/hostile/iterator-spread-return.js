function hostile(request, session, config) {
  var it = {[Symbol.iterator]: function () { return {next: function () { return {value: 1}; }, return: function () { for (;;) {} }}; }}; var [a] = it;
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
