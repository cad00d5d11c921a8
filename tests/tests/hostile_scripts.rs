//! Scripts that try to break the gateway: each is answered soon after its time-out, and all else goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use gatehouse_tests::{Api, Request, Setup, conformance::DRIVERS, log::message};
use rustix::process::Pid;
use serde_json::json;

/// `jsvm_timeout` of these tests, in seconds.
const LIMIT: u64 = 1;
/// The same for our own scripts, of which there are many.
const OWN_LIMIT: f64 = 0.4;
/// Time within which an answer must be there once its time is over.
const GRACE: Duration = Duration::from_secs(2);
/// What the gateway's processes may take together with what scripts may.
const MOST_MEMORY: u64 = 1 << 30;

/// The scripts of a folder beside this crate; none if it is not there.
fn sources(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?.strip_suffix(".js")?.to_owned();
        Some((name, fs::read_to_string(path).ok()?))
    });
    let mut sources: Vec<_> = files.collect();
    sources.sort();
    sources
}

/// Whether a process computes.
fn is_running(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
}

fn hostile_scripts_are_answered_and_harm_nobody(driver: &str) {
    let own = sources("hostile");
    assert!(own.len() > 40, "{} scripts", own.len());
    let api = |name: &str, sources: &[(String, String)]| {
        let api = Api::new(name).set("/custom_middleware/driver", driver);
        // A program each: what one of them does while it is loaded must not matter to the others either.
        sources.iter().fold(api, |api, (name, source)| {
            let function = format!("hostile_{}", name.replace('-', "_"));
            let source = source.replacen("function hostile(", &format!("function {function}("), 1);
            api.script("GET", &format!("/{name}"), &function, &source)
        })
    };
    let corpus = sources("../../shared/hostile");
    let good = Api::new("good").set("/custom_middleware/driver", driver).virtual_endpoint(
        "GET",
        "/answer",
        "return TykJsResponse({Body: 'good', Code: 200}, session.meta_data);",
    );
    let gateway = Setup::new()
        .set("/jsvm_timeout", LIMIT)
        .apis([
            good,
            api("own", &own).set("/gatehouse/javascript/timeout", OWN_LIMIT),
            api("corpus", &corpus),
        ])
        .start();
    let processes = gateway.processes();
    let paths = |api: &'static str, sources: &[(String, String)]| {
        sources.iter().map(move |(name, _)| format!("/{api}/{name}")).collect::<Vec<_>>()
    };
    for path in paths("own", &own).into_iter().chain(paths("corpus", &corpus)) {
        let begun = Instant::now();
        let hostile = gateway.start(Request::get(&path));
        while !hostile.is_finished() {
            gateway.get("/good/answer").assert_text("good");
        }
        let answer = hostile.answer();
        let took = begun.elapsed();
        println!("{driver} {path}: {} after {took:?}", answer.status);
        assert!([200, 500].contains(&answer.status), "{path}: {}", answer.status);
        assert!(took < Duration::from_secs(LIMIT) + GRACE, "{path}: {took:?}");
        assert_eq!(answer.header("x-injected"), "", "{path}");
    }
    gateway.get("/good/answer").assert_text("good");
    assert_eq!(gateway.processes(), processes);
    if driver == "quickjs" {
        let mut lines = gateway.log_lines();
        lines.retain(|line| message(line).contains("given up"));
        assert!(lines.is_empty(), "{lines:?}");
    }
    // Nothing goes on behind the answers.
    let begun = Instant::now();
    while gateway.script_processes().iter().any(|process| is_running(*process)) {
        assert!(begun.elapsed() < GRACE, "a process of scripts goes on");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(gateway.peak_resident_bytes() < MOST_MEMORY, "{}", gateway.peak_resident_bytes());
}

/// Each question is over in a moment, and there is always another one: as many calls as there are threads, and more.
#[test]
fn questions_without_end_leave_threads_to_others() {
    let asking = [
        ("http", "for (;;) { TykMakeHttpRequest('{'); TykMakeHttpRequest(); }"),
        ("batch", "for (;;) { TykBatchRequest('{}'); }"),
        (
            "store",
            "for (;;) { TykStorageGet('nothing'); try { TykGetKeyData('none', 'none'); } catch (e) {} }",
        ),
        ("base64", "for (;;) { b64dec(b64enc('x')); }"),
    ];
    let api = Api::new("asks").set("/gatehouse/javascript/timeout", LIMIT);
    let api =
        asking.iter().fold(api, |api, (name, body)| api.virtual_endpoint("GET", &format!("/{name}"), body));
    let still = json!({"path": "/", "method": "GET", "code": 200, "body": "still"});
    let gateway = Setup::new().api(api).api(Api::new("still").endpoint("mock_response", still)).start();
    for (name, _) in asking {
        let calls = 2 * thread::available_parallelism().map_or(2, usize::from);
        let path = format!("/asks/{name}");
        let calls: Vec<_> = (0..calls).map(|_| gateway.start(Request::get(&path))).collect();
        let mut answers = 0;
        while !calls.iter().all(|call| call.is_finished()) {
            gateway.get("/still/").assert_text("still");
            answers += 1;
        }
        assert!(answers > 20, "{name}: {answers} answers of others");
        for call in calls {
            assert_eq!(call.answer().status, 500, "{name}");
        }
    }
}

#[test]
fn under_quickjs() {
    hostile_scripts_are_answered_and_harm_nobody(DRIVERS[0]);
}

#[test]
fn under_boa() {
    hostile_scripts_are_answered_and_harm_nobody(DRIVERS[1]);
}
