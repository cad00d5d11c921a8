function hostile(request, session, config) {
  var headers = {};
  for (var i = 0; i < 200000; i++) { headers['X-' + i] = 'v' + i; }
  return TykJsResponse({Body: 'x', Code: 200, Headers: headers}, {});
}
