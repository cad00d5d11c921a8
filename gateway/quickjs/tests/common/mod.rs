//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gatehouse_quickjs::{
    Answer, Arena, Engine, Envelope, Failure, Field, FieldKind, Function, HostReply, LazyGlobal, NotStarted,
    Program, Run, Source, Step, Value,
};

/// Functions of the test host.
pub(crate) const ASK: usize = 0;
pub(crate) const HIDDEN: usize = 1;

pub(crate) fn source(name: &str, text: &str) -> Source {
    Source { name: name.into(), text: text.into() }
}

/// An engine with a bit of everything.
pub(crate) fn engine() -> Arc<Engine> {
    let function = |name: &str, arguments, global| Function { name: name.into(), arguments, global };
    let field = |name: &str, kind| Field { name: name.into(), kind };
    Arc::new(Engine {
        functions: vec![function("ask", 2, true), function("hidden", 0, false)],
        envelope: Some(Envelope { name: "wrap".into(), fields: vec!["Response".into(), "Meta".into()] }),
        core: vec![source(
            "core",
            "Object.defineProperty(globalThis, 'reply', {value: (function (s) { return function reply(a, b) {
               return s({Response: a, SessionMeta: b}); }; })(JSON.stringify), writable: true, configurable: true});",
        )],
        lazy_globals: vec![LazyGlobal {
            name: "lazy".into(),
            source: source("lazy", "lazy = {made: Date.now()};"),
        }],
        objects: vec![vec![
            field("Headers", FieldKind::Visible),
            field("Body", FieldKind::Visible),
            field("URL", FieldKind::Visible),
            field("Params", FieldKind::Visible),
            field("Scheme", FieldKind::Visible),
            field("Method", FieldKind::Hidden),
            field("RequestID", FieldKind::Hidden),
            field("BodyBase64", FieldKind::Asked(HIDDEN)),
            field("SetHeaders", FieldKind::Given(c"{\"a\":[]}")),
        ]],
        names: ["Accept", "User-Agent", "Host", "Content-Type"].map(str::to_owned).into(),
        ..Engine::default()
    })
}

pub(crate) fn program(text: &str) -> Arc<Program> {
    let config = r#"{"APIID":"1","OrgID":"2","config_data":{"foo":"x","bar":{"y":3}}}"#;
    Arc::new(Program { config_json: config.into(), ..Program::new(vec![source("a.js", text)]) })
}

pub(crate) fn load(arena: &mut Arena, program: &Arc<Program>) {
    let failures = arena.load(program, None, &mut |_, _| HostReply::End).unwrap();
    assert!(failures.is_empty(), "{failures:?}");
}

/// An arena with one program.
pub(crate) fn loaded(text: &str) -> (Arena, Arc<Program>) {
    let mut arena = Arena::new(&engine()).unwrap();
    let program = program(text);
    load(&mut arena, &program);
    (arena, program)
}

pub(crate) fn headers() -> Vec<(String, Vec<String>)> {
    [("Accept", "*/*"), ("User-Agent", "curl/8.0"), ("X-Foo", "bar")]
        .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
        .into()
}

pub(crate) fn params() -> Vec<(String, Vec<String>)> {
    [("x", "1"), ("y", "2")].map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into()
}

/// Begins a call with the usual arguments.
pub(crate) fn start(arena: Arena, program: &Arc<Program>, function: &str) -> Result<Run, Box<NotStarted>> {
    let (headers, params) = (headers(), params());
    let object = [
        Value::Lists(&headers),
        Value::Text("body"),
        Value::Text("/virt?x=1&y=2"),
        Value::Lists(&params),
        Value::Text("http"),
        Value::Text("GET"),
        Value::Text("id"),
    ];
    let session = Value::Json(c"{\"meta_data\":{\"a\":\"b\"}}");
    arena.start(program, &function.into(), &[Value::Object(0, &object), session, Value::Config], 7, 1 << 20)
}

/// Runs to the end or for `limit`; host calls are answered with their arguments. `None` when time was over.
pub(crate) fn finish(run: &mut Run, limit: Duration) -> Option<Result<String, Failure>> {
    let end = Instant::now() + limit;
    loop {
        match run.resume(Duration::from_millis(1)) {
            Step::Done(result) => return Some(result),
            Step::Preempted if Instant::now() >= end => return None,
            Step::Preempted => {}
            Step::HostCall { function, arguments } => {
                run.answer(Answer::Text(format!("{function}:{}", arguments.join(","))));
            }
        }
    }
}

/// Calls a function and gives the arena back, which must be as it was.
pub(crate) fn call(arena: Arena, program: &Arc<Program>, function: &str) -> (Arena, Result<String, Failure>) {
    let (mut arena, result) = match start(arena, program, function) {
        Ok(mut run) => {
            let result = finish(&mut run, Duration::from_secs(20)).expect("ends");
            (run.finish(), result)
        }
        Err(not) => (not.arena, Err(not.failure)),
    };
    assert!(arena.is_pristine());
    (arena, result)
}
