function hostile(request, session, config) {
  return TykJsResponse({Body: 'x', Code: NaN, Headers: {a: null}}, {a: undefined, b: function () {}});
}
