function hostile(request, session, config) {
  var list = new Array(5e6).fill(1);
  Math.max.apply(null, list);
  String.fromCharCode.apply(null, list);
  (function () { return arguments.length; })(...list);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
