function hostile(request, session, config) {
  for (;;) { ['file:///etc/passwd', 'http://user:pass@127.0.0.1:9/', 'http://[::ffff:127.0.0.1]:9/', 'http://[::1%25lo]:9/', 'http://0x7f.1:9', 'http://2130706433:9', 'http://127.0.0.1:99999', 'http://127.0.0.1:0', 'gopher://127.0.0.1:9', 'javascript:1', 'http://', '//x', 'http://\u0000', 'http://' + 'a'.repeat(300), 'http://' + 'a.'.repeat(1000), 'http://xn--', 'unix:/run/x', 'http://[', 'http://127.0.0.1:9#\ud800', 'data:,x', ' http://127.0.0.1:9'].forEach(function (domain) { try { TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: domain, Resource: '/x', TimeoutMs: 5})); } catch (e) {} }); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
