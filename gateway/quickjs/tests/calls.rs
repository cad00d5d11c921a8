//! What scripts see and what comes out of a call.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{call, finish, load, loaded, program, source, start};
use gatehouse_quickjs::{Answer, Arena, Engine, Envelope, FailureKind, HostReply, Program, Step, Value};

fn run(text: &str) -> String {
    let (arena, program) = loaded(text);
    call(arena, &program, "f").1.unwrap()
}

fn fail(text: &str) -> gatehouse_quickjs::Failure {
    let (arena, program) = loaded(text);
    call(arena, &program, "f").1.unwrap_err()
}

#[test]
fn arguments_look_as_described() {
    let text = run(
        "function f(request, session, config) { return JSON.stringify([request, Object.keys(request).sort(), request.Method,
           request.RequestID, request.BodyBase64, session, config.config_data.bar.y, Object.keys(globalThis)]); }",
    );
    assert_eq!(
        text,
        r#"[{"Headers":{"Accept":["*/*"],"User-Agent":["curl/8.0"],"X-Foo":["bar"]},"Body":"body","URL":"/virt?x=1&y=2","Params":{"x":["1"],"y":["2"]},"Scheme":"http","SetHeaders":{"a":[]}},["Body","Headers","Params","Scheme","SetHeaders","URL"],"GET","id","1:",{"meta_data":{"a":"b"}},3,["f"]]"#
    );
}

#[test]
fn nothing_outlives_a_call() {
    let (mut arena, program) = loaded(
        "var n = 0; var closure = (function () { var m = 0; return function () { return ++m; }; })(); let top = 1;
         function f(request, session, config) {
           n++; top++; leaked = (typeof leaked === 'undefined') ? 1 : leaked + 1; config.more = (config.more || 0) + 1;
           var had = [].extra; Object.prototype.extra = 1; JSON.stringify.x = (JSON.stringify.x || 0) + 1; request.URL = '';
           new WeakRef({}); Promise.resolve().then(function () { n = 100; });
           var log = ask; ask = null; JSON = null; return [n, top, closure(), leaked, had, config.more, typeof log].join(' ');
         }",
    );
    for _ in 0..3 {
        let (back, result) = call(arena, &program, "f");
        assert_eq!(result.unwrap(), "1 2 1 1  1 function");
        arena = back;
    }
}

#[test]
fn functions_are_found_by_any_name() {
    let (mut arena, program) = loaded(
        "var handlers = {inner: {go: function () { return 'member ' + (this === handlers.inner); }}};
         const arrow = () => 'arrow'; class K { static run() { return 'class ' + (this === K); } }
         function plain() { return 'plain ' + (this === globalThis); }",
    );
    for (name, text) in [
        ("handlers.inner.go", "member true"),
        ("arrow", "arrow"),
        ("K.run", "class true"),
        ("plain", "plain true"),
        ("arrow", "arrow"),
    ] {
        let (back, result) = call(arena, &program, name);
        assert_eq!(result.unwrap(), text);
        arena = back;
    }
    for name in ["nowhere", "handlers.nope.go", "handlers.inner", "a b", "", "ask(", "nowhere"] {
        let (back, result) = call(arena, &program, name);
        let failure = result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::MissingFunction, "{name}: {failure}");
        assert!(failure.message.contains(&format!("`{name}`")), "{failure}");
        arena = back;
    }
}

#[test]
fn a_name_whose_look_up_does_not_end_is_not_there() {
    let (arena, program) = loaded("Object.defineProperty(globalThis, 'f', {get() { for (;;) {} }});");
    let (arena, result) = call(arena, &program, "f");
    let failure = result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::MissingFunction);
    assert!(failure.message.contains("did not end in time"), "{failure}");
    let (mut arena, result) = call(arena, &program, "f");
    assert_eq!(result.unwrap_err(), failure);
    assert!(arena.is_pristine());
}

#[test]
fn failures_say_what_and_where() {
    let failure = fail("function g() {\n  throw new TypeError('boom');\n}\nfunction f() {\n  g();\n}");
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Exception, "TypeError: boom"));
    let frames: Vec<String> = failure.frames.iter().map(ToString::to_string).collect();
    assert_eq!(frames, ["at g (a.js:2:13)", "at f (a.js:5:3)"]);
    for (thrown, message) in [
        ("'boom'", "Uncaught \"boom\""),
        ("{a: 1}", "Uncaught {\"a\":1}"),
        ("{message: 'm', get name() { return 1; }}", "Uncaught object: m"),
        ("undefined", "Uncaught undefined"),
        ("null", "Uncaught null"),
        ("7", "Uncaught 7"),
        ("Symbol('x')", "Uncaught symbol"),
        ("new (class Mine extends Error { get name() { return 'Mine'; } })('q')", "Uncaught object: q"),
        ("new Proxy({}, {get: function () { for (;;); }})", "Uncaught object"),
    ] {
        assert_eq!(fail(&format!("function f() {{ throw {thrown}; }}")).message, message, "{thrown}");
    }
    assert_eq!(fail("function f() { missing.name; }").message, "ReferenceError: missing is not defined");
    for (value, word) in
        [("", "undefined"), ("null", "null"), ("{}", "an object"), ("7", "a number"), ("f", "a function")]
    {
        let failure = fail(&format!("function f() {{ return {value}; }}"));
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::NotText, word));
    }
    assert_eq!(fail("function f() { return new Array(1 << 21).join('x'); }").kind, FailureKind::TooLong);
    assert_eq!(run("function f() { return 'é\\ud800x\\u{1F600}' + '\\0'; }"), "é\u{FFFD}x😀\0");
}

#[test]
fn what_is_no_error_has_a_place_too() {
    let places = |text: &str| -> Vec<String> {
        let line = |frame: &gatehouse_quickjs::Frame| frame.place.as_ref().map_or(0, |(_, line, _)| *line);
        fail(text).frames.iter().map(|frame| format!("{} {}", frame.function, line(frame))).collect()
    };
    let thrown = "function g(x) {\n  throw x;\n}\n";
    for value in ["'boom'", "{a: 1}", "null", "undefined", "7", "7n", "Symbol('x')", "function () {}"] {
        let text = format!("{thrown}function f() {{\n  g({value});\n}}");
        assert_eq!(places(&text), ["g 2", "f 5"], "{value}");
    }
    // What was caught is forgotten; what goes on from a `finally` is where it was.
    let caught = "function f() {\n  try { g(1); } catch (e) {}\n  g(2);\n}";
    assert_eq!(places(&format!("{thrown}{caught}")), ["g 2", "f 6"]);
    let finally = "function f() {\n  try { g(1); } finally { try { g(2); } catch (e) {} }\n}";
    assert_eq!(fail(&format!("{thrown}{finally}")).message, "Uncaught 1");
    assert_eq!(places(&format!("{thrown}function f() {{ [1].map(g); }}"))[1], "map 0");
    // What was thrown while the program was loaded is not what a run throws.
    let early = "try { new Promise(function () { throw 'early'; }); g('x'); } catch (e) {}\nnew Promise(function () { throw 1; });\n";
    assert_eq!(places(&format!("{thrown}{early}function f() {{\n  throw 'late';\n}}")), ["f 7"]);
    // Nothing that a script makes of a stack is taken for one without an end.
    let many = "function f() { var e = new Error('m'.repeat(1 << 22)); e.name = 'n'.repeat(1 << 22);
        Object.defineProperty(e, 'stack', {value: '    at f (a.js:1:1)\\n'.repeat(100000)}); throw e; }";
    let failure = fail(many);
    assert_eq!((failure.frames.len(), failure.message.len()), (64, 4096));
    assert!(fail("function f() { throw 10n ** 20000n; }").message.starts_with("Uncaught 1000"));
}

#[test]
fn sources_that_fail_leave_the_others() {
    let mut arena = Arena::new(&common::engine()).unwrap();
    let texts =
        ["var a = 1;\nvar b = ;", "function f() { return 'f ' + typeof a; }", "a1 = 1;\nnope();", "{", ""];
    let sources =
        texts.iter().enumerate().map(|(index, text)| source(&format!("{index}.js"), text)).collect();
    let program = Arc::new(Program { skipped: vec![], ..Program::new(sources) });
    let failures = arena.load(&program, None, &mut |_, _| HostReply::End).unwrap();
    let kinds: Vec<_> = failures.iter().map(|(index, failure)| (*index, failure.kind)).collect();
    assert_eq!(kinds, [(0, FailureKind::Syntax), (2, FailureKind::Exception), (3, FailureKind::Syntax)]);
    assert_eq!(failures[0].1.frames[0].place, Some(("0.js".into(), 2, 9)));
    assert_eq!(failures[1].1.frames[0].place, Some(("2.js".into(), 2, 1)));
    assert_eq!(call(arena, &program, "f").1.unwrap(), "f undefined");
}

#[test]
fn host_functions_take_and_give_text() {
    let (arena, program) = loaded(
        "function f() { var thrown; try { ask('throw'); } catch (e) { thrown = e.message; }
           return [thrown, ask({toString: function () { return ask('x'); }}, null, 3), ask(), typeof ask('none'), ask.length, ask.name].join(' '); }",
    );
    let mut run = start(arena, &program, "f").unwrap();
    let mut asked = Vec::new();
    let text = loop {
        match run.resume(Duration::from_secs(1)) {
            Step::HostCall { arguments, .. } => {
                run.answer(match arguments.first().map(String::as_str) {
                    Some("throw") => Answer::Throw("no".into()),
                    Some("none") => Answer::Undefined,
                    _ => Answer::Text(format!("<{}>", arguments.join("|"))),
                });
                asked.push(arguments);
            }
            Step::Done(result) => break result.unwrap(),
            Step::Preempted => {}
        }
    };
    assert_eq!(text, "no <<x>|null> <> undefined 2 ask");
    assert_eq!(asked.len(), 5);
    assert!(run.finish().is_pristine());
}

#[test]
fn time_and_chance_are_real_in_calls_and_fixed_in_loads() {
    let mut arena = Arena::new(&common::engine()).unwrap();
    let text = "var at = [Date.now(), new Date().getTime(), typeof Date(), new Date(5).getTime()].join(); var chance = Math.random();
                function f() { var d = new (class D extends Date { x() { return 1; } })(); return [at, chance, Date.now() > 1e12, new Date() > 1e12,
                  d instanceof Date, d.x(), d > 1e12, Date.UTC(1970, 0, 2), Date.parse('1970-01-01T00:00:01Z'), Date.length, new Date(2020, 1).getMonth(),
                  Object.prototype.toString.call(new Date()), new Date().constructor === Date, Math.random()].join(' '); }";
    let make = || {
        Arc::new(Program { clock_millis: Some(1_000), seed: 5, ..Program::new(vec![source("a.js", text)]) })
    };
    let (first, second) = (make(), make());
    load(&mut arena, &first);
    load(&mut arena, &second);
    let (arena, one) = call(arena, &first, "f");
    let (_, two) = call(arena, &second, "f");
    let one = one.unwrap();
    assert!(one.starts_with("1000,1000,string,5 0."), "{one}");
    assert!(one.contains(" true true true 1 true 86400000 1000 7 1 [object Date] true 0."), "{one}");
    assert_eq!(one, two.unwrap());
}

#[test]
fn lazy_globals_are_made_when_touched() {
    let (arena, program) = loaded(
        "function f() { return typeof lazy; } function g() { lazy = 5; return '' + lazy; } function h() { return 'h'; }",
    );
    let (arena, result) = call(arena, &program, "g");
    assert_eq!(result.unwrap(), "5");
    let mut run = start(arena, &program, "h").unwrap();
    assert_eq!(finish(&mut run, Duration::from_secs(1)).unwrap().unwrap(), "h");
    assert_eq!(run.touched(), 0);
    let mut run = start(run.finish(), &program, "f").unwrap();
    assert_eq!(finish(&mut run, Duration::from_secs(1)).unwrap().unwrap(), "object");
    assert_eq!(run.touched(), 1);
    let mut arena = run.finish();
    let text = "var seen = lazy.made; function f() { return [seen === lazy.made, lazy.made].join(); }";
    let warm =
        Arc::new(Program { warm: 1, clock_millis: Some(9), ..Program::new(vec![source("a.js", text)]) });
    load(&mut arena, &warm);
    assert_eq!(call(arena, &warm, "f").1.unwrap(), "true,9");
    assert_eq!(run_of("var lazy = 'mine'; function f() { return lazy; }"), "mine");
    assert_eq!(run_of("function lazy() { return 'mine'; } function f() { return lazy(); }"), "mine");
    assert_eq!(run_of("let lazy = 'mine'; function f() { return lazy; }"), "mine");
}

fn run_of(text: &str) -> String {
    run(text)
}

#[test]
fn programs_share_an_arena_and_know_nothing_of_each_other() {
    let mut arena = Arena::new(&common::engine()).unwrap();
    let programs: Vec<_> = (0..20)
        .map(|number| {
            program(&format!(
                "var number = {number}; var big = new Array({number} * 100 + 1).join('x'); function f() {{ number += 100; return number + ' ' + big.length; }}"
            ))
        })
        .collect();
    for program in &programs {
        load(&mut arena, program);
    }
    for round in 0..3 {
        for (number, program) in programs.iter().enumerate().rev() {
            let (back, result) = call(arena, program, "f");
            assert_eq!(result.unwrap(), format!("{} {}", number + 100, number * 100), "{round}");
            arena = back;
        }
    }
    drop(programs);
    let last = program("function f() { return 'last'; }");
    load(&mut arena, &last);
    assert!(arena.image_bytes() < 64 << 10, "{}", arena.image_bytes());
}

#[test]
fn given_properties_begin_anew_and_arguments_are_as_many_as_were_passed() {
    let (mut arena, program) = loaded(
        "function f(request) { request.SetHeaders.a.push(1); request.SetHeaders.b = 2;
           return JSON.stringify([request.SetHeaders, Object.keys(request).pop(), arguments.length]); }",
    );
    for _ in 0..2 {
        let (back, result) = call(arena, &program, "f");
        assert_eq!(result.unwrap(), r#"[{"a":[1],"b":2},"SetHeaders",3]"#);
        arena = back;
    }
    for count in [0, 2, 4, 3] {
        let arguments = vec![Value::Text("x"); count];
        let program_of_count = loaded("function g() { return String(arguments.length); }");
        let mut run = program_of_count.0.start(&program_of_count.1, &"g".into(), &arguments, 1, 10).unwrap();
        assert_eq!(finish(&mut run, Duration::from_secs(20)).unwrap().unwrap(), count.to_string());
    }
}

#[test]
fn a_session_that_is_not_json_is_refused() {
    let (arena, program) = loaded("function f() { return 'f'; }");
    let arguments = [Value::Json(c"{"), Value::Undefined, Value::Undefined];
    let not = arena.start(&program, &"f".into(), &arguments, 1, 10).unwrap_err();
    assert!(not.failure.message.starts_with("SyntaxError"), "{}", not.failure);
    assert_eq!(call(not.arena, &program, "f").1.unwrap(), "f");
}

#[test]
fn what_could_block_or_reach_out_is_not_there() {
    assert_eq!(
        run(
            "function f() { return [typeof SharedArrayBuffer, typeof Atomics, typeof std, typeof os, typeof require, typeof console, typeof setTimeout].join(); }"
        ),
        ["undefined"; 7].join(",")
    );
}

#[test]
fn a_source_without_end_fails_with_those_after_it() {
    let mut arena = Arena::new(&common::engine()).unwrap();
    let texts = ["var a = 1;", "for (;;) {}", "function f() { return 'f'; }"];
    let sources = texts.iter().map(|text| source("a.js", text)).collect();
    let program = Arc::new(Program::new(sources));
    let deadline = std::time::Instant::now() + Duration::from_millis(20);
    let failures = arena.load(&program, Some(deadline), &mut |_, _| HostReply::End).unwrap();
    let kinds: Vec<_> = failures.iter().map(|(index, failure)| (*index, failure.kind)).collect();
    assert_eq!(kinds, [(1, FailureKind::Timeout), (2, FailureKind::Timeout)]);
    assert!(!arena.has(&program));
    let asks = Arc::new(Program::new(vec![source("a.js", "ask('x');")]));
    let failures = arena.load(&asks, None, &mut |_, _| HostReply::End).unwrap();
    assert_eq!(failures[0].1.kind, FailureKind::Ended);
    let skipping = Arc::new(Program {
        skipped: vec![false, true],
        ..Program::new(texts.iter().map(|text| source("a.js", text)).collect())
    });
    load(&mut arena, &skipping);
    assert_eq!(call(arena, &skipping, "f").1.unwrap(), "f");
}

/// Shapes of answers, each of which must look as `JSON.stringify` writes it.
const ANSWERS: [&str; 26] = [
    "{Body: 'x', Headers: {'a-b': '1', c: '2'}, Code: 200}",
    "{}",
    "{Body: '', Headers: {}, Code: 0}",
    "{a: undefined, b: null, c: true, d: false, e: -1, f: 1.5, g: NaN, h: 1e21, i: 0x7fffffff, j: 4294967296, k: -0}",
    r#"{Body: 'q"\\\b\f\n\r\t\u0000\u001f\u007f\u2028 \u00e4 \ud83d\ude00 / <'}"#,
    r"{Body: '\ud800', 'k\udc00': 1}",
    r"{'b\n': 1, 2: 'two', 1: 'one', '\u00e4': 3, [Symbol('s')]: 4}",
    "{f: function () {}, s: Symbol('x'), after: 1}",
    "{list: [1, 'a', , undefined, {x: [[]]}]}",
    "{toJSON: function () { return {own: this.Body}; }, Body: 'b'}",
    "Object.defineProperty({a: 1}, 'toJSON', {value: function () { return 'hidden'; }})",
    "{get Body() { return 'got'; }, Code: 200}",
    "Object.defineProperty({a: 1}, 'hidden', {value: 1})",
    "Object.create({inherited: 1})",
    "Object.create(null, {a: {value: 1, enumerable: true}})",
    "new (class A { constructor() { this.a = 1; } })()",
    "new (class B { toJSON() { return 'B'; } })()",
    "new Proxy({a: 1}, {})",
    "{date: new Date(0), re: /x/, map: new Map([[1, 2]]), number: new Number(3), text: new String('s')}",
    "{a: {b: {c: {d: {e: {f: {g: {h: {i: {j: 1}}}}}}}}}}",
    "{rope: 'a'.repeat(300) + 'b'.repeat(300) + number}",
    "'text'",
    "7",
    "null",
    "undefined",
    "function () {}",
];

#[test]
fn an_envelope_is_what_json_stringify_writes() {
    let engine = Arc::new(Engine {
        envelope: Some(Envelope { name: "wrap".into(), fields: vec!["Response".into(), "Meta".into()] }),
        ..Engine::default()
    });
    for setup in
        ["", "Object.prototype.toJSON = function () { return 'all'; };", "Object.prototype.more = 1;"]
    {
        for answer in ANSWERS {
            for meta in ["undefined", "{k: 'v'}", "number"] {
                let program = program(&format!(
                    "var number = 42; {setup} var stringify = JSON.stringify; function answer() {{ return ({answer}); }}
                     function f() {{ JSON.stringify = null; return wrap(answer(), {meta}); }}
                     function g() {{ return stringify({{Response: answer(), Meta: {meta}}}); }}"
                ));
                let mut arena = Arena::new(&engine).unwrap();
                load(&mut arena, &program);
                let text = |arena: Arena, function: &str| {
                    let none = [Value::Undefined; 3];
                    let mut run = arena.start(&program, &function.into(), &none, 1, 1 << 20).unwrap();
                    let result = finish(&mut run, Duration::from_secs(20)).unwrap();
                    let mut arena = run.finish();
                    assert!(arena.is_pristine());
                    (arena, result)
                };
                let (arena, wrapped) = text(arena, "f");
                let (_, expected) = text(arena, "g");
                assert_eq!(wrapped.unwrap(), expected.unwrap(), "{setup} {answer}, {meta}");
            }
        }
    }
}

#[test]
fn an_envelope_without_end_is_an_exception() {
    let engine = Arc::new(Engine {
        envelope: Some(Envelope { name: "wrap".into(), fields: vec!["Response".into()] }),
        ..Engine::default()
    });
    for body in [
        "var a = {}; a.a = a; return wrap(a);",
        "var a = {s: 'x'.repeat(100000)}; for (var i = 0; i < 7; i++) { a = {a: a, b: a, c: a, d: a, e: a, f: a, g: a}; } return wrap(a);",
        "return wrap({get a() { throw new Error('mine'); }});",
    ] {
        let program = program(&format!("function f() {{ {body} }}"));
        let mut arena = Arena::new(&engine).unwrap();
        load(&mut arena, &program);
        let none = [Value::Undefined; 3];
        let mut run = arena.start(&program, &"f".into(), &none, 1, 1 << 20).unwrap();
        assert!(finish(&mut run, Duration::from_secs(60)).unwrap().is_err(), "{body}");
        assert!(run.finish().is_pristine());
    }
}
