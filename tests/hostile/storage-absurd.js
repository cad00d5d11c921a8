function hostile(request, session, config) {
  Object.getOwnPropertyNames(globalThis).filter(function (n) { return /^Tyk/.test(n) && typeof globalThis[n] === 'function'; }).forEach(function (n) { [undefined, null, '', '\0', NaN, -1, {}, [], 'x'.repeat(1e6), '\ud800', Symbol.iterator, 1n].forEach(function (v) { try { globalThis[n](v, v, v, v); } catch (e) {} }); });
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
