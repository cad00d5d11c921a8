function hostile(request, session, config) {
  var t = '"' + '\\u0041'.repeat(150000) + '"'; for (;;) { JSON.parse(t); JSON.stringify('\u0001'.repeat(1e6)); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
