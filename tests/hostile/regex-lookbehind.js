function hostile(request, session, config) {
  /(?<=(x+x+)+y)z/.test('x'.repeat(40) + 'z');
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
