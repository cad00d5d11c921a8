area("ES2015", "typed arrays, ArrayBuffer and DataView");

check("ArrayBuffer: length, slice and isView", "ArrayBuffer Objects", "var b = new ArrayBuffer(8); new Uint8Array(b)[2] = 7; return [b.byteLength, new Uint8Array(b.slice(2, 4))[0], ArrayBuffer.isView(new DataView(b)), ArrayBuffer.isView(b)];", [8, 7, true, false]);
check("ArrayBuffer: a length that is too large", "ArrayBuffer", function () { return [thrown(function () { new ArrayBuffer(-1); }), thrown(function () { new ArrayBuffer(9007199254740992); })]; }, ["RangeError", "RangeError"]);
check("all kinds of typed arrays", "TypedArray Objects", function () {
  return [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array].map(function (T) { return T.BYTES_PER_ELEMENT; });
}, [1, 1, 1, 2, 2, 4, 4, 4, 8]);
check("%TypedArray% is no global", "The %TypedArray% Intrinsic Object", function () { return [typeof TypedArray, Object.getPrototypeOf(Int8Array).name, thrown(function () { new (Object.getPrototypeOf(Int8Array))(); })]; }, ["undefined", "TypedArray", "TypeError"]);
check("values wrap, clamp and round", "Typed Array conversion", function () {
  return [new Uint8Array([257, -1])[0], new Uint8Array([-1])[0], new Int8Array([128])[0], new Uint8ClampedArray([300, -5, 1.5, 2.5]).join(), new Float32Array([1.1])[0]];
}, [1, 255, -128, "255,0,2,2", 1.100000023841858]);
check("views share their buffer", "TypedArray", function () {
  var b = new ArrayBuffer(4), a = new Uint16Array(b, 2, 1);
  new Uint8Array(b)[2] = 5;
  return [a[0] & 0xff, a.byteOffset, a.length, a.buffer === b];
}, [5, 2, 1, true]);
check("a view must be aligned", "TypedArray", function () { return thrown(function () { new Uint16Array(new ArrayBuffer(4), 1); }); }, "RangeError");
check("writing beyond the end is ignored", "TypedArraySetElement", function () {
  var a = new Uint8Array(1);
  a[5] = 1;
  a["-0"] = 1;
  return [a[5], 5 in a, a["-0"], Object.keys(a)];
}, [undefined, false, undefined, ["0"]]);
check("from and of", "%TypedArray%.from", "return [Uint8Array.from('123', x => x * 2).join(), Int16Array.of(1, 2).join(), thrown(() => Object.getPrototypeOf(Int8Array).of(1))];", ["2,4,6", "1,2", "TypeError"]);
check("set, subarray and slice", "%TypedArray%.prototype.set", function () {
  var a = new Uint8Array(4), sub = a.subarray(1, 3);
  a.set([1, 2], 1);
  sub[0] = 9;
  return [a.join(), a.slice(1, 3).join(), thrown(function () { a.set([1], 4); })];
}, ["0,9,2,0", "9,2", "RangeError"]);
check("set between views of one buffer", "%TypedArray%.prototype.set", function () {
  var a = new Uint8Array([1, 2, 3, 4]);
  a.set(a.subarray(0, 3), 1);
  return a.join();
}, "1,1,2,3");
check("array methods of typed arrays", "Properties of the %TypedArray% Prototype Object", function () {
  var a = new Int8Array([3, 1, 2]);
  return [a.map(function (x) { return x * 2; }).join(), a.filter(function (x) { return x > 1; }).join(), a.reduce(function (x, y) { return x + y; }), a.indexOf(2), a.reverse().join("")];
}, ["6,2,4", "3,2", 6, 2, "213"]);
check("sort is by number", "%TypedArray%.prototype.sort", function () { return new Float64Array([10, 9, -0, 0, NaN, -1]).sort().join(); }, "-1,0,0,9,10,NaN");
check("map gives the same kind", "TypedArraySpeciesCreate", function () { return new Uint8Array([200]).map(function (x) { return x * 2; })[0]; }, 144);
check("typed arrays are iterable", "%TypedArray%.prototype.entries", "return [...new Uint8Array([1, 2]).entries()];", [[0, 1], [1, 2]]);
check("the name of the class", "get %TypedArray%.prototype[Symbol.toStringTag]", function () { return Object.prototype.toString.call(new Uint8Array(1)); }, "[object Uint8Array]");
check("DataView: both byte orders", "DataView Objects", function () {
  var v = new DataView(new ArrayBuffer(8));
  v.setUint16(0, 0x0102);
  v.setInt32(4, -2, true);
  return [v.getUint16(0, true), v.getUint8(1), v.getInt32(4, true), v.getInt8(7)];
}, [513, 2, -2, -1]);
check("DataView: floats", "DataView.prototype.setFloat64", function () {
  var v = new DataView(new ArrayBuffer(8));
  v.setFloat64(0, -1.5);
  return [v.getFloat64(0), v.getUint16(0)];
}, [-1.5, 49144]);
check("DataView: bounds", "GetViewValue", function () { return [thrown(function () { new DataView(new ArrayBuffer(1)).getUint16(0); }), thrown(function () { new DataView(new ArrayBuffer(1), 2); })]; }, ["RangeError", "RangeError"]);
