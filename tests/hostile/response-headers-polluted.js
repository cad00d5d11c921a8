function hostile(request, session, config) {
  Object.prototype['X-Polluted'] = 'v'; Object.prototype.toJSON = function () { return this; }; Object.prototype.Headers = {'X-Injected\r\nX-Injected': '1'}; Array.prototype.toJSON = function () { for (;;) {} };
  return TykJsResponse({Body: 'x', Code: 200, Headers: {a: ['b']}}, {});
}
