function hostile(request, session, config) {
  var thenable = {then: function (resolve) { resolve(thenable); }};
  for (;;) { Promise.resolve(thenable); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
