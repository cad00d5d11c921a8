function hostile(request, session, config) {
  throw null;
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
