function hostile(request, session, config) {
  for (var n = 1; ; n *= 2) { new RegExp('(?:(?:(?:a{0,' + n + '}){0,' + n + '}){0,' + n + '})*b').test('a'.repeat(200)); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
