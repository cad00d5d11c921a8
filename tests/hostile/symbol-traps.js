function hostile(request, session, config) {
  var o = {[Symbol.toPrimitive]: function () { return o + ''; }};
  return o + '';
}
