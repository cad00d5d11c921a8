function hostile(request, session, config) {
  Error.stackTraceLimit = 1e9; Error.prepareStackTrace = function (e, s) { for (;;) { s.push(s.slice()); } }; function f(n) { if (n) { f(n - 1); } throw new Error('x'); } f(500);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
