function hostile(request, session, config) {
  var t = ''; for (;;) { t = t + 'ab'; t.charCodeAt(t.length >> 1); t = t.slice(1) + t.slice(0, 9); if (t.length > 1e6) { t = ''; } }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
