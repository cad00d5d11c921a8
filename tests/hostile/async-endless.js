function hostile(request, session, config) {
  async function go() { for (;;) { await null; } } for (var i = 0; i < 1000; i++) { go(); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
