function hostile(request, session, config) {
  new Array(4294967295).join('x');
  [].concat.apply([], new Array(1e6)).toString();
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
