function hostile(request, session, config) {
  var u = new Uint8Array(new ArrayBuffer(64, {maxByteLength: 1 << 20})); u.fill({valueOf: function () { u.buffer.resize(0); return 1; }}); u.sort(function () { u.buffer.resize(1 << 20); return 0; }); u.set(u, 0); u.subarray({valueOf: function () { u.buffer.resize(0); return 5; }}); for (;;) { u.buffer.resize(1 << 20); u.slice(); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
