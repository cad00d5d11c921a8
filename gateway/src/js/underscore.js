/*
 * `_` for gateway scripts: the documented API of Underscore 1.13, our own code.
 * ES5 syntax. Loading only defines functions; wrapper methods (`_(x).map(...)`)
 * are put on `_.prototype` when the first wrapper is made.
 */
var _ = (function (root) {
  var ArrayProto = Array.prototype, ObjectProto = Object.prototype;
  var owns = ObjectProto.hasOwnProperty, stringTag = ObjectProto.toString;
  var arraySlice = ArrayProto.slice, isArray = Array.isArray;
  var replaced = root && root._;          // what noConflict() puts back
  var STOP = {};                          // private: a visitor returns it to end a walk
  var api, lastId = 0, wrapperReady = false;

  // The wrapper, callable with or without `new`.
  function _(value) {
    if (value instanceof _) return value;
    if (!(this instanceof _)) return new _(value);
    if (!wrapperReady) prepareWrapper();
    this._wrapped = value;
  }

  // ---- type tests ------------------------------------------------------

  function tagged(name) {
    var tag = '[object ' + name + ']';
    return function (x) { return stringTag.call(x) === tag; };
  }
  var isArguments = tagged('Arguments'), isString = tagged('String'), isNumber = tagged('Number'),
    isSymbol = tagged('Symbol'), isDataView = tagged('DataView'), isBooleanTag = tagged('Boolean');

  function isFunction(x) { return typeof x === 'function'; }
  function isObject(x) { return x !== null && typeof x === 'object' || typeof x === 'function'; }
  function isNull(x) { return x === null; }
  function isUndefined(x) { return x === void 0; }
  function isBoolean(x) { return typeof x === 'boolean' || isBooleanTag(x); }
  function isElement(x) { return Boolean(x && x.nodeType === 1); }
  // Boxed NaN counts; a non-number such as undefined or 'x' does not.
  function isNaNumber(x) { return isNumber(x) && isNaN(x); }
  // Numeric strings count; '', null, true and [] do not, although they convert to a finite number.
  function isFiniteNumber(x) { return !isSymbol(x) && isFinite(x) && !isNaN(parseFloat(x)); }
  function isTypedArray(x) {
    return typeof ArrayBuffer === 'function' && ArrayBuffer.isView(x) && !isDataView(x);
  }
  function isEmpty(x) {
    if (x == null) return true;
    if (typeof x.length === 'number' && (isArray(x) || isString(x) || isArguments(x))) return x.length === 0;
    return keys(x).length === 0;
  }

  // ---- small internals -------------------------------------------------

  function own(x, name) { return x != null && owns.call(x, name); }
  function lengthOf(x) { return x == null ? void 0 : x.length; }
  // Anything with a sane numeric `length` is walked by index, functions and plain objects included.
  function isListy(x) {
    var n = lengthOf(x);
    return typeof n === 'number' && n >= 0 && n <= 9007199254740991;
  }
  function listFrom(x) { return isListy(x) ? x : values(x); }
  function argsFrom(args, start) { return arraySlice.call(args, start); }

  // Visits each element (or own property); ends early when the visitor returns STOP.
  function walk(list, visit, backwards) {
    var names = isListy(list) ? null : keys(list), n = names ? names.length : list.length, i, at;
    for (i = 0; i < n; i++) {
      at = backwards ? n - 1 - i : i;
      if (names) at = names[at];
      if (visit(list[at], at, list) === STOP) return;
    }
  }

  function withThis(fn, self) {
    return self === void 0 ? fn : function () { return fn.apply(self, arguments); };
  }

  // Iteratee shorthands: nothing, function, matcher object, or property name / path array.
  function iteratee(x, self) {
    if (x == null) return identity;
    if (isFunction(x)) return withThis(x, self);
    return isObject(x) && !isArray(x) ? matcher(x) : property(x);
  }
  // Scripts may replace _.iteratee and _.toPath, so internal uses go through the public names.
  function toFn(x, self) { return _.iteratee === iteratee ? iteratee(x, self) : _.iteratee(x, self); }
  function toPath(path) { return isArray(path) ? path : [path]; }
  function pathOf(path) { return _.toPath(path); }

  function dig(x, steps) {
    var i = 0, n = steps.length;
    while (i < n && x != null) x = x[steps[i++]];
    return n && i === n ? x : void 0;     // an empty path finds nothing
  }

  // ---- collections -----------------------------------------------------

  function each(list, fn, self) {
    walk(list, withThis(fn, self));
    return list;
  }

  function map(list, fn, self) {
    var out = [];
    fn = toFn(fn, self);
    walk(list, function (x, at) { out.push(fn(x, at, list)); });
    return out;
  }

  function folder(backwards) {
    return function (list, fn, memo, self) {
      var started = arguments.length > 2;
      fn = withThis(fn, self);
      walk(list, function (x, at) {
        memo = started ? fn(memo, x, at, list) : x;
        started = true;
      }, backwards);
      return memo;
    };
  }
  var reduce = folder(false), reduceRight = folder(true);

  function find(list, test, self) {
    var found;
    test = toFn(test, self);
    walk(list, function (x, at) {
      if (test(x, at, list)) { found = x; return STOP; }
    });
    return found;
  }

  function sift(list, test, self, wanted) {
    var out = [];
    test = toFn(test, self);
    walk(list, function (x, at) { if (!test(x, at, list) === !wanted) out.push(x); });
    return out;
  }
  function filter(list, test, self) { return sift(list, test, self, true); }
  function reject(list, test, self) { return sift(list, test, self, false); }

  // True if some element's test gives `wanted`.
  function anyIs(list, test, self, wanted) {
    var hit = false;
    test = toFn(test, self);
    walk(list, function (x, at) {
      if (!test(x, at, list) === !wanted) { hit = true; return STOP; }
    });
    return hit;
  }
  function some(list, test, self) { return anyIs(list, test, self, true); }
  function every(list, test, self) { return !anyIs(list, test, self, false); }

  // `guard` (here and below) lets the function be given straight to map or reduce.
  function contains(list, item, from, guard) {
    return indexOf(listFrom(list), item, guard || typeof from !== 'number' ? 0 : from) >= 0;
  }

  function invoke(list, path) {
    var args = argsFrom(arguments, 2), fn = isFunction(path) ? path : null, steps, name;
    if (!fn) {
      steps = argsFrom(pathOf(path), 0);
      name = steps.pop();
    }
    return map(list, function (x) {
      var method = fn;
      if (!fn) {
        if (steps.length) x = dig(x, steps);
        if (x == null) return void 0;
        method = x[name];
      }
      return method == null ? method : method.apply(x, args);
    });
  }

  function pluck(list, path) { return map(list, property(path)); }
  function where(list, attrs) { return filter(list, matcher(attrs)); }
  function findWhere(list, attrs) { return find(list, matcher(attrs)); }

  function extreme(sign) {
    var worst = -sign * Infinity;
    function better(a, b) { return sign > 0 ? a > b : a < b; }
    return function (list, fn, self) {
      var best = worst, bestKey = worst;
      // A number for fn is the index given by an enclosing map, not a property name.
      if (fn == null || typeof fn === 'number' && typeof list[0] !== 'object' && list != null) {
        walk(listFrom(list), function (x) { if (x != null && better(x, best)) best = x; });
        return best;
      }
      fn = toFn(fn, self);
      walk(list, function (x, at) {
        var key = fn(x, at, list);
        if (better(key, bestKey) || key === worst && best === worst) { best = x; bestKey = key; }
      });
      return best;
    };
  }
  var max = extreme(1), min = extreme(-1);

  function sample(list, count, guard) {
    var pool, i, j, held;
    if (count == null || guard) {
      pool = listFrom(list);
      return pool[random(pool.length - 1)];
    }
    pool = toArray(list);
    count = Math.max(Math.min(count, pool.length), 0);
    for (i = 0; i < count; i++) {
      j = random(i, pool.length - 1);
      held = pool[j]; pool[j] = pool[i]; pool[i] = held;
    }
    return pool.slice(0, count);
  }
  function shuffle(list) { return sample(list, Infinity); }

  // Stable; undefined criteria come last.
  function sortBy(list, fn, self) {
    var rows = [];
    fn = toFn(fn, self);
    walk(list, function (x, at) { rows.push({ x: x, key: fn(x, at, list), n: rows.length }); });
    rows.sort(function (p, q) {
      var a = p.key, b = q.key;
      if (a !== b) {
        if (a === void 0 || a > b) return 1;
        if (b === void 0 || a < b) return -1;
      }
      return p.n - q.n;
    });
    return map(rows, function (row) { return row.x; });
  }

  function grouper(store, fresh) {
    return function (list, fn, self) {
      var out = fresh ? fresh() : {};
      fn = toFn(fn, self);
      walk(list, function (x, at) { store(out, fn(x, at, list), x); });
      return out;
    };
  }
  var groupBy = grouper(function (out, key, x) {
    if (own(out, key)) out[key].push(x); else out[key] = [x];
  });
  var indexBy = grouper(function (out, key, x) { out[key] = x; });
  var countBy = grouper(function (out, key) { out[key] = own(out, key) ? out[key] + 1 : 1; });
  var partition = grouper(function (out, yes, x) { out[yes ? 0 : 1].push(x); },
    function () { return [[], []]; });

  function toArray(x) {
    if (!x) return [];
    if (isArray(x)) return arraySlice.call(x);
    // Surrogate pairs stay together.
    if (isString(x)) return x.match(/[\ud800-\udbff][\udc00-\udfff]|[\s\S]/g);
    return isListy(x) ? map(x, identity) : values(x);
  }

  function size(x) { return x == null ? 0 : isListy(x) ? x.length : keys(x).length; }

  // ---- arrays ----------------------------------------------------------

  function first(array, n, guard) {
    var one = n == null || guard;
    if (array == null || array.length < 1) return one ? void 0 : [];
    return one ? array[0] : initial(array, array.length - n);
  }
  function initial(array, n, guard) {
    return arraySlice.call(array, 0, Math.max(0, array.length - (n == null || guard ? 1 : n)));
  }
  function last(array, n, guard) {
    var one = n == null || guard;
    if (array == null || array.length < 1) return one ? void 0 : [];
    return one ? array[array.length - 1] : rest(array, Math.max(0, array.length - n));
  }
  function rest(array, n, guard) { return arraySlice.call(array, n == null || guard ? 1 : n); }

  function compact(array) { return filter(array, Boolean); }

  // Explicit stack, so depth is not bounded by the engine's call stack.
  // `strict` drops elements of the top level that are not lists.
  function flattenTo(depth, input, strict) {
    var out = [], stack = [], now = { list: input, i: 0, n: lengthOf(input) }, x;
    while (now) {
      if (!(now.i < now.n)) { now = stack.pop(); continue; }
      x = now.list[now.i++];
      if (!(stack.length >= depth) && (isArray(x) || isArguments(x) && isListy(x))) {
        stack.push(now);
        now = { list: x, i: 0, n: x.length };
      } else if (!strict || stack.length) out.push(x);
    }
    return out;
  }
  function flatten(array, depth) {
    if (!depth && depth !== 0) depth = Infinity;    // `true` acts as 1
    return flattenTo(depth, array);
  }

  function without(array) { return difference(array, argsFrom(arguments, 1)); }
  function difference(array) {
    var unwanted = flattenTo(1, argsFrom(arguments, 1), true);
    return filter(array, function (x) { return !contains(unwanted, x); });
  }
  function union() { return uniq(flattenTo(1, arguments, true)); }
  function intersection(array) {
    var others = argsFrom(arguments, 1), out = [], i, n = lengthOf(array);
    function inAll(x) {
      return every(others, function (other) { return contains(other, x); });
    }
    for (i = 0; i < n; i++) if (!contains(out, array[i]) && inAll(array[i])) out.push(array[i]);
    return out;
  }

  function uniq(array, sorted, fn, self) {
    var out = [], seen = [], i, n, x, key;
    if (!isBoolean(sorted)) { self = fn; fn = sorted; sorted = false; }
    fn = fn == null ? null : toFn(fn, self);
    if (fn) sorted = false;               // sorted by value says nothing about computed keys
    for (i = 0, n = lengthOf(array); i < n; i++) {
      x = array[i];
      key = fn ? fn(x, i, array) : x;
      if (sorted ? i && seen[0] === key : contains(seen, key)) continue;
      if (sorted) seen[0] = key; else seen.push(key);
      out.push(x);
    }
    return out;
  }

  function unzip(rows) {
    var width = 0, out = [], i;
    if (!rows) return out;
    walk(rows, function (row) { var n = lengthOf(row); if (n > width) width = n; });
    for (i = 0; i < width; i++) out.push(pluck(rows, i));
    return out;
  }
  function zip() { return unzip(arguments); }

  function object(list, vals) {
    var out = {}, i, n;
    for (i = 0, n = lengthOf(list); i < n; i++) {
      if (vals) out[list[i]] = vals[i]; else out[list[i][0]] = list[i][1];
    }
    return out;
  }

  function indexFinder(step) {
    return function (array, test, self) {
      var n = lengthOf(array), i;
      test = toFn(test, self);
      for (i = step > 0 ? 0 : n - 1; i >= 0 && i < n; i += step) if (test(array[i], i, array)) return i;
      return -1;
    };
  }
  var findIndex = indexFinder(1), findLastIndex = indexFinder(-1);

  function sortedIndex(array, x, fn, self) {
    var lo = 0, hi = lengthOf(array), key, mid;
    fn = toFn(fn, self);
    key = fn(x);
    while (lo < hi) {
      mid = Math.floor((lo + hi) / 2);
      if (fn(array[mid]) < key) lo = mid + 1; else hi = mid;
    }
    return lo;
  }

  // Unlike the native method, finds NaN.
  function matches(x, item) { return x === item || item !== item && isNaNumber(x); }
  function indexOf(array, item, from) {
    var n = lengthOf(array), i = 0;
    if (typeof from === 'number') i = from < 0 ? Math.max(0, n + from) : from;
    else if (from && n) {                 // `true`: sorted, search by halves
      i = sortedIndex(array, item);
      return array[i] === item ? i : -1;
    }
    for (; i < n; i++) if (matches(array[i], item)) return i;
    return -1;
  }
  function lastIndexOf(array, item, from) {
    var i = lengthOf(array) - 1;
    if (typeof from === 'number') i = from < 0 ? i + 1 + from : Math.min(i, from);
    for (; i >= 0; i--) if (matches(array[i], item)) return i;
    return -1;
  }

  function range(start, stop, step) {
    var out = [], i, n;
    if (stop == null) { stop = start || 0; start = 0; }
    step = step || (stop < start ? -1 : 1);
    n = Math.max(Math.ceil((stop - start) / step), 0);
    for (i = 0; i < n; i++, start += step) out.push(start);
    return out;
  }

  function chunk(array, count) {
    var out = [], i;
    if (count == null || count < 1) return out;
    for (i = 0; i < array.length; i += count) out.push(arraySlice.call(array, i, i + count));
    return out;
  }

  // ---- functions -------------------------------------------------------

  function bind(fn) {
    if (!isFunction(fn)) throw new TypeError('_.bind needs a function');
    return Function.prototype.bind.apply(fn, argsFrom(arguments, 1));
  }

  function partial(fn) {
    var preset = argsFrom(arguments, 1), hole = partial.placeholder;
    function bound() {
      var args = [], used = 0, i, made, result;
      for (i = 0; i < preset.length; i++) args.push(preset[i] === hole ? arguments[used++] : preset[i]);
      while (used < arguments.length) args.push(arguments[used++]);
      if (!(this instanceof bound)) return fn.apply(this, args);
      made = create(fn.prototype);        // called with `new`
      result = fn.apply(made, args);
      return isObject(result) ? result : made;
    }
    return bound;
  }
  partial.placeholder = _;

  function bindAll(x) {
    var names = flattenTo(Infinity, argsFrom(arguments, 1));
    if (!names.length) throw new Error('_.bindAll needs the names of the methods to bind');
    each(names, function (name) { x[name] = bind(x[name], x); });
    return x;
  }

  function memoize(fn, hasher) {
    function memo(key) {
      var cache = memo.cache, slot = '' + (hasher ? hasher.apply(this, arguments) : key);
      if (!own(cache, slot)) cache[slot] = fn.apply(this, arguments);
      return cache[slot];
    }
    memo.cache = {};
    return memo;
  }

  // The engine may have no timers; that is only an error once one is needed.
  function startTimer(fn, wait) {
    if (typeof setTimeout !== 'function') {
      throw new Error('_.delay, defer, throttle and debounce need setTimeout, which is not available here');
    }
    return setTimeout(fn, wait);
  }
  function stopTimer(timer) {
    if (timer != null && typeof clearTimeout === 'function') clearTimeout(timer);
  }

  function delay(fn, wait) {
    var args = argsFrom(arguments, 2);
    return startTimer(function () { return fn.apply(null, args); }, wait);
  }
  function defer(fn) { return delay.apply(null, [fn, 1].concat(argsFrom(arguments, 1))); }

  function throttle(fn, wait, options) {
    var opened = 0, timer = null, self, args, result;   // opened: start of the current window, 0 = none
    options = options || {};
    function run() {
      var useSelf = self, useArgs = args;
      self = args = null;
      result = fn.apply(useSelf, useArgs);
    }
    function trailing() {
      timer = null;
      opened = options.leading === false ? 0 : now();
      run();
    }
    function throttled() {
      var t = now(), left;
      if (!opened && options.leading === false) opened = t;
      left = opened + wait - t;
      self = this;
      args = arguments;
      if (left <= 0 || left > wait) {     // left > wait: the clock was set back
        stopTimer(timer);
        timer = null;
        opened = t;
        run();
      } else if (timer === null && options.trailing !== false) timer = startTimer(trailing, left);
      return result;
    }
    throttled.cancel = function () {
      stopTimer(timer);
      opened = 0;
      timer = self = args = null;
    };
    return throttled;
  }

  function debounce(fn, wait, immediate) {
    var timer = null, self, args, result;
    function quiet() {
      var useSelf = self, useArgs = args;
      timer = self = args = null;
      if (!immediate) result = fn.apply(useSelf, useArgs);
    }
    function debounced() {
      var leading = immediate && timer === null;
      self = this;
      args = arguments;
      stopTimer(timer);
      timer = startTimer(quiet, wait);
      if (leading) result = fn.apply(self, args);
      return result;
    }
    debounced.cancel = function () {
      stopTimer(timer);
      timer = self = args = null;
    };
    return debounced;
  }

  function wrap(fn, wrapper) { return partial(wrapper, fn); }
  function negate(fn) { return function () { return !fn.apply(this, arguments); }; }
  function compose() {
    var fns = arguments;
    return function () {
      var i = fns.length - 1, result = fns[i].apply(this, arguments);
      while (i > 0) result = fns[--i].call(this, result);
      return result;
    };
  }
  function after(count, fn) {
    return function () { if (--count < 1) return fn.apply(this, arguments); };
  }
  function before(count, fn) {
    var result;
    return function () {
      if (--count > 0) result = fn.apply(this, arguments);
      if (count <= 1) fn = null;          // never called again: let it be collected
      return result;
    };
  }
  function once(fn) { return before(2, fn); }
  function restArguments(fn, start) {
    start = start == null ? fn.length - 1 : +start;
    return function () {
      var args = [], i;
      for (i = 0; i < start; i++) args.push(arguments[i]);
      args.push(argsFrom(arguments, start));
      return fn.apply(this, args);
    };
  }

  // ---- objects ---------------------------------------------------------

  function keys(x) { return isObject(x) ? Object.keys(x) : []; }
  function allKeys(x) {
    var out = [], name;
    if (isObject(x)) for (name in x) out.push(name);
    return out;
  }
  function values(x) { return map(keys(x), function (name) { return x[name]; }); }
  function pairs(x) { return map(keys(x), function (name) { return [name, x[name]]; }); }
  function invert(x) {
    var out = {};
    each(keys(x), function (name) { out[x[name]] = name; });
    return out;
  }
  function mapObject(x, fn, self) {
    var out = {};
    fn = toFn(fn, self);
    each(keys(x), function (name) { out[name] = fn(x[name], name, x); });
    return out;
  }
  function functions(x) {
    var out = [], name;
    for (name in x) if (isFunction(x[name])) out.push(name);
    return out.sort();
  }
  function findKey(x, test, self) {
    test = toFn(test, self);
    return find(keys(x), function (name) { return test(x[name], name, x); });
  }

  function copier(namesOf, onlyMissing) {
    return function (target) {
      var i, n = arguments.length;
      function copyFrom(source) {
        each(namesOf(source), function (name) {
          if (!onlyMissing || target[name] === void 0) target[name] = source[name];
        });
      }
      if (onlyMissing) target = Object(target);
      if (target != null) for (i = 1; i < n; i++) copyFrom(arguments[i]);
      return target;
    };
  }
  var extend = copier(allKeys), extendOwn = copier(keys), defaults = copier(allKeys, true);

  function pickBy(x, test) {
    var out = {};
    each(allKeys(x), function (name) {
      var value = x[name];
      if (test(value, name, x)) out[name] = value;
    });
    return out;
  }
  function pick(x, test) {
    var out = {};
    if (x == null) return out;
    if (isFunction(test)) return pickBy(x, withThis(test, arguments[2]));
    x = Object(x);
    each(flattenTo(Infinity, argsFrom(arguments, 1)), function (name) { if (name in x) out[name] = x[name]; });
    return out;
  }
  function omit(x, test) {
    var names;
    if (x == null) return {};
    if (isFunction(test)) return pickBy(x, negate(withThis(test, arguments[2])));
    names = map(flattenTo(Infinity, argsFrom(arguments, 1)), String);
    return pickBy(x, function (value, name) { return !contains(names, name); });
  }

  function create(proto, props) {
    var made = isObject(proto) ? Object.create(proto) : {};
    return props ? extendOwn(made, props) : made;
  }
  function clone(x) { return !isObject(x) ? x : isArray(x) ? x.slice() : extend({}, x); }
  function tap(x, fn) { fn(x); return x; }

  function get(x, path, fallback) {
    var found = dig(x, pathOf(path));
    return found === void 0 ? fallback : found;
  }
  function has(x, path) {
    var steps = pathOf(path), i, n = steps.length;
    for (i = 0; i < n; i++) {
      if (!own(x, steps[i])) return false;
      x = x[steps[i]];
    }
    return n > 0;
  }
  function property(path) {
    var steps = pathOf(path);
    return function (x) { return dig(x, steps); };
  }
  function propertyOf(x) {
    return x == null ? noop : function (path) { return get(x, path); };
  }
  function isMatch(x, attrs) {
    var names = keys(attrs), target;
    if (x == null) return !names.length;
    target = Object(x);
    return every(names, function (name) { return name in target && target[name] === attrs[name]; });
  }
  function matcher(attrs) {
    attrs = extendOwn({}, attrs);         // later changes by the caller have no effect
    return function (x) { return isMatch(x, attrs); };
  }
  function result(x, path, fallback) {
    var steps = pathOf(path), i, n = steps.length, value;
    if (!n) return isFunction(fallback) ? fallback.call(x) : fallback;
    for (i = 0; i < n; i++) {
      value = x == null ? void 0 : x[steps[i]];
      if (value === void 0) { value = fallback; i = n; }
      x = isFunction(value) ? value.call(x) : value;
    }
    return x;
  }

  // Equality of two values as far as it shows without looking inside:
  // true, false, or undefined for two objects whose contents must be compared.
  function alike(a, b) {
    var tag;
    if (a === b) return a !== 0 || 1 / a === 1 / b;     // 0 and -0 differ
    if (a == null || b == null) return false;
    if (a !== a) return b !== b;
    if (!isObject(a) && !isObject(b)) return false;
    tag = stringTag.call(a);
    if (tag !== stringTag.call(b)) return false;
    switch (tag) {
      // A primitive equals its boxed form.
      case '[object String]': case '[object RegExp]': return '' + a === '' + b;
      case '[object Number]': return alike(+a, +b);
      case '[object Boolean]': case '[object Date]': return +a === +b;
      case '[object Symbol]': return a.valueOf() === b.valueOf();
    }
  }
  function bytesOf(x) { return new Uint8Array(x.buffer || x, x.byteOffset || 0, x.byteLength); }
  // Object (of any realm) is an instance of itself; ordinary constructors are not.
  function isRootClass(c) { return isFunction(c) && c instanceof c; }
  function sameClass(a, b) {
    var p = a.constructor, q = b.constructor;
    return p === q || isRootClass(p) && isRootClass(q) || !('constructor' in a && 'constructor' in b);
  }

  // Keeps pairs still to compare in a list instead of recursing. `up` links a pair to
  // those around it: an object met again inside itself must face the same partner.
  function isEqual(a, b) {
    var todo = [{ a: a, b: b, up: null }], pair, tag, verdict, up, names, i;
    function note(x, y) {                 // false: known to differ
      if (x instanceof _) x = x._wrapped;
      if (y instanceof _) y = y._wrapped;
      var known = alike(x, y);
      if (known === void 0) todo.push({ a: x, b: y, up: pair });
      return known !== false;
    }
    todo.length = 0;
    pair = null;
    if (!note(a, b)) return false;
    while ((pair = todo.pop())) {
      a = pair.a;
      b = pair.b;
      tag = stringTag.call(a);
      if (tag === '[object ArrayBuffer]' || tag === '[object DataView]') {
        a = bytesOf(a);
        b = bytesOf(b);
      }
      names = null;
      if (isTypedArray(a)) {
        if (a.byteLength !== b.byteLength) return false;
        if (a.buffer === b.buffer && a.byteOffset === b.byteOffset) continue;
      } else if (tag !== '[object Array]') {
        if (typeof a !== 'object' || typeof b !== 'object' || !sameClass(a, b)) return false;
        names = keys(a);
      }
      verdict = null;
      for (up = pair.up; up && verdict === null; up = up.up) if (up.a === a) verdict = up.b === b;
      if (verdict === false) return false;
      if (verdict) continue;
      i = names ? names.length : a.length;
      if (i !== (names ? keys(b) : b).length) return false;
      while (i--) {
        if (names ? !own(b, names[i]) || !note(a[names[i]], b[names[i]]) : !note(a[i], b[i])) return false;
      }
    }
    return true;
  }

  // ---- utilities -------------------------------------------------------

  function identity(x) { return x; }
  function constant(x) { return function () { return x; }; }
  function noop() {}
  function now() { return Date.now(); }
  function times(n, fn, self) {
    var out = new Array(Math.max(0, n)), i;
    fn = withThis(fn, self);
    for (i = 0; i < n; i++) out[i] = fn(i);
    return out;
  }
  function random(lo, hi) {
    if (hi == null) { hi = lo; lo = 0; }
    return lo + Math.floor(Math.random() * (hi - lo + 1));
  }
  function uniqueId(prefix) {
    var id = String(++lastId);
    return prefix ? prefix + id : id;
  }

  var ENTITIES = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#x27', '`': '#x60' };
  function escape(x) {
    return x == null ? '' : ('' + x).replace(/[&<>"'`]/g, function (c) { return '&' + ENTITIES[c] + ';'; });
  }
  function unescape(x) {
    return x == null ? '' : ('' + x).replace(/&(amp|lt|gt|quot|#x27|#x60);/g, function (all, name) {
      return findKey(ENTITIES, function (value) { return value === name; });
    });
  }

  // The text becomes the body of a function: between two evaluate tags there is always exactly
  // one statement, which appends the text and values found there to __p.
  function template(text, settings, oldSettings) {
    var finder, found, at = 0, code = '', sum = '', param;
    settings = defaults({}, settings || oldSettings, _.templateSettings);
    param = settings.variable;
    // It is put into the code as it is, so it must not hold anything else.
    if (param && !/^\s*[\w$]+\s*$/.test(param)) throw new Error('_.template: not an identifier: ' + param);
    function source(kind) { return (settings[kind] || /(?!)()/).source; }
    function literal(end) {
      return JSON.stringify(text.substring(at, end)).replace(/[\u2028\u2029]/g, function (c) {
        return c === '\u2028' ? '\\u2028' : '\\u2029';
      });
    }
    finder = new RegExp(source('escape') + '|' + source('interpolate') + '|' + source('evaluate'), 'g');
    while (at <= text.length && (found = finder.exec(text))) {
      sum += literal(found.index);
      at = finder.lastIndex;
      if (found[1]) sum += '+_.escape(__s((\n' + found[1] + '\n)))+';
      else if (found[2]) sum += '+__s((\n' + found[2] + '\n))+';
      else if (found[3]) {
        code += '__p+=' + sum + ';\n' + found[3] + '\n';
        sum = '';
      } else sum += '+';
      if (!found[0]) finder.lastIndex++;
    }
    code += '__p+=' + sum + literal(text.length) + ';\n';
    if (!param) code = 'with(obj||{}){\n' + code + '}\n';
    code = "var __p='',__s=function(v){return v==null?'':v}," +
      "print=function(){__p+=[].join.call(arguments,'')};\n" + code + 'return __p;\n';
    param = param || 'obj';
    try {
      var render = new Function(param, '_', code);
    } catch (e) {
      e.source = code;
      throw e;
    }
    function filled(data) { return render.call(this, data, _); }
    filled.source = 'function(' + param + '){\n' + code + '}';
    return filled;
  }

  // ---- wrapping --------------------------------------------------------

  function chain(x) {
    var wrapped = _(x);
    wrapped._chain = true;
    return wrapped;
  }
  function sameStyle(wrapper, x) { return wrapper._chain ? chain(x) : x; }
  function wrapMethod(fn) {
    return function () {
      var args = [this._wrapped];
      ArrayProto.push.apply(args, arguments);
      return sameStyle(this, fn.apply(_, args));
    };
  }
  function mixin(source) {
    if (!wrapperReady) prepareWrapper();
    each(functions(source), function (name) {
      _[name] = source[name];
      _.prototype[name] = wrapMethod(source[name]);
    });
    return _;
  }

  function prepareWrapper() {
    var proto = _.prototype;
    wrapperReady = true;
    function put(name, fn) { if (!owns.call(proto, name)) proto[name] = fn; }
    function value() { return this._wrapped; }
    each(functions(api), function (name) { put(name, wrapMethod(api[name])); });
    // These change the wrapped array and give it back ...
    each(['pop', 'push', 'reverse', 'shift', 'sort', 'splice', 'unshift'], function (name) {
      var method = ArrayProto[name];
      put(name, function () {
        var x = this._wrapped;
        if (x != null) method.apply(x, arguments);
        return sameStyle(this, x);
      });
    });
    // ... and these give the method's own result.
    each(['concat', 'join', 'slice'], function (name) {
      var method = ArrayProto[name];
      put(name, function () {
        var x = this._wrapped;
        return sameStyle(this, x == null ? x : method.apply(x, arguments));
      });
    });
    put('value', value);
    put('valueOf', value);
    put('toJSON', value);
    put('toString', function () { return String(this._wrapped); });
  }

  function noConflict() {
    if (root) root._ = replaced;
    return _;
  }

  api = {
    // collections
    each: each, forEach: each, map: map, collect: map, reduce: reduce, foldl: reduce, inject: reduce,
    reduceRight: reduceRight, foldr: reduceRight, find: find, detect: find, filter: filter, select: filter,
    reject: reject, every: every, all: every, some: some, any: some, contains: contains,
    includes: contains, include: contains, invoke: invoke, pluck: pluck, where: where,
    findWhere: findWhere, max: max, min: min, shuffle: shuffle, sample: sample, sortBy: sortBy,
    groupBy: groupBy, indexBy: indexBy, countBy: countBy, partition: partition, toArray: toArray, size: size,
    // arrays
    first: first, head: first, take: first, initial: initial, last: last, rest: rest, tail: rest,
    drop: rest, compact: compact, flatten: flatten, without: without, uniq: uniq, unique: uniq,
    union: union, intersection: intersection, difference: difference, unzip: unzip, transpose: unzip,
    zip: zip, object: object, sortedIndex: sortedIndex, findIndex: findIndex, findLastIndex: findLastIndex,
    indexOf: indexOf, lastIndexOf: lastIndexOf, range: range, chunk: chunk,
    // functions
    bind: bind, partial: partial, bindAll: bindAll, memoize: memoize, delay: delay, defer: defer,
    throttle: throttle, debounce: debounce, wrap: wrap, negate: negate, compose: compose, after: after,
    before: before, once: once, restArguments: restArguments,
    // objects
    keys: keys, allKeys: allKeys, values: values, mapObject: mapObject, pairs: pairs, invert: invert,
    functions: functions, methods: functions, extend: extend, extendOwn: extendOwn, assign: extendOwn,
    findKey: findKey, pick: pick, omit: omit, defaults: defaults, create: create, clone: clone, tap: tap,
    get: get, has: has, property: property, propertyOf: propertyOf, matcher: matcher, matches: matcher,
    isMatch: isMatch, isEqual: isEqual, isEmpty: isEmpty, result: result, toPath: toPath,
    // types
    isElement: isElement, isArray: isArray, isObject: isObject, isArguments: isArguments,
    isFunction: isFunction, isString: isString, isNumber: isNumber, isFinite: isFiniteNumber,
    isNaN: isNaNumber, isBoolean: isBoolean, isDate: tagged('Date'), isRegExp: tagged('RegExp'),
    isError: tagged('Error'), isSymbol: isSymbol, isMap: tagged('Map'), isWeakMap: tagged('WeakMap'),
    isSet: tagged('Set'), isWeakSet: tagged('WeakSet'), isArrayBuffer: tagged('ArrayBuffer'),
    isDataView: isDataView, isTypedArray: isTypedArray, isNull: isNull, isUndefined: isUndefined,
    // utilities and wrapping
    identity: identity, constant: constant, noop: noop, times: times, random: random, mixin: mixin,
    iteratee: iteratee, uniqueId: uniqueId, escape: escape, unescape: unescape, now: now,
    template: template, chain: chain
  };
  for (var name in api) _[name] = api[name];
  _._ = _;
  _.noConflict = noConflict;
  _.VERSION = '1.13.8';                   // the version whose behaviour this follows
  _.templateSettings = { evaluate: /<%([\s\S]+?)%>/g, interpolate: /<%=([\s\S]+?)%>/g, escape: /<%-([\s\S]+?)%>/g };
  return _;
})(typeof globalThis === 'object' ? globalThis : this);
