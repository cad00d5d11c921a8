function hostile(request, session, config) {
  Array.prototype.push = Array.prototype.map = JSON.stringify = String.prototype.split = function () { for (;;) {} };
  Object.prototype.Body = 'inherited'; Object.prototype.Headers = {}; Object.defineProperty(Object.prototype, 'Code', {get: function () { throw 1; }});
  return TykJsResponse({Body: 'x', Code: 200}, {});
}
