function hostile(request, session, config) {
  var t = 'x'; for (;;) { t = b64enc(t) + t; if (t.length > 1e7) { t = b64dec(t.slice(0, 4)); } }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
