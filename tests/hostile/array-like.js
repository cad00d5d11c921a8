function hostile(request, session, config) {
  Array.prototype.reverse.call({length: Math.pow(2, 53) - 1});
  Array.prototype.indexOf.call({length: Math.pow(2, 53) - 1}, 1);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
