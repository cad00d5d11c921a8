// A value as a text, so that equal texts mean equal values; runs in Node and in the gateway's engines.
var outcome = (function () {
  const tagOf = (x) => Object.prototype.toString.call(x).slice(8, -1);

  function show(x, seen = []) {
    if (Object.is(x, -0)) return '-0';
    if (typeof x === 'string') return JSON.stringify(x);
    if (typeof x === 'bigint') return x + 'n';
    if (typeof x === 'symbol') return x.toString();
    if (x === null || (typeof x !== 'object' && typeof x !== 'function')) return String(x);
    if (seen.includes(x)) return `<cycle ${seen.length - seen.indexOf(x)}>`;
    seen = [...seen, x];
    if (seen.length > 40) return '...';
    const inner = (y) => show(y, seen);
    const props = (names) => names.map((k) => `${JSON.stringify(k)}: ${inner(x[k])}`);
    if (typeof x === 'function') return 'function';
    const tag = tagOf(x);
    if (tag === 'Array') {
      const out = [];
      for (let i = 0; i < x.length; i++) out.push(i in x ? inner(x[i]) : '<hole>');
      return `[${[...out, ...props(Object.keys(x).filter((k) => !/^\d+$/.test(k)))].join(', ')}]`;
    }
    if ('_wrapped' in x) return `_(${inner(x._wrapped)})${x._chain ? '.chain' : ''}`;
    const text = {
      Date: () => +x, RegExp: () => x, Error: () => x,
      Map: () => [...x].map(([k, v]) => `${inner(k)} => ${inner(v)}`),
      Set: () => [...x].map(inner),
      String: () => inner(x.valueOf()), Number: () => inner(x.valueOf()), Boolean: () => x.valueOf(),
      Symbol: () => inner(x.valueOf()),
      ArrayBuffer: () => [...new Uint8Array(x)],
    }[tag];
    const names = tag === 'String' ? [] : Object.keys(x);
    const proto = Object.getPrototypeOf(x);
    const kind = tag === 'Object' && proto && proto.constructor && proto.constructor.name || tag;
    return `${kind}${text ? `(${String(text())})` : ''}{${props(names).join(', ')}}`;
  }

  return function (fn) {
    try {
      return show(fn());
    } catch (e) {
      return 'throws ' + (e && typeof e === 'object' ? e.name : show(e));
    }
  }
})();
