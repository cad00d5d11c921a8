function hostile(request, session, config) {
  var seen = 0; (function visit(o, depth) { Object.getOwnPropertyNames(o).forEach(function (n) { if (n === 'hostile' || /^Tyk/.test(n)) { return; } var f; try { f = o[n]; } catch (e) { return; } if (typeof f === 'function') { [undefined, null, -1, 1e9, '', {}, [], {length: 1e9}, function () {}, Symbol.iterator, 1n, f].forEach(function (v) { try { f.call(v, v, v); } catch (e) {} try { new f(v, v); } catch (e) {} }); if (depth < 2 && f.prototype) { visit(f.prototype, depth + 1); } } if (f && typeof f === 'object' && depth < 2 && seen++ < 500) { visit(f, depth + 1); } }); })(globalThis, 0);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
