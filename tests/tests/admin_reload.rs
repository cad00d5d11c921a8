//! Reloads over REST: that they are what a SIGHUP is, and one at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{Api, Gateway, Request, Upstream, admin::setup, log::message, redis::Redis};
use serde_json::{Value, json};

fn saying(name: &str, text: &str) -> Api {
    Api::new(name).endpoint("mock_response", json!({"path": "/", "method": "", "code": 200, "body": text}))
}

fn is_reload(line: &Value) -> bool {
    message(line) == "reloaded"
}

#[test]
fn a_blocking_reload_answers_when_the_new_definitions_are_served() {
    let gateway = setup().api(saying("shop", "0")).start();
    for round in 1..20 {
        gateway.write_api(&saying("shop", &round.to_string()));
        gateway.admin_reload();
        gateway.get("/shop/").assert_text(&round.to_string());
    }
}

#[test]
fn other_reloads_answer_at_once_and_happen() {
    let gateway = setup().start();
    for (path, name) in
        [("/tyk/reload", "one"), ("/tyk/reload/group", "two"), ("/tyk/reload/?block=false", "three")]
    {
        gateway.write_api(&saying(name, name));
        gateway.admin_get(path).assert_json(200, &json!({"status": "ok", "message": ""}));
        let served = || Some(gateway.get(&format!("/{name}/"))).filter(|answer| answer.status == 200);
        gatehouse_tests::gateway::eventually("the new API is served", served).assert_text(name);
    }
}

#[test]
fn many_at_once_are_few_and_none_is_missed() {
    let gateway = setup().api(saying("shop", "0")).start();
    gateway.write_api(&saying("shop", "1"));
    let requests = || (0..50).map(|_| Request::get("/tyk/reload?block=true").with_secret()).collect();
    for answer in gateway.client().send_each(requests()) {
        assert_eq!(answer.status, 200);
    }
    gateway.get("/shop/").assert_text("1");
    let reloads = gateway.log_lines().iter().filter(|line| is_reload(line)).count();
    assert!((1..50).contains(&reloads), "{reloads} reloads for 50 requests at once");
}

#[test]
fn a_reload_that_fails_says_so_and_changes_nothing() {
    let gateway = setup().api(saying("shop", "open")).start();
    std::fs::remove_dir_all(gateway.folder().join("apps")).unwrap();
    gateway.admin_get("/tyk/reload?block=true").assert_refused(500, "app_path: apps cannot be read");
    gateway.admin_get("/tyk/apis").assert_refused(500, "app_path: apps cannot be read");
    gateway.admin("POST", "/tyk/apis", saying("new", "x").text()).assert_refused(500, "app_path");
    gateway.get("/shop/").assert_text("open");
}

/// Sends a request that ends the worker, and waits for the next one.
fn crash(gateway: &Gateway, path: &str, count: usize) {
    assert!(gateway.start(Request::get(path)).outcome().is_err());
    gateway.wait_for_log_count(count, |line| message(line) == "a new worker is serving");
}

#[test]
fn a_reload_over_rest_opens_what_crashes_have_closed() {
    let api = ["abort", "segfault", "fine"].iter().fold(Api::new("shop"), |api, function| {
        api.plugin("GET", &format!("/{function}"), "crashing", function)
    });
    let gateway = setup().api(api).start();
    for count in 1..=3 {
        crash(&gateway, "/shop/abort", count);
    }
    gateway.get("/shop/abort").assert_error(503, "Service Unavailable");
    gateway.admin_reload();
    // Open again here, and at the supervisor: the worker that comes after a crash elsewhere has it open as well.
    crash(&gateway, "/shop/segfault", 4);
    crash(&gateway, "/shop/abort", 5);
    gateway.get("/shop/fine").assert_text("fine");
}

#[test]
fn kept_answers_are_thrown_away() {
    let upstream = Upstream::saying("fresh");
    let api = Api::new("shop").target(&upstream).set(
        "/cache_options",
        json!({"enable_cache": true, "cache_all_safe_requests": true, "cache_timeout": 600}),
    );
    let gateway = setup().api(api).start();
    let is_kept = || gateway.get("/shop/x").has_header("x-tyk-cached-response");
    gatehouse_tests::gateway::eventually("the answer is kept", || is_kept().then_some(()));
    gateway
        .admin("DELETE", "/tyk/cache/shop", "")
        .assert_json(200, &json!({"status": "ok", "message": "cache invalidated"}));
    assert!(!is_kept());
}

#[test]
fn what_is_asked_of_the_group_happens_at_every_gateway_of_the_store() {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::saying("fresh");
    let kept = Api::new("kept").target(&upstream).set(
        "/cache_options",
        json!({"enable_cache": true, "cache_all_safe_requests": true, "cache_timeout": 600}),
    );
    let start = || {
        let setup = setup().set("/storage/type", "redis").set("/storage/host", "127.0.0.1");
        setup.set("/storage/port", redis.port()).api(kept.clone()).start()
    };
    let gateways = [start(), start()];
    for gateway in &gateways {
        gateway.write_api(&saying("shop", "new"));
    }
    gateways[0].admin_get("/tyk/reload/group").assert_json(200, &json!({"status": "ok", "message": ""}));
    for gateway in &gateways {
        let served = || Some(gateway.get("/shop/")).filter(|answer| answer.status == 200);
        gatehouse_tests::gateway::eventually("the new API is served", served).assert_text("new");
    }
    let is_kept = |gateway: &Gateway| gateway.get("/kept/x").has_header("x-tyk-cached-response");
    gatehouse_tests::gateway::eventually("the answer is kept", || is_kept(&gateways[1]).then_some(()));
    assert_eq!(gateways[0].admin("DELETE", "/tyk/cache/kept", "").status, 200);
    gatehouse_tests::gateway::eventually("it is thrown away everywhere", || {
        (!is_kept(&gateways[1])).then_some(())
    });
}

#[test]
fn without_its_store_a_gateway_says_what_it_cannot_do() {
    let Some(mut redis) = Redis::start() else { return };
    let setup = setup().set("/storage/type", "redis").set("/storage/host", "127.0.0.1");
    let gateway = setup.set("/storage/port", redis.port()).api(saying("shop", "open")).start();
    redis.go_away();
    gateway.admin_get("/tyk/reload/group").assert_refused(503, "/tyk/reload reloads this gateway alone");
    gateway.admin_get("/tyk/keys/nobody").assert_refused(503, "the store");
    gateway
        .admin("POST", "/tyk/keys/mykey1", r#"{"access_rights": {"shop": {}}}"#)
        .assert_refused(503, "the store");
    gateway.admin_reload();
    gateway.get("/shop/").assert_text("open");
}
