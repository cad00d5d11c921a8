area("ES2019", "everything");

check("flat", "Array.prototype.flat", function () { return [[1, [2, [3, [4]]]].flat(), [1, [2, [3, [4]]]].flat(Infinity), [1, , [2, , 3]].flat()]; }, [[1, 2, [3, [4]]], [1, 2, 3, 4], [1, 2, 3]]);
check("flatMap", "Array.prototype.flatMap", function () { return [1, 2].flatMap(function (x) { return [x, [x * 2]]; }); }, [1, [2], 2, [4]]);
check("flat and flatMap are in Symbol.unscopables", "Array.prototype[Symbol.unscopables]", function () { return [Array.prototype[Symbol.unscopables].flat, Array.prototype[Symbol.unscopables].flatMap]; }, [true, true]);
check("Object.fromEntries", "Object.fromEntries", "return Object.fromEntries(new Map([['a', 1], ['b', 2]]));", { a: 1, b: 2 });
check("trimStart and trimEnd", "String.prototype.trimStart", function () { return [" a ".trimStart(), " a ".trimEnd()]; }, ["a ", " a"]);
check("catch without a variable", "The try Statement", "try { throw 1; } catch { return 'caught'; }", "caught");
check("Symbol.prototype.description", "Symbol.prototype.description", function () { return [Symbol("d").description, Symbol().description, Symbol("").description]; }, ["d", undefined, ""]);
check("sort is stable", "Array.prototype.sort", function () {
  var a = [];
  for (var i = 0; i < 600; i++) a.push({ k: i % 3, i: i });
  a.sort(function (x, y) { return x.k - y.k; });
  return a.every(function (x, at) { return at === 0 || a[at - 1].k < x.k || a[at - 1].i < x.i; });
});
check("JSON.stringify is well formed", "QuoteJSONString", function () { return [JSON.stringify("\ud800"), JSON.stringify("\ud83d\ude00")]; }, ['"\\ud800"', '"\ud83d\ude00"']);
check("U+2028 and U+2029 in strings", "String Literals", function () { return (0, eval)("'\u2028\u2029'").length; }, 2);
check("Function.prototype.toString gives the source", "Function.prototype.toString", function () {
  function f ( a,b ) { /* c */ return a }
  return f.toString();
}, "function f ( a,b ) { /* c */ return a }");
check("toString of classes and methods gives the source", "Function.prototype.toString", function () {
  return (0, eval)("[class  A { }, { m ( ) { } }.m, ( ) =>1].map(String)");
}, ["class  A { }", "m ( ) { }", "( ) =>1"]);
check("toString of functions inside of new Function gives the source", "Function.prototype.toString", "return (function ( a ) { }).toString();", "function ( a ) { }");
check("Function.prototype.toString of native functions", "NativeFunction", function () { return /^\s*function\s+max\s*\(\s*\)\s*\{\s*\[native code\]\s*\}\s*$/.test(Math.max.toString()); });
check("new Function has the text that the standard says", "CreateDynamicFunction", function () { return new Function("a", "b", "return a").toString(); }, "function anonymous(a,b\n) {\nreturn a\n}");
