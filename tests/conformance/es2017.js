// Jobs of promises do not run inside a call, so what comes after an `await` is not looked at.
area("ES2017", "everything");

check("Object.values and entries", "Object.entries", function () { return [Object.values({ a: 1, b: 2 }), Object.entries({ a: 1 }), Object.entries("x")]; }, [[1, 2], [["a", 1]], [["0", "x"]]]);
check("Object.getOwnPropertyDescriptors", "Object.getOwnPropertyDescriptors", function () { return Object.getOwnPropertyDescriptors({ a: 1 }); }, { a: { value: 1, writable: true, enumerable: true, configurable: true } });
check("padStart and padEnd", "String.prototype.padStart", function () { return ["5".padStart(3, "0"), "abc".padEnd(6, "12"), "abc".padStart(2), "a".padEnd(3)]; }, ["005", "abc121", "abc", "a  "]);
check("trailing commas in parameters and arguments", "Function Definitions", "return (function (a, b,) { return [a, b]; })(1, 2,);", [1, 2]);
check("a comma after a rest parameter is refused", "Function Definitions", function () { return refused("(function (...a,) {})"); });
check("async functions run to their first await", "Async Function Definitions", "var seen = []; async function f() { seen.push(1); await null; seen.push(2); } var p = f(); return [p instanceof Promise, seen];", [true, [1]]);
check("async arrows, methods and expressions", "Async Arrow Function Definitions", "return [(async () => 1)(), (async x => x)(), {async m() {}}.m(), (async function () {})()].every(p => p instanceof Promise);");
check("async methods of classes", "Method Definitions", "class A { async m() { return 1; } static async s() {} } return [new A().m(), A.s()].every(p => p instanceof Promise);");
check("a throw in an async function rejects", "AsyncFunctionStart", "async function f() { throw 1; } return f() instanceof Promise;");
check("async functions are no constructors", "AsyncFunction", "async function f() {} return [thrown(() => new f()), 'prototype' in f, Object.prototype.toString.call(f)];", ["TypeError", false, "[object AsyncFunction]"]);
check("the AsyncFunction constructor", "AsyncFunction", "var A = Object.getPrototypeOf(async function () {}).constructor; return [A.name, new A('await 1')() instanceof Promise];", ["AsyncFunction", true]);
check("async and await as names", "Identifiers", "var async = 1, await = 2; return async + await;", 3);
check("await in a parameter is refused", "Async Function Definitions", function () { return refused("(async function (a = await 1) {})"); });
check("SharedArrayBuffer", "SharedArrayBuffer Objects", function () { return typeof SharedArrayBuffer; }, "function");
check("Atomics", "The Atomics Object", function () { return typeof Atomics; }, "object");
check("RegExp: \\w and \\b with u and i", "WordCharacters", function () { return new RegExp("\\w", "iu").test("\u017f"); });
