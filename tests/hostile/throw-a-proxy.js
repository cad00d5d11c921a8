function hostile(request, session, config) {
  throw new Proxy(function () {}, {get: function () { for (;;) {} }, getPrototypeOf: function () { for (;;) {} }});
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
