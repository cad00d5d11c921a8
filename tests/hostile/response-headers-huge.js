function hostile(request, session, config) {
  var h = {}; h['X-' + 'n'.repeat(1 << 20)] = 'v'; h.big = 'v'.repeat(16 << 20); return TykJsResponse({Body: '', Code: 200, Headers: h}, {});
}
