function hostile(request, session, config) {
  var keep = new WeakMap(), refs = []; for (;;) { var k = {}; k.k = k; keep.set(k, {k: k}); refs.push(new WeakRef(k)); if (refs.length > 1e5) { refs = []; } }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
