//! `$tyk_context` and `$tyk_meta` in headers and rewrites, and what triggers make of a request.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{Api, Document, Gateway, Request, Upstream, admin::setup};
use serde_json::{Value, json};

/// A gateway with `shop` behind keys, and a key whose session has these metadata.
fn with_key(api: Api, metadata: Value) -> Gateway {
    let gateway = setup().api(api.set("/use_keyless", false)).start();
    let session = json!({"org_id": "default", "rate": 1000, "per": 1, "quota_max": -1, "meta_data": metadata,
        "access_rights": {"shop": {"api_id": "shop", "api_name": "shop", "versions": ["Default"]}}});
    assert_eq!(gateway.admin("POST", "/tyk/keys/caller", session.to_string()).status, 200);
    gateway
}

fn echoed(gateway: &Gateway, request: Request) -> Value {
    gateway.send(request.header("authorization", "caller")).json()
}

#[test]
fn metadata_of_the_session_go_into_headers() {
    let upstream = Upstream::echo();
    let values = json!({"X-Plan": "$tyk_meta.plan", "X-Both": "$tyk_meta.n/$tyk_meta.list. $tyk_context.path",
        "X-None": "a$tyk_meta.nothing-b", "X-Odd": "$tyk_meta.odd|$tyk_other.x", "X-Broken": "$tyk_meta.broken"});
    let api = Api::new("shop")
        .target(&upstream)
        .set("/version_data/versions/Default/global_headers", values)
        .set("/version_data/versions/Default/global_response_headers", json!({"X-Back": "$tyk_meta.plan"}));
    let metadata = json!({"plan": "gold", "n": 12, "list": ["a b", 1], "odd": {"a": 1}, "broken": "a\nb"});
    let gateway = with_key(api, metadata);
    let answer = gateway.send(Request::get("/shop/x").header("authorization", "caller"));
    assert_eq!(answer.header("x-back"), "gold");
    let headers = &answer.json()["headers"];
    for (name, value) in [
        ("x-plan", json!(["gold"])),
        ("x-both", json!(["12/a+b,1. /shop/x"])),
        ("x-none", json!(["a"])),
        ("x-odd", json!(["|$tyk_other.x"])),
        ("x-broken", Value::Null),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
}

#[test]
fn without_a_session_there_are_no_metadata() {
    let upstream = Upstream::echo();
    let api = Api::new("open")
        .target(&upstream)
        .set("/version_data/versions/Default/global_headers", json!({"X-Plan": "plan:$tyk_meta.plan"}));
    let headers = json!({"enabled": true, "add": [{"name": "X-Plan", "value": "$tyk_meta.plan!"}]});
    let document =
        Document::new("paper").target(&upstream).tyk("/middleware/global/transformRequestHeaders", headers);
    let gateway = setup().api(api).document(&document).start();
    assert_eq!(gateway.get("/open/").json()["headers"]["x-plan"], json!(["plan:"]));
    assert_eq!(gateway.get("/paper/").json()["headers"]["x-plan"], json!(["!"]));
}

fn rewriting(upstream: &Upstream, triggers: Value) -> Api {
    let rule = json!({"path": "/t", "method": "", "match_pattern": "/t", "rewrite_to": "else/$tyk_meta.plan",
        "triggers": triggers});
    Api::new("shop").target(upstream).endpoint("url_rewrites", rule)
}

#[test]
fn triggers_look_at_the_session_and_the_context() {
    let upstream = Upstream::echo();
    let triggers = json!([
        {"on": "all", "rewrite_to": "gold/$tyk_context.trigger-0-plan/$tyk_context.trigger-0-plan-0",
            "options": {"session_meta_matches": {"plan": {"match_rx": "^go(.*)$"}}}},
        {"on": "any", "rewrite_to": "context/$tyk_context.trigger-1-path-0",
            "options": {"request_context_matches": {"path": {"match_rx": "^/shop/t/(c.*)$"}}}}]);
    let gateway = with_key(rewriting(&upstream, triggers.clone()), json!({"plan": "gold"}));
    assert_eq!(echoed(&gateway, Request::get("/shop/t"))["path"], "/gold/gold/ld");
    assert_eq!(echoed(&gateway, Request::get("/shop/t/cx"))["path"], "/context/cx");
    let gateway = with_key(rewriting(&upstream, triggers), json!({"plan": "a b"}));
    assert_eq!(echoed(&gateway, Request::get("/shop/t"))["path"], "/else/a+b");
}

#[test]
fn the_last_trigger_that_needs_all_wins_unless_one_needs_any() {
    let upstream = Upstream::echo();
    let header = |name: &str| json!({"header_matches": {name: {"match_rx": "."}}});
    let triggers = json!([
        {"on": "all", "rewrite_to": "a/$tyk_context.trigger-0-X-A-0", "options": header("x-a")},
        {"on": "all", "rewrite_to": "b/$tyk_context.trigger-0-X-A-0", "options": header("x-b")},
        {"on": "any", "rewrite_to": "c", "options": header("x-c")},
        {"on": "all", "rewrite_to": "d", "options": header("x-d")}]);
    let gateway = with_key(rewriting(&upstream, triggers), json!({}));
    let path = |names: &[&str]| {
        let request = names.iter().fold(Request::get("/shop/t"), |request, name| request.header(name, "1"));
        echoed(&gateway, request)["path"].as_str().unwrap().to_owned()
    };
    assert_eq!(path(&["x-a"]), "/a/1");
    assert_eq!(path(&["x-a", "x-b"]), "/b/1", "what matched of another trigger is there");
    assert_eq!(path(&["x-b"]), "/b/");
    assert_eq!(path(&["x-a", "x-c", "x-d"]), "/c");
    assert_eq!(path(&["x-a", "x-d"]), "/d");
    let always = rewriting(&upstream, json!([{"on": "all", "rewrite_to": "always", "options": {}}]));
    let gateway = with_key(always, json!({}));
    assert_eq!(echoed(&gateway, Request::get("/shop/t"))["path"], "/always");
}

#[test]
fn parts_of_paths_and_bodies_are_counted_by_their_matches() {
    let upstream = Upstream::echo();
    let triggers = json!([
        {"on": "any", "rewrite_to": "part/$tyk_context.trigger-0-p-0/$tyk_context.trigger-0-p-1-0",
            "options": {"path_part_matches": {"p": {"match_rx": "^v(.)$"}}}},
        {"on": "any", "rewrite_to": "body/$tyk_context.trigger-1-payload/$tyk_context.trigger-1-payload-1-0",
            "options": {"payload_matches": {"match_rx": "<([a-z]+)>"}}}]);
    let gateway = with_key(rewriting(&upstream, triggers), json!({}));
    assert_eq!(echoed(&gateway, Request::get("/shop/t/x/v1/v2"))["path"], "/part/v1/2");
    assert_eq!(echoed(&gateway, Request::post("/shop/t", "<a> <bc>"))["path"], "/body/%3Ca%3E/bc");
}
