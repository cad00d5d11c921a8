function hostile(request, session, config) {
  var t = '['.repeat(1 << 20); return '{"Response":{"Body":' + t + '}}';
}
