function hostile(request, session, config) {
  /^(.*)(.*)(.*)(.*)(.*)(.*)\6\5\4\3\2\1x$/.test('ab'.repeat(400));
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
