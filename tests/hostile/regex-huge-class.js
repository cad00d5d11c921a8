function hostile(request, session, config) {
  var c = ''; for (var i = 32; i < 0xd000; i += 2) { c += '\\u' + ('000' + i.toString(16)).slice(-4); } for (;;) { new RegExp('[' + c + ']*$', 'iu').test('q'.repeat(1e6)); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
