function hostile(request, session, config) {
  for (var t of ['', '{}', 'null', '[]', '{"requests":null}', '{"requests":{}}', '{"requests":[null,1,"x",{}]}', '{"requests":[{"method":1}]}', '{"requests":[' + '{},'.repeat(50000) + '{}]}', '['.repeat(1e5)]) { try { TykBatchRequest(t); } catch (e) {} }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
