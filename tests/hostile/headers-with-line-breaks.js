function hostile(request, session, config) {
  return TykJsResponse({Body: 'x', Code: 200, Headers: {'X-A': 'a\r\nX-Injected: 1', 'X-B\r\nX-Injected': '1', 'Transfer-Encoding': 'chunked', 'Content-Length': '99999'}}, {});
}
