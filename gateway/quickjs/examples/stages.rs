//! How long each stage of a call takes in the engine alone.
//!
//!     cargo run --release -p gatehouse-quickjs --example stages [CALLS [JOB]]
//!
//! A job is `plain`, `work` or `aggregate` of the benchmark, with what a virtual endpoint gets. Prints for each job the
//! least nanoseconds of processor time over a number of rounds, for each stage.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a program for developers")]

use std::{sync::Arc, time::Duration};

use gatehouse_quickjs::{
    Answer, Arena, Engine, Envelope, Field, FieldKind, Function, HostReply, Program, Source, Step, Value,
};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: u32 = 20;
const PLAIN: &str = include_str!("../../../bench/peers/gatehouse/plain.js");
const WORK: &str = include_str!("../../../bench/peers/gatehouse/work.js");
const AGGREGATE: &str = include_str!("../../../bench/peers/gatehouse/aggregate.js");

fn now() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn engine() -> Engine {
    let field = |name: &str, kind| Field { name: name.to_owned(), kind };
    let request = vec![
        field("Headers", FieldKind::Visible),
        field("Body", FieldKind::Visible),
        field("URL", FieldKind::Visible),
        field("Params", FieldKind::Visible),
        field("Scheme", FieldKind::Visible),
        field("Method", FieldKind::Hidden),
        field("RequestID", FieldKind::Hidden),
        field("BodyBase64", FieldKind::Asked(1)),
    ];
    let function = |name: &str, global| Function { name: name.to_owned(), arguments: 1, global };
    Engine {
        functions: vec![function("TykMakeHttpRequest", true), function("BodyBase64", false)],
        envelope: Some(Envelope {
            name: "TykJsResponse".to_owned(),
            fields: ["Response", "SessionMeta"].map(str::to_owned).into(),
        }),
        objects: vec![request],
        names: ["Accept", "Content-Type", "Content-Length", "User-Agent"].map(str::to_owned).into(),
        ..Engine::default()
    }
}

fn order() -> String {
    let items: Vec<String> = (1..=100).map(|id| format!("{{\"id\":{id},\"q\":{}}}", id * 7 % 13)).collect();
    format!("{{\"customer\":\"ada\",\"items\":[{}]}}", items.join(","))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let calls: u64 = arguments.next().map_or(20_000, |text| text.parse().unwrap());
    let only = arguments.next();
    let body = order();
    let engine = Arc::new(engine());
    for (name, text, body) in [("plain", PLAIN, ""), ("work", WORK, &*body), ("aggregate", AGGREGATE, "")] {
        if only.as_deref().is_none_or(|only| only == name) {
            job(&engine, name, text, body, calls);
        }
    }
}

fn job(engine: &Arc<Engine>, name: &str, text: &str, body: &str, calls: u64) {
    let source = Source { name: name.into(), text: text.into() };
    let config = "{\"APIID\":\"a\",\"OrgID\":\"\",\"config_data\":{\"upstream\":\"http://127.0.0.1:1\"}}";
    let program = Arc::new(Program { config_json: config.into(), ..Program::new(vec![source]) });
    let mut arena = Arena::new(engine).unwrap();
    let failures = arena.load(&program, None, &mut |_, _| HostReply::End).unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    let function = Arc::<str>::from(name);
    let list = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
    let mut headers = vec![list("User-Agent", "a client/1.0"), list("Accept", "*/*")];
    if !body.is_empty() {
        headers.push(list("Content-Type", "application/json"));
        headers.push(list("Content-Length", &body.len().to_string()));
    }
    let answer = "{\"Code\":200,\"Body\":\"{\\\"id\\\":7,\\\"name\\\":\\\"Ada\\\"}\",\"Headers\":{\"Content-Type\":[\"application/json\"]}}";
    let mut best = [u64::MAX; 5];
    let mut length = 0;
    for round in 0..ROUNDS {
        let mut spent = [0; 5];
        // The last round does not look at the clock between the stages.
        let stages = round % 2 == 0;
        let clock = || if stages { now() } else { 0 };
        let begun = now();
        for call in 0..calls / u64::from(ROUNDS) {
            let t0 = clock();
            arena.set_memory(32 << 20);
            let fields = [
                Value::Lists(&headers),
                Value::Text(body),
                Value::Text("/bench/plain"),
                Value::Lists(&[]),
                Value::Text("http"),
                Value::Text("GET"),
                Value::Text("0195e7d5-0000-7000-8000-000000000000"),
            ];
            let arguments = [Value::Object(0, &fields), Value::Json(c"{}"), Value::Config];
            let mut run = arena.start(&program, &function, &arguments, call + 1, 1 << 20).unwrap();
            let t1 = clock();
            let mut parked = 0;
            let result = loop {
                match run.resume(Duration::from_secs(1)) {
                    Step::Done(result) => break result.unwrap(),
                    Step::HostCall { .. } => {
                        let before = clock();
                        let (aside, back) = run.park();
                        run = aside.unpark(back).unwrap();
                        parked += clock() - before;
                        run.answer(Answer::Text(answer.to_owned()));
                    }
                    Step::Preempted => {}
                }
            };
            length = result.len();
            let t2 = clock();
            arena = run.finish();
            let t3 = clock();
            for (spent, took) in spent.iter_mut().zip([t1 - t0, t2 - t1 - parked, parked, t3 - t2]) {
                *spent += took;
            }
        }
        spent[4] = now() - begun;
        for (index, (best, spent)) in best.iter_mut().zip(spent).enumerate() {
            if stages == (index < 4) {
                *best = (*best).min(spent / (calls / u64::from(ROUNDS)).max(1));
            }
        }
    }
    assert!(arena.is_pristine());
    let [start, run, parked, restore, whole] = best;
    println!(
        "{name:10} start {start:6} run {run:6} parked {parked:6} restore {restore:6} whole {whole:6} ns, {length} bytes",
    );
}
