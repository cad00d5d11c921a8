function hostile(request, session, config) {
  var proxy = new Proxy({}, {ownKeys: function () { return Reflect.ownKeys(proxy); }, get: function (t, k) { return proxy[k]; }});
  return TykJsResponse(proxy, proxy);
}
