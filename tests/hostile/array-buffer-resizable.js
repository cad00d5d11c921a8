function hostile(request, session, config) {
  var keep = []; for (;;) { var b = new ArrayBuffer(8, {maxByteLength: 1 << 24}); b.resize(1 << 24); keep.push(b.transfer ? b.transfer(1 << 22) : b); }
  return TykJsResponse({Body: "returned", Code: 200}, session.meta_data);
}
