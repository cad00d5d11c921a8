function hostile(request, session, config) {
  return {toString: function () { for (;;) {} }};
}
