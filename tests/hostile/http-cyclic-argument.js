function hostile(request, session, config) {
  var o = {Method: 'GET', Domain: 'http://127.0.0.1:9'}; o.Headers = o; try { TykMakeHttpRequest(JSON.stringify(o)); } catch (e) {} for (;;) { TykMakeHttpRequest(o); TykMakeHttpRequest(undefined); TykMakeHttpRequest('{'); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
