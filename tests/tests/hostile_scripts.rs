//! Scripts that try to break the gateway: each is answered soon after its time-out, and all else goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use gatehouse_tests::{Api, Request, Setup, log::message};

/// `jsvm_timeout` of these tests, in seconds.
const LIMIT: u64 = 1;
/// Time within which an answer must be there once its time is over.
const GRACE: Duration = Duration::from_secs(2);
/// What the gateway's processes may take together with what scripts may.
const MOST_MEMORY: u64 = 512 << 20;

/// One of each kind; the corpus beside the repository, where it is, has more.
const SCRIPTS: [(&str, &str); 12] = [
    ("loop", "for (;;) { try { for (;;) {} } catch (e) {} }"),
    ("callback", "[3, 2, 1].sort(function () { for (;;) {} });"),
    ("regex", "/(a+)+b/.test(new Array(60).join('a'));"),
    ("array-like", "Array.prototype.reverse.call({length: Math.pow(2, 53) - 1});"),
    ("sparse-join", "new Array(4294967295).join('x');"),
    ("memory", "var all = []; for (;;) { all.push(new Array(1000).join('x') + all.length); }"),
    ("repeat", "'x'.repeat(1 << 29).length;"),
    ("recursion", "(function f() { return [1].map(f); })();"),
    ("nesting", "eval(new Array(100001).join('(') + '1' + new Array(100001).join(')'));"),
    ("promises", "(function again() { return Promise.resolve().then(again); })();"),
    ("log", "for (;;) { log(new Array(100000).join('x')); }"),
    (
        "calls",
        "for (;;) { TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: 'http://127.0.0.1:9', Resource: '/', Headers: {}})); }",
    ),
];

fn hostile_sources() -> Vec<(String, String)> {
    let own = SCRIPTS.iter().map(|(name, body)| {
        let end = "return TykJsResponse({Body: 'returned', Code: 200}, {});";
        ((*name).to_owned(), format!("function hostile(request, session, config) {{ {body} {end} }}"))
    });
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/hostile");
    let files = fs::read_dir(corpus).into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?.strip_suffix(".js")?.to_owned();
        Some((format!("corpus-{name}"), fs::read_to_string(path).ok()?))
    });
    own.chain(files).collect()
}

#[test]
fn hostile_scripts_are_answered_and_harm_nobody() {
    let sources = hostile_sources();
    let mut api = Api::new("api").virtual_endpoint(
        "GET",
        "/good",
        "return TykJsResponse({Body: 'good', Code: 200}, session.meta_data);",
    );
    for (name, source) in &sources {
        api = api.script("GET", &format!("/{name}"), "hostile", source);
    }
    let gateway = Setup::new()
        .set("/jsvm_timeout", LIMIT)
        .set("/gatehouse/javascript/driver", "quickjs")
        .api(api)
        .start();
    for (name, _) in &sources {
        let begun = Instant::now();
        let hostile = gateway.start(Request::get(&format!("/api/{name}")));
        while !hostile.is_finished() {
            gateway.get("/api/good").assert_text("good");
        }
        let answer = hostile.answer();
        assert!([200, 500].contains(&answer.status), "{name}: {}", answer.status);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(LIMIT) + GRACE, "{name}: {took:?}");
    }
    gateway.get("/api/good").assert_text("good");
    let given_up = gateway.log_lines().iter().filter(|line| message(line).contains("given up")).count();
    assert_eq!(given_up, 0);
    assert!(gateway.peak_resident_bytes() < MOST_MEMORY, "{}", gateway.peak_resident_bytes());
}
