function hostile(request, session, config) {
  /^(a|a|a|aa)*$/.test('a'.repeat(60) + 'b');
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
