function hostile(request, session, config) {
  var parts = [];
  for (var i = 0; i < 40000; i++) { parts.push('"x' + i + '":"v"'); }
  var argument = '{"Method":"GET","Domain":"http://127.0.0.1:9","Headers":{' + parts.join(',') + '},"TimeoutMs":18446744073709551615}';
  TykMakeHttpRequest(argument);
  TykMakeHttpRequest('{"Domain":"http://127.0.0.1:9","TimeoutMs":18446744073709551615}');
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
