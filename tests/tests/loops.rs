//! Loops: what stays of a request on its way through `tyk://`, and what counts there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use gatehouse_tests::{Api, Gateway, Request, Upstream};
use serde_json::{Value, json};

fn rewrite(method: &str, path: &str, to: &str) -> Value {
    json!({"path": format!("^{path}$"), "method": method, "match_pattern": path, "rewrite_to": to})
}

fn redirect(to: &str) -> String {
    format!("return TykJsResponse({{Body: '', Code: 302, Headers: {{Location: '{to}'}}}}, {{}});")
}

#[test]
fn query_headers_and_body_are_kept() {
    let upstream = Upstream::echo();
    let api = Api::new("api")
        .target(&upstream)
        .endpoint("url_rewrites", rewrite("POST", "/rewritten", "tyk://self/there"))
        .endpoint("url_rewrites", rewrite("POST", "/own", "tyk://self/there?own=1"))
        .virtual_endpoint("POST", "/script", &redirect("tyk://self/there"));
    let gateway = Gateway::serving([api]);
    for (path, query) in [("rewritten", "a=1&a=2"), ("script", "a=1&a=2"), ("own", "own=1")] {
        let request = Request::post(&format!("/api/{path}?a=1&a=2"), "a body").header("x-kept", "yes");
        let echo = gateway.send(request).json();
        assert_eq!((&echo["method"], &echo["path"]), (&json!("POST"), &json!("/there")), "{path}");
        assert_eq!((&echo["query"], &echo["body"]), (&json!(query), &json!("a body")), "{path}");
        assert_eq!(echo["headers"]["x-kept"], json!(["yes"]), "{path}");
    }
}

#[test]
fn what_the_target_says_about_the_loop_does_not_reach_the_upstream() {
    let upstream = Upstream::echo();
    let api = Api::new("api").target(&upstream).endpoint(
        "url_rewrites",
        rewrite("GET", "/a", "tyk://self/b?method=delete&x=1&check_limits=true&loop_limit=3"),
    );
    let front = Api::new("front").target_url("tyk://api/");
    let gateway = Gateway::serving([api, front]);
    let echo = gateway.get("/api/a").json();
    assert_eq!((&echo["method"], &echo["query"]), (&json!("DELETE"), &json!("x=1")));
    // What a client asks is not about the loop.
    let echo = gateway.get("/front/c?method=DELETE&loop_limit=1").json();
    assert_eq!((&echo["method"], &echo["query"]), (&json!("GET"), &json!("method=DELETE&loop_limit=1")));
}

#[test]
fn a_loop_limit_makes_the_limit_smaller_and_never_larger() {
    let step = |api: Api, from: u32, to: &str| {
        api.endpoint("url_rewrites", rewrite("GET", &format!("/s{from}"), to))
    };
    let mut api = Api::new("api")
        .endpoint("mock_response", json!({"path": "/end", "method": "GET", "code": 200, "body": "arrived"}));
    api = step(api, 1, "tyk://self/s2?loop_limit=2");
    api = step(api, 2, "tyk://self/s3");
    api = step(api, 3, "tyk://self/end");
    api = step(api, 4, "tyk://self/s4?loop_limit=50");
    let gateway = Gateway::serving([api]);
    gateway.get("/api/s2").assert_text("arrived");
    gateway
        .get("/api/s1")
        .assert_error(500, "Loop level too deep. Found more than 2 loops in single request");
    gateway
        .get("/api/s4")
        .assert_error(500, "Loop level too deep. Found more than 5 loops in single request");
}

#[test]
fn rates_count_once_unless_the_target_asks() {
    let upstream = Upstream::saying("hello");
    let limited = json!({"rate": 2, "per": 600});
    let api = |name: &str, to: &str| {
        Api::new(name)
            .target(&upstream)
            .set("/global_rate_limit", limited.clone())
            .endpoint("url_rewrites", rewrite("GET", "/a", to))
    };
    let gateway =
        Gateway::serving([api("once", "tyk://self/b"), api("each", "tyk://self/b?check_limits=true")]);
    let statuses = |name: &str| [1, 2, 3].map(|_| gateway.get(&format!("/{name}/a")).status);
    assert_eq!(statuses("once"), [200, 200, 429]);
    assert_eq!(statuses("each"), [200, 429, 429]);
}

#[test]
fn an_api_that_is_only_inside_or_off_is_found_or_not() {
    let inside = Api::new("inside")
        .set("/internal", true)
        .endpoint("mock_response", json!({"path": "/x", "method": "GET", "code": 200, "body": "inside"}));
    let off = Api::new("off").set("/active", false);
    let front = Api::new("front")
        .endpoint("url_rewrites", rewrite("GET", "/inside", "tyk://inside/x"))
        .endpoint("url_rewrites", rewrite("GET", "/off", "tyk://off/x"));
    let gateway = Gateway::serving([inside, off, front]);
    gateway.get("/front/inside").assert_text("inside");
    assert_eq!(gateway.get("/inside/x").status, 404);
    gateway.get("/front/off").assert_error(500, "Can't detect loop target");
}
