// `_`: the documented API of Underscore 1.13, in Gatehouse's own implementation. There are no timers, so that `delay`, `defer`
// and `debounce` throw when the function that they make is called, and `throttle` where it would have to wait.

/** An array, something with a length and indexes, an object (its values are meant), or nothing. */
type UnderscoreList<T> = { readonly length: number; readonly [index: number]: T } | { readonly [name: string]: T } | null | undefined;

/** A function, a property's name or path, an object to match, or nothing for the element itself. */
type UnderscoreIteratee<T, R> = ((value: T, key: any, list: any) => R) | string | number | (string | number)[] | object | null;

/** A name, or the names that lead to a property. */
type UnderscorePath = string | number | (string | number)[];

/** How templates are written. */
interface UnderscoreTemplateSettings {
  /** Code to run. */
  evaluate?: RegExp;
  /** Values to put in. */
  interpolate?: RegExp;
  /** Values to put in, escaped for HTML. */
  escape?: RegExp;
  /** Name of the data in the template, which is faster than `with`. */
  variable?: string;
}

/** `_`. */
interface Underscore {
  /** Wraps a value: `_([3, 1]).max()`. */
  <T>(value: T): UnderscoreWrapper<T>;

  // Collections.
  each<C>(list: C, callback: (value: any, key: any, list: C) => void, context?: any): C;
  forEach: Underscore["each"];
  map<T, R>(list: UnderscoreList<T>, callback: (value: T, key: any, list: any) => R, context?: any): R[];
  map(list: UnderscoreList<any>, iteratee?: UnderscoreIteratee<any, any>, context?: any): any[];
  collect: Underscore["map"];
  reduce<T, R>(list: UnderscoreList<T>, callback: (memo: R, value: T, key: any, list: any) => R, memo: R, context?: any): R;
  reduce<T>(list: UnderscoreList<T>, callback: (memo: T, value: T, key: any, list: any) => T): T | undefined;
  foldl: Underscore["reduce"];
  inject: Underscore["reduce"];
  reduceRight: Underscore["reduce"];
  foldr: Underscore["reduce"];
  find<T>(list: UnderscoreList<T>, test?: UnderscoreIteratee<T, any>, context?: any): T | undefined;
  detect: Underscore["find"];
  filter<T>(list: UnderscoreList<T>, test?: UnderscoreIteratee<T, any>, context?: any): T[];
  select: Underscore["filter"];
  reject: Underscore["filter"];
  every<T>(list: UnderscoreList<T>, test?: UnderscoreIteratee<T, any>, context?: any): boolean;
  all: Underscore["every"];
  some: Underscore["every"];
  any: Underscore["every"];
  contains(list: UnderscoreList<any>, value: any, from?: number): boolean;
  includes: Underscore["contains"];
  include: Underscore["contains"];
  invoke(list: UnderscoreList<any>, method: UnderscorePath | ((...rest: any[]) => any), ...rest: any[]): any[];
  pluck(list: UnderscoreList<any>, path: UnderscorePath): any[];
  where<T>(list: UnderscoreList<T>, properties: object): T[];
  findWhere<T>(list: UnderscoreList<T>, properties: object): T | undefined;
  /** `-Infinity` for an empty list. */
  max<T>(list: UnderscoreList<T>, iteratee?: UnderscoreIteratee<T, any>, context?: any): T | number;
  /** `Infinity` for an empty list. */
  min<T>(list: UnderscoreList<T>, iteratee?: UnderscoreIteratee<T, any>, context?: any): T | number;
  shuffle<T>(list: UnderscoreList<T>): T[];
  sample<T>(list: UnderscoreList<T>): T | undefined;
  sample<T>(list: UnderscoreList<T>, count: number): T[];
  sortBy<T>(list: UnderscoreList<T>, iteratee?: UnderscoreIteratee<T, any>, context?: any): T[];
  groupBy<T>(list: UnderscoreList<T>, iteratee?: UnderscoreIteratee<T, any>, context?: any): { [key: string]: T[] };
  indexBy<T>(list: UnderscoreList<T>, iteratee?: UnderscoreIteratee<T, any>, context?: any): { [key: string]: T };
  countBy<T>(list: UnderscoreList<T>, iteratee?: UnderscoreIteratee<T, any>, context?: any): { [key: string]: number };
  partition<T>(list: UnderscoreList<T>, test?: UnderscoreIteratee<T, any>, context?: any): [T[], T[]];
  toArray<T>(list: UnderscoreList<T>): T[];
  size(list: any): number;

  // Arrays.
  first<T>(array: ArrayLike<T> | null | undefined): T | undefined;
  first<T>(array: ArrayLike<T> | null | undefined, count: number): T[];
  head: Underscore["first"];
  take: Underscore["first"];
  initial<T>(array: ArrayLike<T>, count?: number): T[];
  last: Underscore["first"];
  rest<T>(array: ArrayLike<T>, index?: number): T[];
  tail: Underscore["rest"];
  drop: Underscore["rest"];
  compact<T>(array: UnderscoreList<T>): T[];
  /** `depth` 1 or `true` flattens one level only. */
  flatten(array: ArrayLike<any> | null | undefined, depth?: number | boolean): any[];
  without<T>(array: UnderscoreList<T>, ...values: T[]): T[];
  uniq<T>(array: ArrayLike<T> | null | undefined, sorted: boolean, iteratee?: UnderscoreIteratee<T, any>, context?: any): T[];
  uniq<T>(array: ArrayLike<T> | null | undefined, iteratee?: UnderscoreIteratee<T, any>, context?: any): T[];
  unique: Underscore["uniq"];
  union<T>(...arrays: ArrayLike<T>[]): T[];
  intersection<T>(...arrays: ArrayLike<T>[]): T[];
  difference<T>(array: UnderscoreList<T>, ...others: ArrayLike<T>[]): T[];
  unzip(rows: UnderscoreList<ArrayLike<any>>): any[][];
  transpose: Underscore["unzip"];
  zip(...arrays: ArrayLike<any>[]): any[][];
  object(pairs: ArrayLike<any>, values?: ArrayLike<any>): { [name: string]: any };
  sortedIndex<T>(array: ArrayLike<T>, value: T, iteratee?: UnderscoreIteratee<T, any>, context?: any): number;
  findIndex<T>(array: ArrayLike<T> | null | undefined, test?: UnderscoreIteratee<T, any>, context?: any): number;
  findLastIndex: Underscore["findIndex"];
  /** `from` is an index, or `true` for a sorted array. */
  indexOf<T>(array: ArrayLike<T> | null | undefined, value: T, from?: number | boolean): number;
  lastIndexOf<T>(array: ArrayLike<T> | null | undefined, value: T, from?: number): number;
  range(stop: number): number[];
  range(start: number, stop: number, step?: number): number[];
  chunk<T>(array: ArrayLike<T>, length: number): T[][];

  // Functions.
  bind(callback: (...rest: any[]) => any, context: any, ...rest: any[]): (...rest: any[]) => any;
  /** `_` stands for an argument that comes later. */
  partial(callback: (...rest: any[]) => any, ...rest: any[]): (...rest: any[]) => any;
  bindAll<O>(object: O, ...names: (string | string[])[]): O;
  memoize<F extends (...rest: any[]) => any>(callback: F, hasher?: (...rest: any[]) => any): F & { cache: { [key: string]: any } };
  /** Throws: there are no timers. */
  delay(callback: (...rest: any[]) => any, wait: number, ...rest: any[]): any;
  /** Throws: there are no timers. */
  defer(callback: (...rest: any[]) => any, ...rest: any[]): any;
  /** The first call runs at once; one that would have to wait throws, unless `trailing` is false. */
  throttle<F extends (...rest: any[]) => any>(callback: F, wait: number, options?: { leading?: boolean; trailing?: boolean }): F & { cancel(): void };
  /** What it makes throws when it is called: there are no timers. */
  debounce<F extends (...rest: any[]) => any>(callback: F, wait: number, immediate?: boolean): F & { cancel(): void };
  wrap(callback: (...rest: any[]) => any, wrapper: (callback: any, ...rest: any[]) => any): (...rest: any[]) => any;
  negate(test: (...rest: any[]) => any): (...rest: any[]) => boolean;
  compose(...callbacks: ((...rest: any[]) => any)[]): (...rest: any[]) => any;
  after<F extends (...rest: any[]) => any>(count: number, callback: F): F;
  before<F extends (...rest: any[]) => any>(count: number, callback: F): F;
  once<F extends (...rest: any[]) => any>(callback: F): F;
  restArguments(callback: (...rest: any[]) => any, start?: number): (...rest: any[]) => any;

  // Objects.
  keys(object: any): string[];
  allKeys(object: any): string[];
  values<T>(object: { [name: string]: T } | null | undefined): T[];
  mapObject<T, R>(object: { [name: string]: T } | null | undefined, callback: (value: T, key: string, object: any) => R, context?: any): { [name: string]: R };
  mapObject(object: any, iteratee?: UnderscoreIteratee<any, any>, context?: any): { [name: string]: any };
  pairs<T>(object: { [name: string]: T } | null | undefined): [string, T][];
  invert(object: any): { [name: string]: string };
  functions(object: any): string[];
  methods: Underscore["functions"];
  extend(target: any, ...sources: any[]): any;
  extendOwn(target: any, ...sources: any[]): any;
  assign: Underscore["extendOwn"];
  findKey(object: any, test?: UnderscoreIteratee<any, any>, context?: any): string | undefined;
  pick(object: any, ...names: any[]): any;
  omit(object: any, ...names: any[]): any;
  defaults(target: any, ...sources: any[]): any;
  create(prototype: object | null, properties?: object): any;
  clone<T>(value: T): T;
  tap<T>(value: T, callback: (value: T) => any): T;
  get(object: any, path: UnderscorePath, fallback?: any): any;
  has(object: any, path: UnderscorePath): boolean;
  property(path: UnderscorePath): (object: any) => any;
  propertyOf(object: any): (path: UnderscorePath) => any;
  matcher(properties: object): (object: any) => boolean;
  matches: Underscore["matcher"];
  isMatch(object: any, properties: object): boolean;
  isEqual(left: any, right: any): boolean;
  isEmpty(value: any): boolean;
  result(object: any, path: UnderscorePath, fallback?: any): any;
  toPath(path: UnderscorePath): (string | number)[];

  // Kinds of values.
  isElement(value: any): boolean;
  isArray(value: any): value is any[];
  isObject(value: any): boolean;
  isArguments(value: any): boolean;
  isFunction(value: any): value is (...rest: any[]) => any;
  isString(value: any): value is string;
  isNumber(value: any): value is number;
  /** Numbers and texts of numbers. */
  isFinite(value: any): boolean;
  isNaN(value: any): boolean;
  isBoolean(value: any): value is boolean;
  isDate(value: any): value is Date;
  isRegExp(value: any): value is RegExp;
  isError(value: any): value is Error;
  isSymbol(value: any): value is symbol;
  isMap(value: any): boolean;
  isWeakMap(value: any): boolean;
  isSet(value: any): boolean;
  isWeakSet(value: any): boolean;
  isArrayBuffer(value: any): boolean;
  isDataView(value: any): boolean;
  isTypedArray(value: any): boolean;
  isNull(value: any): value is null;
  isUndefined(value: any): value is undefined;

  // Other functions.
  identity<T>(value: T): T;
  constant<T>(value: T): () => T;
  noop(): void;
  times<R>(count: number, callback: (index: number) => R, context?: any): R[];
  /** A whole number, both ends included. */
  random(max: number): number;
  random(min: number, max: number): number;
  mixin(functions: { [name: string]: (...rest: any[]) => any }): Underscore;
  iteratee(value?: any, context?: any): (...rest: any[]) => any;
  /** Begins again with each call of the script. */
  uniqueId(prefix?: string): string;
  escape(text: any): string;
  unescape(text: any): string;
  /** Milliseconds since 1970. */
  now(): number;
  template(text: string, settings?: UnderscoreTemplateSettings): ((data?: any) => string) & { source: string };
  /** Wraps a value so that every method gives a wrapper; `value()` ends it. */
  chain<T>(value: T): UnderscoreChain<T>;
  noConflict(): Underscore;

  // Values.
  templateSettings: UnderscoreTemplateSettings;
  /** The version of Underscore whose behaviour this has. */
  VERSION: string;
  _: Underscore;
}

/** Names of the functions that wrappers have as methods. */
type UnderscoreMethod = Exclude<keyof Underscore, "templateSettings" | "VERSION" | "_" | "noConflict">;

/** Methods of arrays that wrappers have. */
type UnderscoreArrayMethod = "pop" | "push" | "reverse" | "shift" | "sort" | "splice" | "unshift" | "concat" | "join" | "slice";

/** What every wrapper has. */
interface UnderscoreValue<T> {
  value(): T;
  valueOf(): any;
  toJSON(): any;
  toString(): string;
}

/** A wrapped value; methods give results. */
type UnderscoreWrapper<T> = UnderscoreValue<T> & {
  [name in Exclude<UnderscoreMethod, "chain"> | UnderscoreArrayMethod]: (...rest: any[]) => any;
} & { chain(): UnderscoreChain<T> };

/** A wrapped value; methods give wrappers. */
type UnderscoreChain<T> = UnderscoreValue<T> & {
  [name in UnderscoreMethod | UnderscoreArrayMethod]: (...rest: any[]) => UnderscoreChain<any>;
};

/** Underscore. */
declare var _: Underscore;
