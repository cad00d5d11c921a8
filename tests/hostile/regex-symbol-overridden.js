function hostile(request, session, config) {
  var r = /a/; r.exec = function () { return {index: 0, length: 1e9, 0: '', get 1() { return 'x'; }}; };
  for (;;) { 'aaa'.replace(r, '$1'); 'aaa'.split(r); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
