area("ES2023", "everything");

check("findLast and findLastIndex", "Array.prototype.findLast", "return [[1, 5, 9, 2].findLast(x => x > 3), [1, 5, 9, 2].findLastIndex(x => x > 3), [1].findLast(x => x > 3), [1].findLastIndex(x => x > 3)];", [9, 2, undefined, -1]);
check("findLast of typed arrays", "%TypedArray%.prototype.findLast", "return [new Uint8Array([1, 5, 2]).findLast(x => x < 5), new Uint8Array([1]).findLastIndex(x => x > 3)];", [2, -1]);
check("toReversed", "Array.prototype.toReversed", function () { var a = [1, , 3]; return [a.toReversed(), a]; }, [[3, undefined, 1], [1, , 3]]);
check("toSorted", "Array.prototype.toSorted", function () { var a = [3, 1, 2]; return [a.toSorted(), a.toSorted(function (x, y) { return y - x; }), a, thrown(function () { a.toSorted(1); })]; }, [[1, 2, 3], [3, 2, 1], [3, 1, 2], "TypeError"]);
check("toSpliced", "Array.prototype.toSpliced", function () { var a = [1, 2, 3]; return [a.toSpliced(1, 1, "x", "y"), a.toSpliced(-1), a]; }, [[1, "x", "y", 3], [1, 2], [1, 2, 3]]);
check("with", "Array.prototype.with", function () { var a = [1, 2, 3]; return [a.with(-1, "z"), a, thrown(function () { a.with(3, 0); })]; }, [[1, 2, "z"], [1, 2, 3], "RangeError"]);
check("change by copy of typed arrays", "%TypedArray%.prototype.toSorted", function () { var a = new Uint8Array([3, 1]); return [a.toSorted().join(), a.toReversed().join(), a.with(0, 9).join(), a.join()]; }, ["1,3", "1,3", "9,1", "3,1"]);
check("typed arrays have no toSpliced", "Properties of the %TypedArray% Prototype Object", function () { return "toSpliced" in new Uint8Array(1); }, false);
check("change by copy works on array-like objects", "Array.prototype.toReversed", function () { return Array.prototype.toReversed.call({ length: 2, 0: "a", 1: "b" }); }, ["b", "a"]);
check("copies do not ask Symbol.species", "ArrayCreate", "class A extends Array {} return new A(1, 2).toReversed() instanceof A;", false);
check("the new names are in Symbol.unscopables", "Array.prototype[Symbol.unscopables]", function () {
  var u = Array.prototype[Symbol.unscopables];
  return [u.findLast, u.findLastIndex, u.toReversed, u.toSorted, u.toSpliced, u.with];
}, [true, true, true, true, true, undefined]);
check("hashbang comments", "Hashbang Comments", function () { return (0, eval)("#!/usr/bin/env js\n7"); }, 7);
check("a hashbang is at the beginning only", "Hashbang Comments", function () { return [refused(" #!a"), refused("1\n#!a")]; }, [true, true]);
check("symbols as keys of WeakMap", "CanBeHeldWeakly", "var s = Symbol('k'); var w = new WeakMap([[s, 1]]); return [w.get(s), thrown(() => w.set(Symbol.for('registered'), 1))];", [1, "TypeError"]);
check("symbols in WeakSet and WeakRef", "CanBeHeldWeakly", "var s = Symbol('k'); return [new WeakSet([s]).has(s), new WeakRef(s).deref() === s];", [true, true]);
check("well-known symbols can be held weakly", "CanBeHeldWeakly", "return new WeakSet([Symbol.iterator]).has(Symbol.iterator);");
