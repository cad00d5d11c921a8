function hostile(request, session, config) {
  var parts = [];
  for (var i = 0; i < 40000; i++) { parts.push('"x' + i + '":"v"'); }
  return '{"Response":{"Body":"x","Code":200,"Headers":{' + parts.join(',') + '}}}';
}
