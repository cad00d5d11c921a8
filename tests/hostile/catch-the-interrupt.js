function hostile(request, session, config) {
  function again() { try { for (;;) {} } catch (e) { again(); } finally { again(); } }
  again();
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
