function hostile(request, session, config) {
  /^(?=(a+)+$)(?!(a*)*b)(a+)+$/u.test('a'.repeat(60) + 'c');
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
