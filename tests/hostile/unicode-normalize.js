function hostile(request, session, config) {
  var text = '\u1e9b\u0323'.repeat(1 << 18);
  for (;;) { text.normalize('NFKD').normalize('NFC').toUpperCase().localeCompare(text); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
