function hostile(request, session, config) {
  for (var i = 0; ; i++) { eval('String.raw`' + i + '${i}`'); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
