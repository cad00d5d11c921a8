// Regular expressions of ES5.
area("ES5", "regular expressions");

check("exec gives match, groups and place", "RegExp.prototype.exec", function () {
  var m = /(a)(x)?(b)/.exec("-ab");
  return [m[0], m[1], m[2], m[3], m.index, m.length];
}, ["ab", "a", undefined, "b", 1, 4]);
check("lastIndex goes on with g", "RegExp.prototype.exec", function () {
  var r = /a/g;
  return [r.test("aa"), r.lastIndex, r.test("aa"), r.lastIndex, r.test("aa"), r.lastIndex];
}, [true, 1, true, 2, false, 0]);
check("flags are properties", "Properties of RegExp Instances", function () {
  var r = /a/gim;
  return [r.global, r.ignoreCase, r.multiline, r.source, String(r)];
}, [true, true, true, "a", "/a/gim"]);
check("greedy and lazy repetition", "Quantifier", function () {
  return ["aaa".match(/a+/)[0], "aaa".match(/a+?/)[0], "aaaa".match(/a{2,3}/)[0], "aaaa".match(/a{2,3}?/)[0]];
}, ["aaa", "a", "aaa", "aa"]);
check("alternatives in order", "Disjunction", function () {
  return "abc".match(/a|ab/)[0];
}, "a");
check("groups that do not capture", "Atom", function () {
  return "abab".match(/(?:ab)+/).length;
}, 1);
check("back references", "DecimalEscape", function () {
  return [/(a|b)\1/.test("ab"), /(a|b)\1/.test("abb"), /\1(a)/.test("a")];
}, [false, true, true]);
check("lookahead", "Assertion", function () {
  return ["ab".match(/a(?=b)/)[0], /a(?!b)/.test("ab"), /a(?!b)/.test("ac")];
}, ["a", false, true]);
check("groups in a repetition are cleared", "RepeatMatcher", function () {
  return /(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac");
}, ["zaacbbbcac", "z", "ac", "a", undefined, "c"]);
check("an empty match ends a repetition", "RepeatMatcher", function () {
  return /(a*)*/.exec("b");
}, ["", undefined]);
check("word boundaries", "Assertion", function () {
  return ["a bc".replace(/\b/g, "|"), /\Bc/.test("bc")];
}, ["|a| |bc|", true]);
check("^ and $ with m", "Assertion", function () {
  return "a\nb\rc\u2028d".match(/^.$/gm);
}, ["a", "b", "c", "d"]);
check("classes and their complements", "CharacterClass", function () {
  return ["a-1_".replace(/[^\w]/g, "x"), /[]/.test("a"), /[^]/.test("\n"), "a]b".match(/[\]]/)[0], /[a-c]/i.test("B")];
}, ["ax1_", false, true, "]", true]);
check("\\s is all white space", "CharacterClassEscape", function () {
  return /^\s+$/.test(" \t\n\v\f\r\u00a0\ufeff\u1680\u2000\u2028\u2029\u202f\u205f\u3000") && !/\s/.test("\u180e");
});
check("control and hexadecimal escapes", "CharacterEscape", function () {
  return /\x41\u0042\cJ\0\t/.test("AB\n\0\t");
});
check("i folds letters beyond ASCII", "Canonicalize", function () {
  return [/\u00e4/i.test("\u00c4"), /\u03c3/i.test("\u03a3"), /\u00df/i.test("SS")];
}, [true, true, false]);
check("the constructor copies and refuses", "The RegExp Constructor", function () {
  return [new RegExp("a/b").source, new RegExp(/x/g).global, thrown(function () { return new RegExp("("); }), thrown(function () { return new RegExp("a", "gg"); })];
}, ["a\\/b", true, "SyntaxError", "SyntaxError"]);
check("each evaluation of a literal is a new object", "Regular Expression Literals", function () {
  function f() { return /a/; }
  return f() === f();
}, false);
check("a slash in a class does not end a literal", "Regular Expression Literals", function () {
  return /[/]/.exec("a/b").index;
}, 1);
