function hostile(request, session, config) {
  for (;;) { for (var t of ['====', '\0\0', 'é'.repeat(1e5), 'A'.repeat(1e6 + 1), '\ud800', {}, null, undefined, -1, '=A', 'AA=A', ' A A A A\n']) { try { b64dec(t); rawb64dec(t); b64enc(t); rawb64enc(t); } catch (e) {} } }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
