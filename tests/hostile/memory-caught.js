function hostile(request, session, config) {
  var all = [];
  for (;;) { try { all.push(new Array(1e6).fill('x')); } catch (e) { all.length = all.length >> 1; } }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
