function hostile(request, session, config) {
  outer: for (;;) { for (;;) { try { continue outer; } finally { try { break; } finally { continue outer; } } } }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
