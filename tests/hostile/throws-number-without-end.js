function hostile(request, session, config) {
  throw 1n << 30000000n;
}
