area("ES2015", "syntax");

check("let is local to its block", "Let and Const Declarations", "let a = 1; { let a = 2; } return a;", 1);
check("let cannot be used before its line", "Let and Const Declarations", "try { a; let a; } catch (e) { return e.name; }", "ReferenceError");
check("typeof before a let throws", "Let and Const Declarations", "try { typeof a; let a; } catch (e) { return e.name; }", "ReferenceError");
check("const cannot be assigned", "Let and Const Declarations", "const a = 1; try { a = 2; } catch (e) { return [e.name, a]; }", ["TypeError", 1]);
check("two lets of one name are refused", "Static Semantics: Early Errors", function () { return refused("{ let a; let a; }"); });
check("each turn of a for has its own let", "CreatePerIterationEnvironment", "var all = []; for (let i = 0; i < 3; i++) all.push(() => i); return all.map(f => f());", [0, 1, 2]);
check("a let of indirect eval is no property of the global object", "PerformEval", function () {
  return (0, eval)("let let_of_eval = 1; [let_of_eval, this.let_of_eval]");
}, [1, undefined]);
check("switch has one scope", "The switch Statement", function () { return refused("switch (1) { case 1: let a; case 2: let a; }"); });

check("arrow functions", "Arrow Function Definitions", "return [x => x * 2, (a, b) => a + b, () => ({a: 1})].map(f => f(1, 2));", [2, 3, { a: 1 }]);
check("arrows keep this", "Arrow Function Definitions", "return function () { return (() => this.a)(); }.call({a: 5});", 5);
check("arrows keep arguments", "Arrow Function Definitions", "return (function () { return (() => arguments[0])(2); })(1);", 1);
check("arrows are no constructors and have no prototype", "Arrow Function Definitions", "var f = () => {}; return [thrown(() => new f()), 'prototype' in f];", ["TypeError", false]);
check("a line end before => is refused", "Arrow Function Definitions", function () { return refused("var f = ()\n=> 1"); });

check("default parameters", "Function Definitions", "return (function (a, b = a + 1) { return [a, b]; })(1, undefined);", [1, 2]);
check("defaults are evaluated at each call, from left to right", "Function Definitions", "var n = 0; var f = (a = n++, b = n++) => [a, b]; return [f(), f(9)];", [[0, 1], [9, 2]]);
check("a default cannot see later parameters", "Function Definitions", "return thrown(() => (function (a = b, b) {})());", "ReferenceError");
check("defaults do not see variables of the body", "FunctionDeclarationInstantiation", "var x = 1; return (function (f = () => x) { var x = 2; return f(); })();", 1);
check("arguments are not linked with defaults", "FunctionDeclarationInstantiation", "return (function (a, b = 0) { a = 2; return arguments[0]; })(1);", 1);
check("length stops at the first default", "Function Definitions", "return [(a, b = 1, c) => 1, (...r) => 1].map(f => f.length);", [1, 0]);
check("rest parameters", "Function Definitions", "return (function (a, ...r) { return [r, Array.isArray(r)]; })(1, 2, 3);", [[2, 3], true]);
check("'use strict' with defaults is refused", "Function Definitions", function () { return refused("(function (a = 1) { 'use strict'; })"); });
check("spread in calls", "Argument Lists", "return Math.max(...[1, 5], 3, ...new Set([7]));", 7);
check("spread in new", "The new Operator", "return new Date(...[2024, 0, 2]).getDate();", 2);
check("spread in arrays fills holes", "Array Initializer", "return [0, ...[1, , 3], ...'ab'];", [0, 1, undefined, 3, "a", "b"]);

check("array destructuring", "Destructuring Binding Patterns", "var [a, , b = 3, ...r] = [1, 2, undefined, 4, 5]; return [a, b, r];", [1, 3, [4, 5]]);
check("object destructuring", "Destructuring Binding Patterns", "var {a, b: {c = 5}, ['d' + 1]: e} = {a: 1, b: {}, d1: 2}; return [a, c, e];", [1, 5, 2]);
check("destructuring assignment swaps", "Destructuring Assignment", "var a = 1, b = 2; [a, b] = [b, a]; return [a, b];", [2, 1]);
check("destructuring into properties", "Destructuring Assignment", "var o = {}; ({a: o.x, b: o['y']} = {a: 1, b: 2}); return o;", { x: 1, y: 2 });
check("destructuring in parameters", "Function Definitions", "return (({a, b = 2}, [c]) => [a, b, c])({a: 1}, 'z');", [1, 2, "z"]);
check("destructuring in for of and catch", "The try Statement", "for (var [k, v] of new Map([[1, 2]])) ; try { throw {a: 3}; } catch ({a}) { return [k, v, a]; }", [1, 2, 3]);
check("destructuring undefined throws", "Destructuring Binding Patterns", "return [thrown(() => { var {a} = undefined; }), thrown(() => { var [b] = {}; })];", ["TypeError", "TypeError"]);
check("destructuring closes its iterator", "IteratorBindingInitialization", "var closed = 0; var it = {[Symbol.iterator]() { return {next: () => ({value: 1, done: false}), return: () => (closed++, {})}; }}; var [a] = it; return [a, closed];", [1, 1]);
check("a default names an anonymous function", "NamedEvaluation", "var {f = () => {}} = {}; var [g = function () {}] = []; return [f.name, g.name];", ["f", "g"]);

check("short properties and methods", "Object Initializer", "var a = 1; return [Object.keys({a, m() {}}), {m() { return 2; }}.m()];", [["a", "m"], 2]);
check("computed names", "Object Initializer", "var n = 0; return Object.keys({['a' + n++]: 1, [`b${n}`]() {}, get ['c']() { return 1; }});", ["a0", "b1", "c"]);
check("methods are no constructors", "Method Definitions", "return thrown(() => new ({m() {}}).m());", "TypeError");
check("super in object literals", "The super Keyword", "var o = {__proto__: {m() { return 'parent'; }}, m() { return super.m() + '!'; }}; return o.m();", "parent!");
check("names of functions", "SetFunctionName", "var f = function () {}, s = Symbol('d'); var o = {get g() { return 1; }, [s]() {}}; return [f.name, o[s].name, Object.getOwnPropertyDescriptor(o, 'g').get.name, f.bind().name];", ["f", "[d]", "get g", "bound f"]);

check("template literals", "Template Literals", "var a = 1; return `a${a + 1}\n${`in${a}`}\\u0041`;", "a2\nin1A");
check("tagged templates: cooked and raw", "Tagged Templates", "return ((s, ...v) => [s[0], s.raw[0], s.length, v, Object.isFrozen(s)])`a\\n${1}b`;", ["a\n", "a\\n", 2, [1], true]);
check("a tagged template gives one object for each place", "GetTemplateObject", "var t = s => s; var f = () => t`a`; return [f() === f(), t`a` === t`a`];", [true, false]);
check("line ends in templates are \\n", "Template Literals", "return `a\r\nb\rc`;", "a\nb\nc");
check("binary and octal numbers", "Numeric Literals", "return [0b101, 0o17, Number('0b11'), Number('0o7')];", [5, 15, 3, 7]);
check("code points in escapes", "String Literals", "return '\\u{1F600}'.length;", 2);
check("code points in names", "Names and Keywords", "var \\u{61}b = 1; return ab;", 1);

check("for of", "The for-in, for-of Statements", "var s = ''; for (const c of 'a\\u{1F600}b') s += '|' + c.length; return s;", "|1|2|1");
check("for of closes its iterator on break, return and throw", "ForIn/OfBodyEvaluation", "var n = 0; var it = {[Symbol.iterator]() { return {next: () => ({done: false}), return: () => (n++, {})}; }}; for (var x of it) break; (() => { for (var x of it) return; })(); try { for (var x of it) throw 1; } catch (e) {} return n;", 3);
check("for of does not close what has ended", "ForIn/OfBodyEvaluation", "var n = 0; var it = {[Symbol.iterator]() { return {next: () => ({done: true}), return: () => n++}; }}; for (var x of it); return n;", 0);

check("generators", "Generator Function Definitions", "function* g() { var got = yield 1; yield got + 1; return 'end'; } var i = g(); return [i.next().value, i.next(5).value, i.next(), i.next()];", [1, 6, { value: "end", done: true }, { value: undefined, done: true }]);
check("generators: yield* and its value", "Generator Function Definitions", "function* a() { yield 1; return 'r'; } function* b() { yield yield* a(); yield* [2, 3]; } return [...b()];", [1, "r", 2, 3]);
check("generators: throw", "Generator.prototype.throw", "function* g() { try { yield 1; } catch (e) { yield 'caught ' + e; } } var i = g(); i.next(); return i.throw('x').value;", "caught x");
check("generators: return runs finally", "Generator.prototype.return", "var seen = ''; function* g() { try { yield 1; } finally { seen += 'f'; } } var i = g(); i.next(); return [i.return(7), seen];", [{ value: 7, done: true }, "f"]);
check("generators: methods and computed names", "Generator Function Definitions", "return [...{*m() { yield 1; }}.m(), ...{*['n']() { yield 2; }}.n()];", [1, 2]);
check("generators are no constructors", "Generator Function Definitions", "function* g() {} return thrown(() => new g());", "TypeError");
check("generators: a call while running throws", "GeneratorValidate", "var i; function* g() { i.next(); } i = g(); return thrown(() => i.next());", "TypeError");
check("the GeneratorFunction constructor", "GeneratorFunction", "var G = Object.getPrototypeOf(function* () {}).constructor; return [...new G('a', 'yield a; yield 2')(1)];", [1, 2]);
check("yield is a name outside of generators", "Identifiers", "function* g() { yield\n1; } var yield = 3; return [yield, g().next().value];", [3, undefined]);

check("class: constructor, methods, accessors", "Class Definitions", "class A { constructor(x) { this.x = x; } get y() { return this.x + 1; } set y(v) { this.x = v; } m() { return this.y; } } var a = new A(1); a.y = 5; return [a.m(), Object.keys(A.prototype)];", [6, []]);
check("class: static methods", "Class Definitions", "class A { static m() { return this === A; } } return A.m();");
check("class: extends, super calls and methods", "The super Keyword", "class A { constructor(x) { this.x = x; } m() { return 'A' + this.x; } static s() { return 'S'; } } class B extends A { constructor() { super(3); } m() { return super.m() + 'B'; } static s() { return super.s() + '!'; } } return [new B().m(), B.s(), new B() instanceof A];", ["A3B", "S!", true]);
check("class: a constructor of its own passes arguments on", "Class Definitions", "class A { constructor(...a) { this.a = a; } } class B extends A {} return new B(1, 2).a;", [1, 2]);
check("class: this before super throws", "GetThisBinding", "class A {} class B extends A { constructor() { this.a = 1; } } return thrown(() => new B());", "ReferenceError");
check("class: no call without new", "Class Definitions", "class A {} return thrown(() => A());", "TypeError");
check("class: not seen before its line", "Class Definitions", "return thrown(() => { new A(); class A {} });", "ReferenceError");
check("class: bodies are strict", "Class Definitions", "class A { m() { return (function () { return this; })(); } } return new A().m();", undefined);
check("class: extends null and what is no constructor", "ClassDefinitionEvaluation", "class N extends null {} return [Object.getPrototypeOf(N.prototype), thrown(() => { class X extends 5 {} })];", [null, "TypeError"]);
check("class: expressions and names", "Class Definitions", "var A = class {}, B = class C { static n() { return C.name; } }; return [A.name, B.n(), typeof C];", ["A", "C", "undefined"]);
check("class: subclass of Array", "ArraySpeciesCreate", "class L extends Array { last() { return this[this.length - 1]; } } var l = new L(1, 2, 3).map(x => x * 2); return [l instanceof L, l.last(), l.length];", [true, 6, 3]);
check("class: subclass of Error", "Error", "class E extends Error { constructor(m) { super(m); this.name = 'E'; } } var e = new E('m'); return [e instanceof Error, String(e), Object.prototype.toString.call(e)];", [true, "E: m", "[object Error]"]);
check("class: subclass of Map, RegExp and Function", "Subclassing", "class M extends Map {} class R extends RegExp {} class F extends Function {} return [new M([[1, 2]]).get(1), new R('a').test('a'), new F('return 3')()];", [2, true, 3]);
check("class: subclass of Date", "Subclassing", "class D extends Date { year() { return this.getUTCFullYear(); } } var d = new D(0); return [d instanceof D, d instanceof Date, d.year(), new D(2024, 5, 1).year()];", [true, true, 1970, 2024]);
check("class: subclass of Promise", "Subclassing", "class P extends Promise {} return [P.resolve(1) instanceof P, new P(() => {}).then() instanceof P];", [true, true]);
check("class: subclass of Uint8Array and ArrayBuffer", "Subclassing", "class U extends Uint8Array {} class B extends ArrayBuffer {} return [new U([1, 2]).map(x => x) instanceof U, new B(4).slice(1) instanceof B];", [true, true]);
check("class: the prototype cannot be written", "Class Definitions", "class A {} return Object.getOwnPropertyDescriptor(A, 'prototype').writable;", false);
check("new.target", "Meta Properties", "function F() { return {t: new.target === F}; } class A { constructor() { this.n = new.target.name; } } class B extends A {} return [new F().t, new B().n];", [true, "B"]);
check("new.target in a plain call", "Meta Properties", "return (function () { return new.target; })();", undefined);
check("functions in blocks are local in strict code", "Block-Level Function Declarations", "'use strict'; { function f() {} } return typeof f;", "undefined");
check("calls at the end of strict functions", "Tail Position Calls", "'use strict'; function f(n) { return n === 0 ? 'done' : f(n - 1); } return f(100000);", "done");

check("delete super throws", "The delete Operator", "var o = {m() { delete super.x; }}; return thrown(() => o.m());", "ReferenceError");
check("super and new.target in arrows", "Arrow Function Definitions", "class A { m() { return 'm'; } } class B extends A { constructor() { super(); this.t = (() => new.target)() === B; } m() { return (() => super.m())(); } } var b = new B(); return [b.t, b.m()];", [true, "m"]);
check("super() inside of an arrow", "SuperCall", "class A {} class B extends A { constructor() { (() => super())(); this.a = 1; } } return new B().a;", 1);
check("super() twice throws", "BindThisValue", "class A {} class B extends A { constructor() { super(); super(); } } return thrown(() => new B());", "ReferenceError");
check("a constructor of a subclass that returns a primitive throws", "[[Construct]]", "class A {} class B extends A { constructor() { super(); return 1; } } return thrown(() => new B());", "TypeError");
check("writing to super writes to this", "Super References", "class A {} class B extends A { m() { super.x = 5; return [this.x, A.prototype.x]; } } return new B().m();", [5, undefined]);
check("eval in a default has a scope of its own", "FunctionDeclarationInstantiation", "var x = 'outer'; return (function (a = eval('var x = 1; x'), b = () => x) { var x = 2; return [a, b(), x]; })();", [1, 1, 2]);
check("yield* hands throw and return on", "Generator Function Definitions", "var seen = []; function* inner() { try { yield 1; yield 2; } catch (e) { seen.push(e); yield 3; } finally { seen.push('f'); } } function* outer() { yield* inner(); } var i = outer(); i.next(); var a = i.throw('t').value; i.return('r'); return [a, seen];", [3, ["t", "f"]]);
check("yield* closes what has no throw", "Generator Function Definitions", "var closed = 0; var it = {[Symbol.iterator]() { return this; }, next: () => ({done: false}), return() { closed++; return {}; }}; var i = (function* () { yield* it; })(); i.next(); return [thrown(() => i.throw(1)), closed];", ["TypeError", 1]);
check("continue to an outer label closes inner iterators", "LoopContinues", "var n = 0; var it = {[Symbol.iterator]() { return {next: () => ({done: false}), return: () => (n++, {})}; }}; outer: for (var i = 0; i < 2; i++) for (var x of it) continue outer; return n;", 2);
check("destructuring evaluates its target before it reads", "Destructuring Assignment", "var seen = []; var source = {get a() { seen.push('read'); return 1; }}; ({a: (seen.push('target'), {}).x} = source); return seen;", ["target", "read"]);
check("the order of a class's parts", "ClassDefinitionEvaluation", "var seen = []; class A extends (seen.push('heritage'), Object) { [(seen.push('one'), 'a')]() {} static [(seen.push('two'), 'b')]() {} } return seen;", ["heritage", "one", "two"]);
check("async and get as names of properties", "Object Initializer", "var o = {get: 1, set: 2, async: 3, static: 4, get get() { return 5; }, async async() {}}; return [o.get, o.set, typeof o.async, o.static];", [5, 2, "function", 4]);
check("let [ at the beginning of a statement is a declaration", "Expression Statement", "let [a] = [3]; return a;", 3);
check("a lexical declaration as the body of an if is refused", "The if Statement", function () { return [refused("if (1) let a"), refused("if (1) class A {}"), refused("while (0) const a = 1")]; }, [true, true, true]);
check("for (let of …) and for (let in …)", "The for-in, for-of Statements", function () { return [refused("for (let of []) ;"), refused("for (var i of 1, 2) ;"), thrown("for (let in {}) ;")]; }, [true, true, "nothing"]);
