function hostile(request, session, config) {
  var big = new Uint8Array(1 << 24);
  for (;;) { big.copyWithin(1, 0); big.reverse(); big.sort(); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
