// What only sloppy code has, which scripts written for Tyk's engine use.
area("ES5", "sloppy mode");

check("with: names are looked up in the object", "The with Statement", "var o = {a: 1}; with (o) { a = 2; } return o.a;", 2);
check("with: other names are not", "The with Statement", "var b = 1; with ({a: 1}) { b = 2; } return b;", 2);
check("with: var assigns to the object's property", "The with Statement", "var o = {a: 1}; with (o) { var a = 5; } return [o.a, a];", [5, undefined]);
check("with: this of a called property is the object", "The with Statement", "var o = {f: function () { return this === o; }}; with (o) { return f(); }");
check("with: functions inside keep the object", "The with Statement", "var f; with ({a: 7}) { f = function () { return a; }; } return f();", 7);
check("with null throws", "The with Statement", "try { with (null) {} } catch (e) { return e.name; }", "TypeError");
check("arguments follow their parameters", "Arguments Object", function () {
  return (function (a) { a = 2; return arguments[0]; })(1);
}, 2);
check("parameters follow their arguments", "Arguments Object", function () {
  return (function (a) { arguments[0] = 2; return a; })(1);
}, 2);
check("an argument that was not passed is not linked", "Arguments Object", function () {
  return (function (a) { a = 2; return [arguments.length, arguments[0]]; })();
}, [0, undefined]);
check("a deleted argument is no longer linked", "Arguments Object", function () {
  return (function (a) { delete arguments[0]; arguments[0] = 2; return a; })(1);
}, 1);
check("arguments.callee is the function", "Arguments Object", function () {
  return (function f() { return arguments.callee === f; })();
});
check("arguments can be assigned", "Arguments Object", function () {
  return (function () { arguments = 5; return arguments; })(1);
}, 5);
check("an undeclared name makes a global", "PutValue", function () {
  (function () { made_by_assignment = 7; })();
  return [made_by_assignment, (0, eval)("this").made_by_assignment];
}, [7, 7]);
check("a global made by assignment can be deleted", "The delete Operator", function () {
  made_to_delete = 1;
  return [delete made_to_delete, typeof made_to_delete];
}, [true, "undefined"]);
check("delete of a variable gives false", "The delete Operator", function () {
  var a = 1;
  return [delete a, a];
}, [false, 1]);
check("this of a plain call is the global object", "Entering Function Code", function () {
  return (function () { return this; })() === (0, eval)("this");
});
check("this null is the global object", "Entering Function Code", function () {
  return (function () { return this; }).call(null) === (0, eval)("this");
});
check("a primitive this is made an object", "Entering Function Code", function () {
  return typeof (function () { return this; }).call(1);
}, "object");
check("octal numbers", "Additional Syntax: Numeric Literals", "return [010, 0777, 08, 019];", [8, 511, 8, 19]);
check("octal escapes in strings", "Additional Syntax: String Literals", "return '\\101\\60\\7';", "A0\u0007");
check("two parameters of one name", "Function Definition", "return (function (a, a) { return a; })(1, 2);", 2);
check("writing to a read-only property is ignored", "[[Put]]", function () {
  var o = Object.freeze({ a: 1 });
  o.a = 2;
  o.b = 3;
  return [o.a, o.b];
}, [1, undefined]);
check("writing where there is only a getter is ignored", "[[Put]]", function () {
  var o = { get a() { return 1; } };
  o.a = 2;
  return o.a;
}, 1);
check("writing to a property of a primitive is ignored", "PutValue", function () {
  var s = "text";
  s.added = 1;
  return s.added;
}, undefined);
check("undefined, NaN and Infinity cannot be changed", "Value Properties of the Global Object", function () {
  return (0, eval)("undefined = 1; NaN = 1; Infinity = 1; [undefined, NaN, Infinity]");
}, [undefined, NaN, Infinity]);
check("undefined can be a local name", "Identifier Names", "return (function (undefined) { return undefined; })(3);", 3);
check("eval makes variables of its caller", "Entering Eval Code", "eval('var from_eval = 4'); return from_eval;", 4);
check("eval sees its caller's variables", "Direct Call to Eval", "var hidden = 3; return eval('hidden + 1');", 4);
check("indirect eval sees globals only", "Direct Call to Eval", "var hidden_from_eval = 3; return (0, eval)('typeof hidden_from_eval');", "undefined");
check("what eval declared can be deleted", "Entering Eval Code", "eval('var short_lived = 1'); return [delete short_lived, typeof short_lived];", [true, "undefined"]);
check("let, static, yield and of as names", "Reserved Words", "var let = 1, static = 2, yield = 3, of = 4, async = 5; return let + static + yield + of + async;", 15);
check("names that strict mode reserves", "Future Reserved Words", "var public = 1, interface = 2, package = 3; return public + interface + package;", 6);
check("a function declared in a block is seen after it", "Block-Level Function Declarations", "if (true) { function inner() { return 1; } } return inner();", 1);
check("a function declared in a block is undefined before it", "Block-Level Function Declarations", "var before = typeof inner; { function inner() {} } return [before, typeof inner];", ["undefined", "function"]);
check("a function declared as the body of an if", "FunctionDeclarations in IfStatement", "if (true) function only() { return 1; } return only();", 1);
check("a labelled function", "Labelled Function Declarations", "label: function labelled() { return 1; } return labelled();", 1);
check("an initialiser in for in", "Initializers in ForIn Statement Heads", "for (var a = 5 in {}) ; return a;", 5);
check("catch and var of one name", "VariableStatements in Catch Blocks", "try { throw 1; } catch (e) { var e = 2; } return e;", undefined);
check("a function does not give its strict caller away", "Forbidden Extensions", function () {
  function f() {
    try { return typeof f.caller; } catch (e) { return e.name; }
  }
  var seen = new Function("f", "'use strict'; return f();")(f);
  return seen !== "function";
});
check("caller of a strict function does not tell", "Forbidden Extensions", function () {
  var f = new Function("'use strict'; return 1;");
  return f.hasOwnProperty("caller") || f.hasOwnProperty("arguments");
}, false);
check("var at top level makes a property of the global object", "Declaration Binding Instantiation", function () {
  return (0, eval)("var top_level_var = 8; this.top_level_var");
}, 8);
check("function at top level makes a property of the global object", "Declaration Binding Instantiation", function () {
  return (0, eval)("function top_level_function() { return 9; } this.top_level_function()");
}, 9);
check("the value of a statement", "Statements", function () {
  return (0, eval)("1; if (true) { 2; } else { 3; }");
}, 2);
