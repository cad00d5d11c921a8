function hostile(request, session, config) {
  function tag(s) { return tag`${s}x`; } tag`x`;
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
