function hostile(request, session, config) {
  var all = [];
  for (;;) { all.push(new Uint8Array(1 << 24).fill(1)); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
