area("ES2016", "everything");

check("Array.prototype.includes", "Array.prototype.includes", function () { return [[1, 2].includes(2), [1, 2].includes(1, 1), [1].includes("1")]; }, [true, false, false]);
check("includes finds NaN and holes", "Array.prototype.includes", function () { return [[NaN].includes(NaN), [,].includes(undefined), [0].includes(-0)]; }, [true, true, true]);
check("includes of typed arrays", "%TypedArray%.prototype.includes", function () { return new Uint8Array([1, 2]).includes(2); });
check("exponentiation", "Exponentiation Operator", "var a = 3; a **= 2; return [2 ** 10, 2 ** 3 ** 2, 2 ** -1, (-2) ** 2, a];", [1024, 512, 0.5, 4, 9]);
check("a sign before ** is refused", "Exponentiation Operator", function () { return refused("-2 ** 2"); });
check("generators are no constructors, their methods neither", "Generator Function Definitions", "return thrown(() => new ({*m() {}}).m());", "TypeError");
check("destructuring in a rest parameter", "Function Definitions", "return ((...[a, b]) => [a, b])(1, 2, 3);", [1, 2]);
