function hostile(request, session, config) {
  var t = 'x'.repeat(4 << 20); for (;;) { log(t); rawlog(t); log(t + '\r\n\u001b[31m\0'); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
