function hostile(request, session, config) {
  var registry = new FinalizationRegistry(function () { for (;;) {} });
  for (var i = 0; i < 100000; i++) { registry.register({}, i); new WeakRef({}); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
