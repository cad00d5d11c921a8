// Proxy with each of its traps, and Reflect.
area("ES2015", "Proxy and Reflect");

check("Proxy: get", "[[Get]]", "var p = new Proxy({}, {get: (t, k, r) => [k, r === p]}); return p.name;", ["name", true]);
check("Proxy: set", "[[Set]]", "var seen; var p = new Proxy({}, {set(t, k, v, r) { seen = [k, v, r === p]; return true; }}); p.a = 1; return seen;", ["a", 1, true]);
check("Proxy: a set that gives false throws in strict code only", "[[Set]]", "var p = new Proxy({}, {set: () => false}); p.a = 1; return thrown(() => { 'use strict'; p.a = 1; });", "TypeError");
check("Proxy: has", "[[HasProperty]]", "var p = new Proxy({}, {has: (t, k) => k === 'a'}); return ['a' in p, 'b' in p];", [true, false]);
check("Proxy: has with with", "[[HasProperty]]", "with (new Proxy({}, {has: (t, k) => k === 'made_up', get: (t, k) => k === 'made_up' ? 5 : undefined})) { return made_up; }", 5);
check("Proxy: deleteProperty", "[[Delete]]", "var seen; var p = new Proxy({a: 1}, {deleteProperty(t, k) { seen = k; return delete t[k]; }}); return [delete p.a, seen, 'a' in p];", [true, "a", false]);
check("Proxy: ownKeys", "[[OwnPropertyKeys]]", "return Reflect.ownKeys(new Proxy({}, {ownKeys: () => ['b', 'a']}));", ["b", "a"]);
check("Proxy: getOwnPropertyDescriptor", "[[GetOwnProperty]]", "var p = new Proxy({}, {getOwnPropertyDescriptor: () => ({value: 1, configurable: true, enumerable: true}), ownKeys: () => ['x']}); return Object.keys(p);", ["x"]);
check("Proxy: defineProperty", "[[DefineOwnProperty]]", "var seen; var p = new Proxy({}, {defineProperty(t, k, d) { seen = [k, d]; return true; }}); Object.defineProperty(p, 'a', {value: 1, configurable: true}); return seen;", ["a", { value: 1, configurable: true }]);
check("Proxy: getPrototypeOf", "[[GetPrototypeOf]]", "var p = new Proxy({}, {getPrototypeOf: () => Array.prototype}); return [p instanceof Array, Object.getPrototypeOf(p) === Array.prototype];", [true, true]);
check("Proxy: setPrototypeOf", "[[SetPrototypeOf]]", "var p = new Proxy({}, {setPrototypeOf: () => false}); return [Reflect.setPrototypeOf(p, null), thrown(() => Object.setPrototypeOf(p, null))];", [false, "TypeError"]);
check("Proxy: isExtensible", "[[IsExtensible]]", "var n = 0; var p = new Proxy({}, {isExtensible(t) { n++; return Reflect.isExtensible(t); }}); return [Object.isExtensible(p), n];", [true, 1]);
check("Proxy: preventExtensions", "[[PreventExtensions]]", "var p = new Proxy({}, {preventExtensions(t) { Object.preventExtensions(t); return true; }}); Object.preventExtensions(p); return Object.isExtensible(p);", false);
check("Proxy: apply", "[[Call]]", "var p = new Proxy(function () {}, {apply: (t, self, list) => [self, list]}); return p.call('s', 1, 2);", ["s", [1, 2]]);
check("Proxy: construct", "[[Construct]]", "var p = new Proxy(function () {}, {construct: (t, list, target) => ({list, same: target === p})}); return new p(1);", { list: [1], same: true });
check("Proxy: without traps all goes to the target", "Proxy Object Internal Methods", "var t = [1, 2], p = new Proxy(t, {}); p.push(3); return [t, p.length, Array.isArray(p), typeof new Proxy(() => 1, {})];", [[1, 2, 3], 3, true, "function"]);
check("Proxy: get must agree with fixed properties", "[[Get]]", "var t = Object.freeze({a: 1}); return thrown(() => new Proxy(t, {get: () => 2}).a);", "TypeError");
check("Proxy: has cannot hide fixed properties", "[[HasProperty]]", "var t = Object.freeze({a: 1}); return thrown(() => 'a' in new Proxy(t, {has: () => false}));", "TypeError");
check("Proxy: ownKeys must have fixed properties, and none twice", "[[OwnPropertyKeys]]", "var t = Object.freeze({a: 1}); return [thrown(() => Object.keys(new Proxy(t, {ownKeys: () => []}))), thrown(() => Object.keys(new Proxy({}, {ownKeys: () => ['a', 'a']})))];", ["TypeError", "TypeError"]);
check("Proxy.revocable", "Proxy.revocable", "var r = Proxy.revocable({a: 1}, {}); var before = r.proxy.a; r.revoke(); return [before, thrown(() => r.proxy.a), typeof r.proxy];", [1, "TypeError", "object"]);
check("Proxy: as a prototype", "OrdinaryGet", "return Object.create(new Proxy({}, {get: (t, k) => 'made ' + String(k)})).thing;", "made thing");
check("Proxy: for in asks ownKeys and the prototype", "EnumerateObjectProperties", "var names = []; for (var k in new Proxy({a: 1, b: 2}, {ownKeys: () => ['b', 'a']})) names.push(k); return names;", ["b", "a"]);
check("Proxy: JSON.stringify", "SerializeJSONObject", "return [JSON.stringify(new Proxy({a: 1}, {})), JSON.stringify(new Proxy([1], {}))];", ['{"a":1}', "[1]"]);
check("Proxy: spread and destructuring take traps in order", "CopyDataProperties", "var seen = []; var p = new Proxy({a: 1}, {ownKeys(t) { seen.push('keys'); return Reflect.ownKeys(t); }, getOwnPropertyDescriptor(t, k) { seen.push('own ' + k); return Reflect.getOwnPropertyDescriptor(t, k); }, get(t, k) { seen.push('get ' + k); return t[k]; }}); Object.assign({}, p); return seen;", ["keys", "own a", "get a"]);

check("Reflect.apply and construct", "Reflect.apply", "function F(a) { this.a = a; } class G {} var made = Reflect.construct(F, [1], G); return [Reflect.apply(Math.max, null, [1, 3]), made.a, made instanceof G];", [3, 1, true]);
check("Reflect.construct of built-ins with a class of its own", "OrdinaryCreateFromConstructor", "class Own {} return [[Date, [0]], [Map, []], [Error, ['m']], [Array, [1]], [RegExp, ['a']], [Object, []]].map(([F, list]) => Reflect.construct(F, list, Own) instanceof Own);", [true, true, true, true, true, true]);
check("Reflect.get and set with a receiver", "Reflect.get", "var o = {get a() { return this.x; }, set a(v) { this.x = v; }}, r = {x: 5}; Reflect.set(o, 'a', 6, r); return [Reflect.get(o, 'a', r), o.x];", [6, undefined]);
check("Reflect.defineProperty and deleteProperty give booleans", "Reflect.defineProperty", function () {
  var f = Object.freeze({ a: 1 });
  return [Reflect.defineProperty(f, "a", { value: 2 }), Reflect.deleteProperty(f, "a"), Reflect.defineProperty({}, "a", { value: 2 })];
}, [false, false, true]);
check("Reflect.has, ownKeys and getOwnPropertyDescriptor", "Reflect.ownKeys", function () {
  return [Reflect.has({ a: 1 }, "toString"), Reflect.ownKeys([1]), Reflect.getOwnPropertyDescriptor({ a: 1 }, "a").value];
}, [true, ["0", "length"], 1]);
check("Reflect: prototypes and extensibility", "Reflect.setPrototypeOf", function () {
  var o = {};
  return [Reflect.setPrototypeOf(o, null), Reflect.getPrototypeOf(o), Reflect.preventExtensions(o), Reflect.isExtensible(o)];
}, [true, null, true, false]);
check("Reflect takes objects only", "Reflect.get", function () { return thrown(function () { Reflect.get(1, "a"); }); }, "TypeError");

check("Proxy: set must agree with fixed properties", "[[Set]]", "var t = Object.freeze({a: 1}); return thrown(() => { new Proxy(t, {set: () => true}).a = 2; });", "TypeError");
check("Proxy: deleteProperty cannot lie about fixed properties", "[[Delete]]", "var t = Object.freeze({a: 1}); return thrown(() => { delete new Proxy(t, {deleteProperty: () => true}).a; });", "TypeError");
check("Proxy: getPrototypeOf of what is not extensible", "[[GetPrototypeOf]]", "var t = Object.preventExtensions({}); return thrown(() => Object.getPrototypeOf(new Proxy(t, {getPrototypeOf: () => null})));", "TypeError");
check("Proxy: isExtensible and preventExtensions must tell the truth", "[[IsExtensible]]", "return [thrown(() => Object.isExtensible(new Proxy({}, {isExtensible: () => false}))), thrown(() => Object.preventExtensions(new Proxy({}, {preventExtensions: () => true})))];", ["TypeError", "TypeError"]);
check("Proxy: construct must give an object", "[[Construct]]", "return thrown(() => new (new Proxy(function () {}, {construct: () => 1}))());", "TypeError");
check("Proxy: a trap that is no function throws, null is none", "GetMethod", "return [thrown(() => new Proxy({}, {get: 1}).a), new Proxy({a: 1}, {get: null}).a];", ["TypeError", 1]);
check("Proxy: a private name does not go through", "PrivateFieldGet", "class A { #x = 1; read() { return this.#x; } } return thrown(() => new Proxy(new A(), {}).read());", "TypeError");
