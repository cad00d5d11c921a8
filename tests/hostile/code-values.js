function hostile(request, session, config) {
  return TykJsResponse({Body: 'x', Code: 1e308, Headers: {a: 1e308, b: -0, c: [[[[1]]]]}}, {});
}
