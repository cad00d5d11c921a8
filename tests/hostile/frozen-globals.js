function hostile(request, session, config) {
  for (var name of Object.getOwnPropertyNames(globalThis)) {
    try { globalThis[name] = null; Object.defineProperty(globalThis, name, {get: function () { throw null; }}); } catch (e) {}
  }
  Object.freeze(globalThis); Object.freeze(Object.prototype);
  return '{"Response":{"Body":"bare","Code":200}}';
}
