function hostile(request, session, config) {
  return TykJsResponse({get Body() { for (;;) {} }, get Code() { throw new Error('x'); }, Headers: {get a() { for (;;) {} }}}, {});
}
