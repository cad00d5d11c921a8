// The calls compared one by one, by documented function: one expression per line.
// A line `do: ...` is a function body. Helpers come from prelude.js.
export const cases = {
  each: String.raw`
do: var log = []; _.each([1, 2, 3], function (x, i, l) { log.push([x, i, l.length]); }); return log
do: var log = []; _.each({ a: 1, b: 2, c: 3 }, function (x, k) { log.push([x, k]); }); return log
do: var log = []; _.each([1, , 3], function (x, i) { log.push([x, i]); }); return log
do: var log = []; _.each('abc', function (x, i) { log.push([x, i]); }); return log
do: var log = []; _.each(args(1, 2), function (x, i) { log.push([x, i]); }); return log
do: var log = []; _.each({ length: 2, 0: 'p', 1: 'q' }, function (x, i) { log.push([x, i]); }); return log
do: var log = []; _.each({ length: 'x', 0: 'p' }, function (x, i) { log.push([x, i]); }); return log
do: var log = []; _.each([5, 6], function (x) { log.push(this.k + x); }, { k: 10 }); return log
do: var l = [1]; return _.each(l, _.noop) === l
do: var l = [1, 2, 3], n = 0; _.each(l, function (x) { n++; if (n < 9) l.push(x); }); return [n, l]
do: var o = { a: 1, b: 2 }, log = []; _.each(o, function (x, k) { log.push(k); delete o.b; }); return log
do: var log = []; _.each(null, function () { log.push(1); }); return log
_.each(null, null)
_.each([1], null)
_.each([1], 'name')
_.each(Object.create({ inherited: 1 }), function () { throw 1; })
_.forEach([], null)
_.each([1, 2], function () { throw new RangeError('stop'); })
`,
  map: String.raw`
_.map([1, 2, 3], double)
_.map({ a: 1, b: 2 }, double)
_.map({ a: 1, b: 2 }, function (x, k, o) { return k + x + Object.keys(o).length; })
_.map(['1', '2', '3'], parseInt)
_.map([1, [2]])
_.map([{ n: 1 }, { n: 2 }, null, {}], 'n')
_.map([{ n: { m: 5 } }, { n: null }, 3], ['n', 'm'])
_.map([{ a: 1, b: 2 }, { a: 2 }], { a: 1 })
_.map([[1, 2], [3, 4]], 1)
_.map([1, 2], function (x) { return this.m * x; }, { m: 5 })
_.map([1, 2], function () { return this === undefined || this === null || typeof this; }, null)
_.map([[1, 2], [3, 4]], _.first)
_.map([[1, 2], [3, 4]], _.last)
_.map([[1, 2], [3, 4]], _.rest)
_.map([[1, 2], [3, 4]], _.initial)
_.map([[1, 2], [3, 4, 9]], _.max)
_.map([[1, 2], [3, 4, 9]], _.min)
_.map([[1, [2]], [[3], 4]], _.flatten)
_.map(['a', 'b'], _.toArray)
_.map('abc', function (c) { return c.toUpperCase(); })
_.map([1, , 3], function (x) { return x === undefined; })
_.map({ length: 2 }, _.identity)
_.map(function (a, b) {}, _.identity)
_.map(null, double)
_.map([1], 'toFixed')
_.map([{ 'a.b': 1 }], 'a.b')
_.map([{ '': 1 }], '')
_.map([{ 0: 'z' }], 0)
_.map([1, 2], [])
_.map([{ undefined: 1 }], [undefined])
_.collect([1, 2, 3], double)
_.map([NaN, -0, null, undefined], _.identity)
`,
  reduce: String.raw`
_.reduce([1, 2, 3], add, 0)
_.reduce([1, 2, 3], add)
_.reduce([], add)
_.reduce([], add, undefined)
_.reduce([7], function () { return 'called'; })
_.reduce([7], function () { return 'called'; }, undefined)
_.reduce({ a: 1, b: 2 }, function (m, x, k) { return m + k + x; }, '')
_.reduce({ a: 1, b: 2 }, add)
_.reduce(null, add, 5)
_.reduce(undefined, add, null)
_.reduce('abc', function (m, c) { return c + m; }, '')
_.reduce([1, 2], function (m, x) { return m + x * this.k; }, 0, { k: 10 })
_.reduce([1, 2], function (m, x, i, l) { return m.concat([[x, i, l.length]]); }, [])
_.reduce([[1, 2], [3]], _.union)
_.reduce([1, , 3], function (m, x) { return m + '|' + x; })
_.inject([1, 2, 3], add, 4)
_.foldl([1, 2, 3], add, 4)
_.reduce([1], null)
_.reduce([1, 2], null)
_.reduce([], null, 3)
`,
  reduceRight: String.raw`
_.reduceRight(['a', 'b', 'c'], add, '')
_.reduceRight(['a', 'b', 'c'], add)
_.reduceRight([], add)
_.reduceRight([[0, 1], [2, 3], [4, 5]], function (a, b) { return a.concat(b); }, [])
_.reduceRight({ a: 1, b: 2, c: 3 }, function (m, x, k, o) { return m + k + x + _.size(o); }, '')
_.reduceRight({ a: 1, b: 2, c: 3 }, function (m, x, k) { return m + k; })
_.reduceRight(null, add, 5)
_.reduceRight([1, 2], function (m, x, i) { return m + ':' + x + i + this.k; }, 0, { k: 10 })
_.foldr(['a', 'b'], add, 'z')
_.reduceRight('abc', add)
`,
  find: String.raw`
_.find([1, 2, 3, 4], even)
_.find([1, 3], even)
_.find({ a: 1, b: 2 }, even)
_.find({ a: 1, b: 2 }, function (x, k) { return k === 'b'; })
_.find([{ a: 1 }, { a: 2, b: 3 }], { a: 2 })
_.find([{ a: 0 }, { a: 2, b: 3 }], 'a')
_.find([{ a: { b: 0 } }, { a: { b: 1 } }], ['a', 'b'])
_.find([0, null, 5])
_.find(null, even)
_.find([], even)
_.find([1, 2], function (x) { return x === this.w; }, { w: 2 })
_.find('xyz', function (c) { return c > 'x'; })
_.detect([1, 2], even)
do: var n = 0; _.find([1, 2, 3], function () { n++; return true; }); return n
do: var log = []; _.find({ a: 1 }, function (x, k, o) { log.push(x, k, o); }); return log
`,
  filter: String.raw`
_.filter([1, 2, 3, 4], even)
_.filter({ a: 1, b: 2, c: 4 }, even)
_.filter([0, 1, '', 'a', null, NaN, [], {}])
_.filter([{ a: 1 }, { a: 0 }, {}], 'a')
_.filter([{ a: 1, b: 1 }, { a: 1 }, {}], { a: 1 })
_.filter([1, 2, 3], function (x) { return x > this.n; }, { n: 1 })
_.filter(null, even)
_.filter('banana', function (c) { return c !== 'a'; })
_.filter([1, 2, 3], function (x, i, l) { return i === l.length - 1; })
_.select([1, 2, 3, 4], even)
_.filter([1, , 3], function (x) { return x === undefined; })
_.filter([1, 2], {})
_.filter([null, undefined, {}, 1], {})
`,
  reject: String.raw`
_.reject([1, 2, 3, 4], even)
_.reject({ a: 1, b: 2 }, even)
_.reject([0, 1, '', 'a'])
_.reject([{ a: 1 }, { a: 0 }], 'a')
_.reject([{ a: 1 }, { a: 0 }], { a: 1 })
_.reject([1, 2, 3], function (x) { return x > this.n; }, { n: 1 })
_.reject(null, even)
_.reject([1, 2, 3], function (x, i) { return i === 1; })
`,
  every: String.raw`
_.every([], _.identity)
_.every([true, 1, 'x'])
_.every([true, 0])
_.every([2, 4], even)
_.every([2, 5], even)
_.every({ a: 2, b: 4 }, even)
_.every([{ a: 1 }, { a: 1, b: 2 }], { a: 1 })
_.every([{ a: 1 }, { a: 0 }], 'a')
_.every(null, even)
_.every([1, 2], function (x) { return x < this.n; }, { n: 3 })
_.all([2], even)
do: var n = 0; _.every([1, 2, 3], function () { n++; return false; }); return n
_.every([undefined, undefined], _.isUndefined)
_.every('aaa', function (c) { return c === 'a'; })
`,
  some: String.raw`
_.some([])
_.some([0, '', null])
_.some([0, 'x'])
_.some([1, 3], even)
_.some([1, 4], even)
_.some({ a: 1, b: 4 }, even)
_.some([{ a: 1 }, { b: 2 }], { b: 2 })
_.some([{ a: 0 }], 'a')
_.some(null)
_.any([1, 2], even)
_.some([1, 2], function (x) { return x === this.n; }, { n: 2 })
do: var n = 0; _.some([1, 2, 3], function () { n++; return true; }); return n
`,
  contains: String.raw`
_.contains([1, 2, 3], 2)
_.contains([1, 2, 3], 4)
_.contains({ a: 1, b: 2 }, 2)
_.contains([NaN], NaN)
_.contains([-0], 0)
_.contains([1, 2, 3], 1, 1)
_.contains([1, 2, 3], 3, -1)
_.contains([1, 2, 3], 1, -1)
_.contains([1, 2, 3], 1, -9)
_.contains([1, 2, 3], 1, true)
_.contains([1, 2, 3], 1, 2, true)
_.contains('abc', 'b')
_.contains('abc', 'bc')
_.contains(null, 1)
_.contains([undefined], undefined)
_.contains([, 1], undefined)
_.contains({}, undefined)
_.includes([1], 1)
_.include([1], 1)
_.every([1, 2], _.partial(_.contains, [1, 2, 3]))
_.contains({ length: 1, 0: 'x' }, 'x')
_.contains([1, '1'], '1')
`,
  invoke: String.raw`
_.invoke([[5, 1, 7], [3, 2, 1]], 'sort')
_.invoke([[5, 1, 7], [3, 2, 1]], 'join', '-')
_.invoke(['a', 'b'], 'concat', 'x', 'y')
_.invoke([1, 2], function (k) { return this + k; }, 10)
_.invoke([null, undefined, { f: function () { return 1; } }], 'f')
_.invoke([{}, { f: 0 }], 'g')
_.invoke([{ f: 5 }], 'f')
_.invoke([{ a: { f: function () { return this.v; }, v: 3 } }], ['a', 'f'])
_.invoke([{ a: null }, {}, { a: { f: constant1 } }], ['a', 'f'])
_.invoke({ x: 'q', y: 'r' }, 'toUpperCase')
_.invoke(null, 'x')
_.invoke([[1]], ['concat', 'call'], [3], 4)
_.invoke([1], null)
_.invoke([{ a: 1 }], [])
do: var p = ['a', 'f']; _.invoke([{ a: { f: constant1 } }], p); return p
`,
  pluck: String.raw`
_.pluck([{ n: 'a' }, { n: 'b' }, {}, null], 'n')
_.pluck([{ n: { m: 1 } }], ['n', 'm'])
_.pluck({ x: { n: 1 }, y: { n: 2 } }, 'n')
_.pluck(null, 'x')
_.pluck(['ab', 'cde'], 'length')
_.pluck([[1, 2], [3]], 1)
_.pluck([{ undefined: 4 }], undefined)
_.pluck([{ 'null': 4 }], null)
_.pluck([{ '[object Object]': 4 }], {})
`,
  where: String.raw`
_.where([{ a: 1, b: 2 }, { a: 1, b: 3 }, { a: 2 }], { a: 1 })
_.where([{ a: 1, b: 2 }, { a: 1, b: 3 }], { a: 1, b: 3 })
_.where([{ a: 1 }], {})
_.where(null, { a: 1 })
_.where([{ a: undefined }, {}], { a: undefined })
_.where([{ a: NaN }], { a: NaN })
_.where([1, 'x', null], { length: 1 })
_.where([{ a: 1 }], null)
_.where({ x: { a: 1 } }, { a: 1 })
`,
  findWhere: String.raw`
_.findWhere([{ a: 1 }, { a: 2, b: 1 }, { a: 2 }], { a: 2 })
_.findWhere([{ a: 1 }], { a: 3 })
_.findWhere([], {})
_.findWhere(null, { a: 1 })
_.findWhere([{ a: 1 }], {})
_.findWhere({ x: { a: 1, b: 1 } }, { a: 1 })
_.findWhere([{ a: 1 }], new (function Attrs() { this.a = 1; }))
_.findWhere([{ a: 1 }], Object.create({ a: 5 }))
`,
  max: String.raw`
_.max([1, 5, 3])
_.max([])
_.max(null)
_.max({ a: 1, b: 9 })
_.max([1, NaN, 3])
_.max([NaN])
_.max([null, -5])
_.max([undefined])
_.max(['a', 'b'])
_.max(['3', '20', 1])
_.max([{ n: 1 }, { n: 7 }, { n: 3 }], 'n')
_.max([{ n: { m: 1 } }, { n: { m: 2 } }], ['n', 'm'])
_.max([1, 2, 3], function (x) { return -x; })
_.max([], double)
_.max({}, double)
_.max([1, 2], function (x) { return x * this.s; }, { s: -1 })
_.max([{ n: -Infinity }], 'n')
_.max([{ n: -Infinity }, { n: -Infinity }], 'n')
_.max([{}], 'n')
_.max([[1], [2, 3]], 'length')
_.max([new Date(5), new Date(9)])
_.max([-Infinity, -Infinity])
_.max([[1, 2], [3, 0]], 1)
_.max('375')
_.max([1, 2], function (x, i, l) { return l.length - i; })
_.max([5, 6], 0)
_.max([{ a: 1 }], { a: 1 })
_.max([true, 0])
`,
  min: String.raw`
_.min([4, 5, 3])
_.min([])
_.min(null)
_.min({ a: 1, b: 9 })
_.min([1, NaN, 3])
_.min([null, 5])
_.min([undefined])
_.min(['b', 'a'])
_.min([{ n: 4 }, { n: 1 }, { n: 3 }], 'n')
_.min([1, 2, 3], function (x) { return -x; })
_.min([], double)
_.min([1, 2], function (x) { return x * this.s; }, { s: -1 })
_.min([{ n: Infinity }], 'n')
_.min([{ n: Infinity }, { n: Infinity }], 'n')
_.min([{}], 'n')
_.min([new Date(5), new Date(9)])
_.min([[1, 2], [3, 0]], 1)
_.min([0, -0])
_.min('375')
`,
  shuffle: String.raw`
_.shuffle([1, 2, 3, 4, 5]).sort()
_.shuffle({ a: 1, b: 2 }).sort()
_.shuffle('hello').sort()
_.shuffle(null)
_.shuffle([])
do: var l = [3, 1, 2]; _.shuffle(l); return l
_.uniq(_.times(200, function () { return _.shuffle([1, 2, 3]).join(''); })).sort()
_.shuffle(args(1)).concat(_.shuffle(undefined))
`,
  sample: String.raw`
_.contains([1, 2, 3], _.sample([1, 2, 3]))
_.uniq(_.times(100, function () { return _.sample([1, 2, 3]); })).sort()
_.sample([])
_.sample([], 3)
_.sample([1, 2, 3], 0)
_.sample([1, 2, 3], -2)
_.sample([1, 2, 3], 10).sort()
_.uniq(_.sample([1, 2, 3, 4], 2)).length
_.sample({ a: 7 })
_.sample({ a: 7 }, 1)
_.sample('aaa', 2)
_.sample([5], 3, true)
_.map([[1], [2], [3]], _.sample)
_.sample(null, 2)
_.uniq(_.times(200, function () { return _.sample([1, 2, 3], 2).join(''); })).sort()
do: var l = [1, 2, 3]; _.sample(l, 3); return l
`,
  sortBy: String.raw`
_.sortBy([3, 1, 2])
_.sortBy([3, 1, 2], function (x) { return -x; })
_.sortBy([{ n: 2 }, { n: 1 }], 'n')
_.sortBy([{ n: { m: 2 } }, { n: { m: 1 } }], ['n', 'm'])
_.sortBy([undefined, 3, undefined, 1, null])
_.sortBy(['bb', 'a', 'ccc'], 'length')
_.sortBy({ a: 3, b: 1 }, _.identity)
_.sortBy([{ i: 0, k: 1 }, { i: 1, k: 0 }, { i: 2, k: 1 }, { i: 3, k: 0 }], 'k')
_.sortBy([3, 1], function (x) { return x * this.s; }, { s: -1 })
_.sortBy(null)
_.sortBy('hello')
_.sortBy([{ n: 2 }, {}, { n: 1 }, {}], 'n')
_.sortBy(['10', 9, '1'])
_.sortBy([{ a: 1 }, { a: 2 }], { a: 2 })
_.sortBy([1, 2, 3], function (x, i, l) { return l.length - i; })
_.pluck(_.sortBy(_.times(60, function (i) { return { i: i, k: i % 3 }; }), 'k'), 'i')
`,
  groupBy: String.raw`
_.groupBy([1, 2, 3, 4], even)
_.groupBy(['one', 'two', 'three'], 'length')
_.groupBy([1.3, 2.1, 2.4], function (x) { return Math.floor(x); })
_.groupBy({ a: 1, b: 2, c: 1 })
_.groupBy([{ a: 1 }, { b: 2 }], { a: 1 })
_.groupBy(['constructor', 'toString', 'hasOwnProperty'], _.identity)
_.groupBy(null, 'x')
_.groupBy([1, 2], function (x) { return x + this.k; }, { k: 'z' })
_.groupBy([{ a: { b: 1 } }, { a: { b: 2 } }, { a: { b: 1 } }], ['a', 'b'])
_.groupBy([1, 2], function (x, i, l) { return i + '/' + l.length; })
_.groupBy('banana')
`,
  indexBy: String.raw`
_.indexBy([{ n: 'a', v: 1 }, { n: 'b', v: 2 }], 'n')
_.indexBy([{ n: 'a', v: 1 }, { n: 'a', v: 2 }], 'n')
_.indexBy([1, 2], double)
_.indexBy(null, 'x')
_.indexBy({ x: 5 }, _.identity)
_.indexBy(['constructor'])
`,
  countBy: String.raw`
_.countBy([1, 2, 3, 4, 5], even)
_.countBy(['one', 'two', 'three'], 'length')
_.countBy(['toString', 'toString', 'valueOf'])
_.countBy(null)
_.countBy('banana')
_.countBy({ a: 1, b: 1 })
_.countBy([NaN, NaN, -0, 0, null])
`,
  partition: String.raw`
_.partition([1, 2, 3, 4], even)
_.partition({ a: 1, b: 2 }, even)
_.partition([0, 1, '', 'a'])
_.partition([{ a: 1 }, { a: 2 }], { a: 1 })
_.partition([{ a: 1 }, { a: 0 }], 'a')
_.partition(null, even)
_.partition([1, 2], function (x) { return x === this.n; }, { n: 2 })
_.partition([1, 2, 3], function (x, i, l) { return i === l.length - 1; })
`,
  toArray: String.raw`
_.toArray([1, 2])
_.toArray([1, , 2])
do: var l = [1]; return _.toArray(l) === l
_.toArray(args(1, 2))
_.toArray({ a: 1, b: 2 })
_.toArray('abc')
_.toArray('a\ud83d\ude00b')
_.toArray('a\ud83d')
_.toArray('\ude00\ud83dz')
_.toArray('x\ny\u2028')
_.toArray('')
_.toArray(new String('hi'))
_.toArray(new String(''))
_.toArray(null)
_.toArray(0)
_.toArray(7)
_.toArray({ length: 2, 0: 'x' })
_.toArray(new Uint8Array([1, 2]))
_.toArray(new Set([1]))
`,
  size: String.raw`
_.size([1, 2])
_.size({ a: 1 })
_.size('abc')
_.size(null)
_.size(undefined)
_.size(args(1, 2, 3))
_.size({ length: 4 })
_.size({ length: 'x', a: 1 })
_.size(5)
_.size(new String('hey'))
_.size(function (a, b) {})
_.size([, , ,])
_.size(new Map([[1, 2]]))
`,
  first: String.raw`
_.first([1, 2, 3])
_.first([1, 2, 3], 2)
_.first([1, 2, 3], 0)
_.first([1, 2, 3], -1)
_.first([1, 2, 3], 10)
_.first([])
_.first([], 2)
_.first(null)
_.first(null, 2)
_.first('abc')
_.first('abc', 2)
_.first(args(4, 5))
_.first(args(4, 5), 1)
_.first([1, 2, 3], '2')
_.first([1, 2, 3], NaN)
_.first([1, 2, 3], undefined)
_.first([1, 2, 3], 2, true)
_.head([1, 2])
_.take([1, 2, 3], 2)
`,
  initial: String.raw`
_.initial([1, 2, 3])
_.initial([1, 2, 3], 2)
_.initial([1, 2, 3], 9)
_.initial([1, 2, 3], 0)
_.initial([])
_.initial(args(1, 2))
_.initial('abc')
_.initial([1, 2, 3], -1)
_.initial([1, , 3, 4])
_.initial(null)
_.initial([1, 2, 3], 2, true)
`,
  last: String.raw`
_.last([1, 2, 3])
_.last([1, 2, 3], 2)
_.last([1, 2, 3], 0)
_.last([1, 2, 3], -1)
_.last([1, 2, 3], 10)
_.last([])
_.last([], 1)
_.last(null)
_.last(null, 2)
_.last('abc')
_.last(args(4, 5))
_.last([1, 2, 3], '2')
`,
  rest: String.raw`
_.rest([1, 2, 3])
_.rest([1, 2, 3], 2)
_.rest([1, 2, 3], 0)
_.rest([1, 2, 3], -1)
_.rest([1, 2, 3], 9)
_.rest([])
_.rest(args(1, 2))
_.rest('abc')
_.rest(null)
_.tail([1, 2])
_.drop([1, 2, 3], 2)
`,
  compact: String.raw`
_.compact([0, 1, false, 2, '', 3, null, NaN, undefined, 'x', [], {}])
_.compact([])
_.compact(null)
_.compact(args(0, 1))
_.compact({ a: 0, b: 2 })
_.compact([-0, new Boolean(false)])
`,
  flatten: String.raw`
_.flatten([1, [2], [3, [[4]]]])
_.flatten([1, [2], [3, [[4]]]], true)
_.flatten([1, [2], [3, [[4]]]], false)
_.flatten([1, [2], [3, [[4]]]], 1)
_.flatten([1, [2], [3, [[4]]]], 2)
_.flatten([1, [2], [3, [[4]]]], 0)
_.flatten([1, [2], [3, [[4]]]], -1)
_.flatten([1, [2, [3]]], NaN)
_.flatten([1, [2, [3]]], undefined)
_.flatten([1, [2, [3]]], null)
_.flatten([1, [2, [3]]], '1')
_.flatten([1, [2, [3]]], 'x')
_.flatten([1, [2, [3]]], 1.5)
_.flatten([1, [2, [3, [4]]]], 2.5)
_.flatten(null)
_.flatten(undefined, true)
_.flatten([])
_.flatten([[]])
_.flatten([[], [[]], []], true)
_.flatten(args(1, [2, args(3, [4])]))
_.flatten([1, , [2, , 3]])
_.flatten('abc')
_.flatten([{ length: 1, 0: 'x' }])
_.flatten({ 0: [1], length: 1 })
_.flatten({ a: [1] })
_.flatten(['ab', ['cd']])
_.flatten(new Array(3))
_.flatten([new Uint8Array([1])])
do: var l = [1], i; for (i = 0; i < 20000; i++) l = [l]; return _.flatten(l)
_.flatten(5)
`,
  without: String.raw`
_.without([1, 2, 1, 0, 3, 1, 4], 0, 1)
_.without([1, NaN], NaN)
_.without([1, 2])
_.without([[1], [2]], [1])
_.without(null, 1)
_.without(args(1, 2, 3), 2)
_.without([{ a: 1 }], { a: 1 })
_.without([undefined, null], undefined)
_.without({ a: 1, b: 2 }, 1)
_.without('abc', 'b')
`,
  difference: String.raw`
_.difference([1, 2, 3, 4, 5], [5, 2, 10])
_.difference([1, 2, 3], [1], [2])
_.difference([1, 2, 3])
_.difference([1, NaN], [NaN])
_.difference([1, 2], 1)
_.difference([1, 2], [[1]])
_.difference([[1], 2], [[1]])
_.difference(null, [1])
_.difference([1, 2, 3], args(2))
_.difference([1, 2], null, [2])
_.difference([1, 2, 1, 2], [1])
_.difference([1], { length: 1, 0: 1 })
`,
  union: String.raw`
_.union([1, 2, 3], [101, 2, 1, 10], [2, 1])
_.union([1, 2, [3]], [[3], 2])
_.union([1], 2, null, [3])
_.union()
_.union(null)
_.union(args(1, 2), [2, 3])
_.union([NaN], [NaN])
_.union([0], [-0])
_.union('abc', [1])
_.union([1, 1], [2, 2])
`,
  intersection: String.raw`
_.intersection([1, 2, 3], [101, 2, 1, 10], [2, 1])
_.intersection([1, 1, 2], [1, 1])
_.intersection([1, 2])
_.intersection([1, 2], [])
_.intersection([], [1])
_.intersection(null, [1])
_.intersection([1], null)
_.intersection([NaN], [NaN])
_.intersection(args(1, 2), [2])
_.intersection(['a', 'b'], 'cab')
_.intersection([1, 2], { x: 2 })
_.intersection()
`,
  uniq: String.raw`
_.uniq([1, 2, 1, 4, 1, 3])
_.uniq([1, 1, 2, 2, 3], true)
_.uniq([2, 1, 2], true)
_.uniq([{ n: 1 }, { n: 1 }, { n: 2 }], 'n')
_.uniq([{ n: 1 }, { n: 1 }, { n: 2 }], function (x) { return x.n; })
_.uniq([1, 2, 3, 4], even)
_.uniq([1, 2, 3, 4], true, even)
_.uniq([1, 2, 3, 4], false, even)
_.uniq([1, 2, 3], function (x) { return x % this.m; }, { m: 2 })
_.uniq([1, 2, 3], false, function (x) { return x % this.m; }, { m: 2 })
_.uniq([NaN, NaN, 0, -0, null, undefined, null, undefined])
_.uniq([NaN, NaN], true)
_.uniq([undefined, undefined, 1], true)
_.uniq(null)
_.uniq(args(1, 1, 2))
_.uniq('banana')
_.uniq([[1], [1]])
_.uniq([{ a: 1 }, { a: 2 }, { b: 1 }], { a: 1 })
_.unique([1, 1])
_.uniq(['a', 'b', 'A'], function (c, i, l) { return c.toLowerCase() + l.length; })
_.uniq([1, 1], null)
_.uniq([1, 2], new Boolean(true))
_.uniq({ length: 2, 0: 1, 1: 1 })
_.uniq([, , 1])
`,
  zip: String.raw`
_.zip(['a', 'b'], [1, 2], [true, false])
_.zip(['a', 'b', 'c'], [1])
_.zip()
_.zip([])
_.zip([1, 2], null)
_.zip([1], 'xy')
_.zip(args(1, 2), [3, 4])
_.zip(null)
_.zip(undefined, undefined)
_.zip([1, , 3], [4, 5, 6])
`,
  unzip: String.raw`
_.unzip([['a', 1, true], ['b', 2, false]])
_.unzip([['a', 1], ['b']])
_.unzip([])
_.unzip(null)
_.transpose([[1, 2], [3, 4], [5, 6]])
_.unzip([[], []])
_.unzip([1, 2])
_.unzip({ x: [1, 2], y: [3, 4] })
_.unzip([null, [1]])
_.unzip('ab')
`,
  object: String.raw`
_.object(['a', 'b'], [1, 2])
_.object([['a', 1], ['b', 2]])
_.object(['a', 'b'], [1])
_.object([], [])
_.object(null)
_.object(null, [1])
_.object(['a', 'a'], [1, 2])
_.object(_.pairs({ x: 1, y: 2 }))
_.object('ab', 'cd')
_.object([1, 2], null)
_.object([null])
`,
  sortedIndex: String.raw`
_.sortedIndex([10, 20, 30, 40], 35)
_.sortedIndex([10, 20, 30], 5)
_.sortedIndex([10, 20, 30], 50)
_.sortedIndex([10, 20, 20, 30], 20)
_.sortedIndex([{ n: 1 }, { n: 5 }], { n: 3 }, 'n')
_.sortedIndex([], 1)
_.sortedIndex(['a', 'bb', 'cccc'], 'zzz', 'length')
_.sortedIndex([30, 20, 10], 25, function (x) { return x * this.s; }, { s: -1 })
_.sortedIndex(args(1, 3), 2)
_.sortedIndex(null, 2)
_.sortedIndex('ace', 'd')
do: var log = []; _.sortedIndex([1, 2, 3], 2, function () { log.push(arguments.length); return arguments[0]; }, {}); return _.uniq(log)
`,
  findIndex: String.raw`
_.findIndex([1, 2, 3, 4], even)
_.findIndex([1, 3], even)
_.findIndex([{ a: 1 }, { a: 2 }], { a: 2 })
_.findIndex([{ a: 0 }, { a: 2 }], 'a')
_.findIndex([], even)
_.findIndex(null, even)
_.findIndex([1, 2], function (x) { return x === this.n; }, { n: 2 })
_.findIndex('abc', function (c) { return c === 'c'; })
_.findIndex([1, , 3], _.isUndefined)
_.findIndex([0, 5])
do: var log = []; _.findIndex([7], function (x, i, l) { log.push(x, i, l); }); return log
`,
  findLastIndex: String.raw`
_.findLastIndex([1, 2, 3, 4, 5], even)
_.findLastIndex([1, 3], even)
_.findLastIndex([{ a: 2 }, { a: 2 }, { a: 1 }], { a: 2 })
_.findLastIndex([{ a: 1 }, { a: 0 }], 'a')
_.findLastIndex([], even)
_.findLastIndex(null, even)
_.findLastIndex('abcab', function (c) { return c === 'a'; })
do: var log = []; _.findLastIndex([7, 8], function (x, i) { log.push(x, i); }); return log
`,
  indexOf: String.raw`
_.indexOf([1, 2, 3, 2], 2)
_.indexOf([1, 2, 3], 9)
_.indexOf([1, 2, 3, 2], 2, 2)
_.indexOf([1, 2, 3, 2], 2, -1)
_.indexOf([1, 2, 3, 2], 1, -9)
_.indexOf([1, 2, 3], 3, true)
_.indexOf([1, 3, 5, 7], 5, true)
_.indexOf([1, 3, 5, 7], 4, true)
_.indexOf([1, 3, 5, 7], 9, true)
_.indexOf([], 1, true)
_.indexOf([NaN, 1, NaN], NaN)
_.indexOf([NaN, 1, NaN], NaN, 1)
_.indexOf([NaN, 1, NaN], NaN, -1)
_.indexOf([1, 2, NaN, NaN], NaN, true)
_.indexOf([-0], 0)
_.indexOf([0], -0)
_.indexOf(null, 2)
_.indexOf(args(1, 2), 2)
_.indexOf('abc', 'c')
_.indexOf([, undefined], undefined)
_.indexOf([1, 2], 2, 9)
_.indexOf([1, 2], 2, NaN)
_.indexOf([1, 2, 3], 2, 'x')
_.indexOf([1, 2, 3], 2, {})
_.indexOf([1, 2, 3], 3, 1.5)
_.indexOf([1, 2, 3], 1, 0)
_.indexOf([1, 2, 3], '2')
`,
  lastIndexOf: String.raw`
_.lastIndexOf([1, 2, 3, 1, 2, 3], 2)
_.lastIndexOf([1, 2, 3, 1, 2, 3], 2, 3)
_.lastIndexOf([1, 2, 3, 1, 2, 3], 2, -3)
_.lastIndexOf([1, 2, 3], 3, -9)
_.lastIndexOf([1, 2, 3], 9)
_.lastIndexOf([NaN, 1, NaN, 2], NaN)
_.lastIndexOf([NaN, 1, NaN, 2], NaN, 1)
_.lastIndexOf([NaN, 1, NaN, 2], NaN, -3)
_.lastIndexOf(null, 1)
_.lastIndexOf([], 1)
_.lastIndexOf('abca', 'a')
_.lastIndexOf(args(1, 2, 1), 1)
_.lastIndexOf([1, 2, 1], 1, true)
_.lastIndexOf([1, 2, 1], 1, 0)
_.lastIndexOf([1, 2, 1], 1, 99)
_.lastIndexOf([1, 2, 3], 1, -1)
_.lastIndexOf([1, 2, 3], 3, -1)
`,
  range: String.raw`
_.range(10)
_.range(1, 11)
_.range(0, 30, 5)
_.range(0, -10, -1)
_.range(0)
_.range()
_.range(-5)
_.range(5, 2)
_.range(5, 2, 1)
_.range(2, 5, -1)
_.range(0, 10, 3)
_.range(1, 2, 0)
_.range(0, 1, 0.25)
_.range(3, 3)
_.range(null)
_.range(null, 3)
_.range('3')
_.range(NaN)
_.range(0, 5, NaN)
_.range(1.5, 4)
_.range(0, 3, null)
_.map([1, 2, 3], _.partial(_.range, _, 4))
`,
  chunk: String.raw`
_.chunk([1, 2, 3, 4, 5], 2)
_.chunk([1, 2, 3], 3)
_.chunk([1, 2, 3], 9)
_.chunk([], 2)
_.chunk([1, 2], 0)
_.chunk([1, 2], -1)
_.chunk([1, 2])
_.chunk([1, 2], null)
_.chunk('abcd', 2)
_.chunk(args(1, 2, 3), 2)
_.chunk([1, 2, 3], 1.5)
_.chunk(null)
_.chunk(null, 2)
_.chunk([1, 2, 3], Infinity)
`,
  bind: String.raw`
_.bind(function (a, b) { return [this.n, a, b]; }, { n: 1 }, 2)(3)
_.bind(function () { return [].slice.call(arguments); }, null, 1, 2)(3, 4)
_.bind(null)
_.bind('x', {})
_.bind({}, {})
do: function F(a) { this.a = a; } var B = _.bind(F, { z: 1 }, 5), x = new B(); return [x.a, x instanceof F, x.z]
do: function F() { return { other: 1 }; } var B = _.bind(F, {}); return new B().other
_.bind(function () { return this; }, 'str')().length
_.bind(_.bind(function () { return this.a; }, { a: 1 }), { a: 2 })()
do: var o = { f: function () { return this.v; }, v: 3 }; var g = _.bind(o.f, o); return g.call({ v: 4 })
_.bind(function () { return arguments.length; }, {})(undefined, undefined)
`,
  bindAll: String.raw`
do: var o = { v: 1, f: function () { return this.v; }, g: function () { return this.v + 1; } }; _.bindAll(o, 'f', 'g'); return [o.f.call(null), o.g.call({})]
do: var o = { v: 1, f: function () { return this.v; }, g: function () { return this.v + 1; } }; _.bindAll(o, ['f', ['g']]); return [o.f.call({ v: 8 }), o.g.call({ v: 9 })]
do: var o = { f: _.noop }; return _.bindAll(o, 'f') === o
_.bindAll({})
_.bindAll({}, [])
_.bindAll({}, 'missing')
_.bindAll({ a: 1 }, 'a')
`,
  partial: String.raw`
_.partial(function (a, b) { return a - b; }, 5)(3)
_.partial(function (a, b) { return a - b; }, _, 5)(20)
_.partial(collectArgs, _, 2, _, 4)(1, 3, 5)
_.partial(collectArgs, _, 2, _, 4)(1)
_.partial(collectArgs)()
_.partial(collectArgs, undefined, null)(1)
_.partial(function () { return this.n; }).call({ n: 4 })
do: function W(a, b) { this.a = a; this.b = b; } var P = _.partial(W, 1), w = new P(2); return [w.a, w.b, w instanceof W]
do: function W() { return [1]; } var P = _.partial(W); return new P()
do: var ph = { p: 1 }; _.partial.placeholder = ph; try { return _.partial(collectArgs, ph, 2)(1).concat(_.partial(collectArgs, _)(9).length); } finally { _.partial.placeholder = _; }
_.partial.placeholder === _
_.partial(_.map, _, double)([1, 2])
`,
  memoize: String.raw`
do: var n = 0, f = _.memoize(function (x) { n++; return x * 2; }); return [f(2), f(2), f(3), n]
do: var n = 0, f = _.memoize(function () { n++; return n; }, function (a, b) { return a + b; }); return [f(1, 2), f(2, 1), f(1, 1), n]
do: var f = _.memoize(function (k) { return k; }); f('toString'); f('hasOwnProperty'); return [f('toString'), f('hasOwnProperty'), f.cache]
do: var f = _.memoize(_.identity); f.cache = { z: 99 }; return f('z')
do: var f = _.memoize(function () { return this.v; }); return [f.call({ v: 1 }, 'k'), f.call({ v: 2 }, 'k'), f.call({ v: 2 }, 'j')]
do: var n = 0, f = _.memoize(function () { n++; }); f(1); f(1); return n
do: var f = _.memoize(_.identity); return [f(undefined), f(null), f('null'), Object.keys(f.cache)]
_.memoize(_.identity)(Symbol('s'))
do: var f = _.memoize(constant1, function () { return this.key; }); f.call({ key: 'q' }); return f.cache
do: var f = _.memoize(_.identity); f({}); return f.cache
`,
  delay: String.raw`
do: var log = []; _.delay(function (a, b) { log.push(a, b, Date.now() - T0()); }, 100, 'x', 'y'); advance(99); log.push('|'); advance(1); return log
do: var log = [], id = _.delay(function () { log.push(1); }, 10); clearTimeout(id); advance(50); return log
do: var log = []; _.delay(function () { log.push(arguments.length); }); advance(1); return log
do: var log = [], t = _.delay(function () { 'use strict'; log.push(this === null); }, 5); advance(5); return [log, typeof t]
do: var log = []; _.delay(function () { log.push(1); }, '20'); advance(19); log.push(0); advance(1); return log
do: _.delay(null, 5); return 1
`,
  defer: String.raw`
do: var log = []; _.defer(function (x) { log.push(x); }, 'later'); log.push('now'); advance(1); return log
do: var log = []; _.defer(function () { log.push(1); }); _.defer(function () { log.push(2); }); advance(1); return log
do: var log = []; _.defer(function () { log.push([].slice.call(arguments)); }, 1, 2, 3); advance(0); log.push('-'); advance(1); return log
do: var id = _.defer(_.noop); return typeof id
do: var log = [], id = _.defer(function () { log.push(1); }); clearTimeout(id); advance(5); return log
`,
  throttle: String.raw`
do: var r = recorder(), t = _.throttle(r.fn, 100); t(1); t(2); t(3); advance(50); t(4); advance(200); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100); t(1); advance(500); t(2); advance(500); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100, { leading: false }); t(1); t(2); advance(99); t(3); advance(1); t(4); advance(300); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100, { trailing: false }); t(1); t(2); advance(99); t(3); advance(1); t(4); advance(300); t(5); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100, { leading: false, trailing: false }); t(1); t(2); advance(150); t(3); advance(150); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100); t(1); t(2); t.cancel(); advance(300); t(3); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100); t(1); t.cancel(); t(2); advance(300); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100, { leading: false }); t(1); t.cancel(); advance(300); t(2); advance(100); return r.log
do: var t = _.throttle(double, 100), out = [t(2), t(3)]; advance(100); out.push(t(4)); return out
do: var r = recorder(), t = _.throttle(r.fn, 100); t(1); advance(60); t(2); advance(-10000); t(3); advance(100); t(4); return r.log
do: var r = recorder(), t = _.throttle(function () { r.fn.apply(this, arguments); if (r.log.length < 4) t('again'); }, 100); t(1); advance(1000); return r.log
do: var o = { v: 7, f: _.throttle(function () { this.seen = (this.seen || 0) + this.v; }, 50) }; o.f(); o.f(); advance(60); return o.seen
do: var r = recorder(), t = _.throttle(r.fn, 0); t(1); t(2); t(3); advance(10); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100), i; for (i = 0; i < 40; i++) { t(i); advance(17); } advance(200); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100, { leading: false }), i; for (i = 0; i < 40; i++) { t(i); advance(17); } advance(200); return r.log
do: var r = recorder(), t = _.throttle(r.fn, 100, { trailing: false }), i; for (i = 0; i < 40; i++) { t(i); advance(17); } advance(200); return r.log
`,
  debounce: String.raw`
do: var r = recorder(), d = _.debounce(r.fn, 100); d(1); advance(50); d(2); advance(50); d(3); advance(99); r.log.push('|'); advance(1); advance(300); return r.log
do: var r = recorder(), d = _.debounce(r.fn, 100, true); d(1); d(2); advance(50); d(3); advance(99); d(4); advance(100); d(5); advance(200); return r.log
do: var r = recorder(), d = _.debounce(r.fn, 100); d(1); d.cancel(); advance(300); d(2); advance(100); return r.log
do: var r = recorder(), d = _.debounce(r.fn, 100, true); d(1); d.cancel(); d(2); advance(100); return r.log
do: var d = _.debounce(double, 100), out = [d(2)]; advance(100); out.push(d(3)); return out
do: var d = _.debounce(double, 100, true), out = [d(2), d(3)]; advance(100); out.push(d(4)); return out
do: var o = { v: 7, f: _.debounce(function (k) { this.seen = this.v + k; }, 50) }; o.f(1); o.f(2); advance(50); return o.seen
do: var r = recorder(), d = _.debounce(function () { r.fn.apply(this, arguments); if (r.log.length < 3) d('again'); }, 100); d(1); advance(1000); return r.log
do: var r = recorder(), d = _.debounce(function () { r.fn.apply(this, arguments); if (r.log.length < 3) d('again'); }, 100, true); d(1); advance(1000); return r.log
do: var r = recorder(), d = _.debounce(r.fn, 100), i; for (i = 0; i < 20; i++) { d(i); advance(i * 11); } advance(500); return r.log
do: var r = recorder(), d = _.debounce(r.fn, 100, true), i; for (i = 0; i < 20; i++) { d(i); advance(i * 11); } advance(500); return r.log
`,
  once: String.raw`
do: var n = 0, f = _.once(function () { return ++n; }); return [f(), f(), n]
do: var f = _.once(function (x) { return x; }); return [f(1), f(2)]
do: var f = _.once(function () { return this.v; }); return [f.call({ v: 1 }), f.call({ v: 2 })]
do: var f = _.once(function () { return f(); }); return f()
do: var n = 0, f = _.once(function () { n++; throw 1; }); try { f(); } catch (e) {} try { f(); } catch (e) {} return n
`,
  after: String.raw`
do: var f = _.after(3, constant1); return [f(), f(), f(), f()]
do: var f = _.after(0, constant1); return [f(), f()]
do: var f = _.after(1, function (x) { return x + this.k; }); return f.call({ k: 1 }, 2)
do: var f = _.after(-2, constant1); return f()
do: var f = _.after('2', constant1); return [f(), f()]
`,
  before: String.raw`
do: var n = 0, f = _.before(3, function () { return ++n; }); return [f(), f(), f(), f(), n]
do: var n = 0, f = _.before(1, function () { return ++n; }); return [f(), n]
do: var n = 0, f = _.before(0, function () { return ++n; }); return [f(), n]
do: var f = _.before(2, function (x) { return x + this.k; }); return [f.call({ k: 1 }, 2), f.call({ k: 5 }, 5)]
do: var f = _.before(3, _.identity); return [f(1), f(2), f(3)]
`,
  wrap: String.raw`
_.wrap(function (n) { return 'hi ' + n; }, function (f, x) { return 'before, ' + f('moe') + ', ' + x; })('after')
_.wrap(_.noop, function () { return arguments.length; })(1, 2)
_.wrap({ not: 'fn' }, function (x) { return x; })()
do: var o = { v: 1, f: _.wrap(function () { return this.v; }, function (g) { return g.call(this) + 1; }) }; return o.f()
_.wrap(_, function (u, x) { return [u === _, x]; })(1)
_.wrap(undefined, collectArgs)(2)
`,
  negate: String.raw`
_.negate(even)(3)
_.negate(even)(2)
_.filter([1, 2, 3], _.negate(even))
_.negate(function () { return this.v; }).call({ v: 0 })
_.negate(function (a, b) { return a === b; })(1, 1)
`,
  compose: String.raw`
_.compose(double, function (x) { return x + 1; })(5)
_.compose(function (s) { return s + '!'; }, function (a, b) { return a + b; })('x', 'y')
_.compose(_.identity)(3)
_.compose()
_.compose()(1)
_.compose(function (x) { return this.k + x; }, function () { return this.k; }).call({ k: 2 })
_.compose(double, double, double)(1)
`,
  restArguments: String.raw`
_.restArguments(function (a, rest) { return [a, rest]; })(1, 2, 3)
_.restArguments(function (a, rest) { return [a, rest]; })(1)
_.restArguments(function (a, rest) { return [a, rest]; })()
_.restArguments(function (rest) { return rest; }, 0)(1, 2)
_.restArguments(function () { return [].slice.call(arguments); }, 3)(1, 2, 3, 4, 5)
_.restArguments(function () { return [].slice.call(arguments); }, 3)(1)
_.restArguments(function (a, b, c, d, rest) { return [a, b, c, d, rest]; })(1, 2, 3, 4, 5, 6)
_.restArguments(function (a, rest) { return this.k; }).call({ k: 3 })
_.restArguments(function (a, rest) { return [a, rest]; }, '1')(1, 2)
_.restArguments(function (a, rest) { return arguments.length; })(1, 2, 3)
`,
  keys: String.raw`
_.keys({ a: 1, b: 2 })
_.keys([1, , 3])
_.keys(null)
_.keys(5)
_.keys('abc')
_.keys(new String('ab'))
_.keys(Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true }, hidden: { value: 2 } }))
_.keys(args(1, 2))
do: function f() {} f.x = 1; return _.keys(f)
_.keys({ 2: 'a', 1: 'b', z: 0 })
`,
  allKeys: String.raw`
_.allKeys({ a: 1 })
_.allKeys(Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true }, hidden: { value: 2 } }))
_.allKeys(null)
_.allKeys('abc')
_.allKeys([1, , 3])
do: function F() { this.a = 1; } F.prototype.b = 2; return _.allKeys(new F())
do: function f() {} f.x = 1; return _.allKeys(f)
`,
  values: String.raw`
_.values({ a: 1, b: 2 })
_.values([1, , 3])
_.values(null)
_.values('abc')
_.values({ length: 3, a: 1 })
_.values(Object.create({ z: 1 }))
_.values(args(1, 2))
`,
  pairs: String.raw`
_.pairs({ a: 1, b: 2 })
_.pairs([5, 6])
_.pairs(null)
_.pairs({ length: 3 })
_.pairs('ab')
`,
  invert: String.raw`
_.invert({ a: 'x', b: 'y' })
_.invert({ a: 1, b: 1 })
_.invert(null)
_.invert(['p', 'q'])
_.invert({ length: 3 })
_.invert({ a: null, b: undefined })
`,
  mapObject: String.raw`
_.mapObject({ a: 1, b: 2 }, double)
_.mapObject({ a: { n: 1 }, b: null }, 'n')
_.mapObject({ a: 1 }, function (x, k, o) { return k + x + _.size(o); })
_.mapObject([1, 2], double)
_.mapObject(null, double)
_.mapObject({ a: 1 }, function (x) { return x + this.k; }, { k: 3 })
_.mapObject({ a: { p: 1 }, b: { p: 2 } }, { p: 1 })
_.mapObject({ length: 3 }, double)
_.mapObject({ a: 1 })
_.mapObject('ab', double)
_.mapObject({ a: { x: { y: 2 } } }, ['x', 'y'])
`,
  functions: String.raw`
_.functions({ z: _.noop, a: _.noop, n: 1 })
_.functions(Object.create({ inherited: _.noop }))
_.functions({})
_.functions(null)
_.functions('abc')
_.functions([_.noop])
_.methods({ m: _.noop })
`,
  findKey: String.raw`
_.findKey({ a: 1, b: 2 }, even)
_.findKey({ a: 1 }, even)
_.findKey({ a: { n: 1 }, b: { n: 2 } }, { n: 2 })
_.findKey({ a: { n: 0 }, b: { n: 2 } }, 'n')
_.findKey(null, even)
_.findKey({ a: 1, b: 2 }, function (x, k, o) { return k === 'b' && _.size(o) === 2; })
_.findKey({ a: 1 }, function (x) { return x === this.v; }, { v: 1 })
_.findKey([5, 6], even)
_.findKey('ab', _.identity)
_.findKey({ undefined: 1 }, _.identity)
`,
  extend: String.raw`
_.extend({ a: 1 }, { b: 2 }, { a: 3 })
_.extend({}, Object.create({ inherited: 1 }))
_.extend({}, null, undefined, 5, 'abc', true, { z: 1 })
_.extend({ a: 1 }, { a: undefined })
_.extend(null, { a: 1 })
_.extend(undefined, { a: 1 })
_.extend()
_.extend(5, { a: 1 })
do: var o = {}; return _.extend(o, { a: 1 }) === o
_.extend({}, [1, 2])
_.extend([], [1, 2])
do: function f() {} f.x = 1; return _.extend({}, f)
do: var inner = { d: 1 }; return _.extend({}, { i: inner }).i === inner
_.extend({ a: 1 })
`,
  extendOwn: String.raw`
_.extendOwn({ a: 1 }, { b: 2 }, { a: 3 })
_.extendOwn({}, Object.create({ inherited: 1 }))
_.assign({}, { a: 1 })
_.extendOwn(null, { a: 1 })
_.extendOwn({}, null, 'abc')
_.assign({ a: 1 }, { a: undefined })
`,
  defaults: String.raw`
_.defaults({ a: 1 }, { a: 2, b: 3 })
_.defaults({ a: null, b: undefined }, { a: 2, b: 3 })
_.defaults({}, { a: 1 }, { a: 2, b: 2 })
_.defaults(null, { a: 1 })
_.defaults(undefined, { a: 1 })
_.defaults({}, null, undefined, 1)
_.defaults({}, Object.create({ inherited: 1 }))
_.defaults(5, { a: 1 })
do: var o = {}; return _.defaults(o, { a: 1 }) === o
_.defaults({ toString: undefined }, { toString: 1 })
_.defaults({}, { toString: 5 })
_.defaults()
_.defaults(null)
`,
  pick: String.raw`
_.pick({ a: 1, b: 2, c: 3 }, 'a', 'c')
_.pick({ a: 1, b: 2, c: 3 }, ['a', 'b'])
_.pick({ a: 1, b: 2, c: 3 }, ['a', ['b']], 'c')
_.pick({ a: 1, b: 2 }, function (x, k, o) { return x === 2 && k === 'b' && 'a' in o; })
_.pick({ a: 1, b: 2 }, function (x) { return x === this.v; }, { v: 1 })
_.pick(null, 'a')
_.pick(undefined, even)
_.pick({ a: 1 }, 'z')
_.pick({ a: undefined }, 'a')
_.pick(Object.create({ inherited: 1 }), 'inherited')
_.pick(Object.create({ inherited: 2 }), even)
_.pick([5, 6, 7], 0, 2)
_.pick('abc', 'length')
_.pick(5, 'toFixed')
_.pick({ a: 1 })
_.pick({ c: 1, a: 2 }, 'a', 'c')
_.pick({ undefined: 1 }, undefined)
_.pick({ a: 1, b: 0 }, _.identity)
_.pick({ 'a.b': 1 }, 'a.b')
_.pick({ a: 1 }, { a: 1 })
_.pick({ 1: 'x' }, 1)
`,
  omit: String.raw`
_.omit({ a: 1, b: 2, c: 3 }, 'a', 'c')
_.omit({ a: 1, b: 2, c: 3 }, ['a', ['b']])
_.omit({ a: 1, b: 2 }, even)
_.omit({ a: 1, b: 2 }, function (x, k, o) { return k === 'b' && 'a' in o; })
_.omit({ a: 1, b: 2 }, function (x) { return x === this.v; }, { v: 1 })
_.omit(null, 'a')
_.omit({ a: 1 })
_.omit(Object.create({ inherited: 1 }), 'z')
_.omit([5, 6, 7], 0)
_.omit({ 1: 'a', 2: 'b' }, 1)
_.omit('abc', 0)
_.omit({ a: 1, undefined: 2 }, undefined)
`,
  create: String.raw`
do: var p = { a: 1 }, o = _.create(p, { b: 2 }); return [Object.getPrototypeOf(o) === p, o.a, o.b, _.keys(o)]
_.create(null)
_.create(undefined, { a: 1 })
_.create(5)
_.create({}, Object.create({ inherited: 1 }))
do: function P() {} P.prototype.m = constant1; function C() {} C.prototype = _.create(P.prototype, { constructor: C }); return [new C().m(), new C() instanceof P]
do: var f = _.create(_.noop); return Object.getPrototypeOf(f) === _.noop
_.create({}, 'ab')
`,
  clone: String.raw`
do: var o = { a: { b: 1 } }, c = _.clone(o); return [c !== o, c.a === o.a, c]
_.clone([1, , 3])
_.clone(null)
_.clone(5)
_.clone('abc')
_.clone(undefined)
_.clone(Object.create({ inherited: 1 }))
_.clone(new Date(5))
_.clone(args(1, 2))
_.clone(function () {})
_.clone(/x/)
`,
  tap: String.raw`
do: var log = [], r = _.tap({ a: 1 }, function (x) { log.push(x); return 'ignored'; }); return [r, log]
do: var log = [], r = _.chain([1, 2, 3]).filter(even).tap(function (x) { log.push(x); }).map(double).value(); return [r, log]
_.tap(null, _.noop)
_.tap(1)
_.tap(5, function () { return arguments.length; })
`,
  has: String.raw`
_.has({ a: 1 }, 'a')
_.has({ a: 1 }, 'toString')
_.has({ a: undefined }, 'a')
_.has(null, 'a')
_.has({ a: { b: 1 } }, ['a', 'b'])
_.has({ a: { b: 1 } }, ['a', 'c'])
_.has({ a: null }, ['a', 'b'])
_.has({ 'a.b': 1 }, 'a.b')
_.has([1], 0)
_.has([1], 1)
_.has('abc', 'length')
_.has({ a: 1 }, [])
_.has({ undefined: 1 }, undefined)
_.has({ hasOwnProperty: 1, b: 2 }, 'b')
_.has(undefined, [])
_.has({ undefined: 1 })
_.has({ 0: { '': 2 } }, [0, ''])
`,
  get: String.raw`
_.get({ a: { b: 1 } }, ['a', 'b'])
_.get({ a: 1 }, 'a')
_.get({ a: 1 }, 'z', 'dflt')
_.get({ a: { b: undefined } }, ['a', 'b'], 'dflt')
_.get({ a: null }, 'a', 'dflt')
_.get(null, 'a', 'dflt')
_.get(null, 'a')
_.get({ a: 1 }, [], 'dflt')
_.get('abc', 'length')
_.get({ 'a.b': 1 }, 'a.b')
_.get([['x']], [0, 0])
_.get({ f: constant1 }, 'f', 2)
_.get({ a: NaN }, 'a', 2)
`,
  property: String.raw`
_.property('a')({ a: 1 })
_.property('a')(null)
_.property(['a', 'b'])({ a: { b: 2 } })
_.property(['a', 'b'])({ a: null })
_.property([])({ a: 1 })
_.property(0)(['x'])
_.property('length')('abc')
_.property(null)({ 'null': 3 })
_.property('a')()
_.property('toString')({}) === Object.prototype.toString
do: var p = ['a'], f = _.property(p); p[0] = 'b'; return f({ a: 1, b: 2 })
`,
  propertyOf: String.raw`
_.propertyOf({ a: 1 })('a')
_.propertyOf({ a: { b: 2 } })(['a', 'b'])
_.propertyOf(null)('a')
_.propertyOf(undefined)()
_.propertyOf('abc')('length')
_.map(['a', 'z'], _.propertyOf({ a: 5 }))
_.propertyOf({ a: 1 })([])
`,
  matcher: String.raw`
_.matcher({ a: 1 })({ a: 1, b: 2 })
_.matcher({ a: 1 })({ a: 2 })
_.matcher({})({})
_.matcher({})(null)
_.matcher({ a: 1 })(null)
_.matcher({ a: undefined })({})
_.matcher({ a: undefined })({ a: undefined })
_.matcher({ length: 3 })('abc')
_.matcher(null)({ a: 1 })
_.matches({ a: 1 })({ a: 1 })
do: var a = { x: 1 }, m = _.matcher(a); a.x = 2; return [m({ x: 1 }), m({ x: 2 })]
_.matcher({ a: NaN })({ a: NaN })
_.matcher({ toString: Object.prototype.toString })({})
_.matcher([1, 2])([1, 2, 3])
do: function F() { this.own = 1; } F.prototype.up = 2; return [_.matcher(new F())({ own: 1 }), _.matcher({ up: 2 })(new F())]
`,
  isMatch: String.raw`
_.isMatch({ a: 1, b: 2 }, { a: 1 })
_.isMatch({ a: 1 }, { a: 2 })
_.isMatch({ a: 1 }, {})
_.isMatch(null, {})
_.isMatch(null, { a: 1 })
_.isMatch({ a: 1 }, null)
_.isMatch(undefined, null)
_.isMatch({}, { a: undefined })
_.isMatch('abc', { length: 3 })
_.isMatch(Object.create({ a: 1 }), { a: 1 })
_.isMatch({ a: { b: 1 } }, { a: { b: 1 } })
_.isMatch({ a: 0 }, { a: -0 })
_.isMatch({ a: 1 }, 'a')
`,
  result: String.raw`
_.result({ a: 1 }, 'a')
_.result({ a: function () { return this.b; }, b: 5 }, 'a')
_.result({}, 'a', 'dflt')
_.result({}, 'a', function () { return this === undefined ? 'u' : typeof this; })
_.result({ b: 3 }, 'a', function () { return this.b; })
_.result(null, 'a', 'dflt')
_.result(null, 'a')
_.result(null, 'a', constant1)
_.result({ a: null }, 'a', 'dflt')
_.result({ a: { b: 1 } }, ['a', 'b'])
_.result({ a: function () { return { b: function () { return this.c; }, c: 9 }; } }, ['a', 'b'])
_.result({ a: {} }, ['a', 'b', 'c'], 'dflt')
_.result({ a: null }, ['a', 'b'], 'dflt')
_.result({ a: 1 }, [], 'dflt')
_.result({ a: 1 }, [], function () { return this.a; })
_.result({ a: 1 }, [])
_.result({ undefined: 7 })
_.result({ a: function () { return arguments.length; } }, 'a', 1)
_.result(undefined, ['a', 'b'], 2)
`,
  toPath: String.raw`
_.toPath('a')
_.toPath(['a', 'b'])
_.toPath(null)
_.toPath(0)
_.toPath('a.b')
do: var p = ['a']; return _.toPath(p) === p
do: var old = _.toPath; _.toPath = function (p) { return _.isString(p) ? p.split('.') : old(p); }; try { var o = { a: { b: [{ c: 5 }] } }; return [_.get(o, 'a.b.0.c'), _.property('a.b')(o), _.has(o, 'a.b'), _.pluck([o], 'a.b'), _.map([o], 'a.b'), _.result(o, 'a.b'), _.propertyOf(o)('a.b'), _.invoke([{ x: { f: constant1 } }], 'x.f'), _.sortBy([{ a: { n: 2 } }, { a: { n: 1 } }], 'a.n')]; } finally { _.toPath = old; }
`,
  iteratee: String.raw`
_.iteratee()(5)
_.iteratee(null)(6)
_.iteratee('a')({ a: 1 })
_.iteratee(['a', 'b'])({ a: { b: 3 } })
_.iteratee({ a: 1 })({ a: 1 })
_.iteratee(double)(4)
_.iteratee(double) === double
_.iteratee(function () { return [this.k, arguments.length]; }, { k: 1 })(1, 2, 3, 4, 5)
_.iteratee(0)(['z'])
do: var old = _.iteratee; _.iteratee = function (x, c) { return _.isRegExp(x) ? function (s) { return x.test(s); } : old(x, c); }; try { return [_.filter(['a', 'b', 'ab'], /a/), _.map(['a', 'b'], /a/), _.find(['b', 'a'], /a/), _.reject(['a', 'b'], /a/), _.every(['a'], /a/), _.some(['b'], /a/), _.findIndex(['b', 'a'], /a/), _.groupBy(['a', 'b'], /a/), _.countBy(['a', 'b'], /a/), _.partition(['a', 'b'], /a/), _.sortBy(['a', 'b'], /a/), _.uniq(['a', 'b', 'ab'], /a/), _.mapObject({ x: 'a' }, /a/), _.findKey({ x: 'b', y: 'a' }, /a/), _.max(['b', 'a'], /a/), _.min(['a', 'b'], /a/), _.indexBy(['a', 'b'], /a/), _.findLastIndex(['a', 'b'], /a/), _.map([1], double)]; } finally { _.iteratee = old; }
do: var old = _.iteratee, log = []; _.iteratee = function (x, c) { log.push([typeof x, c]); return old(x, c); }; try { _.map([1], double, 'ctx'); _.each([1], double, 'ctx'); _.reduce([1], double, 0); _.max([1]); _.uniq([1]); _.times(1, double); _.sortedIndex([1], 1); return log; } finally { _.iteratee = old; }
do: var old = _.iteratee; _.iteratee = function (x) { return _.isObject(x) && !_.isFunction(x) ? function (o) { return _.isEqual(o, x); } : old(x); }; try { return _.find([{ a: 1, b: 1 }, { a: 1 }], { a: 1 }); } finally { _.iteratee = old; }
do: var old = _.iteratee; _.iteratee = _.constant(_.constant('over')); try { return _([1, 2]).map('x'); } finally { _.iteratee = old; }
`,
  isEmpty: String.raw`
_.isEmpty(args())
_.isEmpty({ length: 0 })
_.isEmpty({ length: 0, a: 1 })
_.isEmpty(Object.create({ a: 1 }))
_.isEmpty(_([]))
`,
  isEqual: String.raw`
_.isEqual(_([1]), _([1]))
_.isEqual(_([1]), [1])
_.isEqual([1], _([1]))
_.isEqual({ a: _([1]) }, { a: [1] })
_.isEqual(_.chain([1]), _([1]))
do: var a = []; a.push(a); var b = []; b.push(b); return _.isEqual(a, b)
do: var a = { x: 1 }; a.self = a; var b = { x: 1 }; b.self = b; return _.isEqual(a, b)
do: var a = { x: 1 }; a.self = a; var b = { x: 2 }; b.self = b; return _.isEqual(a, b)
do: var a = {}, b = {}; a.o = b; b.o = a; return _.isEqual(a, b)
do: var a = [], b = [[]]; a.push(a); b[0].push(b); return _.isEqual(a, b)
do: var a = [], b = []; a.push(a); b.push([b]); return _.isEqual(a, b)
do: var a = [1, []], b = [1, []]; a[1].push(a, { up: a[1] }); b[1].push(b, { up: b[1] }); return _.isEqual(a, b)
do: var a = [1, []], b = [1, []]; a[1].push(a, { up: a[1] }); b[1].push(b, { up: b }); return _.isEqual(a, b)
do: var s = { q: 1 }, a = [s, s], b = [{ q: 1 }, { q: 1 }]; return _.isEqual(a, b)
do: var s = { q: 1 }, a = { p: s, r: { p: s } }, b = { p: { q: 1 }, r: { p: { q: 1 } } }; return [_.isEqual(a, b), _.isEqual(b, a)]
do: var a = [1], b = [1], i; for (i = 0; i < 3000; i++) { a = [a]; b = [b]; } return _.isEqual(a, b)
do: var a = [1], b = [2], i; for (i = 0; i < 3000; i++) { a = { n: a }; b = { n: b }; } return _.isEqual(a, b)
do: function A() { this.x = 1; } function B() { this.x = 1; } return [_.isEqual(new A(), new B()), _.isEqual(new A(), new A()), _.isEqual(new A(), { x: 1 }), _.isEqual({ x: 1 }, new A())]
do: function A() { this.x = 1; } A.prototype.y = 2; var a = new A(), b = new A(); b.y = 2; return _.isEqual(a, b)
do: var n = Object.create(null); n.x = 1; return [_.isEqual(n, { x: 1 }), _.isEqual({ x: 1 }, n)]
do: var n = Object.create(null); return [_.isEqual(n, {}), _.isEqual(n, Object.create(null))]
_.isEqual({ constructor: 1 }, { constructor: 1 })
_.isEqual({ constructor: Object }, {})
_.isEqual({ constructor: [1] }, { constructor: [1] })
_.isEqual({ a: undefined }, {})
_.isEqual({ a: undefined }, { b: undefined })
_.isEqual({ a: undefined, b: 1 }, { b: 1, c: undefined })
_.isEqual({ a: 1, b: 2 }, { b: 2, a: 1 })
_.isEqual([1, , 3], [1, undefined, 3])
_.isEqual([, ,], [, , ,])
_.isEqual(_.extend([1], { x: 1 }), [1])
_.isEqual(args(1, 2), args(1, 2))
_.isEqual(args(1, 2), [1, 2])
_.isEqual({ length: 0 }, [])
_.isEqual(foreign('[1, { a: 2 }]'), [1, { a: 2 }])
_.isEqual(foreign('({ a: 1 })'), { a: 1 })
_.isEqual({ a: 1 }, foreign('({ a: 1 })'))
_.isEqual(foreign('new Date(5)'), new Date(5))
_.isEqual(foreign('/x/g'), /x/g)
_.isEqual(foreign('new (function F() { this.a = 1; })'), new (function F() { this.a = 1; }))
_.isEqual(new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]).buffer)
_.isEqual(new DataView(new Uint8Array([1, 2, 3]).buffer, 1), new DataView(new Uint8Array([2, 3]).buffer))
_.isEqual(new DataView(new Uint8Array([1, 2, 3]).buffer, 1), new DataView(new Uint8Array([2, 4]).buffer))
do: var b = new ArrayBuffer(8); return [_.isEqual(new Uint8Array(b, 0, 4), new Uint8Array(b, 4, 4)), _.isEqual(new Uint8Array(b, 0, 4), new Uint8Array(b, 0, 4)), _.isEqual(new Uint8Array(b, 0, 4), new Uint8Array(b, 0, 5))]
_.isEqual(new Float64Array([NaN]), new Float64Array([NaN]))
_.isEqual(new Float64Array([-0]), new Float64Array([0]))
_.isEqual(new Uint8Array([1]), new Int8Array([1]))
_.isEqual(new Uint8Array([1]), [1])
_.isEqual(new Error('a'), new Error('a'))
_.isEqual(new Error('a'), new Error('b'))
_.isEqual(new Error('a'), new TypeError('a'))
_.isEqual(Object(Symbol.iterator), Object(Symbol.iterator))
_.isEqual(Object(Symbol.iterator), Symbol.iterator)
_.isEqual(Symbol('a'), Symbol('a'))
_.isEqual(new Number(NaN), NaN)
_.isEqual(NaN, new Number(NaN))
_.isEqual(new Number(-0), 0)
_.isEqual(new Number(-0), -0)
_.isEqual({ a: [1, { b: [NaN, new Date(7), /r/i] }] }, { a: [1, { b: [NaN, new Date(7), /r/i] }] })
_.isEqual({ a: [1, { b: [NaN, new Date(7), /r/i] }] }, { a: [1, { b: [NaN, new Date(8), /r/i] }] })
_.isEqual({ f: double }, { f: double })
_.isEqual({ f: function () {} }, { f: function () {} })
_.isEqual(1n, 1n)
_.isEqual(1n, 1)
_.isEqual(Object(1n), 1n)
_.isEqual({ 1: 1n }, { 1: 1n })
_.isEqual(Object.create({ inherited: 1 }), Object.create({ inherited: 2 }))
_.isEqual(Promise.resolve(1), Promise.resolve(2))
_.isEqual(new WeakMap(), new WeakMap())
_.isEqual([[1, 2], [3]], [[1, 2], [3]])
_.isEqual([[1, 2], [3]], [[1, 2], [4]])
do: var p = { get v() { return 1; } }; return _.isEqual(p, { v: 1 })
_.isEqual()
_.isEqual(null)
do: var o = {}; o[Symbol.toStringTag] = 'Custom'; var p = {}; p[Symbol.toStringTag] = 'Custom'; return [_.isEqual(o, p), _.isEqual(o, {})]
do: class K { constructor(v) { this.v = v; } } return [_.isEqual(new K(1), new K(1)), _.isEqual(new K(1), new K(2))]
`,
  identity: String.raw`
_.identity(1)
_.identity()
_.identity(null)
do: var o = {}; return _.identity(o) === o
_.identity(1, 2)
`,
  constant: String.raw`
_.constant(1)()
_.constant()()
do: var o = {}; return _.constant(o)() === o
_.constant(1)(2)
_.map([1, 2], _.constant('x'))
`,
  noop: String.raw`
_.noop()
_.noop(1)
_.map([1], _.noop)
new _.noop() instanceof _.noop
typeof _.noop
`,
  times: String.raw`
_.times(3, _.identity)
_.times(0, _.identity)
_.times(-1, _.identity)
_.times(2, function (i) { return this.k + i; }, { k: 10 })
_.times('2', _.identity)
_.times(null, _.identity)
_.times(undefined, _.identity)
_.times(1.5, _.identity)
_.times(2, function () { return arguments.length; })
_.times(2, function () { return arguments.length; }, {})
_.times(2, 'x')
_(3).times(double)
_.times(true, _.identity)
`,
  random: String.raw`
_.every(_.times(500, function () { return _.random(1, 6); }), function (x) { return x >= 1 && x <= 6 && x === Math.floor(x); })
_.uniq(_.times(500, function () { return _.random(1, 4); })).sort()
_.uniq(_.times(500, function () { return _.random(2); })).sort()
_.random(5, 5)
_.random(0)
_.random(0, 0)
_.random()
_.uniq(_.times(300, function () { return _.random(-1, 1); })).sort()
_.random(3, null) <= 3
_.isFinite(_.random(1.5, 2.5))
_.random(7, undefined) >= 0
`,
  uniqueId: String.raw`
typeof _.uniqueId()
/^x\d+$/.test(_.uniqueId('x'))
_.uniq(_.times(50, function () { return _.uniqueId(); })).length
do: var a = +_.uniqueId(), b = +_.uniqueId(); return b - a
do: var a = +_.uniqueId(), b = _.uniqueId('p'); return b === 'p' + (a + 1)
/^\d+$/.test(_.uniqueId(''))
/^\d+$/.test(_.uniqueId(null))
/^5\d+$/.test(_.uniqueId(5))
`,
  escape: String.raw`
_.escape('Curly, Larry & Moe')
_.escape('<a href="x">\'\x60</a>')
_.escape('&amp;')
_.escape(null)
_.escape(undefined)
_.escape('')
_.escape(5)
_.escape(0)
_.escape(false)
_.escape(['<', '>'])
_.escape({})
_.escape('plain')
_.escape('é\u2028/=')
_.escape(Symbol('x'))
`,
  unescape: String.raw`
_.unescape('Curly, Larry &amp; Moe')
_.unescape('&lt;a href=&quot;x&quot;&gt;&#x27;&#x60;&lt;/a&gt;')
_.unescape('&amp;amp;')
_.unescape('&amp;lt;')
_.unescape(null)
_.unescape(undefined)
_.unescape('')
_.unescape(7)
_.unescape('&nbsp; &copy; &#39; &#96; &AMP; &amp &#X27;')
_.unescape(_.escape('<&>"\'\x60'))
_.unescape('&toString; &constructor;')
`,
  now: String.raw`
_.now() === Date.now()
typeof _.now()
do: var a = _.now(); advance(25); return _.now() - a
_.isNumber(_.now())
_.now(1, 2) === Date.now()
`,
  mixin: String.raw`
do: _.mixin({ shout: function (s, t) { return s.toUpperCase() + (t || '!'); } }); return [_.shout('a'), _('b').shout(), _('c').shout('?'), _.chain('d').shout().value()]
do: var r = _.mixin({ mixinA: constant1 }); return r === _
do: _.mixin({ notFn: 5, yesFn: function () { return this === _; } }); return ['notFn' in _, _.yesFn(), _([1]).yesFn()]
do: _.mixin(Object.create({ inheritedFn: function (x) { return [x]; } })); return _(4).inheritedFn()
do: var w = _([3]); _.mixin({ lateFn: _.first }); return w.lateFn()
do: _.mixin({ oddMap: function (l, f) { return _.map(_.filter(l, _.negate(even)), f); } }); return _.chain([1, 2, 3]).oddMap(double).reverse().value()
_.mixin({}) === _
_.mixin(null) === _
do: var old = _.identity; _.mixin({ identity: function () { return 'mine'; } }); try { return [_.identity(1), _(1).identity()]; } finally { _.mixin({ identity: old }); }
`,
  chain: String.raw`
_.chain([1, 2, 3]).map(double).value()
_.chain([3, 1, 2]).sortBy().reverse().first().value()
_.chain({ a: 1, b: 2 }).pairs().flatten().value()
_.chain(null).value()
_.chain([1, 2, 3]).filter(even).isEmpty().value()
_.chain([1, 2]) instanceof _
_.chain([1, 2]).map(double) instanceof _
_([1, 2]).map(double) instanceof _
_([1, 2]).chain().map(double).value()
_.chain([1, 2]).push(3).unshift(0).value()
_.chain([1, 2]).concat([3]).join('-').value()
_.chain([3, 1, 2]).sort().slice(1).value()
_.chain([1, 2, 3, 4]).splice(1, 2).value()
_.chain([1, 2, 3]).pop().shift().value()
_.chain('hello').toArray().countBy().pairs().max(1).value()
_.chain([[1, 2], [3]]).flatten().reduce(add, 10).value()
JSON.stringify(_.chain([1, { a: 2 }]))
'' + _.chain([1, 2])
_.chain(5) + 1
_.chain([1]).tap(_.noop).chain().value()
do: var c = _.chain([1, 2, 3]); c.push(4); return [c.value(), c.map(double).value()]
_.chain(_.chain([1, 2])).map(double).value()
_.chain(_([1, 2])).map(double).value()
_.chain({ a: 1 }).extend({ b: 2 }).omit('a').value()
_.chain(_.range(10)).partition(even).map(_.size).value()
_.chain(['x', 'y']).object([1, 2]).invert().value()
do: var w = _([1, 2]); _.chain(w); return w.map(double) instanceof _
`,
  wrapper: String.raw`
_([1, 2, 3]).map(double)
_([1, 2, 3]).reduce(add, 0)
_({ a: 1 }).keys()
_([1, 2]).value()
_([1, 2]).valueOf()
_([1, 2]).toJSON()
JSON.stringify({ w: _({ a: [1] }) })
String(_([1, 2]))
_(3) + 4
_('x') + 'y'
_(null).value()
_().value()
new _([1]).value()
_(_([1])).value()
do: var w = _([1]); return _(w) === w
_([1]) instanceof _
_([3, 1, 2]).sort()
_([1, 2]).push(3)
_([1, 2]).pop()
_([1, 2, 3]).shift()
_([1, 2]).unshift(0)
_([1, 2, 3]).reverse()
_([1, 2, 3]).splice(0, 1)
_([1, 2, 3]).slice(1)
_([1, 2, 3]).join('+')
_([1]).concat([2], 3)
_(null).push(1)
_(undefined).join()
_(null).map(double)
do: var l = [1]; _(l).push(2); return l
do: var o = { 0: 'a', length: 1 }; _(o).shift(); return o
do: var o = { 0: 'a', length: 1 }; _(o).splice(0, 1); return o
do: var o = { 0: 'a', 1: 'b', length: 2 }; _(o).pop(); return o
do: var o = { length: 0 }; _(o).push('q'); return o
_('abc').concat('d')
_('abc').slice(1)
_('abc').join('-')
_([1, 2, 3]).first(2)
_([1, [2]]).flatten()
_([1, 2, 3]).contains(2)
_(5).isNumber()
_('<').escape()
_('Hi <%= n %>').template()({ n: 1 })
_({ a: 1 }).isEqual({ a: 1 })
_({ a: 1 }).isEqual(_({ a: 1 }))
_(double).bind(null)(4)
_(function (a, b) { return a + b; }).partial(1)(2)
_({ a: 1 }).has('a')
_([1, 2]).size()
_([3]).isArray()
_.keys(_([1]))
typeof _.prototype.value
do: new _([1]); _.prototype.mine = function () { return this.map(double); }; return _([1, 2]).mine()
_([1, 2]).each(_.noop)
_({ a: function () { return 'r'; } }).result('a')
_(['a', 'b']).zip([1, 2])
_([1, 2, 1]).without(1)
_([]).uniqueId().length > 0
_('pre').uniqueId().indexOf('pre')
_.VERSION.split('.').slice(0, 2)
_._ === _
_([1, 2]).sample(2).sort()
_([1]).constructor === _
`,
  template: String.raw`
_.template('hello: <%= name %>')({ name: 'moe' })
_.template('<%- value %>')({ value: '<script>&"\'\x60' })
_.template('<% _.each(people, function (n) { %><li><%= n %></li><% }); %>')({ people: ['a', 'b'] })
_.template('<% print("Hello " + epithet, 1); %>')({ epithet: 'stooge' })
_.template('a<% if (x) { %>yes<% } else { %>no<% } %>b')({ x: 0 })
_.template('a<% if (x) { %>yes<% } else { %>no<% } %>b')({ x: 1 })
_.template('a<% if (x) %>one<%= 2 %>three<% ; %>end')({ x: false })
_.template('<% for (var i = 0; i < 3; i++) %><%= i %>,')()
_.template('<%= data.hasWith %>', { variable: 'data' })({ hasWith: 'no' })
_.template('<%= data.x %>', { variable: ' data ' })({ x: 2 })
_.template('<%= $d.x %>', { variable: '$d' })({ x: 2 })
_.template('x', { variable: 'a, b' })
_.template('x', { variable: 'a = {}' })
_.template('x', { variable: '){}' })
_.template('x', { variable: '()' })
_.template('<%= missing %>')({})
_.template('<%= o.missing %>')({ o: {} })
_.template('<%= a %><%= b %>')({ a: null, b: undefined })
_.template('<%- a %><%- b %>')({ a: null, b: undefined })
_.template('<%= a %>|<%= b %>|<%= c %>')({ a: 0, b: false, c: NaN })
_.template('')()
_.template('plain')()
_.template('plain')(null)
_.template('a\nb\r\nc\td\\e\'f"g')()
_.template('\u2028\u2029é\u0000')()
_.template('it\'s <%= n %> \\u0041')({ n: 'ok' })
_.template('<%\n  // comment\n  var q = 1;\n%><%= q %>')()
_.template('<%= x // note %>')({ x: 5 })
_.template('<%\nvar a = 1; %><%=\n a \n%>')()
_.template('<%=x%><%-x%>')({ x: '<' })
_.template('<%= a, b %>')({ a: 1, b: 2 })
_.template('<%= a ? "t" : "f" %>')({ a: 0 })
_.template('<%= "<%" %>')()
_.template('<%= obj.k %>')({ k: 'via obj' })
_.template('<%= this.k %>').call({ k: 'this' })
do: var o = { t: _.template('<%= this.v %>'), v: 3 }; return o.t()
_.template('{{ name }}', { interpolate: /\{\{(.+?)\}\}/g })({ name: 'm' })
_.template('{{ name }} <%= name %>', { interpolate: /\{\{(.+?)\}\}/g })({ name: 'm' })
_.template('{{= x }}{{- x }}{{ if (x) { }}y{{ } }}', { evaluate: /\{\{([\s\S]+?)\}\}/g, interpolate: /\{\{=([\s\S]+?)\}\}/g, escape: /\{\{-([\s\S]+?)\}\}/g })({ x: '<' })
do: var old = _.templateSettings; _.templateSettings = { interpolate: /\[\[(.+?)\]\]/g }; try { return _.template('[[ x ]]<%= x %>')({ x: 3 }); } finally { _.templateSettings = old; }
do: var old = _.templateSettings.interpolate; _.templateSettings.interpolate = /\{\{(.+?)\}\}/g; try { return _.template('{{ x }}<%- x %>')({ x: '<' }); } finally { _.templateSettings.interpolate = old; }
do: _.templateSettings.variable = 'v'; try { return _.template('<%= v.x %>')({ x: 3 }); } finally { delete _.templateSettings.variable; }
_.template('<% if (a { %>')
_.template('<%= ( %>')
do: try { _.template('<%= ( %>'); } catch (e) { return [e.name, typeof e.source]; }
typeof _.template('x').source
/^function\s*\(obj\)\s*\{/.test(_.template('x').source)
/^function\s*\(data\)\s*\{/.test(_.template('x', { variable: 'data' }).source)
eval('(' + _.template('<%= a %>-<%- b %>').source + ')')({ a: 1, b: '<' })
eval('(' + _.template('<%= d.a %>', { variable: 'd' }).source + ')')({ a: 1 })
_.template(null)
_.template(undefined)
_.template(5)
_.template('<%= f() %>')({ f: function () { return arguments.length; } })
_.template('<% var t = 1; t++; %><%= t %>')()
_.template('<% function q(z) { %>[<%= z %>]<% } q(1); q(2); %>')()
_.template('<%= _.map([1, 2], function (x) { return x * 2; }).join() %>')()
_.template('<%= x %>')(Object.create({ x: 'up' }))
_.template('<% x = 5 %><%= x %>')({ x: 1 })
do: var d = { x: 1 }; _.template('<% x = 5 %>')(d); return d
_.template('<% return "early" %>')()
_.template('<% %>a')()
_.template('<%%>a')()
_.template('<%=%>a')()
_.template('<%-%>a<%= 1 %>')()
_.template('<%=  %>')
_.template('<%= 1 %', {})()
_.template('%> <% 1 %>')()
_.template('<%= a %>', null)({ a: 1 })
_.template('<%= v.a %>', undefined, { variable: 'v' })({ a: 1 })
_.template('<%= v.a %>', { variable: 'v' }, { variable: 'w' })({ a: 1 })
_.template('x<%= a %>', { interpolate: null })({ a: 1 })
_.map(['a', 'b'], _.template('<%= obj %>'))
_.template('<%= a %>')({ a: [1, 2] })
_.template('<%= a %>')({ a: { toString: function () { return 'ts'; } } })
_.template('<%- a %>')({ a: { toString: function () { return '<ts>'; } } })
_.template('<%= print %>')({ print: 'shadow' })
_.template('<% print("a") %>b<% print("c", "d") %>e')()
_.template('<% print() %>z')()
_.template('line1\n<% if (1) { %>\n  in\n<% } %>\nend')()
_.template('<%= "a" %>\n<%= \'b\' %>\n<%= \x60c\x60 %>')()
_.template('$& $1 $$ <%= x %>')({ x: '$&' })
_.template('\ud83d\ude00 \ud83d <%= 1 %>')()
`,
};
