// What the standard asks of browsers only, and scripts expect everywhere. Statements are in es5-sloppy.js.
area("Annex B", "library, expressions and comments");

check("escape and unescape", "escape", function () {
  return [escape("a b\u00e4\u20ac+/"), unescape("%u20AC%e4%zz")];
}, ["a%20b%E4%u20AC+/", "\u20ac\u00e4%zz"]);
check("substr", "String.prototype.substr", function () {
  return ["abcdef".substr(-3, 2), "abcdef".substr(1), "abc".substr(0, -1)];
}, ["de", "bcdef", ""]);
check("anchor, big and link make HTML", "CreateHTML", function () {
  return ["t".anchor('a"b'), "t".big(), "t".link("u")];
}, ['<a name="a&quot;b">t</a>', "<big>t</big>", '<a href="u">t</a>']);
check("trimLeft and trimRight are trimStart and trimEnd", "String.prototype.trimLeft", function () {
  return [String.prototype.trimLeft === String.prototype.trimStart, String.prototype.trimRight.name];
}, [true, "trimEnd"]);
check("getYear and setYear", "Date.prototype.getYear", function () {
  var d = new Date(2024, 0);
  var year = d.getYear();
  d.setYear(99);
  return [year, d.getFullYear()];
}, [124, 1999]);
check("toGMTString is toUTCString", "Date.prototype.toGMTString", function () {
  return Date.prototype.toGMTString === Date.prototype.toUTCString;
});
check("RegExp.prototype.compile", "RegExp.prototype.compile", function () {
  var r = /a/;
  r.compile("b", "g");
  return [r.source, r.flags];
}, ["b", "g"]);
check("__proto__ reads and sets the prototype", "Object.prototype.__proto__", function () {
  var parent = { a: 1 }, child = {};
  child.__proto__ = parent;
  return [child.a, child.__proto__ === parent, Object.keys(child)];
}, [1, true, []]);
check("__proto__ in a literal", "__proto__ Property Names in Object Initializers", function () {
  return [{ __proto__: null } instanceof Object, { __proto__: { a: 1 } }.a];
}, [false, 1]);
check("__proto__ twice in a literal is refused", "__proto__ Property Names in Object Initializers", function () {
  return refused("({ __proto__: null, __proto__: null })");
});
check("a computed or short __proto__ is an ordinary name", "__proto__ Property Names in Object Initializers",
  "var __proto__ = 1; return [Object.keys({['__proto__']: 2}), Object.keys({__proto__})];", [["__proto__"], ["__proto__"]]);
check("__defineGetter__ and __defineSetter__", "Object.prototype.__defineGetter__", function () {
  var o = {};
  o.__defineGetter__("a", function () { return 1; });
  o.__defineSetter__("b", function (v) { this.set = v; });
  o.b = 2;
  return [o.a, o.set];
}, [1, 2]);
check("__lookupGetter__ and __lookupSetter__", "Object.prototype.__lookupGetter__", function () {
  var o = Object.create({ get a() { return 1; } });
  return [typeof o.__lookupGetter__("a"), o.__lookupSetter__("a")];
}, ["function", undefined]);
check("HTML-like comments", "HTML-like Comments", function () {
  return (0, eval)("var html_like = 1; <!-- comment\n--> comment\nhtml_like");
}, 1);
check("octal escapes in expressions", "Regular Expressions Patterns", function () {
  return [/\101/.test("A"), /[\101]/.test("A"), /\8/.test("8")];
}, [true, true, true]);
check("braces and brackets that mean themselves", "Regular Expressions Patterns", function () {
  return [/a{/.test("a{"), /]/.test("]"), /x{1,a}/.test("x{1,a}")];
}, [true, true, true]);
check("unknown escapes mean the letter", "Regular Expressions Patterns", function () {
  return [/\a\-\_/.test("a-_"), /\c/.test("\\c"), /[\c_]/.test("\u001f")];
}, [true, true, true]);
check("a repeated lookahead", "Regular Expressions Patterns", "return /(?=a)*b/.test('b');");
check("a function in a block and a parameter of its name", "Block-Level Function Declarations",
  "return (function (f) { { function f() {} } return typeof f; })(1);", "number");
check("a function in a block does not replace a let", "Block-Level Function Declarations",
  "let f = 1; { function f() {} } return f;", 1);
check("a function in a switch is seen after it", "Block-Level Function Declarations",
  "switch (1) { case 1: function inner() { return 2; } } return inner();", 2);
check("functions of one name in a block", "Changes to Block Static Semantics",
  "{ function f() { return 1; } function f() { return 2; } return f(); }", 2);
