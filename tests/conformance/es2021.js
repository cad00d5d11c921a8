area("ES2021", "everything");

check("||=, &&= and ??=", "Logical Assignment", "var a = 0, b = 1, c = null, d = 0; a ||= 5; b &&= 6; c ??= 7; d ??= 8; return [a, b, c, d];", [5, 6, 7, 0]);
check("logical assignment writes only where it must", "Logical Assignment", "var n = 0; var o = {get a() { return 1; }, set a(v) { n++; }}; o.a ||= 2; o.a ??= 2; o.a &&= 2; return n;", 1);
check("logical assignment names functions", "NamedEvaluation", "var f; f ??= () => {}; return f.name;", "f");
check("numeric separators", "Numeric Literals", "return [1_000_000, 0xff_ff, 0b1_0, 1_0.2_5, 1e1_0];", [1000000, 65535, 2, 10.25, 10000000000]);
check("numeric separators in BigInt", "Numeric Literals", "return String(1_000n);", "1000");
check("separators at the wrong places are refused", "Numeric Literals", function () { return ["1__0", "1_", "0_1", "1_.5", "0x_1"].map(refused); }, [true, true, true, true, true]);
check("replaceAll", "String.prototype.replaceAll", "return ['a.b.c'.replaceAll('.', '-'), 'aa'.replaceAll('a', '$&$&'), 'abc'.replaceAll('', '_'), 'xx'.replaceAll('x', (m, at) => at)];", ["a-b-c", "aaaa", "_a_b_c_", "01"]);
check("replaceAll with an expression without g throws", "String.prototype.replaceAll", "return ['a1b2'.replaceAll(/\\d/g, '#'), thrown(() => 'a'.replaceAll(/a/, ''))];", ["a#b#", "TypeError"]);
check("Promise.any", "Promise.any", "return Promise.any([1]) instanceof Promise;");
check("AggregateError", "AggregateError Objects", function () {
  var e = new AggregateError([1, new Error("x")], "many");
  return [e.errors.length, e.message, e.name, e instanceof Error, Object.keys(e)];
}, [2, "many", "AggregateError", true, []]);
check("WeakRef", "WeakRef Objects", "var o = {}; var w = new WeakRef(o); return [w.deref() === o, String(w), thrown(() => new WeakRef(1))];", [true, "[object WeakRef]", "TypeError"]);
check("FinalizationRegistry", "FinalizationRegistry Objects", "var r = new FinalizationRegistry(() => {}); var o = {}, t = {}; r.register(o, 1, t); return [r.unregister(t), r.unregister({}), thrown(() => new FinalizationRegistry())];", [true, false, "TypeError"]);
