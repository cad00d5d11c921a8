function hostile(request, session, config) {
  JSON.parse('[1,2,3]', function () { for (;;) {} });
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
