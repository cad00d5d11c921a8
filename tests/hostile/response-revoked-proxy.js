function hostile(request, session, config) {
  var p = Proxy.revocable({}, {}); p.revoke(); return TykJsResponse(p.proxy, p.proxy);
}
