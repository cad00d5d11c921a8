//! `JSON.parse` and `JSON.stringify` are the engine's own as far as any script can see.
//!
//! With a reviver or replacer the engine's own are asked, which is what the others are compared with.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{call, loaded};
use gatehouse_quickjs::{Arena, FailureKind, Program, Step, Value};

fn run(text: &str) -> String {
    let (arena, program) = loaded(text);
    call(arena, &program, "f").1.unwrap()
}

/// Calls `f` with a text.
fn with_text(arena: Arena, program: &Arc<Program>, text: &str) -> (Arena, String) {
    let arguments = [Value::Text(text), Value::Undefined, Value::Undefined];
    let mut run = arena.start(program, &"f".into(), &arguments, 7, 1 << 22).unwrap();
    loop {
        match run.resume(Duration::from_secs(1)) {
            Step::Done(result) => return (run.finish(), result.unwrap()),
            Step::Preempted => {}
            Step::HostCall { .. } => run.answer(gatehouse_quickjs::Answer::Undefined),
        }
    }
}

const COMPARED: &str = "
    function same(key, value) { return value; }
    function attempt(code) { try { return code(); } catch (error) { return error.name + ': ' + error.message + error.stack.split('\\n')[0]; } }
    function f(text) {
      var ours = attempt(function () { return JSON.stringify(JSON.parse(text), same); });
      var theirs = attempt(function () { return JSON.stringify(JSON.parse(text, same), same); });
      if (ours !== theirs) return 'parse: ' + text + '\\nours: ' + ours + '\\ntheirs: ' + theirs;
      var value = attempt(function () { return JSON.parse(text); });
      ours = attempt(function () { return JSON.stringify(value); });
      theirs = attempt(function () { return JSON.stringify(value, same); });
      if (ours !== theirs) return 'stringify: ' + text + '\\nours: ' + ours + '\\ntheirs: ' + theirs;
      return 'same';
    }";

#[test]
fn what_is_read_and_written_is_what_the_engine_reads_and_writes() {
    let (mut arena, program) = loaded(COMPARED);
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let long = format!("[{}1]", "{\"a\":1,\"b\":[true]},".repeat(3_000));
    for text in [
        "",
        " ",
        "1",
        "-1",
        "-0",
        "0",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1.5",
        "-1.25e3",
        "1e400",
        "-1e-400",
        "1E+2",
        "1e",
        "1e+",
        "123456789",
        "1234567890",
        "-2147483648",
        "9007199254740993",
        "1e21",
        "123456789012345678901234567890",
        "0.1",
        "4.35",
        "5e-324",
        "1 2",
        "tru",
        "true",
        "truex",
        "false",
        "null",
        "nul",
        "NaN",
        "undefined",
        "\"",
        "\"a",
        "\"a\"",
        "\"\\u0041\\n\\\"\\\\\\/\"",
        "\"\\ud83d\"",
        "\"\\ud83d\\ude00\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\u{1}\"",
        "\"é😀\"",
        "\"\t\"",
        "'a'",
        "[",
        "]",
        "[]",
        "[ ]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,2,3]",
        " [ 1 , 2 ] ",
        "{",
        "}",
        "{}",
        "{ }",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1",
        "{a:1}",
        "{\"a\":1}",
        " { \"a\" : 1 , \"b\" : [ ] } ",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"x\":1},\"a\":2}",
        "{\"__proto__\":{\"a\":1}}",
        "{\"b\":1,\"2\":1,\"1\":1,\"a\":0}",
        "{\"toJSON\":1}",
        "{\"constructor\":1}",
        "{\"length\":1}",
        "{\"\":1}",
        "{\"é\":1}",
        "{\"a\\n\":1}",
        "{\"a\\u0062\":1}",
        "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}]",
        "[{\"a\":1,\"b\":2},{\"a\":3}]",
        "[{\"a\":1},{\"a\":3,\"b\":4},{\"a\":5,\"b\":6}]",
        "[{\"a\":1,\"b\":2},{\"a\":3,\"c\":4}]",
        "[{\"a\":1,\"b\":2},{\"b\":3,\"a\":4}]",
        "[{\"a\":1,\"b\":2},{\"a\":3,\"a\":4}]",
        "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4,\"c\":5}]",
        "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4,}]",
        "[{\"a\":1,\"b\":2},{\"a\":3 \"b\":4}]",
        "[{\"a\":1},{}]",
        "[{},{\"a\":1},{}]",
        "[{\"a\":{\"b\":[{\"a\":1}]}},{\"a\":{\"b\":[{\"a\":2}]}}]",
        "[{\"a\":1,\"b\":2},{\"a\":\"x\",\"b\":}]",
        "[{\"1\":1,\"b\":2},{\"1\":3,\"b\":4}]",
        "[1]\u{0}",
        "\u{feff}[1]",
        "[1]/**/",
        "\u{b}1",
        "[{\"ab\":1},{\"a\":1}]",
        "[{\"a\":1},{\"ab\":1}]",
        &deep,
        &long,
    ] {
        let (mut back, result) = with_text(arena, &program, text);
        assert_eq!(result, "same");
        assert!(back.is_pristine());
        arena = back;
    }
}

/// A number generator that is the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn value(&mut self, depth: usize, out: &mut String) {
        const SCALARS: [&str; 14] = [
            "0",
            "7",
            "-12",
            "3.5",
            "1e3",
            "12345678901",
            "true",
            "false",
            "null",
            "\"\"",
            "\"text\"",
            "\"a\\\"b\"",
            "\"ü\"",
            "-0",
        ];
        const NAMES: [&str; 8] = ["a", "b", "id", "name", "1", "", "é", "__proto__"];
        match self.below(if depth == 0 { 6 } else { 10 }) {
            6 | 7 => {
                out.push('[');
                for index in 0..self.below(5) {
                    out.push_str(if index > 0 { "," } else { "" });
                    self.value(depth - 1, out);
                }
                out.push(']');
            }
            8 | 9 => {
                out.push('{');
                let first = self.below(3);
                for index in 0..self.below(5) {
                    out.push_str(if index > 0 { ", " } else { "" });
                    let name = if self.below(6) == 0 { self.below(8) } else { (first + index) % 5 };
                    out.push_str(&format!("\"{}\":", NAMES[name]));
                    self.value(depth - 1, out);
                }
                out.push('}');
            }
            _ => out.push_str(SCALARS[self.below(SCALARS.len())]),
        }
    }
}

#[test]
fn any_text_is_read_and_written_as_the_engine_does() {
    let (mut arena, program) = loaded(COMPARED);
    let mut random = Random(42);
    for round in 0..4_000 {
        let mut text = String::new();
        random.value(5, &mut text);
        // Half of them are broken somewhere.
        if round % 2 == 0 && !text.is_empty() {
            let place = text.floor_char_boundary(random.below(text.len()));
            const BROKEN: [&str; 8] = ["", ",", "}", "]", "\"", "x", " ", "{\"a\":"];
            let end = text.ceil_char_boundary((place + random.below(2)).min(text.len()));
            text.replace_range(place..end, BROKEN[random.below(8)]);
        }
        let (back, result) = with_text(arena, &program, &text);
        assert_eq!(result, "same");
        arena = back;
    }
    assert!(arena.is_pristine());
}

#[test]
fn whatever_is_not_plain_is_written_as_the_engine_does() {
    let (mut arena, program) = loaded(
        "function same(key, value) { return value; }
         function K() { this.own = 1; } K.prototype.inherited = 2;
         var cyclic = {a: [1]}; cyclic.a.push(cyclic);
         var shared = {s: 1};
         var holes = [1, , 3]; var longer = [1]; longer.length = 3; var named = [1]; named.x = 2;
         var deleted = {a: 1, b: 2, c: 3}; delete deleted.b; var again = {a: 1, b: 2}; delete again.a; again.a = 3;
         var hidden = {a: 1}; Object.defineProperty(hidden, 'b', {value: 2, enumerable: false});
         var symbol = {a: 1}; symbol[Symbol('s')] = 2; symbol.c = Symbol('v');
         var rope = 'x'; for (var i = 0; i < 2000; i++) rope += 'abcdefgh' + i;
         class L extends Array {}
         var values = [
           new K(), cyclic, [shared, shared, {s: shared}], holes, longer, named, deleted, again, hidden, symbol,
           {get a() { return 1; }}, {a: {get b() { return {c: 1}; }}}, [function () {}, undefined, Symbol('x')],
           {a: function () {}, b: undefined, c: 1}, {toJSON: function (key) { return 'to ' + key; }}, {a: {toJSON: function () { return [1]; }}},
           {toJSON: 1}, [{toJSON: null}], new Date(0), new Map([[1, 2]]), /x/g, new Number(3), new String('s'), new Boolean(false),
           [new Number(3), Object('s')], Object.create(null), Object.assign(Object.create(null), {a: 1}), Object.create({a: 1}),
           new Proxy({a: 1}, {}), {a: new Proxy([1, 2], {})}, new Uint8Array([1, 2]), new L(1, 2, 3), L.from([1, 2]), arguments(),
           {a: 1n}, Object(1n), 1n, [NaN, Infinity, -Infinity, -0, 0.1, 1e21, 1e15, 1e15 + 1, -1e15, 123456789012, 1e-7, 5e-324, 1.7976931348623157e308],
           {2: 'two', 1: 'one', b: 'b', '-1': 'm', '01': 'z', 4294967295: 'big'}, {'a\"b': 1, 'c\\n': 2, 'é': 3, '\\ud800': 4},
           '\\ud800 half', ['\\ud800', '\\ud83d\\ude00', '\\u2028', '\\u007f', '\\u0000'], rope, {rope: rope, half: rope.slice(3, 5000)},
           Object.freeze({a: 1, b: [2]}), Object.seal([1, 2]), globalThis.undefined, null, true, 'text', 5, JSON.rawJSON('1'), [JSON.rawJSON('\"r\"')],
           [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],
           JSON.parse('{\"__proto__\": {\"toJSON\": 1}}'), [1, 2, 3].concat([[]]), Array(3), 'a'.match(/a/), new Error('e'),
         ];
         for (var n = 0; n < 20; n++) { var o = {}; for (var m = 0; m <= n; m++) o['k' + m + '_' + n] = m; values.push([o, o]); }
         function arguments() { return (function () { return arguments; })(1, {a: 2}); }
         function attempt(code) { try { return String(code()); } catch (error) { return error.name + ': ' + error.message; } }
         function compare(value) {
           var ours = attempt(function () { return JSON.stringify(value); });
           var theirs = attempt(function () { return JSON.stringify(value, same); });
           return ours === theirs ? '' : ours + ' instead of ' + theirs + '\\n';
         }
         function f() {
           var wrong = values.map(compare).join('') + compare(values.filter(function (value, index) { return index !== 1 && typeof value !== 'bigint'
             && !(value && (value.a === 1n || value instanceof BigInt)); }));
           Array.prototype.toJSON = function () { return 'every list'; };
           wrong += values.map(compare).join(''); delete Array.prototype.toJSON;
           Object.prototype.toJSON = function () { return 'every object'; };
           wrong += values.map(compare).join(''); delete Object.prototype.toJSON;
           Object.prototype.more = 1; wrong += values.map(compare).join(''); delete Object.prototype.more;
           Object.setPrototypeOf(Array.prototype, {toJSON: function () { return 'others'; }});
           wrong += values.map(compare).join('');
           return wrong || 'same';
         }",
    );
    for _ in 0..2 {
        let (mut back, result) = call(arena, &program, "f");
        assert_eq!(result.unwrap(), "same");
        assert!(back.is_pristine());
        arena = back;
    }
}

#[test]
fn the_functions_look_like_the_engines_own() {
    let text = run("function f() {
        var shape = function (name) {
          var d = Object.getOwnPropertyDescriptor(JSON, name);
          var made; try { new JSON[name](); made = true; } catch (error) { made = error.name; }
          return [name, JSON[name].name, JSON[name].length, String(JSON[name]).replace(/\\s+/g, ' '), d.writable, d.enumerable, d.configurable,
            Object.getPrototypeOf(JSON[name]) === Function.prototype, Object.getOwnPropertyNames(JSON[name]).join(), made].join(' ');
        };
        return Object.getOwnPropertyNames(JSON).join() + '\\n' + ['parse', 'stringify'].map(shape).join('\\n');
      }");
    assert_eq!(
        text,
        "isRawJSON,parse,rawJSON,stringify\n\
         parse parse 2 function parse() { [native code] } true false true true length,name TypeError\n\
         stringify stringify 3 function stringify() { [native code] } true false true true length,name TypeError"
    );
}

#[test]
fn what_is_read_belongs_to_the_script() {
    let text = run("function f() {
        var list = JSON.parse('[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4},{\"a\":5,\"b\":6}]');
        list[1].c = 7; delete list[0].a; list[2].a = {deep: list}; Object.freeze(list[0]); list.push({a: 8});
        var other = JSON.parse('[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}]');
        other[0].b++; Object.defineProperty(other[1], 'a', {get: function () { return 'got'; }});
        var seen = [Object.keys(list[0]), Object.keys(list[1]), list[2].a.deep === list, list[2].b, list[1].c, other[0].b, other[1].a,
          list.length, Object.getPrototypeOf(other[1]) === Object.prototype, 'toString' in list[1], typeof JSON.parse('\"x\"')];
        list = other = null;
        var held = []; for (var i = 0; i < 2000; i++) { var l = JSON.parse('[{\"x\":1},{\"x\":' + i + '}]'); if (i % 100 === 0) held.push(l[1]); }
        var set = 0; Object.defineProperty(Object.prototype, 'x', {set: function () { set++; }, configurable: true});
        seen.push(JSON.parse('{\"x\":1}').x, JSON.parse('[{\"x\":1},{\"x\":2}]')[1].x, set, held.map(function (h) { return h.x; }).join('+'));
        return JSON.stringify(seen);
      }");
    assert_eq!(
        text,
        r#"[["b"],["a","b","c"],true,6,7,3,"got",4,true,true,"string",1,2,0,"0+100+200+300+400+500+600+700+800+900+1000+1100+1200+1300+1400+1500+1600+1700+1800+1900"]"#
    );
}

#[test]
fn arguments_are_read_as_the_engine_reads_them() {
    let text = run("function f() {
        var attempt = function (code) { try { return String(code()); } catch (error) { return error.name + ': ' + error.message; } };
        return [
          attempt(function () { return JSON.parse(); }), attempt(function () { return JSON.parse(null); }),
          attempt(function () { return JSON.parse({toString: function () { return '[1,2]'; }}); }),
          attempt(function () { return JSON.parse({toString: function () { throw new RangeError('mine'); }}); }),
          attempt(function () { return JSON.parse(Symbol('x')); }), attempt(function () { return JSON.parse('[1]', 7); }),
          attempt(function () { return JSON.parse.call(undefined, '[3]', function (key, value) { return key === '0' ? value + 1 : value; }); }),
          attempt(function () { return JSON.stringify(); }), attempt(function () { return JSON.stringify({a: [1]}, null, 1); }),
          attempt(function () { return JSON.stringify({a: 1, b: 2}, ['b']); }), attempt(function () { return JSON.stringify({a: 1}, null, null); }),
          attempt(function () { return ['{\"a\":1}', '[2]'].map(JSON.parse).length; }),
        ].join('|');
      }");
    assert_eq!(
        text,
        "SyntaxError: unexpected token: 'undefined'|null|1,2|RangeError: mine|TypeError: cannot convert symbol to string|1|4|undefined|\
         {\n \"a\": [\n  1\n ]\n}|{\"b\":2}|{\"a\":1}|2"
    );
}

#[test]
fn garbage_of_both_is_collected() {
    let (arena, program) = loaded(
        "function f() {
           var text = JSON.stringify(Array.from({length: 300}, function (_, i) { return {id: i, name: 'name ' + i, list: [i, {deep: i}]}; }));
           for (var i = 0; i < 3000; i++) {
             var list = JSON.parse(text); list[0].self = list; list[299].list[1].deep = list;
             try { JSON.parse(text.slice(0, -1)); } catch (error) { if (error.name !== 'SyntaxError') throw error; }
             if (JSON.stringify(list[5]) !== '{\"id\":5,\"name\":\"name 5\",\"list\":[5,{\"deep\":5}]}') return 'wrong';
           }
           return 'done';
         }",
    );
    let (mut arena, result) = call(arena, &program, "f");
    assert_eq!(result.unwrap(), "done");
    assert!(arena.is_pristine());
}

#[test]
fn without_memory_both_say_so() {
    let text = "function f() { var o = []; while (true) o.push(JSON.parse('[{\"a\":1,\"b\":\"text\"},{\"a\":2,\"b\":\"text\"}]')); }";
    let (arena, program) = loaded(text);
    let (mut arena, result) = call(arena, &program, "f");
    assert_eq!(result.unwrap_err().kind, FailureKind::Memory);
    assert!(arena.is_pristine());
}

#[test]
fn what_adds_nothing_to_the_text_ends_with_the_slice() {
    let (arena, program) = loaded(
        "var o = {}; for (var i = 0; i < 50000; i++) o['k' + i] = undefined;
         var list = []; for (var i = 0; i < 50000; i++) list.push(o);
         function f() { return JSON.stringify(list) + wrap(list); }",
    );
    let mut run = common::start(arena, &program, "f").unwrap();
    for _ in 0..5 {
        let begun = std::time::Instant::now();
        assert!(matches!(run.resume(Duration::from_millis(5)), Step::Preempted));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    assert!(run.finish().is_pristine());
}
