area("ES2018", "everything");

check("object rest", "Destructuring Binding Patterns", "var {a, ...r} = {a: 1, b: 2, [Symbol('s')]: 3, c: 4}; return [r, Object.getOwnPropertySymbols(r).length];", [{ b: 2, c: 4 }, 1]);
check("object rest in parameters and assignments", "Destructuring Assignment", "var a, r; ({a, ...r} = {a: 1, b: 2}); return [r, (({x, ...y}) => y)({x: 1, y: 2})];", [{ b: 2 }, { y: 2 }]);
check("object rest leaves out what a nested pattern took", "Destructuring Binding Patterns", "var {a: {b}, ['c']: [d], ...r} = {a: {b: 1}, c: [2], e: 3}; return [b, d, r];", [1, 2, { e: 3 }]);
check("object rest in an assignment leaves out what a nested pattern took", "Destructuring Assignment", "var r, b; ({a: {b}, ...r} = {a: {b: 1}, e: 3}); return r;", { e: 3 });
check("object spread", "Object Initializer", "return {a: 1, ...{a: 2, b: 3}, ...null, ...undefined, ...1, c: 4};", { a: 2, b: 3, c: 4 });
check("object spread of a text", "CopyDataProperties", "return {...'xy'};", { 0: "x", 1: "y" });
check("object spread reads getters and defines", "CopyDataProperties", "var called = false; var o = {set a(v) { called = true; }, ...{get a() { return 1; }}}; return [o.a, called];", [1, false]);
check("RegExp: s", "get RegExp.prototype.dotAll", function () { return [new RegExp("a.b", "s").test("a\nb"), /a.b/.test("a\nb"), new RegExp("a", "s").dotAll, new RegExp("a", "s").flags]; }, [true, false, true, "s"]);
check("RegExp: named groups", "GroupSpecifier", function () {
  var m = new RegExp("(?<year>\\d{4})-(?<month>\\d\\d)").exec("2024-05");
  return [m.groups.year, m.groups.month, m[1], Object.getPrototypeOf(m.groups), /a/.exec("a").groups];
}, ["2024", "05", "2024", null, undefined]);
check("RegExp: references to named groups", "GroupName", function () { return [new RegExp("(?<q>['\"]).*\\k<q>").test("'a'"), new RegExp("(?<q>['\"]).*\\k<q>").test("'a\"")]; }, [true, false]);
check("RegExp: named groups in replace", "GetSubstitution", function () {
  var r = new RegExp("(?<a>\\w)(?<b>\\w)");
  return ["xy".replace(r, "$<b>$<a>"), "xy".replace(r, function () { return arguments[arguments.length - 1].b; })];
}, ["yx", "y"]);
check("RegExp: a name that is not there, or twice, is refused", "Patterns", function () { return [thrown(function () { new RegExp("(?<a>.)\\k<b>"); }), thrown(function () { new RegExp("(?<a>.)(?<a>.)"); })]; }, ["SyntaxError", "SyntaxError"]);
check("RegExp: lookbehind", "Assertion", function () { return ["$5 \u20ac7".match(new RegExp("(?<=\\$)\\d"))[0], "$5 \u20ac7".match(new RegExp("(?<!\\$)\\d"))[0]]; }, ["5", "7"]);
check("RegExp: lookbehind matches backwards", "Assertion", function () { return new RegExp("(?<=(\\d+)(\\d+))$").exec("1053").slice(1); }, ["1", "053"]);
check("RegExp: properties of Unicode", "UnicodePropertyValueExpression", function () {
  return [new RegExp("^\\p{Lu}$", "u").test("\u00c4"), new RegExp("\\p{Script=Greek}", "u").test("\u03c0"), new RegExp("\\P{L}", "u").test("a"), new RegExp("\\p{Emoji}", "u").test("\ud83d\ude00"), thrown(function () { new RegExp("\\p{None}", "u"); })];
}, [true, true, false, true, "SyntaxError"]);
check("RegExp: \\p without u is a p", "CharacterClassEscape", function () { return /\p{1}/.test("p"); });
check("templates with bad escapes, if tagged", "Tagged Templates", "return (s => [s[0], s.raw[0]])`\\unicode`;", [undefined, "\\unicode"]);
check("templates with bad escapes are refused otherwise", "Template Literals", function () { return refused("`\\unicode`"); });
check("Promise.prototype.finally", "Promise.prototype.finally", "return Promise.resolve(1).finally(() => {}) instanceof Promise;");
check("async generators", "Async Generator Function Definitions", "async function* g() { yield 1; } var i = g(); return [typeof i[Symbol.asyncIterator], i.next() instanceof Promise, String(i)];", ["function", true, "[object AsyncGenerator]"]);
check("async generator methods", "Method Definitions", "return [{async *m() {}}.m(), new (class { async *m() {} })().m()].every(i => i[Symbol.asyncIterator]() === i);");
check("for await", "The for-in, for-of Statements", "async function f() { for await (const x of [1]) return x; } return f() instanceof Promise;");
check("for await outside of async is refused", "The for-in, for-of Statements", function () { return refused("(function () { for await (const x of []) ; })"); });
check("Symbol.asyncIterator", "Symbol.asyncIterator", function () { return [typeof Symbol.asyncIterator, Symbol.asyncIterator.toString()]; }, ["symbol", "Symbol(Symbol.asyncIterator)"]);
check("RegExp: names of groups in all scripts", "RegExpIdentifierName", function () { return Object.keys(new RegExp("(?<\u03c0>a)(?<$_1>b)").exec("ab").groups); }, ["\u03c0", "$_1"]);
check("RegExp: lookbehind with back references and captures", "Assertion", function () { return [new RegExp("(?<=\\1(a))b").exec("aab")[1], new RegExp("(?<!(a))b").exec("b")[1]]; }, ["a", undefined]);
check("RegExp: general categories and scripts", "UnicodeMatchPropertyValue", function () { return ["\\p{L}", "\\p{General_Category=Nd}", "\\p{Script_Extensions=Latin}", "\\p{ASCII}", "\\p{Any}", "\\p{ID_Start}"].map(function (s) { return new RegExp("^" + s + "$", "u").test(s === "\\p{General_Category=Nd}" ? "\u0663" : "a"); }); }, [true, true, true, true, true, true]);
