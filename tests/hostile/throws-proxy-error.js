function hostile(request, session, config) {
  throw new Proxy(new Error('x'), {get: function () { for (;;) {} }, getPrototypeOf: function () { for (;;) {} }, ownKeys: function () { for (;;) {} }});
}
