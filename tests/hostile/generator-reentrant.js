function hostile(request, session, config) {
  function* g() { try { yield it.next(); } finally { it.return(); } } var it = g(); try { it.next(); } catch (e) {} for (;;) { var h = (function* () { for (;;) { yield* [h]; } })(); h.next(); h.next(); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
