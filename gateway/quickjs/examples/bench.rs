//! What runs cost: `cargo run --release -p gatehouse-quickjs --example bench`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement")]

use std::{hint::black_box, sync::Arc, time::Duration};

use gatehouse_quickjs::{
    Answer, Arena, Engine, Envelope, Field, FieldKind, Function, HostReply, Parked, Program, Source, Step,
    Value,
};

const TRIVIAL: &str = "function f(request, session, config) {
    var response = {Body: 'foobar', Headers: {'data-foo': config.config_data.foo, 'data-bar-y': config.config_data.bar.y.toString()}, Code: 202};
    return TykJsResponse(response, session.meta_data); }
  function g() { return 'g' + ask('x'); }";

fn engine() -> Arc<Engine> {
    let visible = ["Headers", "Body", "URL", "Params", "Scheme"].map(|name| (name, FieldKind::Visible));
    let hidden = ["Method", "RequestID"].map(|name| (name, FieldKind::Hidden));
    let fields = visible.into_iter().chain(hidden).chain([("BodyBase64", FieldKind::Asked(0))]);
    Arc::new(Engine {
        functions: vec![Function { name: "ask".into(), arguments: 1, global: true }],
        envelope: Some(Envelope {
            name: "TykJsResponse".into(),
            fields: vec!["Response".into(), "SessionMeta".into()],
        }),
        objects: vec![fields.map(|(name, kind)| Field { name: name.into(), kind }).collect()],
        names: ["Accept", "User-Agent", "Content-Type"].map(str::to_owned).into(),
        ..Engine::default()
    })
}

fn program(number: usize) -> Arc<Program> {
    let text = format!("{TRIVIAL} var number = {number};");
    let config = r#"{"APIID":"1","OrgID":"2","config_data":{"foo":"x","bar":{"y":3}}}"#;
    let sources = vec![Source { name: "a.js".into(), text: text.into() }];
    Arc::new(Program { config_json: config.into(), ..Program::new(sources) })
}

fn load(arena: &mut Arena, program: &Arc<Program>) {
    arena.load(program, None, &mut |_, _| HostReply::End).unwrap();
}

struct Request {
    headers: Vec<(String, Vec<String>)>,
    params: Vec<(String, Vec<String>)>,
}

fn fields(fields: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect()
}

impl Request {
    fn new() -> Self {
        let headers = fields(&[("Accept", "*/*"), ("User-Agent", "curl/8.0"), ("X-Foo", "bar")]);
        Self { headers, params: fields(&[("x", "1"), ("y", "2")]) }
    }

    fn start(&self, arena: Arena, program: &Arc<Program>, function: &Arc<str>) -> gatehouse_quickjs::Run {
        let object = [
            Value::Lists(&self.headers),
            Value::Text(""),
            Value::Text("/virt?x=1&y=2"),
            Value::Lists(&self.params),
            Value::Text("http"),
            Value::Text("GET"),
            Value::Text("0123456789abcdef"),
        ];
        let arguments = [Value::Object(0, &object), Value::Json(c"{\"meta_data\":{}}"), Value::Config];
        arena.start(program, function, &arguments, 7, 1 << 20).unwrap()
    }

    fn call(&self, arena: Arena, program: &Arc<Program>, function: &Arc<str>) -> Arena {
        let mut run = self.start(arena, program, function);
        let Step::Done(result) = run.resume(Duration::from_millis(100)) else { panic!("a short call") };
        black_box(result.unwrap());
        run.finish()
    }
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4
}

/// Processor time of this thread: others share the machine.
struct Clock(f64);

impl Clock {
    fn now() -> Self {
        let stat = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Self(stat.tv_sec as f64 + stat.tv_nsec as f64 / 1e9)
    }
}

fn micros(begun: &Clock, count: usize) -> f64 {
    (Clock::now().0 - begun.0) * 1e6 / count as f64
}

/// The best of some rounds.
fn best(mut round: impl FnMut() -> f64) -> f64 {
    (0..7).map(|_| round()).fold(f64::MAX, f64::min)
}

fn main() {
    let (engine, request, f) = (engine(), Request::new(), Arc::<str>::from("f"));
    let begun = Clock::now();
    let mut arena = Arena::new(&engine).unwrap();
    println!("new arena: {:.0} us, base image {} KB", micros(&begun, 1), arena.base_bytes() >> 10);
    let one = program(0);
    load(&mut arena, &one);
    let mut slot = Some(request.call(arena, &one, &f));

    let per_call = best(|| {
        let begun = Clock::now();
        for _ in 0..20_000 {
            slot = Some(request.call(slot.take().unwrap(), &one, &f));
        }
        micros(&begun, 20_000)
    });
    println!("call with native arguments, restore included: {per_call:.2} us");
    let host = best(|| {
        let begun = Clock::now();
        for _ in 0..20_000 {
            let mut run = request.start(slot.take().unwrap(), &one, &"g".into());
            assert!(matches!(run.resume(Duration::from_millis(100)), Step::HostCall { .. }));
            run.answer(Answer::Text("y".into()));
            assert!(matches!(run.resume(Duration::from_millis(100)), Step::Done(_)));
            slot = Some(run.finish());
        }
        micros(&begun, 20_000)
    });
    println!("call with one host call: {host:.2} us");

    let (before, begun) = (resident(), Clock::now());
    let programs: Vec<_> = (1..=2_000).map(program).collect();
    let mut arena = slot.take().unwrap();
    for program in &programs {
        load(&mut arena, program);
    }
    println!(
        "2,000 programs: {:.0} us and {:.1} KB each ({} KB of images in all); process {} MB",
        micros(&begun, 2_000),
        (resident() - before) as f64 / 2_000.0,
        arena.image_bytes() >> 10,
        resident() >> 10,
    );
    slot = Some(arena);
    for count in [10, 1_000] {
        for program in &programs[..count] {
            slot = Some(request.call(slot.take().unwrap(), program, &f));
        }
        let in_turn = best(|| {
            let (begun, rounds) = (Clock::now(), 10_000 / count);
            for _ in 0..rounds {
                for program in &programs[..count] {
                    slot = Some(request.call(slot.take().unwrap(), program, &f));
                }
            }
            micros(&begun, rounds * count)
        });
        println!("{count} programs in turn: {in_turn:.2} us, {:.2} times one program", in_turn / per_call);
    }

    let before = resident();
    let mut parked: Vec<Parked> = Vec::new();
    let begun = Clock::now();
    for _ in 0..1_000 {
        let mut run = request.start(slot.take().unwrap(), &one, &"g".into());
        assert!(matches!(run.resume(Duration::from_millis(100)), Step::HostCall { .. }));
        let (one, arena) = run.park();
        parked.push(one);
        slot = Some(arena);
    }
    let (parking, bytes) = (micros(&begun, 1_000), parked.iter().map(Parked::bytes).sum::<usize>() / 1_000);
    println!(
        "1,000 runs parked in a host call: {parking:.1} us, {:.1} KB each ({:.1} KB in memory)",
        bytes as f64 / 1024.0,
        (resident() - before) as f64 / 1_000.0
    );
    let begun = Clock::now();
    for one in parked {
        let mut run = one.unpark(slot.take().unwrap()).unwrap();
        run.answer(Answer::Text("y".into()));
        assert!(matches!(run.resume(Duration::from_millis(100)), Step::Done(_)));
        slot = Some(run.finish());
    }
    println!("going on after that: {:.1} us each", micros(&begun, 1_000));
}
