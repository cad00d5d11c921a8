function hostile(request, session, config) {
  function c(a, b) { return [2, 1].sort(c)[0] - 1; } [3, 2, 1].sort(c);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
