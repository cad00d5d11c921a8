area("ES2015", "library");

check("Object.assign", "Object.assign", "var s = Symbol(); var o = Object.assign({a: 1}, null, {a: 2, b: 3}, 'x', {[s]: 4}); return [o.a, o.b, o[0], o[s]];", [2, 3, "x", 4]);
check("Object.is", "Object.is", function () { return [Object.is(NaN, NaN), Object.is(0, -0), Object.is("a", "a")]; }, [true, false, true]);
check("Object.setPrototypeOf", "Object.setPrototypeOf", function () {
  var o = {};
  return [Object.setPrototypeOf(o, { a: 1 }) === o, o.a, thrown(function () { Object.setPrototypeOf(Object.freeze({}), {}); })];
}, [true, 1, "TypeError"]);
check("Object.getOwnPropertySymbols", "Object.getOwnPropertySymbols", "var s = Symbol('a'); return Object.getOwnPropertySymbols({[s]: 1, b: 2}).length;", 1);
check("Object.keys and others take primitives", "Object.keys", function () { return [Object.keys("ab"), Object.freeze(1), Object.getPrototypeOf(1) === Number.prototype]; }, [["0", "1"], 1, true]);
check("own names: whole numbers first, then in order", "OrdinaryOwnPropertyKeys", "return Reflect.ownKeys({b: 1, 2: 1, a: 1, 1: 1, [Symbol.iterator]: 1}).map(String);", ["1", "2", "b", "a", "Symbol(Symbol.iterator)"]);
check("function name and length are configurable", "Function Instances", function () {
  function f(a) { return a; }
  return [Object.getOwnPropertyDescriptor(f, "name"), Object.getOwnPropertyDescriptor(f, "length")];
}, [{ value: "f", writable: false, enumerable: false, configurable: true }, { value: 1, writable: false, enumerable: false, configurable: true }]);

check("Array.from", "Array.from", "return [Array.from('ab'), Array.from({length: 2, 0: 'x'}), Array.from(new Set([1, 2]), x => x * 2)];", [["a", "b"], ["x", undefined], [2, 4]]);
check("Array.of", "Array.of", function () { return Array.of(3); }, [3]);
check("find and findIndex", "Array.prototype.find", "return [[1, 5, 9].find(x => x > 3), [1].find(x => x > 3), [1, 5].findIndex(x => x > 3), [1].findIndex(x => x > 3), [,].findIndex(x => x === undefined)];", [5, undefined, 1, -1, 0]);
check("fill", "Array.prototype.fill", function () { return [[1, 2, 3].fill(0, 1), new Array(2).fill("a"), [1, 2, 3].fill(9, -2, -1)]; }, [[1, 0, 0], ["a", "a"], [1, 9, 3]]);
check("copyWithin", "Array.prototype.copyWithin", function () { return [1, 2, 3, 4, 5].copyWithin(0, 3); }, [4, 5, 3, 4, 5]);
check("entries, keys and values", "Array.prototype.entries", "return [[...['a'].entries()], [...['a', , 'c'].keys()], [...[1, 2].values()]];", [[[0, "a"]], [0, 1, 2], [1, 2]]);
check("an array iterator sees what is added", "CreateArrayIterator", "var a = [1], seen = []; for (var x of a) { seen.push(x); if (a.length < 3) a.push(x + 1); } return seen;", [1, 2, 3]);
check("Symbol.species chooses the class of results", "ArraySpeciesCreate", "class A extends Array { static get [Symbol.species]() { return Array; } } return new A(1, 2).map(x => x) instanceof A;", false);
check("Symbol.isConcatSpreadable", "IsConcatSpreadable", "var o = {length: 1, 0: 'x', [Symbol.isConcatSpreadable]: true}; var a = [1]; a[Symbol.isConcatSpreadable] = false; return [[0].concat(o), [0].concat(a).length];", [[0, "x"], 2]);
check("Symbol.unscopables", "Object Environment Records", "var values = 'outer'; with ([]) { return values; }", "outer");

check("includes, startsWith, endsWith", "String.prototype.includes", function () { return ["abc".includes("b", 2), "abc".startsWith("b", 1), "abc".endsWith("b", 2), thrown(function () { "a".includes(/a/); })]; }, [false, true, true, "TypeError"]);
check("repeat", "String.prototype.repeat", function () { return ["ab".repeat(3), "a".repeat(0), thrown(function () { "a".repeat(-1); }), thrown(function () { "a".repeat(Infinity); })]; }, ["ababab", "", "RangeError", "RangeError"]);
check("codePointAt and fromCodePoint", "String.prototype.codePointAt", function () { return ["\ud83d\ude00".codePointAt(0), "\ud83d\ude00".codePointAt(1), String.fromCodePoint(0x1f600, 65), thrown(function () { String.fromCodePoint(0x110000); })]; }, [128512, 56832, "\ud83d\ude00A", "RangeError"]);
check("normalize", "String.prototype.normalize", function () { return ["a\u0308".normalize(), "\u00e4".normalize("NFD").length, "\ufb01".normalize("NFKC"), thrown(function () { "a".normalize("X"); })]; }, ["\u00e4", 2, "fi", "RangeError"]);
check("String.raw", "String.raw", "return [String.raw`a\\n${1}`, String.raw({raw: ['x', 'y']}, 0)];", ["a\\n1", "x0y"]);
check("strings are iterated by code points", "String.prototype[Symbol.iterator]", "return [...'a\\ud83d\\ude00\\ud800'].length;", 3);

check("Number.isInteger and others do not convert", "Number.isInteger", function () { return [Number.isInteger(5.0), Number.isInteger("5"), Number.isSafeInteger(9007199254740992), Number.isNaN("x"), Number.isFinite("1")]; }, [true, false, false, false, false]);
check("Number.EPSILON and safe limits", "Number.EPSILON", function () { return [Number.EPSILON, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.parseFloat === parseFloat]; }, [2.220446049250313e-16, 9007199254740991, -9007199254740991, true]);
check("Math: trunc, sign, cbrt, hypot", "Math.trunc", function () { return [Math.trunc(-1.9), Math.sign(-0), Math.sign(-5), Math.cbrt(27), Math.hypot(3, 4), Math.hypot()]; }, [-1, -0, -1, 3, 5, 0]);
check("Math: clz32, imul, fround", "Math.clz32", function () { return [Math.clz32(1), Math.clz32(0), Math.imul(0xffffffff, 5), Math.fround(5.5), Math.fround(5.05)]; }, [31, 32, -5, 5.5, 5.050000190734863]);
check("Math: log2, log10, log1p, expm1", "Math.log2", function () { return [Math.log2(8), Math.log10(1000), Math.log1p(-0), Math.expm1(-0), Math.log10(0)]; }, [3, 3, -0, -0, -Infinity]);
check("Math: sinh, cosh, tanh and inverses", "Math.sinh", function () { return [Math.sinh(0), Math.cosh(0), Math.tanh(Infinity), Math.asinh(-0), Math.acosh(1), Math.atanh(1)]; }, [0, 1, 1, -0, 0, Infinity]);

check("Map: keys of all kinds", "Map Objects", "var k = {}, m = new Map([[NaN, 1], [k, 2], [0, 3]]); return [m.get(NaN), m.get(k), m.get(-0), m.get({}), m.size, m.has(k), m.delete(k), m.size];", [1, 2, 3, undefined, 3, true, true, 2]);
check("Map: in order of insertion", "Map.prototype.forEach", "var m = new Map([['b', 1], ['a', 2]]); m.set('b', 3); m.set('c', 4); m.delete('a'); m.set('a', 5); return [...m];", [["b", 3], ["c", 4], ["a", 5]]);
check("Map: what is added while it is iterated is seen", "Map.prototype.forEach", "var m = new Map([[1, 1]]), n = 0; m.forEach((v, k) => { n++; if (k < 3) { m.set(k + 1, 1); m.delete(k); } }); return [n, m.size];", [3, 1]);
check("Map: -0 becomes 0", "Map.prototype.set", "return Object.is([...new Map([[-0, 1]]).keys()][0], 0);");
check("Set", "Set Objects", "var s = new Set([1, 1, NaN, NaN, '1']); return [s.size, s.has(NaN), s.add(2) === s, s.delete(1), [...s.entries()][1]];", [3, true, true, true, ["1", "1"]]);
check("WeakMap", "WeakMap Objects", "var k = {}, w = new WeakMap([[k, 1]]); return [w.get(k), w.has({}), w.delete(k), w.has(k), thrown(() => w.set(1, 1))];", [1, false, true, false, "TypeError"]);
check("WeakSet", "WeakSet Objects", "var k = {}, w = new WeakSet([k]); return [w.has(k), w.delete(k), w.has(k), thrown(() => w.add('a'))];", [true, true, false, "TypeError"]);
check("collections need new", "Map", function () { return [thrown(function () { Map(); }), thrown(function () { WeakSet(); })]; }, ["TypeError", "TypeError"]);

check("Symbol: unique, with a description", "Symbol Objects", function () { return [typeof Symbol(), Symbol("a") === Symbol("a"), Symbol("d").toString(), thrown(function () { return "" + Symbol(); }), thrown(function () { new Symbol(); })]; }, ["symbol", false, "Symbol(d)", "TypeError", "TypeError"]);
check("Symbol.for and keyFor", "Symbol.for", function () { return [Symbol.for("a") === Symbol.for("a"), Symbol.keyFor(Symbol.for("a")), Symbol.keyFor(Symbol("a"))]; }, [true, "a", undefined]);
check("symbols are no names for for in and JSON", "Symbol Objects", "var o = {[Symbol('s')]: 1}; for (var k in o) return k; return [Object.keys(o), JSON.stringify(o)];", [[], "{}"]);
check("Symbol.iterator makes objects iterable", "The Iterable Interface", "return [...{*[Symbol.iterator]() { yield 1; yield 2; }}];", [1, 2]);
check("Symbol.hasInstance", "InstanceofOperator", "return [3 instanceof {[Symbol.hasInstance]: v => v === 3}, {} instanceof class { static [Symbol.hasInstance]() { return true; } }];", [true, true]);
check("Symbol.toPrimitive", "ToPrimitive", "var o = {[Symbol.toPrimitive](hint) { return hint; }}; return [`${o}`, o + '', isNaN(+o), o == 'default'];", ["string", "default", true, true]);
check("Date has Symbol.toPrimitive", "Date.prototype[Symbol.toPrimitive]", "return [typeof new Date(0)[Symbol.toPrimitive]('number'), thrown(() => new Date(0)[Symbol.toPrimitive]('x'))];", ["number", "TypeError"]);
check("Symbol.toStringTag", "Object.prototype.toString", "return [String({[Symbol.toStringTag]: 'T'}), String(new Map()), String(Symbol.prototype[Symbol.toStringTag]), String(function* () {}())];", ["[object T]", "[object Map]", "Symbol", "[object Generator]"]);
check("Symbol.match, replace, search and split are asked", "String.prototype.match", "var o = {[Symbol.match]: s => 'm' + s, [Symbol.replace]: (s, r) => 'r' + s + r, [Symbol.search]: s => 's' + s, [Symbol.split]: (s, n) => ['p' + s + n]}; return ['x'.match(o), 'x'.replace(o, 'y'), 'x'.search(o), 'x'.split(o, 2)];", ["mx", "rxy", "sx", ["px2"]]);
check("iterators are iterable and share a prototype", "The %IteratorPrototype% Object", "var p = x => Object.getPrototypeOf(x); var i = [][Symbol.iterator](); return [i[Symbol.iterator]() === i, p(p(i)) === p(p(new Map().keys())), String(i)];", [true, true, "[object Array Iterator]"]);

check("RegExp: sticky", "RegExp.prototype.sticky", function () {
  var r = new RegExp("a", "y");
  return [r.test("ba"), r.lastIndex = 1, r.test("ba"), r.lastIndex, r.sticky];
}, [false, 1, true, 2, true]);
check("RegExp: unicode", "RegExp.prototype.unicode", function () {
  return [new RegExp("^.$", "u").test("\ud83d\ude00"), new RegExp("^.$").test("\ud83d\ude00"), new RegExp("\\u{61}", "u").test("a"), thrown(function () { new RegExp("\\-", "u"); })];
}, [true, false, true, "SyntaxError"]);
check("RegExp: unicode folds case by code points", "Canonicalize", function () {
  return [new RegExp("\\u{10428}", "ui").test("\ud801\udc00"), new RegExp("\u017f", "i").test("s"), new RegExp("\u017f", "iu").test("s")];
}, [true, false, true]);
check("RegExp: flags", "get RegExp.prototype.flags", function () { return [new RegExp("a", "yig").flags, Object.prototype.hasOwnProperty.call(/a/, "global")]; }, ["giy", false]);
check("RegExp: a copy with other flags", "RegExp", function () { return new RegExp(/a/g, "i").flags; }, "i");
check("RegExp: exec of a subclass is asked", "RegExpExec", "class R extends RegExp { exec(s) { var m = super.exec(s); if (m) m[0] = 'own'; return m; } } return 'a'.replace(new R('a'), '[$&]');", "[own]");

check("Promise: construction and what it is", "Promise Objects", "var ran = false; var p = new Promise(r => { ran = true; r(1); }); return [ran, p instanceof Promise, String(p), thrown(() => Promise()), thrown(() => new Promise(1))];", [true, true, "[object Promise]", "TypeError", "TypeError"]);
check("Promise: resolve, reject, all and race give promises", "Promise.all", "return [Promise.resolve(1), Promise.all([1]), Promise.race([]), Promise.resolve(1).then(), Promise.resolve(1).catch()].every(p => p instanceof Promise);");
check("Promise.resolve gives a promise back", "PromiseResolve", "var p = Promise.resolve(1); return Promise.resolve(p) === p;");
check("Promise: then does not run at once", "Promise.prototype.then", "var ran = false; Promise.resolve(1).then(() => { ran = true; }); return ran;", false);

check("built-in prototypes are plain objects", "Properties of the Date Prototype Object", function () {
  return [thrown(function () { Date.prototype.getTime(); }), Object.prototype.toString.call(Error.prototype), thrown(function () { return RegExp.prototype.exec.call(RegExp.prototype, ""); }), String(RegExp.prototype)];
}, ["TypeError", "[object Object]", "TypeError", "/(?:)/"]);
check("invalid dates as text, valid ones by Date.prototype.toString", "Date.prototype.toString", function () {
  return [String(new Date(NaN)), /^\w{3} \w{3} \d{2} \d{4} \d{2}:\d{2}:\d{2} GMT[+-]\d{4}/.test(new Date(0).toString())];
}, ["Invalid Date", true]);
check("new Date of a Date copies it", "Date", function () { return new Date(new Date(1234)).getTime(); }, 1234);

check("Array.from closes its iterator when the function throws", "Array.from", "var n = 0; var it = {[Symbol.iterator]() { return {next: () => ({done: false}), return: () => (n++, {})}; }}; return [thrown(() => Array.from(it, () => { throw new RangeError(); })), n];", ["RangeError", 1]);
check("array methods with a length above 32 bits", "LengthOfArrayLike", function () {
  var o = { length: 9007199254740991, 9007199254740990: "end" };
  return [Array.prototype.pop.call(o), o.length, thrown(function () { Array.prototype.push.call({ length: 9007199254740991 }, 1); })];
}, ["end", 9007199254740990, "TypeError"]);
check("a fixed length stops push", "Array.prototype.push", function () { return [thrown(function () { Object.freeze([1]).push(2); }), thrown(function () { Object.defineProperty([1], "length", { writable: false }).push(2); })]; }, ["TypeError", "TypeError"]);
check("a length that is read-only in the middle", "ArraySetLength", function () {
  var a = [0, 1, 2, 3];
  Object.defineProperty(a, 1, { configurable: false });
  a.length = 0;
  return a.length;
}, 2);
check("split asks for a class of its own", "RegExp.prototype[Symbol.split]", "var made = 0; class R extends RegExp { static get [Symbol.species]() { made++; return RegExp; } } return ['a1b'.split(new R('\\\\d')), made];", [["a", "b"], 1]);
check("replace with g and empty matches moves on", "AdvanceStringIndex", function () { return ["abc".replace(/(?:)/g, "-"), "\ud83d\ude00".replace(new RegExp("", "gu"), "-")]; }, ["-a-b-c-", "-\ud83d\ude00-"]);
check("sticky with split and match", "RegExp.prototype[Symbol.match]", function () { return ["aab".match(new RegExp("a", "gy")), "a,b".split(new RegExp(",", "y"))]; }, [["a", "a"], ["a", "b"]]);
check("Symbol() has no implicit number or text", "ToNumber", function () { return [thrown(function () { +Symbol(); }), thrown(function () { Symbol() + 1; }), !Symbol(), Object(Symbol.iterator) == Symbol.iterator]; }, ["TypeError", "TypeError", false, true]);
check("a Set that grows while it is iterated", "Set.prototype.values", "var s = new Set([1]), seen = []; for (var x of s) { seen.push(x); if (x < 4) { s.add(x + 1); s.delete(x); } } return seen;", [1, 2, 3, 4]);
check("Map closes its iterator when an entry is wrong", "AddEntriesFromIterable", "var n = 0; var it = {[Symbol.iterator]() { return {next: () => ({value: 1, done: false}), return: () => (n++, {})}; }}; return [thrown(() => new Map(it)), n];", ["TypeError", 1]);
check("a realm has one ThrowTypeError", "%ThrowTypeError%", "var get = f => Object.getOwnPropertyDescriptor(f(), 'callee').get; var a = get(function () { 'use strict'; return arguments; }), b = get(function () { 'use strict'; return arguments; }); return [a === b, a.length, Object.isFrozen(a), thrown(a)];", [true, 0, true, "TypeError"]);
