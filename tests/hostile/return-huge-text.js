function hostile(request, session, config) {
  return 'x'.repeat((1 << 24) + 5) + '"';
}
