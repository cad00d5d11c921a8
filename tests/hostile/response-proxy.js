function hostile(request, session, config) {
  return TykJsResponse(new Proxy({}, {get: function (t, n) { for (;;) {} }, ownKeys: function () { for (;;) {} }}), new Proxy({}, {ownKeys: function () { throw 1; }}));
}
