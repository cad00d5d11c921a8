function hostile(request, session, config) {
  var p = new Proxy({}, {get: function (t, n, r) { return r[n]; }, has: function (t, n) { return n in p; }, getPrototypeOf: function () { return p; }}); try { p.x; } catch (e) {} try { 'x' in p; } catch (e) {} p instanceof Object;
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
