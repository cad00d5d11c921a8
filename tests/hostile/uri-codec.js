function hostile(request, session, config) {
  var text = '%41'.repeat(1 << 20);
  for (;;) { text = encodeURIComponent(decodeURIComponent(text)); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
