//! Scripts that try to break out of their bounds, and runs that are abandoned anywhere.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use common::{call, finish, headers, loaded, program, start};
use gatehouse_quickjs::{Answer, Arena, Failure, FailureKind, Run, Step, stops_native_loops};

/// Each of these loops in native code that never looks at the clock.
const NATIVE_LOOPS: [&str; 9] = [
    "Array.prototype.reverse.call({length: Math.pow(2, 53) - 1})",
    "new Array(4294967295).join('x')",
    "Array.prototype.copyWithin.call({length: Math.pow(2, 53) - 1}, 0, 5)",
    "Array.prototype.splice.call({length: Math.pow(2, 53) - 1}, 0, 1)",
    "Array.prototype.unshift.call({length: Math.pow(2, 53) - 2}, 0)",
    "Array.prototype.indexOf.call({length: Math.pow(2, 53) - 1}, 1)",
    "var a = new Array(4294967290); a.concat([1], [2]).length",
    "var s = 'a'.repeat(1000000); for (;;) s.indexOf('a'.repeat(500000) + 'b')",
    "for (var t = new Uint8Array(4000000);;) t.fill(1)",
];

/// Loops in bytecode, callbacks, getters, regular expressions.
const LOOPS: [&str; 14] = [
    "for (;;) {}",
    "for (;;) { try { for (;;) {} } catch (e) {} finally { for (;;) {} } }",
    "[1].forEach(function () { for (;;) {} })",
    "[3, 2, 1].sort(function () { for (;;) {} })",
    "JSON.stringify({get a() { for (;;) {} }})",
    "new Proxy({}, {get: function () { for (;;) {} }}).x",
    "/(a+)+b/.test(new Array(60).join('a'))",
    "new Array(4294967295).fill(0)",
    "(function* () { for (;;) yield 1; })().next().x; for (var x of (function* () { for (;;) yield 1; })());",
    "Function('for (;;) {}')()",
    "Error.prepareStackTrace = function () { for (;;) {} }; new Error('x').stack",
    "var it = {}; it[Symbol.iterator] = function () { return {next: function () { return {done: false}; }}; }; for (var x of it);",
    "for (;;) new Date().toString()",
    "for (;;) JSON.parse('{\"a\": [1, 2, 3, {\"b\": 1}]}')",
];

/// Each is too much of something: an exception, a result, or so slow that it is given up.
const TOO_MUCH: [&str; 30] = [
    "(function g() { return g() + 1; })()",
    "(function g() { return [1].map(g); })()",
    "var o = {get a() { return this.a; }}; o.a",
    "(function g() { JSON.stringify({toJSON: g}); })()",
    "(function g() { 'x'.replace(/x/, g); })()",
    "var g = function () { eval('g()'); }; g()",
    "var p = new Proxy({}, {get: function () { return p.x; }}); p.x",
    "var o = {toString: function () { return '' + o; }}; '' + o",
    "eval('('.repeat(100000) + '1' + ')'.repeat(100000))",
    "JSON.parse('['.repeat(200000))",
    "var o = []; for (var i = 0; i < 200000; i++) o = [o]; JSON.stringify(o)",
    "var o = []; for (var i = 0; i < 200000; i++) o = [o]; String(o)",
    "var o = []; for (var i = 0; i < 200000; i++) o = [o]; o = null",
    "var f = function () {}; for (var i = 0; i < 100000; i++) f = f.bind(null); f()",
    "var p = {}; for (var i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x",
    "var o = {}; for (var i = 0; i < 100000; i++) o = Object.create(o); o.x",
    "new RegExp('('.repeat(50000) + 'a' + ')'.repeat(50000)).test('a')",
    "new RegExp('(?:a|'.repeat(20000) + ')'.repeat(20000)).test('b')",
    "var a = []; for (;;) a.push(new Array(1000).join('x') + a.length)",
    "var s = 'x'; for (;;) s += s",
    "var s = 'x'; for (;;) s = 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy' + s",
    "'x'.repeat(1 << 29).length",
    "new ArrayBuffer(1 << 30)",
    "var m = new Map(); for (var i = 0;; i++) m.set(i, {})",
    "[...(function* () { for (;;) yield 1; })()]",
    "var a = []; for (;;) { try { for (;;) a.push([a]); } catch (e) { a.push(1); throw e; } }",
    "var e; for (var i = 0; i < 100000; i++) e = new Error('x', {cause: e}); String(e)",
    "(2n ** (1n << 24n)).toString().length",
    "var s = ''; for (var i = 0; i < 100000; i++) s = 'y' + s + 'x'.repeat(40); s.charCodeAt(5)",
    "(function again() { return Promise.resolve().then(again); })()",
];

fn script(body: &str) -> String {
    format!("function f() {{ {body}; return 'returned'; }} function good() {{ return 'good'; }}")
}

/// Gives up a run after a while, and checks that its arena is as it was and works.
fn abandon(arena: Arena, body: &str, after: Duration) -> Arena {
    let (mut arena, program) = (arena, program(&script(body)));
    common::load(&mut arena, &program);
    let begun = Instant::now();
    let mut run = start(arena, &program, "f").unwrap();
    let result = finish(&mut run, after);
    assert!(result.is_none(), "{body}: {result:?}");
    // Far more than it takes, far less than the loops: the machine may be busy.
    assert!(begun.elapsed() < after + Duration::from_secs(5), "{body}: {:?}", begun.elapsed());
    let mut arena = run.finish();
    assert!(arena.is_pristine());
    let (arena, result) = call(arena, &program, "good");
    assert_eq!(result.unwrap(), "good");
    arena
}

#[test]
fn loops_come_back_when_their_slice_is_over() {
    let (mut arena, _) = loaded("");
    for body in LOOPS {
        arena = abandon(arena, body, Duration::from_millis(10));
    }
}

#[test]
fn native_loops_come_back_too() {
    assert!(stops_native_loops());
    let (mut arena, _) = loaded("");
    for body in NATIVE_LOOPS {
        arena = abandon(arena, body, Duration::from_millis(10));
    }
}

#[test]
fn too_much_of_anything_is_an_exception() {
    let (mut arena, _) = loaded("");
    for body in TOO_MUCH {
        let program = program(&script(body));
        common::load(&mut arena, &program);
        let begun = Instant::now();
        let mut run = start(arena, &program, "f").unwrap();
        let result = finish(&mut run, Duration::from_secs(2));
        println!("{:>6} ms {body}: {result:?}", begun.elapsed().as_millis());
        let mut back = run.finish();
        assert!(back.is_pristine());
        match result {
            // Slow, but stopped.
            None => {}
            Some(Ok(text)) => assert_eq!(text, "returned"),
            Some(Err(failure)) => {
                assert!(
                    matches!(failure.kind, FailureKind::Exception | FailureKind::Memory),
                    "{body}: {failure:?}"
                );
            }
        }
        let (back, result) = call(back, &program, "good");
        assert_eq!(result.unwrap(), "good", "{body}");
        arena = back;
    }
}

#[test]
fn memory_has_a_bound_and_a_class() {
    let (arena, program) = loaded(
        "function f() { var a = []; for (;;) a.push(new Array(100).join('x') + a.length); }
         function g() { try { f(); } catch (e) { return e.message; } }
         function h() { var all = []; for (var i = 0; i < 25; i++) all.push(new Uint8Array(1 << 20)); return '' + all.length; }
         function k() { var s = ''; for (var i = 0; i < 300000; i++) s += 'some text'; return '' + s.length; }",
    );
    let (arena, result) = call(arena, &program, "f");
    assert_eq!(result.unwrap_err().kind, FailureKind::Memory);
    let (arena, result) = call(arena, &program, "g");
    assert_eq!(result.unwrap(), "out of memory");
    let (arena, result) = call(arena, &program, "h");
    assert_eq!(result.unwrap(), "25");
    assert_eq!(call(arena, &program, "k").1.unwrap(), "2700000");
}

#[test]
fn deep_recursion_works_up_to_a_point() {
    let (arena, program) = loaded(
        "function g(n) { return n ? g(n - 1) + 1 : 0; } function f() { return String(g(3000)); }
         function depth() { var n = 0; function d() { n++; d(); } try { d(); } catch (e) { return e.name + ' ' + (n > 3000); } }",
    );
    let (arena, result) = call(arena, &program, "f");
    assert_eq!(result.unwrap(), "3000");
    assert_eq!(call(arena, &program, "depth").1.unwrap(), "RangeError true");
}

/// What each call does, so that it touches all sorts of memory.
const BUSY: &str = "var n = 0; function f(request, session, config) {
    n++; var o = {}; for (var i = 0; i < 300; i++) { o['k' + i] = {i: i, s: 'k' + i}; }
    Object.prototype.x = 1; config.config_data.foo = 'mut'; JSON.more = 1; var m = new Map([[1, o]]); var re = /(\\w+)@(\\w+)/.exec('foo@bar')[1];
    try { null.x; } catch (e) { var st = e.stack.length > 0; } Promise.resolve(1).then(function () { n = 100; });
    var text = ask('a', n), w = wrap({Body: text, Headers: {k: 'v'}, Code: n}).length + wrap([n]).length;
    var read = JSON.parse(JSON.stringify({all: o, list: Object.keys(o).map(function (k) { return o[k]; })}));
    return [w, n, Object.keys(o).length, re, st, m.size, text, session.meta_data.a, read.all.k7.s, read.list[299].i].join(' '); }";
const BUSY_RESULT: &str = "74 1 300 foo true 1 0:a,1 b k7 299";

#[test]
fn each_allocation_may_fail() {
    let (mut arena, program) = loaded(BUSY);
    let (back, result) = call(arena, &program, "f");
    assert_eq!(result.unwrap(), BUSY_RESULT);
    arena = back;
    let mut kinds = std::collections::BTreeMap::<String, u32>::new();
    let mut count = 0;
    loop {
        arena.fail_after(count);
        let (back, result) = match start(arena, &program, "f") {
            Ok(mut run) => {
                let result = finish(&mut run, Duration::from_secs(5)).unwrap();
                (run.finish(), result)
            }
            Err(not) => (not.arena, Err(not.failure)),
        };
        arena = back;
        assert!(arena.is_pristine());
        let whole = matches!(&result, Ok(text) if text == BUSY_RESULT);
        *kinds.entry(result.unwrap_or_else(|failure| format!("{:?}", failure.kind))).or_default() += 1;
        if whole && kinds[BUSY_RESULT] > 3 {
            break;
        }
        count += 1;
    }
    println!("{count} allocations: {kinds:?}");
    assert!(count > 30 && kinds["Memory"] > 30, "{kinds:?}");
    assert_eq!(call(arena, &program, "f").1.unwrap(), BUSY_RESULT);
}

#[test]
fn runs_move_between_threads_while_suspended() {
    // Each thread resumes what it gets, for a slice that ends anywhere, and hands it on.
    let (sender, receiver) = mpsc::channel::<(Run, u32)>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(receiver));
    let (done, results) = mpsc::channel::<Result<String, Failure>>();
    let body = "var n = 0, t = 'x'; for (var i = 0; i < 300000; i++) { n += i % 7; if (i % 1000 == 0) t = ask(t.length, n).slice(0, 5); }
                Array.prototype.indexOf.call({length: 3e6}, 1); return n + t";
    let programs: Vec<_> = (0..4).map(|_| loaded(&script(body))).collect();
    let expected = {
        let (arena, program) = loaded(&script(body));
        call(arena, &program, "f").1.unwrap()
    };
    for (arena, program) in programs {
        sender.send((start(arena, &program, "f").unwrap(), 0)).unwrap();
    }
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (sender, receiver, done) = (sender.clone(), std::sync::Arc::clone(&receiver), done.clone());
            thread::spawn(move || {
                loop {
                    let next = receiver.lock().unwrap().recv_timeout(Duration::from_millis(300));
                    let Ok((mut run, moves)) = next else { return };
                    match run.resume(Duration::from_micros(300)) {
                        Step::Done(result) => {
                            assert!(moves > 100);
                            assert!(run.finish().is_pristine());
                            done.send(result).unwrap();
                        }
                        Step::Preempted => sender.send((run, moves + 1)).unwrap(),
                        Step::HostCall { function, arguments } => {
                            run.answer(Answer::Text(format!("{function}:{}", arguments.join(","))));
                            sender.send((run, moves + 1)).unwrap();
                        }
                    }
                }
            })
        })
        .collect();
    for _ in 0..4 {
        assert_eq!(results.recv_timeout(Duration::from_secs(60)).unwrap().unwrap(), expected);
    }
    drop(sender);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn parked_runs_share_an_arena() {
    let (mut arena, first) = loaded(
        "function f() { var seen = []; for (var i = 0; i < 20; i++) { seen.push(ask(i)); } return seen.join(); }
         function g() { return 'g' + ask('q'); }",
    );
    let second = program(
        "var n = 0; function f() { var big = new Array(1000).join('y'); n += 5; return n + ask('second') + big.length; }",
    );
    common::load(&mut arena, &second);
    let expected = {
        let (back, result) = call(arena, &first, "f");
        arena = back;
        result.unwrap()
    };
    let mut parked = std::collections::VecDeque::new();
    for number in 0..12 {
        let (program, function) = [(&first, "f"), (&second, "f"), (&first, "g")][number % 3];
        let mut run = start(arena, program, function).unwrap();
        let Step::HostCall { function, arguments } = run.resume(Duration::from_secs(5)) else {
            panic!("asks")
        };
        run.answer(Answer::Text(format!("{function}:{}", arguments.join(","))));
        let (one, mut back) = run.park();
        assert!(back.is_pristine());
        assert!(one.bytes() < 40_000, "{}", one.bytes());
        parked.push_back((number, one));
        arena = back;
    }
    let mut results = Vec::new();
    while let Some((number, one)) = parked.pop_front() {
        // Each on another thread.
        let (back, next) = thread::scope(|scope| {
            scope
                .spawn(|| {
                    let mut run = one.unpark(arena).unwrap();
                    match run.resume(Duration::from_secs(5)) {
                        Step::Done(result) => (run.finish(), Err(result.unwrap())),
                        Step::HostCall { function, arguments } => {
                            run.answer(Answer::Text(format!("{function}:{}", arguments.join(","))));
                            let (one, arena) = run.park();
                            (arena, Ok(one))
                        }
                        Step::Preempted => panic!("enough time"),
                    }
                })
                .join()
                .unwrap()
        });
        arena = back;
        match next {
            Ok(one) => parked.push_back((number, one)),
            Err(text) => results.push((number, text)),
        }
    }
    assert_eq!(results.len(), 12);
    for (number, text) in results {
        let wanted = [expected.as_str(), "50:second999", "g0:q"][number % 3];
        assert_eq!(text, wanted);
    }
    assert!(arena.is_pristine());
}

#[test]
fn parked_runs_need_their_own_arena() {
    let (arena, program) = loaded("function f() { return ask('x'); }");
    let (other, _) = loaded("");
    let mut run = start(arena, &program, "f").unwrap();
    assert!(matches!(run.resume(Duration::from_secs(1)), Step::HostCall { .. }));
    let (parked, arena) = run.park();
    let (parked, _other) = *parked.unpark(other).unwrap_err();
    let mut run = parked.unpark(arena).unwrap();
    run.answer(Answer::Text("y".into()));
    assert!(matches!(run.resume(Duration::from_secs(1)), Step::Done(Ok(text)) if text == "y"));
}

#[test]
fn preempted_runs_can_be_parked_anywhere() {
    // Slices end in the middle of native loops and allocations, and the stack and heap are copied away and back.
    let body = "var all = []; for (var i = 0; i < 40; i++) { all.push(Array.prototype.indexOf.call({length: 200000}, 1), 'z'.repeat(i)); }
                return all.join()";
    let (mut arena, program) = loaded(&script(body));
    let (back, result) = call(arena, &program, "f");
    arena = back;
    let expected = result.unwrap();
    let mut parked = Vec::new();
    for _ in 0..3 {
        let mut run = start(arena, &program, "f").unwrap();
        assert!(matches!(run.resume(Duration::from_micros(100)), Step::Preempted));
        let (one, back) = run.park();
        parked.push(one);
        arena = back;
    }
    let mut times = 0;
    while let Some(one) = parked.pop() {
        let mut run = one.unpark(arena).unwrap();
        match run.resume(Duration::from_micros(500)) {
            Step::Done(result) => {
                assert_eq!(result.unwrap(), expected);
                arena = run.finish();
            }
            _ => {
                times += 1;
                let (one, back) = run.park();
                parked.insert(0, one);
                arena = back;
            }
        }
    }
    println!("parked {times} times");
    assert!(times > 10);
}

#[test]
fn dropped_runs_take_nothing_with_them() {
    let _ = headers();
    for _ in 0..20 {
        let (arena, program) = loaded("function f() { return ask('x'); } function g() { for (;;) {} }");
        let mut run = start(arena, &program, "f").unwrap();
        assert!(matches!(run.resume(Duration::from_secs(1)), Step::HostCall { .. }));
        drop(run);
        let (arena, program) = loaded("function g() { for (;;) {} }");
        let mut run = start(arena, &program, "g").unwrap();
        assert!(matches!(run.resume(Duration::from_millis(1)), Step::Preempted));
        let arena = run.finish();
        let mut run = start(arena, &program, "g").unwrap();
        assert!(matches!(run.resume(Duration::from_millis(1)), Step::Preempted));
        drop(run.park());
    }
}

/// Good requests, hostile ones that are given up at any instant, host calls, parks; the image is compared each time.
fn soak(rounds: u32) {
    let (mut arena, busy) = loaded(BUSY);
    let hostile: Vec<_> = NATIVE_LOOPS.iter().chain(&LOOPS).map(|body| program(&script(body))).collect();
    for program in &hostile {
        common::load(&mut arena, program);
    }
    let mut random = 88_172_645_463_325_252_u64;
    let mut given_up = 0;
    for round in 0..rounds {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if round % 50 == 0 {
            let program = &hostile[random as usize % hostile.len()];
            let mut run = start(arena, program, "f").unwrap();
            given_up +=
                u32::from(matches!(run.resume(Duration::from_micros(random % 2_000)), Step::Preempted));
            arena = run.finish();
        } else {
            let mut run = start(arena, &busy, "f").unwrap();
            let result = if round % 7 == 0 {
                let Step::HostCall { .. } = run.resume(Duration::from_secs(5)) else { panic!("asks") };
                let (one, back) = run.park();
                run = one.unpark(back).unwrap();
                run.answer(Answer::Text("0:a,1".into()));
                finish(&mut run, Duration::from_secs(5))
            } else {
                finish(&mut run, Duration::from_secs(5))
            };
            assert_eq!(result.unwrap().unwrap(), BUSY_RESULT);
            arena = run.finish();
        }
        assert!(arena.is_pristine(), "{round}");
    }
    assert!(given_up > rounds / 100, "{given_up}");
}

#[test]
fn a_soak_leaves_every_arena_pristine() {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| soak(5_000));
        }
    });
}

#[test]
#[ignore = "takes minutes: cargo test --release -p gatehouse-quickjs --test hostile -- --ignored"]
fn a_long_soak_leaves_every_arena_pristine() {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| soak(500_000));
        }
    });
}

#[test]
fn programs_in_turn_find_nothing_of_each_other() {
    // Smaller and larger than the first one, whose image the others are kept as differences from.
    let sources: Vec<String> = [40, 0, 40, 3_000, 300, 60, 41]
        .iter()
        .enumerate()
        .map(|(index, many)| {
            format!(
                "var calls = 0, own = []; for (var i = 0; i < {many}; i++) own.push({{at: i, text: 'text' + i}});
                 function f() {{ calls++; own.push(calls); Object.prototype.left = calls;
                     var text = ask('x'); return '{index} ' + calls + ' ' + own.length + ' ' + text; }}
                 function g() {{ calls++; globalThis.left = own; return '{index} ' + calls + ' ' + typeof ({{}}).left; }}"
            )
        })
        .collect();
    let (mut arena, first) = loaded(&sources[0]);
    let mut programs = vec![first];
    for source in &sources[1..] {
        programs.push(program(source));
        common::load(&mut arena, programs.last().unwrap());
    }
    let lengths = [41, 1, 41, 3_001, 301, 61, 42];
    let mut random = 88_172_645_463_325_252_u64;
    let mut parked = Vec::new();
    // Long enough for pages to be watched anew twice.
    for round in 0..10_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // The same one several times at times.
        let index = (random >> 20) as usize % programs.len().min(1 + round / 8 % 10);
        match random % 4 {
            0 => {
                let mut run = start(arena, &programs[index], "f").unwrap();
                let Step::HostCall { .. } = run.resume(Duration::from_secs(5)) else { panic!("asks") };
                let (one, back) = run.park();
                parked.push((index, one));
                arena = back;
            }
            1 if !parked.is_empty() => {
                let (index, one) = parked.swap_remove((random >> 8) as usize % parked.len());
                let mut run = one.unpark(arena).unwrap();
                run.answer(Answer::Text("y".into()));
                let result = finish(&mut run, Duration::from_secs(5)).unwrap().unwrap();
                assert_eq!(result, format!("{index} 1 {} y", lengths[index]), "{round}");
                arena = run.finish();
            }
            _ => {
                let mut run = start(arena, &programs[index], "g").unwrap();
                let result = finish(&mut run, Duration::from_secs(5)).unwrap().unwrap();
                assert_eq!(result, format!("{index} 1 undefined"), "{round}");
                arena = run.finish();
            }
        }
        if random >> 60 == 0 {
            assert!(arena.is_pristine(), "{round}");
        }
    }
}
