area("ES2022", "everything");

check("class fields", "Class Definitions", "class A { a = 1; ['b' + 1] = this.a + 1; 'c d'; } return Object.entries(new A());", [["a", 1], ["b1", 2], ["c d", undefined]]);
check("class fields are defined, not assigned", "DefineField", "var n = 0; class A { set x(v) { n++; } } class B extends A { x = 5; } return [new B().x, n];", [5, 0]);
check("class fields come after super", "InitializeInstanceElements", "var seen = []; class A { constructor() { seen.push('A'); } } class B extends A { f = seen.push('f'); constructor() { super(); seen.push('B'); } } new B(); return seen;", ["A", "f", "B"]);
check("fields named get, set, static and async", "Class Definitions", "class A { get; set; static; async; } return Object.keys(new A());", ["get", "set", "static", "async"]);
check("a line end after a field named async", "Automatic Semicolon Insertion", "class A { async\n x() { return 1; } } return [Object.keys(new A()), new A().x()];", [["async"], 1]);
check("a line end after a field", "Automatic Semicolon Insertion", "class A { a = 1\n b\n ['c'] }; class B { get\n x() { return 1; } } return [Object.keys(new A()), new B().x];", [["a", "b", "c"], 1]);
check("private fields", "Private Names", "class A { #x = 1; get() { return this.#x; } set(v) { this.#x = v; return this; } } return [new A().set(5).get(), Object.keys(new A()), new A()['#x']];", [5, [], undefined]);
check("private names are of their class", "PrivateFieldGet", "class A { #x = 1; static read(o) { return o.#x; } } return [A.read(new A()), thrown(() => A.read({}))];", [1, "TypeError"]);
check("private methods and accessors", "Private Names", "class A { #m() { return 'm'; } get #a() { return 'a'; } set #a(v) { this.v = v; } run() { this.#a = 3; return this.#m() + this.#a + this.v; } } return new A().run();", "ma3");
check("private methods cannot be written", "PrivateSet", "class A { #m() {} run() { this.#m = 1; } } return thrown(() => new A().run());", "TypeError");
check("static private members", "Private Names", "class A { static #n = 1; static #m() { return ++A.#n; } static run() { return A.#m(); } } return A.run();", 2);
check("private names in optional chains", "Optional Chains", "class A { #x = 1; static read(o) { return o?.#x; } } return [A.read(null), A.read(new A())];", [undefined, 1]);
check("a private name that is not declared is refused", "AllPrivateIdentifiersValid", function () { return [refused("class A { m() { this.#x; } }"), refused("class A { #x; #x; }"), refused("class A { #constructor; }")]; }, [true, true, true]);
check("#x in object", "Relational Operators", "class A { #x; static has(o) { return #x in o; } } return [A.has(new A()), A.has({}), thrown(() => A.has(1))];", [true, false, "TypeError"]);
check("static fields", "Class Definitions", "class A { static a = 1; static b = this.a + 1; static ['c'] = A.b; } return [A.a, A.b, A.c];", [1, 2, 2]);
check("static blocks", "ClassStaticBlock", "var seen = []; class A { static a = 1; static { seen.push(this.a, this === A); var inner = 1; } static { seen.push(typeof inner); } } return seen;", [1, true, "undefined"]);
check("static blocks see private names", "ClassStaticBlock", "var read; class A { #x = 7; static { read = o => o.#x; } } return read(new A());", 7);
check("await and arguments in static blocks are refused", "ClassStaticBlock", function () { return [refused("class A { static { await; } }"), refused("class A { static { arguments; } }")]; }, [true, true]);
check("arguments in a field is refused", "Class Definitions", function () { return refused("class A { a = arguments; }"); });
check("at of arrays, texts and typed arrays", "Array.prototype.at", function () { return [[1, 2, 3].at(-1), "abc".at(-2), new Uint8Array([1, 2]).at(-1), [1].at(5), "a".at(-2)]; }, [3, "b", 2, undefined, undefined]);
check("Object.hasOwn", "Object.hasOwn", function () { return [Object.hasOwn({ a: 1 }, "a"), Object.hasOwn({}, "toString"), Object.hasOwn(Object.create(null), "a"), thrown(function () { Object.hasOwn(null, "a"); })]; }, [true, false, false, "TypeError"]);
check("RegExp: d gives the places of groups", "get RegExp.prototype.hasIndices", function () {
  var m = new RegExp("a(?<n>b)?(c)", "d").exec("xabc");
  return [m.indices[0], m.indices[1], m.indices.groups.n, new RegExp("a", "d").hasIndices, new RegExp("a(b)?", "d").exec("a").indices[1], /a/.exec("a").indices];
}, [[1, 4], [2, 3], [2, 3], true, undefined, undefined]);
check("the cause of an error", "InstallErrorCause", function () {
  var e = new Error("m", { cause: 0 });
  return [e.cause, "cause" in new Error("m"), "cause" in new Error("m", {}), new TypeError("t", { cause: e }).cause === e, Object.keys(e)];
}, [0, false, false, true, []]);
check("AggregateError with a cause", "AggregateError", function () { return new AggregateError([], "m", { cause: "c" }).cause; }, "c");
check("top-level await is refused in scripts", "Modules", function () { return refused("await 0"); });
check("export and import are refused in scripts", "Modules", function () { return [refused("export default 1"), refused("import a from 'a'")]; }, [true, true]);
check("private static async generators and accessors", "Private Names", "class A { static async *#g() {} static get #a() { return 2; } static run() { return [typeof A.#g().next, A.#a]; } } return A.run();", ["function", 2]);
check("a private field twice on one object throws", "PrivateFieldAdd", "class Base { constructor(o) { return o; } } class A extends Base { #x = 1; } var o = {}; new A(o); return thrown(() => new A(o));", "TypeError");
check("names of fields' functions", "NamedEvaluation", "class A { f = () => {}; #p = function () {}; static s = class {}; name() { return this.#p.name; } } return [new A().f.name, new A().name(), A.s.name];", ["f", "#p", "s"]);
check("private names in eval of a method", "PerformEval", "class A { #x = 3; read() { return eval('this.#x'); } } return new A().read();", 3);
check("this of a field is the instance, also in arrows", "Class Definitions", "class A { self = this; arrow = () => this; } var a = new A(); return a.self === a && a.arrow.call(null) === a;");
