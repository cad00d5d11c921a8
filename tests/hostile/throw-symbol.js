function hostile(request, session, config) {
  throw Symbol('x'.repeat(1 << 20));
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
