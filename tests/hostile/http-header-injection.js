function hostile(request, session, config) {
  TykMakeHttpRequest(JSON.stringify({Method: 'GET\r\nX: y', Domain: 'http://127.0.0.1:9', Resource: '/ HTTP/1.1\r\nHost: evil\r\n\r\nGET /', Headers: {'X\r\nY': 'a\r\nb', Host: 'a\0b', 'Transfer-Encoding': 'chunked', 'Content-Length': '-1'}, FormData: {'\r\n': '\0'}, Body: '\0'}));
  TykMakeHttpRequest(JSON.stringify({Method: '', Domain: '', Resource: ''}));
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
