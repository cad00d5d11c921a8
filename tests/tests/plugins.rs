//! Endpoint plugins and hooks in Rust: the examples, loaded by the real gateway from definitions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use gatehouse_tests::{
    Api, Gate, Gateway, Reply, Request, Setup, Upstream,
    log::message,
    plugin::{entry, hook, library},
};
use serde_json::{Value, json};

fn is_error(line: &Value) -> bool {
    line["level"] == "ERROR"
}

#[test]
fn an_endpoint_answers_from_its_plugin() {
    let gateway = Gateway::serving([Api::new("shop").plugin("GET", "/hello", "hello", "hello")]);
    let answer = gateway.send(Request::get("/shop/hello?x=1").header("x-name", "Ada"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json(), json!({"message": "Hello, Ada!", "path": "/shop/hello"}));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("server"), "gatehouse");
    let line = gateway.wait_for_log(|line| message(line) == "greeting Ada");
    assert_eq!(
        (&line["plugin"], &line["function"], &line["api_id"]),
        (&"libhello.so".into(), &"hello".into(), &"shop".into())
    );
}

#[test]
fn tyks_name_for_the_list_is_the_same() {
    let api = Api::new("shop").endpoint("go_plugin", entry("GET", "/plain", "hello", "bench_plain"));
    let answer = Gateway::serving([api]).get("/shop/plain");
    answer.assert_text("This is a virtual endpoint!");
    assert_eq!((answer.header("foo-header"), answer.header("foo-header-2")), ("bar", "baz"));
}

#[test]
fn a_plugin_that_goes_on_changes_request_and_answer() {
    let upstream = Upstream::echo();
    let api = Api::new("shop").target(&upstream).plugin("GET", "/a", "hello", "add_foo_bar_header");
    let gateway = Gateway::serving([api]);
    let answer = gateway.get("/shop/a?q=1");
    assert_eq!((answer.status, answer.header("x-plugin")), (200, "hello"));
    let seen = upstream.only_request();
    assert_eq!((seen.target.as_str(), seen.header("foo")), ("/a?q=1", Some("bar")));
    // Elsewhere nothing happens.
    assert!(!gateway.get("/shop/b").has_header("x-plugin"));
}

#[test]
fn its_headers_are_on_errors_too() {
    // The upstream is not there.
    let api = Api::new("shop").plugin("GET", "/a", "hello", "add_foo_bar_header");
    let answer = Gateway::serving([api]).get("/shop/a");
    assert_eq!((answer.status, answer.header("x-plugin")), (500, "hello"));
}

#[test]
fn content_decides_the_way() {
    let upstream = Upstream::echo();
    let other = Upstream::saying("from Japan");
    let regions = json!({"us": "/us/orders", "jp": other.url("/orders?x=1")});
    let config = json!({"regions": regions, "default": "/eu/orders"});
    let api = Api::new("shop").target(&upstream).plugin_with(
        "POST",
        "/orders",
        "dynamic_routing",
        "by_region",
        config,
    );
    let gateway = Gateway::serving([api]);
    let order = r#"{"region": "us", "items": [1, 2]}"#;
    let answer = gateway.send(Request::post("/shop/orders?dry=1", order));
    assert_eq!((answer.status, answer.header("x-routed-to")), (200, "/us/orders"));
    let seen = upstream.only_request();
    assert_eq!(
        (&*seen.target, seen.header("x-region"), seen.text()),
        ("/us/orders?dry=1", Some("us"), order.to_owned())
    );
    gateway.send(Request::post("/shop/orders", r#"{"region": "mars"}"#));
    assert_eq!(upstream.requests()[1].target, "/eu/orders");
    assert_eq!(gateway.send(Request::post("/shop/orders", "{}")).status, 400);
    assert_eq!(upstream.count(), 2);
    gateway.send(Request::post("/shop/orders", r#"{"region": "jp"}"#)).assert_text("from Japan");
    let seen = other.only_request();
    assert_eq!(
        (&*seen.target, &*seen.method, seen.text()),
        ("/orders?x=1", "POST", r#"{"region": "jp"}"#.to_owned())
    );
    assert_eq!(upstream.count(), 2);
}

#[test]
fn an_async_plugin_joins_two_calls() {
    let gate = Gate::new();
    let users = Upstream::held_by(&gate, Reply::text(r#"{"name": "Ada"}"#));
    let orders = Upstream::held_by(&gate, Reply::text("[1, 2]"));
    let config = json!({"users": users.url(""), "orders": orders.url("")});
    let api = Api::new("shop").plugin_with("GET", "/dashboard", "aggregate", "dashboard", config);
    let gateway = Gateway::serving([api]);
    let pending = gateway.start(Request::get("/shop/dashboard").header("x-user", "9"));
    // Both calls are out before either has an answer.
    users.wait_for_in_progress(1);
    orders.wait_for_in_progress(1);
    gate.open();
    let answer = pending.answer();
    assert_eq!(answer.json(), json!({"user": {"name": "Ada"}, "orders": [1, 2], "missing": []}));
    assert_eq!((users.only_request().path(), &*orders.only_request().target), ("/users/9", "/orders?user=9"));
}

#[test]
fn a_plugin_with_a_runtime_of_its_own() {
    let upstream = Upstream::saying("12.5");
    let config = json!({"prices": upstream.url("/today")});
    let api = Api::new("shop").plugin_with("GET", "/price", "own_runtime", "price", config);
    let answer = Gateway::serving([api]).get("/shop/price");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("12.5"), "{}", answer.text());
}

#[test]
fn a_script_and_a_plugin_on_one_path() {
    let script = "if (request.Params.plugin) { throw new Error('the plugin is to answer'); }\n\
                  return TykJsResponse({Body: 'script', Code: 200}, {});";
    let api = Api::new("shop")
        .virtual_endpoint("GET", "/both", script)
        .last_script("proxy_on_error", true)
        .plugin("GET", "/both", "hello", "bench_plain")
        .plugin("POST", "/both", "hello", "hello");
    let gateway = Gateway::serving([api]);
    gateway.get("/shop/both").assert_text("script");
    gateway.get("/shop/both?plugin=1").assert_text("This is a virtual endpoint!");
    assert!(gateway.send(Request::post("/shop/both", "")).text().contains("Hello, stranger!"));
}

#[test]
fn the_answer_of_an_upstream_is_changed() {
    let upstream =
        Upstream::fixed(Reply::json(&json!({"name": "Ada", "email": "a@x"})).header("server", "secret/1"));
    let api = Api::new("users")
        .target(&upstream)
        .set("/config_data", json!({"redact": ["email"]}))
        .hooks("response", json!([hook("transform_response", "redact")]));
    let answer = Gateway::serving([api]).get("/users/7");
    assert_eq!(answer.json(), json!({"name": "Ada", "email": "(redacted)"}));
    assert_eq!((answer.header("x-redacted"), answer.has_header("server")), ("1", false));
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
}

#[test]
fn what_plugins_store_is_there_for_later_requests_and_for_scripts() {
    let upstream = Upstream::fixed(Reply::new(201, "made"));
    let api = Api::new("shop")
        .target(&upstream)
        .virtual_endpoint(
            "GET",
            "/known",
            "return TykJsResponse({Body: '' + TykStorageGet('idempotency/shop/k-1'), Code: 200}, {});",
        )
        .open_by_hook()
        .hooks("post_key_auth", json!([hook("idempotency", "once")]))
        .hooks("response", json!([hook("idempotency", "remember")]));
    let gateway = Gateway::serving([api]);
    gateway.get("/shop/known").assert_text("null");
    let order = |key: &str| {
        gateway.send(Request::new("POST", "/shop/orders").header("idempotency-key", key).body("an order"))
    };
    for (key, count, replayed) in [("k-1", 1, false), ("k-1", 1, true), ("k-2", 2, false)] {
        let answer = order(key);
        assert_eq!((answer.status, answer.text().as_str()), (201, "made"));
        assert_eq!((upstream.count(), answer.has_header("idempotency-replayed")), (count, replayed), "{key}");
    }
    let known = gateway.get("/shop/known").json();
    assert_eq!((&known["status"], &known["body"]), (&json!(201), &json!("made")));
}

#[test]
fn an_answer_too_large_for_a_response_hook_is_an_error() {
    let upstream = Upstream::fixed(Reply::text("x".repeat(5000)));
    let api =
        Api::new("users").target(&upstream).hooks("response", json!([hook("transform_response", "redact")]));
    let gateway = Setup::new().set("/gatehouse/limits/max_buffered_body_bytes", 4096).api(api).start();
    gateway.get("/users/7").assert_error(500, "There was a problem proxying the request");
    gateway.wait_for_log(|line| {
        line["cause"].as_str().is_some_and(|cause| cause.contains("at most 4096 bytes"))
    });
}

#[test]
fn an_answer_that_never_ends_does_not_hold_a_response_hook_for_ever() {
    let gate = Gate::new();
    let end = gate.clone();
    let upstream = Upstream::conversing(move |conversation| {
        conversation.request()?;
        conversation.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")?;
        end.pass();
        Ok(())
    });
    let api =
        Api::new("users").target(&upstream).hooks("response", json!([hook("transform_response", "redact")]));
    let gateway = Setup::new().set("/proxy_default_timeout", 0.2).api(api).start();
    gateway.get("/users/7").assert_error(504, "Upstream service reached hard timeout.");
    gate.open();
}

/// An API behind the partner plugin, with partners in a file.
fn partners(api: Api) -> Setup {
    let api = api.set("/use_keyless", false).hooks("auth_check", hook("auth", "partner"));
    let setup = Setup::new().file("partners", "k-1 Ada & Co\nk-2 Bob\n");
    let file = setup.folder().join("partners").display().to_string();
    setup.environment("PARTNERS_FILE", &file).api(api)
}

#[test]
fn a_plugin_lets_callers_in() {
    let upstream = Upstream::echo();
    let api =
        Api::new("shop").target(&upstream).endpoint("ignored", json!({"path": "/open", "method": "GET"}));
    let gateway = partners(api).start();
    gateway.get("/shop/a").assert_error(401, "Authorization field missing");
    let wrong = gateway.send(Request::get("/shop/a").header("x-partner-key", "k-9"));
    wrong.assert_error(403, "Access to this API has been disallowed");
    assert_eq!(upstream.count(), 0);
    assert_eq!(gateway.send(Request::get("/shop/a").header("x-partner-key", "k-1")).status, 200);
    assert_eq!(upstream.only_request().header("x-partner-key"), None);
    // `ignored` is for everybody.
    assert_eq!(gateway.get("/shop/open").status, 200);
}

#[test]
fn a_session_that_a_hook_set_lets_nobody_in() {
    let upstream = Upstream::echo();
    let loops = json!({"path": "^/open$", "method": "GET", "match_pattern": "/open", "rewrite_to": "tyk://self/inner"});
    let api = Api::new("shop")
        .target(&upstream)
        .endpoint("ignored", json!({"path": "^/open$", "method": "GET"}))
        .endpoint("url_rewrites", loops)
        .hooks("pre", json!([hook("record", "claim")]));
    let gateway = partners(api).start();
    gateway.get("/shop/a").assert_error(401, "Authorization field missing");
    // Nor does it after a loop from an endpoint that is for everybody.
    gateway.get("/shop/open").assert_error(401, "Authorization field missing");
    assert_eq!(upstream.count(), 0);
    // One key is enough for all passes of a loop, although the plugin takes it out in the first.
    let outer = json!({"path": "^/outer$", "method": "GET", "match_pattern": "/outer", "rewrite_to": "tyk://self/inner"});
    let gateway = partners(Api::new("shop").target(&upstream).endpoint("url_rewrites", outer)).start();
    assert_eq!(gateway.send(Request::get("/shop/outer").header("x-partner-key", "k-1")).status, 200);
    assert_eq!(upstream.only_request().path(), "/inner");
}

#[test]
fn the_session_of_the_caller_reaches_scripts_and_policies() {
    let api = Api::new("shop")
        .virtual_endpoint(
            "GET",
            "/who",
            "return TykJsResponse({Body: session.alias + ' ' + session.meta_data.partner, Code: 200}, {});",
        )
        .last_script("use_session", true)
        .plugin_with("GET", "/reports", "policy", "by_plan", json!({"plans": ["gold"]}));
    let gateway = partners(api).start();
    let get = |path: &str| gateway.send(Request::get(path).header("x-partner-key", "k-1"));
    get("/shop/who").assert_text("Ada & Co Ada & Co");
    // This partner has no plan.
    assert_eq!(get("/shop/reports").status, 403);
    assert!(get("/shop/reports").text().contains("plan `none`"));
}

#[test]
fn hooks_run_in_their_order() {
    let upstream = Upstream::echo();
    let answering = hook("hello", "hello");
    let marking = hook("hello", "add_foo_bar_header");
    for (place, reaches_upstream) in [("pre", false), ("post_key_auth", false), ("post", false)] {
        let api = Api::new("shop").target(&upstream).open_by_hook().hooks(place, json!([marking, answering]));
        let answer = Gateway::serving([api]).get("/shop/a");
        assert_eq!((answer.status, answer.header("x-plugin")), (200, "hello"), "{place}");
        assert!(answer.text().contains("Hello, stranger!"), "{place}");
        assert_eq!(upstream.count() > 0, reaches_upstream, "{place}");
    }
    // An endpoint's answer comes before the post hooks.
    let api = Api::new("shop")
        .plugin("GET", "/a", "hello", "bench_plain")
        .hooks("post", json!([marking]))
        .hooks("pre", json!([{"name": "not there", "path": "nowhere.so", "disabled": true}]));
    let answer = Gateway::serving([api]).get("/shop/a");
    assert!(!answer.has_header("x-plugin"));
}

#[test]
fn a_pre_hook_that_changes_the_path_decides_what_is_found() {
    let upstream = Upstream::echo();
    let regions = json!({"us": "/us/orders", "é": "/%C3%A9/é"});
    let mut first = hook("dynamic_routing", "by_region");
    first["config"] = json!({"regions": regions, "default": "/elsewhere"});
    let api = Api::new("shop").target(&upstream).hooks("pre", json!([first])).endpoint(
        "mock_response",
        json!({"path": "^/us/orders$", "method": "POST", "code": 200, "body": "found"}),
    );
    let gateway = Gateway::serving([api]);
    gateway.send(Request::post("/shop/a", r#"{"region": "us"}"#)).assert_text("found");
    assert_eq!(gateway.send(Request::post("/shop/a?q=1", r#"{"region": "eu"}"#)).status, 200);
    assert_eq!(upstream.only_request().target, "/elsewhere?q=1");
    // Whatever bytes a path has: an answer.
    let odd = gateway.send(Request::post("/shop/a", "{\"region\": \"é\"}"));
    assert!(matches!(odd.status, 200 | 500), "{}", odd.status);
}

#[test]
fn a_record_goes_through_the_analytics_hook() {
    let plugin = json!({"enable": true, "plugin_path": library("record"), "func_name": "mask"});
    let upstream = Upstream::echo();
    let api = Api::new("shop").target(&upstream).set("/analytics_plugin", plugin);
    let gateway = Gateway::serving([api]);
    gateway.send(Request::post("/shop/users/7?token=secret", "12345").header("user-agent", "probe/1"));
    let line = gateway.wait_for_log(|line| message(line) == "analytics");
    let record: Value = serde_json::from_str(line["record"].as_str().unwrap()).unwrap();
    assert_eq!(record["ip_address"], "masked");
    assert_eq!((&record["path"], &record["response_code"]), (&"/shop/users/7".into(), &200.into()));
    // The upstream has taken the headers by then.
    assert_eq!((&record["user_agent"], &record["content_length"]), (&"probe/1".into(), &5.into()));
    assert_eq!(record["host"], gateway.address().to_string());
}

#[test]
fn a_panic_is_an_answer_and_a_line() {
    let gateway = Gateway::serving([Api::new("shop").plugin("GET", "/f", "hello", "fragile")]);
    gateway.get("/shop/f?5").assert_text("20\n");
    gateway.get("/shop/f?x").assert_error(500, "Internal Server Error");
    let line = gateway.wait_for_log(|line| message(line).starts_with("plugin failed: panicked at"));
    assert!(message(&line).contains("hello/src/lib.rs:"), "{line}");
    assert!(message(&line).contains("the query is a number"), "{line}");
    assert_eq!((&line["api_id"], &line["function"]), (&"shop".into(), &"fragile".into()));
    assert!(line["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    gateway.get("/shop/f?5").assert_text("20\n");
}

#[test]
fn what_a_plugin_that_does_not_load_does_is_for_the_definition_to_say() {
    let upstream = Upstream::saying("upstream");
    let missing = |path: &str, on_load_failure: &str| {
        json!({"path": path, "method": "GET", "plugin_path": "plugins/gone.so", "func_name": "f",
               "on_load_failure": on_load_failure})
    };
    let api = Api::new("shop")
        .target(&upstream)
        .endpoint("rust_plugin", missing("/fail", "fail"))
        .endpoint("rust_plugin", missing("/proxy", "proxy"));
    let gateway = Gateway::serving([api.clone()]);
    assert_eq!(gateway.get("/ready").status, 200);
    gateway.get("/shop/fail").assert_error(500, "Internal Server Error");
    gateway.get("/shop/proxy").assert_text("upstream");
    let line = gateway.wait_for_log(|line| is_error(line) && message(line).contains("answered 500"));
    assert!(message(&line).contains("plugins/gone.so: there is no such file"), "{line}");
    assert!(message(&line).contains("remedy:"), "{line}");
    assert!(line["file"].as_str().unwrap().contains("shop.json:"), "{line}");
    assert!(line["field"].as_str().unwrap().ends_with("rust_plugin[0]"), "{line}");

    gateway.write_api(&api.endpoint("rust_plugin", missing("/refuse", "refuse")));
    gateway.reload();
    let ready = gateway.get("/ready");
    assert_eq!((ready.status, ready.json()["status"].as_str()), (503, Some("fail")));
    assert!(ready.text().contains("plugins/gone.so"), "{}", ready.text());
    // Alive all the same.
    assert_eq!(gateway.get("/hello").status, 200);
    gateway.get("/shop/proxy").assert_text("upstream");
}

#[test]
fn a_wrong_place_says_what_is_wrong() {
    let cases = [
        (json!({"plugin_path": "", "func_name": "f"}), "rust_plugin[0].plugin_path"),
        (json!({"plugin_path": "x.so", "func_name": " "}), "rust_plugin[0].func_name"),
        (
            json!({"plugin_path": "x.so", "func_name": "f", "on_load_failure": "ignore"}),
            "rust_plugin[0].on_load_failure",
        ),
        (json!({"plugin_path": "x.so", "func_name": "f", "timeout": -1}), "rust_plugin[0].timeout"),
    ];
    for (mut place, field) in cases {
        place["path"] = "/a".into();
        let gateway = Gateway::serving([Api::new("shop").endpoint("rust_plugin", place)]);
        assert_eq!(gateway.get("/shop/a").status, 404);
        gateway.wait_for_log(|line| line["field"].as_str().is_some_and(|at| at.ends_with(field)));
    }
    // A hook of another kind, a function that is not there.
    let api = Api::new("shop")
        .hooks("response", json!([hook("hello", "hello")]))
        .plugin("GET", "/a", "hello", "helo");
    let gateway = Gateway::serving([api]);
    gateway.wait_for_log(|line| message(line).contains("cannot be used as a response hook"));
    gateway.wait_for_log(|line| message(line).contains("has no function `helo`; it has"));
}

#[test]
fn an_unchanged_plugin_keeps_its_state_and_a_new_build_begins_anew() {
    let api = Api::new("shop").endpoint("rust_plugin", visits());
    let gateway = Setup::new().own_plugin("hello", "v").api(api).start();
    gateway.get("/shop/v").assert_text("1\n");
    gateway.reload();
    gateway.get("/shop/v").assert_text("2\n");
    gateway.replace_plugin("hello", "v", 1);
    gateway.get("/shop/v").assert_text("3\n");
    gateway.reload();
    gateway.get("/shop/v").assert_text("1\n");
}

fn visits() -> Value {
    json!({"path": "/v", "method": "GET", "plugin_path": "plugins/v.so", "func_name": "visits"})
}

#[test]
fn a_thousand_reloads_under_load_lose_no_request() {
    let api = Api::new("shop").endpoint("rust_plugin", visits());
    let gateway = Setup::new().own_plugin("hello", "v").api(api).start();
    let done = AtomicBool::new(false);
    let answered = thread::scope(|scope| {
        let load = || {
            let mut answered = 0;
            while !done.load(Ordering::Relaxed) {
                for answer in gateway.client().send_in_turn(vec![Request::get("/shop/v"); 100]) {
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    answered += 1;
                }
            }
            answered
        };
        let loads = [scope.spawn(load), scope.spawn(load)];
        for reload in 0..1000 {
            if reload % 25 == 0 {
                gateway.replace_plugin("hello", "v", reload);
            }
            gateway.reload();
        }
        done.store(true, Ordering::Relaxed);
        loads.into_iter().map(|load| load.join().unwrap()).sum::<usize>()
    });
    assert!(answered >= 1000, "only {answered} requests met the reloads");
    // The last build has served, and kept its state over the reloads that brought no other one.
    let text = gateway.get("/shop/v").text();
    assert!(text.trim().parse::<usize>().is_ok_and(|visits| visits > 1 && visits < answered), "{text}");
}

#[test]
fn requests_in_flight_end_on_the_old_build() {
    let gate = Gate::new();
    let slow = Upstream::held_by(&gate, Reply::text("{}"));
    let mut entry =
        json!({"path": "/d", "method": "GET", "plugin_path": "plugins/d.so", "func_name": "dashboard"});
    entry["config"] = json!({"users": slow.url(""), "orders": slow.url("")});
    let gateway = Setup::new()
        .own_plugin("aggregate", "d")
        .api(Api::new("shop").endpoint("rust_plugin", entry))
        .start();
    let pending = gateway.start(Request::get("/shop/d"));
    slow.wait_for_in_progress(2);
    gateway.replace_plugin("hello", "d", 0);
    gateway.reload();
    gateway.get("/shop/d").assert_error(500, "Internal Server Error");
    gate.open();
    assert_eq!(pending.answer().json()["missing"], json!([]));
}

#[test]
fn a_watched_gateway_loads_what_is_saved() {
    let api =
        Api::new("shop").endpoint("rust_plugin", visits()).script_file("GET", "/s", "f", "middleware/s.js");
    let script =
        |body: &str| format!("function f() {{ return TykJsResponse({{Body: '{body}', Code: 200}}, {{}}); }}");
    let gateway = Setup::new()
        .set("/gatehouse/watch", true)
        .own_plugin("hello", "v")
        .file("middleware/s.js", script("one"))
        .api(api.clone())
        .start();
    // A reload for each of these waits; there may be more, since an editor's write is several events.
    let wait_for = |path: &str, text: &str| {
        let reloads = |count| gateway.wait_for_log_count(count, |line| message(line) == "reloaded");
        for count in 1.. {
            if gateway.get(path).text() == text {
                break;
            }
            reloads(count);
        }
    };
    gateway.get("/shop/v").assert_text("1\n");
    gateway.get("/shop/v").assert_text("2\n");
    gateway.replace_plugin("hello", "v", 1);
    wait_for("/shop/v", "1\n");
    gateway.get("/shop/s").assert_text("one");
    gateway.write("middleware/s.js", script("two"));
    wait_for("/shop/s", "two");
    gateway.write_api(&api.plugin("GET", "/new", "hello", "bench_plain"));
    wait_for("/shop/new", "This is a virtual endpoint!");
}

#[test]
fn many_requests_wait_in_async_plugins_at_once() {
    const WAITING: usize = 100;
    let gate = Gate::new();
    let slow = Upstream::held_by(&gate, Reply::text("{}"));
    let config = json!({"users": slow.url(""), "orders": slow.url("")});
    let api = Api::new("shop").plugin_with("GET", "/d", "aggregate", "dashboard", config);
    let gateway = Gateway::serving([api]);
    let pending: Vec<_> = (0..WAITING).map(|_| gateway.start(Request::get("/shop/d"))).collect();
    // None of them holds up another: all have made both their calls.
    slow.wait_for_in_progress(2 * WAITING);
    gate.open();
    for pending in pending {
        // Or 502, if this machine was so slow that the plugin's own time-out came first.
        let answer = pending.answer();
        assert!(matches!(answer.status, 200 | 502), "{}", answer.text());
    }
}
