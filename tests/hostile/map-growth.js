function hostile(request, session, config) {
  var map = new Map();
  for (var i = 0; ; i++) { map.set(i, {i: i}); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
