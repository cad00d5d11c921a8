function hostile(request, session, config) {
  function f() { try { f(); } finally { f(); } } f();
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
