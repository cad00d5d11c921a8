function hostile(request, session, config) {
  var t = ''; for (var i = 0xd800; i < 0xe000; i++) { t += String.fromCharCode(i) + '\0'; } return TykJsResponse({Body: t, Code: 200, Headers: {'X-\ud800': '\udfff', '': 'empty', ' ': ' ', 'a b': '\0'}}, {'\ud800': '\udc00'});
}
