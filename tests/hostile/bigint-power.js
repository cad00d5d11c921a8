function hostile(request, session, config) {
  var n = 3n;
  for (;;) { n = n * n; }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
