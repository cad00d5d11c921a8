function hostile(request, session, config) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
