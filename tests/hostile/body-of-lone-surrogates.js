function hostile(request, session, config) {
  var text = '\ud800'.repeat(1 << 20);
  return TykJsResponse({Body: text, Code: 200, Headers: {'X-Text': text, '\udfff': 'a'}}, {});
}
