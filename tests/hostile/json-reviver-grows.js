function hostile(request, session, config) {
  JSON.parse('[[1]]', function (k, v) { if (Array.isArray(this)) { this.push([1]); } return v; });
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
