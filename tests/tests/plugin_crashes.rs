//! Plugins that end the process, and the supervisor that goes on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use gatehouse_tests::{Api, Gateway, Request, log::message};
use serde_json::Value;

fn crashing() -> Api {
    ["segfault", "late_segfault", "overflow", "abort", "fine"]
        .iter()
        .fold(Api::new("shop"), |api, function| {
            api.plugin("GET", &format!("/{function}"), "crashing", function)
        })
}

fn is_crash(line: &Value) -> bool {
    message(line).starts_with("the worker crashed in a plugin")
}

fn is_back(line: &Value) -> bool {
    message(line) == "a new worker is serving"
}

/// Sends a request that ends the worker, and waits for the next one.
fn crash(gateway: &Gateway, path: &str, count: usize) {
    let outcome = gateway.start(Request::get(path)).outcome();
    assert!(outcome.is_err(), "{path} was answered: {outcome:?}");
    gateway.wait_for_log_count(count, is_back);
}

#[test]
fn a_plugin_that_crashes_is_named_and_survived() {
    let gateway = Gateway::serving([crashing()]);
    for (index, function) in ["segfault", "late_segfault", "overflow", "abort"].iter().enumerate() {
        crash(&gateway, &format!("/shop/{function}"), index + 1);
        gateway.get("/shop/fine").assert_text("fine");
        let line = gateway.wait_for_log(|line| is_crash(line) && line["function"] == **function);
        assert_eq!((&line["api_id"], &line["method"]), (&"shop".into(), &"GET".into()));
        assert_eq!(line["endpoint"], format!("/{function}"));
        assert!(line["plugin"].as_str().unwrap().ends_with("libcrashing.so"), "{line}");
    }
}

#[test]
fn connections_wait_while_there_is_no_worker() {
    let gateway = Gateway::serving([crashing()]);
    let crashed = gateway.start(Request::get("/shop/segfault"));
    // Sent before, while and after the worker is replaced; those that the old one had not taken are answered.
    let others: Vec<_> = (0..50).map(|_| gateway.client().start(Request::get("/hello"))).collect();
    assert!(crashed.outcome().is_err());
    let refused = others.into_iter().filter_map(|pending| pending.outcome().err());
    let refused: Vec<_> =
        refused.filter(|error| error.kind() == std::io::ErrorKind::ConnectionRefused).collect();
    assert!(refused.is_empty(), "{refused:?}");
    gateway.wait_for_log_count(1, is_back);
    gateway.get("/shop/fine").assert_text("fine");
}

#[test]
fn three_crashes_close_one_endpoint_until_a_reload() {
    let gateway = Gateway::serving([crashing()]);
    for count in 1..=3 {
        crash(&gateway, "/shop/abort", count);
    }
    let answer = gateway.get("/shop/abort");
    answer.assert_error(503, "Service Unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    gateway.get("/shop/fine").assert_text("fine");
    let line = gateway.wait_for_log(|line| message(line).contains("answers 503 until a reload"));
    assert_eq!(line["endpoint"], "/abort");
    // A reload gives it another chance, which it does not use.
    gateway.reload();
    crash(&gateway, "/shop/abort", 4);
    gateway.get("/shop/fine").assert_text("fine");
}
