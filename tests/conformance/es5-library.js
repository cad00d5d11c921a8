// The built-in objects of ES5.
area("ES5", "library");

check("Object.create with properties", "Object.create", function () {
  var o = Object.create({ a: 1 }, { b: { value: 2, enumerable: true } });
  return [o.a, o.b, Object.getPrototypeOf(Object.create(null))];
}, [1, 2, null]);
check("Object.defineProperty: everything is off by default", "Object.defineProperty", function () {
  return Object.getOwnPropertyDescriptor(Object.defineProperty({}, "a", { value: 1 }), "a");
}, { value: 1, writable: false, enumerable: false, configurable: false });
check("Object.defineProperty on a fixed property throws", "Object.defineProperty", function () {
  var o = Object.defineProperty({}, "a", { value: 1 });
  return thrown(function () { Object.defineProperty(o, "a", { value: 2 }); });
}, "TypeError");
check("a descriptor with both get and value throws", "ToPropertyDescriptor", function () {
  return thrown(function () { Object.defineProperty({}, "a", { get: function () {}, value: 1 }); });
}, "TypeError");
check("Object.defineProperties", "Object.defineProperties", function () {
  return Object.keys(Object.defineProperties({}, { a: { value: 1, enumerable: true }, b: { value: 2 } }));
}, ["a"]);
check("Object.getOwnPropertyNames shows hidden names", "Object.getOwnPropertyNames", function () {
  return Object.getOwnPropertyNames("ab").sort();
}, ["0", "1", "length"]);
check("Object.freeze, seal and preventExtensions", "Object.isFrozen", function () {
  var frozen = Object.freeze({ a: 1 }), sealed = Object.seal({ a: 1 }), closed = Object.preventExtensions({ a: 1 });
  sealed.a = 2;
  closed.b = 1;
  return [Object.isFrozen(frozen), Object.isSealed(frozen), Object.isFrozen(sealed), sealed.a, delete sealed.a, Object.isExtensible(closed), "b" in closed];
}, [true, true, false, 2, false, false, false]);
check("hasOwnProperty, propertyIsEnumerable, isPrototypeOf", "Object.prototype", function () {
  var o = { a: 1 };
  return [o.hasOwnProperty("a"), o.hasOwnProperty("toString"), [].propertyIsEnumerable("length"), Object.prototype.isPrototypeOf(o)];
}, [true, false, false, true]);
check("Object.prototype.toString tells the class", "Object.prototype.toString", function () {
  return [null, undefined, 1, "", true, [], {}, /a/, new Date(0), new Error(), Math, JSON, function () {}].map(function (v) {
    return Object.prototype.toString.call(v).slice(8, -1);
  }).join();
}, "Null,Undefined,Number,String,Boolean,Array,Object,RegExp,Date,Error,Math,JSON,Function");

check("call and apply", "Function.prototype.apply", function () {
  function f(a, b) { return [this.x, a, b]; }
  return [f.call({ x: 1 }, 2, 3), f.apply({ x: 1 }, [2, 3])];
}, [[1, 2, 3], [1, 2, 3]]);
check("apply with an array-like object", "Function.prototype.apply", function () {
  return Math.max.apply(null, { length: 2, 0: 4, 1: 9 });
}, 9);
check("bind: this, arguments and length", "Function.prototype.bind", function () {
  var f = function (a, b, c) { return [this.x, a, b, c]; }.bind({ x: 1 }, 2);
  return [f(3, 4), f.length];
}, [[1, 2, 3, 4], 2]);
check("bind: new makes an instance of the target", "[[Construct]] of bound functions", function () {
  function Point(x, y) { this.sum = x + y; }
  var Bound = Point.bind(null, 1), made = new Bound(2);
  return [made instanceof Point, made instanceof Bound, made.sum];
}, [true, true, 3]);
check("the Function constructor", "The Function Constructor", function () {
  return [new Function("a", "b", "return a + b")(1, 2), Function("a, b", "return a * b")(3, 4), new Function().length];
}, [3, 12, 0]);

check("Array: a number is the length", "The Array Constructor", function () {
  return [new Array(3).length, new Array("3").length, Array(1, 2).length, thrown(function () { return new Array(-1); })];
}, [3, 1, 2, "RangeError"]);
check("length cuts an array", "[[DefineOwnProperty]] of arrays", function () {
  var a = [1, 2, 3];
  a.length = 1;
  a[3] = 4;
  return [a, a.length];
}, [[1].concat(new Array(2), [4]), 4]);
check("Array.isArray", "Array.isArray", function () {
  return [Array.isArray([]), Array.isArray({ length: 0 }), Array.isArray(Array.prototype)];
}, [true, false, true]);
check("push, pop, shift, unshift", "Array.prototype.push", function () {
  var a = [2];
  return [a.push(3, 4), a.unshift(1), a.pop(), a.shift(), a];
}, [3, 4, 4, 1, [2, 3]]);
check("splice", "Array.prototype.splice", function () {
  var a = [1, 2, 3, 4];
  return [a.splice(1, 2, "x", "y", "z"), a, a.splice(-1), a.length];
}, [[2, 3], [1, "x", "y", "z"], [4], 4]);
check("slice with negative ends", "Array.prototype.slice", function () {
  return [[1, 2, 3, 4].slice(-3, -1), [1, 2].slice(5)];
}, [[2, 3], []]);
check("concat keeps holes and takes arrays apart", "Array.prototype.concat", function () {
  return [1].concat([2, , 3], [[4]], 5);
}, [1, 2, , 3, [4], 5]);
check("join and toString", "Array.prototype.join", function () {
  return [[1, null, undefined, [2, 3]].join("-"), String([1, [2, [3]]])];
}, ["1---2,3", "1,2,3"]);
check("join of an array that holds itself ends", "Array.prototype.toString", function () {
  var a = [1];
  return String(a.concat([a]));
}, "1,1");
check("sort: as texts, undefined last", "Array.prototype.sort", function () {
  return [10, 9, undefined, 1, "b", "a"].sort();
}, [1, 10, 9, "a", "b", undefined]);
check("sort with a comparison", "Array.prototype.sort", function () {
  return [3, 1, 10, 2].sort(function (a, b) { return b - a; });
}, [10, 3, 2, 1]);
check("reverse keeps holes", "Array.prototype.reverse", function () {
  var a = [1, , 3, 4].reverse();
  return [a, 2 in a];
}, [[4, 3, , 1], false]);
check("indexOf and lastIndexOf", "Array.prototype.indexOf", function () {
  return [[1, 2, 1].indexOf(1, 1), [1, 2, 1].lastIndexOf(1), [NaN].indexOf(NaN), [1].indexOf("1"), [1, 2].indexOf(2, -1)];
}, [2, 2, -1, -1, 1]);
check("forEach, map and filter skip holes", "Array.prototype.map", function () {
  var visits = 0;
  [1, , 3].forEach(function () { visits++; });
  return [visits, [1, , 3].map(function (x) { return x * 2; }), [1, , 3].filter(function () { return true; })];
}, [2, [2, , 6], [1, 3]]);
check("callbacks get value, index, array and this", "Array.prototype.forEach", function () {
  var a = ["v"], seen;
  a.forEach(function (v, i, all) { seen = [v, i, all === a, this.t]; }, { t: 1 });
  return seen;
}, ["v", 0, true, 1]);
check("every and some stop early", "Array.prototype.every", function () {
  var n = 0;
  return [[1, 0, 1].every(function (x) { n++; return x; }), n, [0, 1, 0].some(function (x) { n++; return x; }), n, [].every(function () {}), [].some(function () {})];
}, [false, 2, true, 4, true, false]);
check("reduce and reduceRight", "Array.prototype.reduce", function () {
  function join(a, b) { return a + b; }
  return [["a", "b", "c"].reduce(join), ["a", "b", "c"].reduceRight(join), [].reduce(join, "start"), thrown(function () { [].reduce(join); })];
}, ["abc", "cba", "start", "TypeError"]);
check("array methods work on array-like objects", "Array.prototype.map", function () {
  return Array.prototype.map.call("abc", function (c) { return c + c; });
}, ["aa", "bb", "cc"]);

check("charAt, charCodeAt and indexes", "String.prototype.charAt", function () {
  return ["abc".charAt(1), "abc".charAt(9), "abc".charCodeAt(9), "abc"[2], "abc"[9]];
}, ["b", "", NaN, "c", undefined]);
check("substring, slice", "String.prototype.substring", function () {
  return ["abcdef".substring(4, 1), "abcdef".substring(-1, 2), "abcdef".slice(-3, -1), "abcdef".slice(4, 1)];
}, ["bcd", "ab", "de", ""]);
check("split by text, by nothing, with a limit", "String.prototype.split", function () {
  return ["a,b,c".split(","), "abc".split(""), "a,b,c".split(",", 2), "abc".split(), "".split(""), "".split(",")];
}, [["a", "b", "c"], ["a", "b", "c"], ["a", "b"], ["abc"], [], [""]]);
check("split by an expression keeps its groups", "String.prototype.split", function () {
  return "a1b2c".split(/(\d)/);
}, ["a", "1", "b", "2", "c"]);
check("replace: $ patterns", "String.prototype.replace", function () {
  return ["abc".replace("b", "[$&$`$'$$]"), "john smith".replace(/(\w+) (\w+)/, "$2, $1")];
}, ["a[bac$]c", "smith, john"]);
check("replace with a function", "String.prototype.replace", function () {
  return "a-b".replace(/(\w)-(\w)/, function (all, x, y, at, whole) { return [all, x, y, at, whole].join("|"); });
}, "a-b|a|b|0|a-b");
check("replace of a text changes the first only", "String.prototype.replace", function () {
  return ["aaa".replace("a", "b"), "aaa".replace(/a/g, "b")];
}, ["baa", "bbb"]);
check("match with and without g", "String.prototype.match", function () {
  var first = "a1b2".match(/[a-z](\d)/);
  return [first[0], first[1], first.index, first.input, "a1b2".match(/\d/g), "a".match(/b/g)];
}, ["a1", "1", 0, "a1b2", ["1", "2"], null]);
check("search", "String.prototype.search", function () {
  return ["abc".search(/c/), "abc".search("x")];
}, [2, -1]);
check("trim takes all kinds of white space", "String.prototype.trim", function () {
  return "\ufeff\u00a0\u2028\u3000 \t\n a b \r\v\f".trim();
}, "a b");
check("case of letters whose length changes", "String.prototype.toUpperCase", function () {
  return ["stra\u00dfe".toUpperCase(), "\u0130".toLowerCase().length, "\u03a3\u03a3".toLowerCase()];
}, ["STRASSE", 2, "\u03c3\u03c2"]);
check("localeCompare orders", "String.prototype.localeCompare", function () {
  return ["a".localeCompare("b") < 0, "b".localeCompare("a") > 0, "a".localeCompare("a")];
}, [true, true, 0]);
check("String.fromCharCode", "String.fromCharCode", function () {
  return String.fromCharCode(72, 105, 0x10041);
}, "HiA");
check("a string object is no primitive", "String Objects", function () {
  var s = new String("a");
  return [typeof s, s == "a", s === "a", s.length];
}, ["object", true, false, 1]);

check("toFixed", "Number.prototype.toFixed", function () {
  return [(1.005).toFixed(2), (0.000001).toFixed(7), (1e21).toFixed(2), (-1.5).toFixed(0), (123.456).toFixed(1)];
}, ["1.00", "0.0000010", "1e+21", "-2", "123.5"]);
check("toPrecision and toExponential", "Number.prototype.toPrecision", function () {
  return [(123.456).toPrecision(4), (0.00001).toPrecision(1), (123456).toPrecision(2), (123456).toExponential(2)];
}, ["123.5", "0.00001", "1.2e+5", "1.23e+5"]);
check("toString with a radix", "Number.prototype.toString", function () {
  return [(255).toString(16), (-255).toString(2), (0.5).toString(2), (35).toString(36)];
}, ["ff", "-11111111", "0.1", "z"]);
check("numbers as the shortest text", "ToString Applied to the Number Type", function () {
  return [0.1 + 0.2, 1e21, 1e-7, 123456789012345680000, 5e-324, -0].map(String);
}, ["0.30000000000000004", "1e+21", "1e-7", "123456789012345680000", "5e-324", "0"]);
check("texts as numbers", "ToNumber Applied to the String Type", function () {
  return ["", " 12 ", "0x1f", "1e3", "1_0", "12px", "-Infinity", "."].map(Number);
}, [0, 12, 31, 1000, NaN, NaN, -Infinity, NaN]);
check("parseInt", "parseInt", function () {
  return [parseInt("12px"), parseInt("0x1f"), parseInt("101", 2), parseInt("z", 36), parseInt("010"), parseInt(""), parseInt("9", 8)];
}, [12, 31, 5, 35, 10, NaN, NaN]);
check("parseFloat", "parseFloat", function () {
  return [parseFloat("3.14abc"), parseFloat(".5."), parseFloat("-Infinityx"), parseFloat("e5"), parseFloat("1e1000")];
}, [3.14, 0.5, -Infinity, NaN, Infinity]);
check("limits of Number", "Properties of the Number Constructor", function () {
  return [Number.MAX_VALUE, Number.MIN_VALUE, Number.POSITIVE_INFINITY, Number.NaN];
}, [1.7976931348623157e308, 5e-324, Infinity, NaN]);
check("Math: constants and rounding", "The Math Object", function () {
  return [Math.round(-0.5), Math.round(2.5), Math.round(-2.5), Math.floor(-1.5), Math.ceil(-0.5), Math.abs(-3), Math.PI];
}, [-0, 3, -2, -2, -0, 3, 3.141592653589793]);
check("Math: max and min", "Math.max", function () {
  return [Math.max(), Math.min(), Math.max(1, NaN), Math.max(-0, 0), Math.min(0, -0)];
}, [-Infinity, Infinity, NaN, 0, -0]);
check("Math: pow, sqrt, atan2", "Math.pow", function () {
  return [Math.pow(2, 0.5) === Math.SQRT2, Math.pow(NaN, 0), Math.pow(1, Infinity), Math.sqrt(-1), Math.atan2(0, -0) === Math.PI];
}, [true, 1, NaN, NaN, true]);
check("Math.random is below one", "Math.random", function () {
  var a = Math.random();
  return a >= 0 && a < 1;
});

check("Date: UTC, parts and ISO text", "Date.UTC", function () {
  var d = new Date(Date.UTC(2024, 1, 29, 12, 30, 45, 678));
  return [d.toISOString(), d.getUTCDay(), d.getTime(), d.toJSON()];
}, ["2024-02-29T12:30:45.678Z", 4, 1709209845678, "2024-02-29T12:30:45.678Z"]);
check("Date: parts that are too large carry over", "MakeDay", function () {
  return new Date(Date.UTC(2023, 14, 32, 25)).toISOString();
}, "2024-04-02T01:00:00.000Z");
check("Date.parse reads ISO texts", "Date Time String Format", function () {
  return [Date.parse("2000-01-01"), Date.parse("2000-01-01T00:00:00Z"), Date.parse("2000-01-01T00:00:00+01:00"), Date.parse("nonsense"), Date.parse("2000-13-01")];
}, [946684800000, 946684800000, 946681200000, NaN, NaN]);
check("Date.parse reads what toString and toUTCString give", "Date.parse", function () {
  var d = new Date(1709209845000);
  return [Date.parse(d.toString()), Date.parse(d.toUTCString())];
}, [1709209845000, 1709209845000]);
check("toUTCString", "Date.prototype.toUTCString", function () {
  return new Date(0).toUTCString();
}, "Thu, 01 Jan 1970 00:00:00 GMT");
check("Date: setters", "Date.prototype.setUTCMonth", function () {
  var d = new Date(0);
  d.setUTCFullYear(2024);
  d.setUTCMonth(1, 29);
  d.setUTCHours(1, 2, 3, 4);
  return d.toISOString();
}, "2024-02-29T01:02:03.004Z");
check("an invalid date", "Time Values and Time Range", function () {
  var d = new Date(8.64e15 + 1);
  return [d.getTime(), String(d), d.toJSON(), thrown(function () { d.toISOString(); })];
}, [NaN, "Invalid Date", null, "RangeError"]);
check("Date as a function gives a text", "The Date Constructor Called as a Function", function () {
  return typeof Date(0);
}, "string");
check("local parts go there and back", "Date.prototype.getTimezoneOffset", function () {
  var d = new Date(2024, 5, 15, 13, 14, 15, 16);
  return [d.getFullYear(), d.getMonth(), d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds(), d.getMilliseconds(), d.getTime() - d.getTimezoneOffset() * 60000];
}, [2024, 5, 15, 13, 14, 15, 16, 1718457255016]);
check("Date: two digits are in the 20th century", "The Date Constructor", function () {
  return new Date(99, 0).getFullYear();
}, 1999);
check("Date: what the constructor has", "Properties of the Date Constructor", function () {
  return [Date.length, Date.name, Object.getOwnPropertyNames(Date).sort(), Object.getPrototypeOf(Date) === Function.prototype];
}, [7, "Date", ["UTC", "length", "name", "now", "parse", "prototype"], true]);
check("Date.prototype is fixed, and leads back", "Date.prototype", function () {
  var d = Object.getOwnPropertyDescriptor(Date, "prototype");
  return [d.writable, d.enumerable, d.configurable, Date.prototype.constructor === Date, new Date() instanceof Date];
}, [false, false, false, true, true]);
check("Date.now is the time", "Date.now", function () {
  var before = Date.now(), now = new Date().getTime();
  return [Math.floor(before) === before, now >= before, before > 1.5e12, Date.now.length, Date.now.name];
}, [true, true, true, 0, "now"]);
check("Date of undefined, null and a text", "The Date Constructor", function () {
  return [new Date(undefined).getTime(), new Date(null).getTime(), new Date("1970-01-01T00:00:01Z").getTime(), new Date(true).getTime(), new Date(2024, NaN).getTime()];
}, [NaN, 0, 1000, 1, NaN]);
check("Date - Date is a number, Date + is a text", "Date [[DefaultValue]]", function () {
  return [new Date(5) - new Date(3), typeof (new Date(5) + 1)];
}, [2, "string"]);

check("JSON.parse", "JSON.parse", function () {
  return JSON.parse(' {"a": [1, -2.5e2, "\\u0041\\n", true, null]} ');
}, { a: [1, -250, "A\n", true, null] });
check("JSON.parse refuses what is not JSON", "JSON.parse", function () {
  return ["{a: 1}", "[1,]", "'a'", "01", "\"\t\"", "", "1 2", "NaN"].every(function (text) {
    return thrown(function () { JSON.parse(text); }) === "SyntaxError";
  });
});
check("JSON.parse with a reviver", "JSON.parse", function () {
  return JSON.parse('{"a": 1, "b": {"c": 2}}', function (key, value) {
    return key === "a" ? undefined : typeof value === "number" ? value * 10 : value;
  });
}, { b: { c: 20 } });
check("JSON.parse: __proto__ is a name like others", "JSON.parse", function () {
  var o = JSON.parse('{"__proto__": 1}');
  return [o.hasOwnProperty("__proto__"), Object.getPrototypeOf(o) === Object.prototype];
}, [true, true]);
check("JSON.stringify leaves out what JSON has not", "JSON.stringify", function () {
  return [JSON.stringify({ a: undefined, b: function () {}, c: NaN, d: [undefined, function () {}] }), JSON.stringify(undefined)];
}, ['{"c":null,"d":[null,null]}', undefined]);
check("JSON.stringify with indentation", "JSON.stringify", function () {
  return [JSON.stringify({ a: [1, {}], b: [] }, null, 2), JSON.stringify([1], null, "--")];
}, ['{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}', "[\n--1\n]"]);
check("JSON.stringify with a replacer", "JSON.stringify", function () {
  return [
    JSON.stringify({ a: 1, b: 2 }, ["b"]),
    JSON.stringify({ a: 1, b: "x" }, function (k, v) { return typeof v === "number" ? v + 1 : v; })
  ];
}, ['{"b":2}', '{"a":2,"b":"x"}']);
check("JSON.stringify calls toJSON", "JSON.stringify", function () {
  return JSON.stringify({ d: new Date(0), o: { toJSON: function (key) { return key; } } });
}, '{"d":"1970-01-01T00:00:00.000Z","o":"o"}');
check("JSON.stringify escapes", "JSON.stringify", function () {
  return JSON.stringify('"\\\b\u0001\u00e4/');
}, '"\\"\\\\\\b\\u0001\u00e4/"');
check("JSON.stringify refuses circles", "JSON.stringify", function () {
  var o = {};
  o.o = o;
  return thrown(function () { JSON.stringify(o); });
}, "TypeError");

check("encodeURIComponent and encodeURI", "URI Handling Functions", function () {
  return [encodeURIComponent("a b&\u00e4/\u20ac"), encodeURI("a b&\u00e4/?#"), thrown(function () { encodeURIComponent("\ud800"); })];
}, ["a%20b%26%C3%A4%2F%E2%82%AC", "a%20b&%C3%A4/?#", "URIError"]);
check("decodeURIComponent and decodeURI", "URI Handling Functions", function () {
  return [decodeURIComponent("%C3%A4%2F"), decodeURI("%C3%A4%2F"), thrown(function () { decodeURIComponent("%E4"); })];
}, ["\u00e4/", "\u00e4%2F", "URIError"]);
check("isNaN and isFinite convert", "isNaN", function () {
  return [isNaN("x"), isNaN("1"), isFinite("1"), isFinite(Infinity)];
}, [true, false, true, false]);
check("Error: name, message and toString", "Error Objects", function () {
  var e = new TypeError("why");
  return [e.name, e.message, String(e), e instanceof Error, String(new Error()), Error("called").message];
}, ["TypeError", "why", "TypeError: why", true, "Error", "called"]);
check("all kinds of native errors", "Native Error Types", function () {
  return [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].every(function (E) {
    return new E() instanceof Error && E.prototype.name === E.name;
  });
});
check("built-in methods are not enumerable", "Standard Built-in ECMAScript Objects", function () {
  var names = [];
  for (var name in []) names.push(name);
  for (name in "") names.push(name);
  return names;
}, []);
