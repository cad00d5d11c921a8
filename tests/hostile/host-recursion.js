function hostile(request, session, config) {
  var argument = {toString: function () { return log(argument) + ''; }};
  log(argument);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
