function hostile(request, session, config) {
  var e = new Error('m'.repeat(1 << 23)); e.name = 'n'.repeat(1 << 23); throw e;
}
