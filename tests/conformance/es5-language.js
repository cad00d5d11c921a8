// The language of ES5, apart from what only sloppy code has.
area("ES5", "language");

check("automatic semicolon insertion", "Automatic Semicolon Insertion", "var a = 1\nvar b = 2\n;return a\n+ b", 3);
check("a line end after return ends the statement", "Automatic Semicolon Insertion", "return\n1", undefined);
check("postfix operators do not cross lines", "Automatic Semicolon Insertion", "var a = 1, b = 1\na\n++b\nreturn [a, b]", [1, 2]);
check("var is hoisted", "Variable Statement", function () {
  var before = later;
  var later = 1;
  return [before, later];
}, [undefined, 1]);
check("function declarations are hoisted with their values", "Declaration Binding Instantiation", function () {
  return early();
  function early() {
    return "here";
  }
}, "here");
check("closures share their variable", "Lexical Environments", function () {
  var all = [];
  for (var i = 0; i < 3; i++) all.push(function () { return i; });
  return all.map(function (f) { return f(); });
}, [3, 3, 3]);
check("a named function expression sees its own name", "Function Definition", function () {
  var f = function fact(n) { return n < 2 ? 1 : n * fact(n - 1); };
  return [f(5), typeof fact];
}, [120, "undefined"]);
check("the name of a function expression cannot be assigned", "Function Definition", function () {
  var f = function own() { own = 1; return typeof own; };
  return f();
}, "function");
check("arguments.length", "Arguments Object", function () {
  return (function () { return arguments.length; })(1, undefined, 3);
}, 3);
check("arguments has class Arguments", "Arguments Object", function () {
  return (function () { return Object.prototype.toString.call(arguments); })();
}, "[object Arguments]");
check("Function length counts parameters", "Function Definition", function () {
  return [function () {}.length, function (a, b) { return b; }.length];
}, [0, 2]);
check("new with a function that returns an object", "[[Construct]]", function () {
  function Other() { return { other: true }; }
  return new Other().other;
});
check("new with a function that returns a primitive", "[[Construct]]", function () {
  function Self() { this.a = 1; return 7; }
  return new Self().a;
}, 1);
check("instanceof follows the prototype chain", "The instanceof operator", function () {
  function A() {}
  function B() {}
  B.prototype = new A();
  return [new B() instanceof A, {} instanceof A];
}, [true, false]);
check("in looks at inherited names", "The in operator", function () {
  return ["toString" in {}, "nothing" in {}];
}, [true, false]);
check("delete of an own property", "The delete Operator", function () {
  var o = { a: 1, b: 2 };
  return [delete o.a, Object.keys(o)];
}, [true, ["b"]]);
check("typeof of an undeclared name", "The typeof Operator", function () {
  return typeof never_declared_anywhere;
}, "undefined");
check("typeof null", "The typeof Operator", function () {
  return typeof null;
}, "object");
check("void", "The void Operator", function () {
  return void 1;
}, undefined);
check("the comma operator", "Comma Operator", function () {
  return (1, 2, 3);
}, 3);
check("labelled continue", "The continue Statement", function () {
  var seen = [];
  outer: for (var i = 0; i < 3; i++) {
    for (var j = 0; j < 3; j++) {
      if (j === 1) continue outer;
      seen.push(i);
    }
  }
  return seen;
}, [0, 1, 2]);
check("labelled break out of a block", "The break Statement", function () {
  var a = 1;
  block: {
    a = 2;
    if (a) break block;
    a = 3;
  }
  return a;
}, 2);
check("labels at top level", "Labelled Statements", function () {
  return (0, eval)("top: for (;;) { for (;;) { break top; } } 'left'");
}, "left");
check("switch falls through, default in the middle", "The switch Statement", function () {
  function f(x) {
    var seen = "";
    switch (x) {
      case 1: seen += "1";
      default: seen += "d";
      case 2: seen += "2"; break;
      case 3: seen += "3";
    }
    return seen;
  }
  return [f(1), f(2), f(3), f(9)];
}, ["1d2", "2", "3", "d2"]);
check("switch compares strictly", "The switch Statement", function () {
  switch ("1") {
    case 1: return "number";
    case "1": return "string";
  }
}, "string");
check("do while runs once", "The do-while Statement", function () {
  var n = 0;
  do n++; while (false);
  return n;
}, 1);
check("for in gives inherited names and skips hidden ones", "The for-in Statement", function () {
  var parent = { a: 1 };
  var child = Object.create(parent, { b: { value: 1, enumerable: true }, c: { value: 1 } });
  var names = [];
  for (var name in child) names.push(name);
  return names;
}, ["b", "a"]);
check("for in over null does nothing", "The for-in Statement", function () {
  for (var name in null) return name;
  return "nothing";
}, "nothing");
check("for in does not visit what was deleted", "The for-in Statement", function () {
  var o = { a: 1, b: 2, c: 3 }, seen = "";
  for (var name in o) { seen += name; delete o.b; }
  return seen;
}, "ac");
check("finally overrides return", "The try Statement", function () {
  return (function () { try { return 1; } finally { return 2; } })();
}, 2);
check("finally runs after a throw", "The try Statement", function () {
  var seen = "";
  try {
    try { throw 1; } finally { seen += "f"; }
  } catch (e) { seen += e; }
  return seen;
}, "f1");
check("break in finally drops the exception", "The try Statement", function () {
  for (;;) { try { throw 1; } finally { break; } }
  return "gone on";
}, "gone on");
check("the catch variable is local", "The try Statement", function () {
  var e = "outer";
  try { throw "inner"; } catch (e) { e = "changed"; }
  return e;
}, "outer");
check("any value can be thrown", "The throw Statement", function () {
  try { throw undefined; } catch (e) { return e; }
}, undefined);
check("getters and setters in literals", "Object Initialiser", function () {
  var o = { kept: 0, get twice() { return this.kept * 2; }, set twice(v) { this.kept = v; } };
  o.twice = 21;
  return [o.kept, o.twice];
}, [21, 42]);
check("reserved words as property names", "Property Accessors", "var o = { if: 1, class: 2, default: 3 }; return o.if + o.class + o.default;", 6);
check("numbers as property names", "Object Initialiser", function () {
  return Object.keys({ 0x10: 1, 1.50: 2, 'a b': 3 });
}, ["16", "1.5", "a b"]);
check("trailing commas in literals", "Array Initialiser", "return [[1, 2,].length, Object.keys({a: 1,}).length];", [2, 1]);
check("elisions make holes", "Array Initialiser", function () {
  var a = [1, , 3];
  return [a.length, 1 in a];
}, [3, false]);
check("line continuation in strings", "String Literals", "return 'a\\\nb';", "ab");
check("escapes in strings", "String Literals", function () {
  return "\x41\u0042\b\f\n\r\t\v\0".split("").map(function (c) { return c.charCodeAt(0); });
}, [65, 66, 8, 12, 10, 13, 9, 11, 0]);
check("unicode escapes in names", "Identifier Names", "var \\u0061b = 1; return ab;", 1);
check("letters of other scripts in names", "Identifier Names", "var gr\u00f6\u00dfe = 1, \u03c0 = 3; return gr\u00f6\u00dfe + \u03c0;", 4);
check("U+2028 ends a line comment", "Line Terminators", "// comment\u2028return 1;", 1);
check("the byte order mark is white space", "White Space", "\ufeffreturn\ufeff1;", 1);
check("hexadecimal numbers", "Numeric Literals", function () {
  return [0xff, 0XAB];
}, [255, 171]);
check("exponents and bare points", "Numeric Literals", function () {
  return [1e3, .5, 5., 1.5E-2];
}, [1000, 0.5, 5, 0.015]);
check("loose equality coerces", "The Abstract Equality Comparison Algorithm", function () {
  return [null == undefined, "1" == 1, true == 1, null == 0, [1] == 1, "" == 0, NaN == NaN];
}, [true, true, true, false, true, true, false]);
check("strict equality does not", "The Strict Equality Comparison Algorithm", function () {
  return ["1" === 1, 0 === -0, NaN === NaN, null === undefined];
}, [false, true, false, false]);
check("addition joins strings and adds numbers", "The Addition operator", function () {
  return [1 + "2", 1 + 2, "a" + null, 1 + true, [] + {}, [1] + [2]];
}, ["12", 3, "anull", 2, "[object Object]", "12"]);
check("valueOf and toString in conversions", "[[DefaultValue]]", function () {
  var o = { valueOf: function () { return 1; }, toString: function () { return "s"; } };
  return [o + 1, "" + o, String(o), [o].join()];
}, [2, "1", "s", "s"]);
check("comparison of strings and of numbers", "The Abstract Relational Comparison Algorithm", function () {
  return ["10" < "9", 10 < 9, "10" < 9, "b" > "a", undefined < 1, null <= 0];
}, [true, false, false, true, false, true]);
check("shifts wrap at 32 bits", "Bitwise Shift Operators", function () {
  return [1 << 31, 1 << 32, -1 >>> 0, -1 >>> 28, -8 >> 1];
}, [-2147483648, 1, 4294967295, 15, -4]);
check("bitwise operators convert to 32 bits", "Binary Bitwise Operators", function () {
  return [~5, 5 & 3, 5 | 3, 5 ^ 3, 4294967296.7 | 0, "7" | 0];
}, [-6, 1, 7, 6, 0, 7]);
check("remainder keeps the sign of the dividend", "Applying the % Operator", function () {
  return [5 % 3, -5 % 3, 5 % -3, -4 % 2, 5.5 % 2];
}, [2, -2, 2, -0, 1.5]);
check("division by zero and -0", "Applying the / Operator", function () {
  return [1 / 0, -1 / 0, 0 / 0, 0 / -1];
}, [Infinity, -Infinity, NaN, -0]);
check("-0 from operands that are not constant", "Applying the Multiplicative Operators", function () {
  function f(a, b) { return [a / b, a * b, a % 5, -a]; }
  return [f(0, -1), f(-0, 1)];
}, [[-0, -0, 0, -0], [-0, -0, -0, 0]]);
check("&& and || give an operand and stop early", "Binary Logical Operators", function () {
  var calls = 0;
  function f() { calls++; return 1; }
  return [0 && f(), "a" || f(), null || "b", 1 && 2, calls];
}, [0, "a", "b", 2, 0]);
check("operands are evaluated from left to right", "Expressions", function () {
  var seen = "";
  function f(name, value) { seen += name; return value; }
  f("a", {})[f("b", "x")] = f("c", 1);
  return seen;
}, "abc");
check("compound assignment reads its left side first", "Compound Assignment", function () {
  var a = 1;
  a += (a = 10, 5);
  return a;
}, 6);
check("strict mode: assignment to an undeclared name", "The Strict Mode of ECMAScript", "'use strict'; try { undeclared_in_strict = 1; } catch (e) { return e.name; }", "ReferenceError");
check("strict mode: this of a plain call is undefined", "The Strict Mode of ECMAScript", "'use strict'; return (function () { return this; })();", undefined);
check("strict mode: this is not made an object", "The Strict Mode of ECMAScript", "return typeof (function () { 'use strict'; return this; }).call(1);", "number");
check("strict mode: arguments are not parameters", "Arguments Object", "return (function (a) { 'use strict'; a = 2; return arguments[0]; })(1);", 1);
check("strict mode: with is refused", "The Strict Mode of ECMAScript", function () {
  return refused("'use strict'; with ({}) {}");
});
check("strict mode: octal numbers are refused", "The Strict Mode of ECMAScript", function () {
  return refused("'use strict'; 010");
});
check("strict mode: two parameters of one name are refused", "The Strict Mode of ECMAScript", function () {
  return refused("'use strict'; (function (a, a) {})");
});
check("strict mode: delete of a name is refused", "The Strict Mode of ECMAScript", function () {
  return refused("'use strict'; var a; delete a;");
});
check("strict mode: eval and arguments cannot be assigned", "The Strict Mode of ECMAScript", function () {
  return [refused("'use strict'; eval = 1"), refused("'use strict'; arguments++")];
}, [true, true]);
check("strict mode: reserved names", "The Strict Mode of ECMAScript", function () {
  return [refused("'use strict'; var public"), refused("'use strict'; var interface")];
}, [true, true]);
check("strict mode: writing to a read-only property throws", "The Strict Mode of ECMAScript", "'use strict'; var o = Object.freeze({a: 1}); try { o.a = 2; } catch (e) { return e.name; }", "TypeError");
check("strict mode: delete of a fixed property throws", "The Strict Mode of ECMAScript", "'use strict'; try { delete Object.prototype; } catch (e) { return e.name; }", "TypeError");
check("strict mode: eval has variables of its own", "Strict Mode Restrictions", "'use strict'; eval('var in_eval = 1'); return typeof in_eval;", "undefined");
check("an early error is found before anything runs", "Errors", function () {
  var global = (0, eval)("this");
  global.ran_before_error = false;
  thrown("ran_before_error = true; var 1;");
  return ran_before_error;
}, false);
check("a call of what is no function is a TypeError", "Function Calls", function () {
  return thrown(function () { var o = {}; o.missing(); });
}, "TypeError");
check("a property of undefined is a TypeError", "Property Accessors", function () {
  return thrown(function () { return undefined.a; });
}, "TypeError");
check("an unknown name is a ReferenceError", "GetValue", function () {
  return thrown(function () { return never_declared_anywhere; });
}, "ReferenceError");
