function hostile(request, session, config) {
  var host = request.Headers.Host ? request.Headers.Host[0] : '127.0.0.1'; for (var i = 0; ; i++) { TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: 'http://' + host, Resource: request.URL, Headers: {}})); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
