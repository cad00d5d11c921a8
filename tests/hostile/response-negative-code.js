function hostile(request, session, config) {
  return TykJsResponse({Body: 'x', Code: -1, Headers: null}, null);
}
