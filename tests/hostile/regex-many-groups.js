function hostile(request, session, config) {
  new RegExp('(a?){500}'.repeat(20) + 'a{500}').test('a'.repeat(500));
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
