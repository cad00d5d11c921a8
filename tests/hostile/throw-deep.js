function hostile(request, session, config) {
  var o = {};
  for (var i = 0; i < 1e6; i++) { o = {o: o}; }
  throw o;
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
