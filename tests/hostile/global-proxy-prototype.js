function hostile(request, session, config) {
  Object.setPrototypeOf(globalThis, new Proxy({}, {get: function (t, n) { for (;;) {} }, has: function () { return true; }})); missing;
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
