function hostile(request, session, config) {
  return TykJsResponse({Body: {a: [1, {}]}, Code: '2e2', Headers: [['a', 'b']]}, 'meta');
}
