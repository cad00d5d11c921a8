function hostile(request, session, config) {
  async function* g() { for (;;) { yield new Promise(function () {}); } } (async function () { for await (var x of g()) {} })(); for (;;) { g().next(); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
