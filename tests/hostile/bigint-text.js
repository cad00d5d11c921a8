function hostile(request, session, config) {
  var n = 1n << 2000000n; for (;;) { n.toString(10); BigInt('9'.repeat(500000)); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
