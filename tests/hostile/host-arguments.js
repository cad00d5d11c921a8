function hostile(request, session, config) {
  var text = 'x'.repeat(1 << 23);
  for (;;) { b64enc(text); b64dec(text); TykMakeHttpRequest(text); rawlog({toString: function () { return text; }}); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
