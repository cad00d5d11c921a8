function hostile(request, session, config) {
  outer: for (;;) { try { for (;;) {} } finally { continue outer; } }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
