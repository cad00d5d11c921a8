//! Event handlers: log lines and web hooks for what happened, off the request's path.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use gatehouse_tests::{
    Api, Client, Gate, Gateway, Reply, Request, Setup, Upstream, log::message, plugin::hook,
};
use serde_json::{Value, json};

/// An API with versions of which none is asked for: every request is a `VersionFailure`.
fn versioned(name: &str) -> Api {
    Api::new(name).versioned("header", "x-version").version("v1", json!({}))
}

fn handler(api: Api, event: &str, handler_name: &str, meta: Value) -> Api {
    let handlers = json!([{"handler_name": handler_name, "handler_meta": meta}]);
    api.set(&format!("/event_handlers/events/{event}"), handlers)
}

fn hooked(api: Api, event: &str, url: &str) -> Api {
    handler(api, event, "eh_web_hook_handler", json!({"method": "POST", "target_path": url}))
}

#[test]
fn a_log_handler_writes_a_line() {
    let api = handler(versioned("shop"), "VersionFailure", "eh_log_handler", json!({"prefix": "ours"}));
    let gateway = Gateway::serving([api]);
    assert_eq!(gateway.get("/shop/a%20b").status, 403);
    let line = gateway.wait_for_log(|line| message(line) == "ours:VersionFailure");
    assert_eq!(line["level"], "WARN");
    assert_eq!(
        (&line["api_id"], &line["path"], &line["origin"]),
        (&json!("shop"), &json!("/shop/a b"), &json!("127.0.0.1"))
    );
    assert_eq!(line["reason"], "Version information not found");
}

#[test]
fn a_web_hook_is_sent_with_the_default_body() {
    let receiver = Upstream::saying("thanks");
    let meta = json!({
        "method": "post", "target_path": receiver.url("/events?from=gateway"), "event_timeout": 0,
        "header_map": {"X-Token": "secret"},
    });
    let gateway =
        Gateway::serving([handler(versioned("shop"), "VersionFailure", "eh_web_hook_handler", meta)]);
    assert_eq!(gateway.send(Request::get("/shop/x").header("x-version", "v9")).status, 403);
    receiver.wait_for_requests(1);
    let seen = receiver.only_request();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/events?from=gateway"));
    assert_eq!(
        (seen.header("x-token"), seen.header("content-type")),
        (Some("secret"), Some("application/json"))
    );
    let body: Value = serde_json::from_str(&seen.text()).unwrap();
    assert_eq!(
        body,
        json!({
            "event": "VersionFailure", "message": "Attempted access to disallowed version / path.",
            "path": "/shop/x", "origin": "127.0.0.1", "key": "",
        })
    );
}

#[test]
fn an_endpoint_that_is_not_open_is_a_version_failure_too() {
    let receiver = Upstream::saying("thanks");
    let api = Api::new("shop").endpoint("black_list", json!({"path": "/secret", "method": "GET"}));
    let gateway = Gateway::serving([hooked(api, "VersionFailure", &receiver.url("/"))]);
    assert_eq!(gateway.get("/shop/secret").status, 403);
    receiver.wait_for_requests(1);
}

#[test]
fn a_template_of_its_own_makes_the_body() {
    let receiver = Upstream::saying("thanks");
    let meta = json!({
        "method": "PUT", "target_path": receiver.url("/"), "template_path": "hooks/own.json",
    });
    let api = handler(versioned("shop"), "VersionFailure", "eh_web_hook_handler", meta);
    let template =
        r#"{"what": "{{.Type}}", "why": "{{ .Meta.Reason }}", "request": "{{.Meta.OriginatingRequest}}"}"#;
    let gateway = Setup::new().apis([api]).file("hooks/own.json", template).start();
    gateway.send(Request::get("/shop/x?q=1").header("x-version", "no/such \\version"));
    receiver.wait_for_requests(1);
    let seen = receiver.only_request();
    assert_eq!((seen.method.as_str(), seen.header("content-type")), ("PUT", Some("application/json")));
    let body: Value = serde_json::from_str(&seen.text()).unwrap();
    assert_eq!(body["why"], "This API version does not seem to exist");
    // As in Tyk, values are escaped for HTML: `+` of base64 too.
    let request = body["request"].as_str().unwrap().replace("&#43;", "+");
    let request = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, request).unwrap();
    let request = String::from_utf8(request).unwrap();
    assert!(request.starts_with("GET /shop/x?q=1 HTTP/1.1\r\nHost: "), "{request}");
    assert!(request.contains("X-Version: no/such \\version\r\n"), "{request}");
}

#[test]
fn a_template_that_needs_more_is_refused_when_it_is_loaded() {
    let receiver = Upstream::saying("thanks");
    let meta = |template: &str| {
        json!({
            "method": "POST", "target_path": receiver.url("/"), "template_path": template,
        })
    };
    let handlers = json!([
        {"handler_name": "eh_web_hook_handler", "handler_meta": meta("if.json")},
        {"handler_name": "eh_web_hook_handler", "handler_meta": meta("absent.json")},
    ]);
    let api = versioned("shop").set("/event_handlers/events/VersionFailure", handlers);
    let gateway = Setup::new().apis([api]).file("if.json", "{\n{{if .Meta.Key}}1{{end}}\n}").start();
    let line = gateway.wait_for_log(|line| message(line).starts_with("this web hook is not sent"));
    assert!(message(&line).contains("if.json: line 2: `{{if .Meta.Key}}` is not available"), "{line}");
    assert_eq!(line["field"], "event_handlers.events.VersionFailure[0]");
    assert!(line["file"].as_str().unwrap().starts_with("apps/shop.json:"), "{line}");
    // As in Tyk, the default takes the place of a template that is not there.
    gateway.wait_for_log(|line| message(line).starts_with("absent.json: "));
    gateway.get("/shop/x");
    receiver.wait_for_requests(1);
    assert!(receiver.only_request().text().contains("\"event\": \"VersionFailure\""));
}

#[test]
fn what_cannot_be_used_is_said_and_the_api_is_served() {
    let upstream = Upstream::saying("hello");
    let api = Api::new("shop").target(&upstream);
    let api =
        handler(api, "AuthFailure", "eh_web_hook_handler", json!({"method": "POST", "target_path": "/here"}));
    let api = handler(api, "QuotaExceeded", "eh_nothing", json!({}));
    let api = handler(api, "HostDown", "eh_log_handler", json!({"prefix": "x"}));
    let api = handler(api, "AuthFailed", "eh_log_handler", json!({"prefix": "x"}));
    let gateway = Gateway::serving([api]);
    gateway.get("/shop/").assert_text("hello");
    for (field, words) in [
        (
            "event_handlers.events.AuthFailure[0].handler_meta.target_path",
            "`/here` is not an http or https URL",
        ),
        ("event_handlers.events.QuotaExceeded[0].handler_name", "`eh_nothing` is not one of eh_log_handler"),
        ("event_handlers.events.HostDown", "does not happen in this gateway"),
        ("event_handlers.events.AuthFailed", "is not an event; the names are AuthFailure, KeyExpired"),
    ] {
        let line = gateway.wait_for_log(|line| line["field"] == field);
        assert!(message(&line).starts_with(words), "{line}");
    }
}

#[test]
fn the_same_request_is_sent_once_within_its_event_timeout() {
    let receiver = Upstream::saying("thanks");
    let meta = json!({"method": "POST", "target_path": receiver.url("/"), "event_timeout": 600});
    let api = handler(versioned("shop"), "VersionFailure", "eh_web_hook_handler", meta);
    let gateway = Gateway::serving([api]);
    for _ in 0..3 {
        gateway.get("/shop/same");
    }
    // Another path is another event.
    gateway.get("/shop/other");
    receiver.wait_for_requests(2);
    // A stop waits for handlers, so nothing comes later.
    let stopped = gateway.stop();
    assert!(stopped.status.success(), "{:?}", stopped.status);
    let mut paths: Vec<Value> = receiver
        .requests()
        .iter()
        .map(|request| serde_json::from_str::<Value>(&request.text()).unwrap()["path"].clone())
        .collect();
    paths.sort_by_key(ToString::to_string);
    assert_eq!(paths, [json!("/shop/other"), json!("/shop/same")]);
}

#[test]
fn a_slow_receiver_delays_nobody_and_what_finds_no_room_is_counted() {
    let gate = Gate::new();
    let receiver = Upstream::held_by(&gate, Reply::text("late"));
    let api = hooked(versioned("shop"), "VersionFailure", &receiver.url("/"));
    let gateway = Setup::new()
        .apis([api])
        .set("/gatehouse/events/queue", 2)
        .set("/gatehouse/metrics/listen", "127.0.0.1:0")
        .start();
    for number in 0..5 {
        assert_eq!(gateway.get(&format!("/shop/{number}")).status, 403);
    }
    receiver.wait_for_requests(2);
    gateway.wait_for_log(|line| message(line).starts_with("events left out"));
    let publishing = gateway.wait_for_log(|line| message(line) == "publishing metrics");
    let address = publishing["address"].as_str().unwrap().parse().unwrap();
    let metrics = Client::http1(address).send(Request::get("/metrics")).text();
    assert!(metrics.lines().any(|line| line == "gatehouse_events_left_out_total 3"), "{metrics}");
    gate.open();
    let stopped = gateway.stop();
    assert!(stopped.status.success());
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn a_receiver_that_fails_or_never_answers_is_in_the_log() {
    let gate = Gate::new();
    let failing = Upstream::fixed(Reply::new(500, "no"));
    let hanging = Upstream::held_by(&gate, Reply::text("never"));
    let meta = |url: String| json!({"handler_name": "eh_web_hook_handler", "handler_meta": {"method": "POST", "target_path": url}});
    let handlers =
        json!([meta(failing.url("/")), meta(hanging.url("/")), meta("http://127.0.0.1:1/".to_owned())]);
    let api = versioned("shop").set("/event_handlers/events/VersionFailure", handlers);
    let gateway = Setup::new().apis([api]).set("/gatehouse/events/timeout_ms", 300).start();
    gateway.get("/shop/x");
    for words in ["answered 500", "it took longer than 300 ms", "http://127.0.0.1:1/ did not answer"] {
        gateway.wait_for_log(|line| {
            message(line).starts_with("event handler failed") && message(line).contains(words)
        });
    }
    gate.open();
}

#[test]
fn the_rate_limit_of_an_api_is_an_event() {
    let (upstream, receiver) = (Upstream::saying("hello"), Upstream::saying("thanks"));
    let api = Api::new("shop").target(&upstream).set("/global_rate_limit", json!({"rate": 1, "per": 600}));
    let gateway = Gateway::serving([hooked(api, "RatelimitExceeded", &receiver.url("/"))]);
    assert_eq!(gateway.get("/shop/").status, 200);
    assert_eq!(gateway.get("/shop/").status, 429);
    receiver.wait_for_requests(1);
    let body: Value = serde_json::from_str(&receiver.only_request().text()).unwrap();
    assert_eq!(
        (&body["message"], &body["key"]),
        (&json!("API Rate Limit Exceeded"), &json!("apilimiter-defaultshop"))
    );
}

#[test]
fn a_plugin_that_lets_nobody_in_is_an_auth_failure() {
    let receiver = Upstream::saying("thanks");
    let api = Api::new("shop").set("/use_keyless", false).hooks("auth_check", hook("auth", "partner"));
    let gateway = Setup::new()
        .apis([hooked(api, "AuthFailure", &receiver.url("/"))])
        .file("partners", "k-1 Ada\n")
        .environment("PARTNERS_FILE", "partners")
        .start();
    assert_eq!(gateway.send(Request::get("/shop/").header("x-partner-key", "wrong")).status, 403);
    receiver.wait_for_requests(1);
    let body: Value = serde_json::from_str(&receiver.only_request().text()).unwrap();
    assert_eq!((&body["event"], &body["key"]), (&json!("AuthFailure"), &json!("n/a")));
}

/// Source of an object whose handler has this body.
fn script_handler(name: &str, body: &str) -> String {
    format!(
        "var {name} = new TykJS.TykEventHandlers.NewEventHandler({{}});\n\
         {name}.NewHandler(function (event, context) {{\n{body}\n}});"
    )
}

/// An API whose endpoint `/secret` is closed, with scripts for that.
fn closed(scripts: &[&str]) -> Api {
    let api = Api::new("shop").endpoint("black_list", json!({"path": "/secret", "method": "GET"}));
    let entry = |name: &&str| {
        json!({"handler_name": "eh_dynamic_handler",
               "handler_meta": {"name": name, "path": format!("middleware/{name}.js")}})
    };
    let entries: Vec<Value> = scripts.iter().map(entry).collect();
    api.set("/event_handlers/events/VersionFailure", entries).set("/config_data", json!({"n": 1}))
}

#[test]
fn a_script_is_told_and_can_call() {
    let receiver = Upstream::saying("thanks");
    let body = format!(
        "log('handling ' + context.APIID);
         var answer = JSON.parse(TykMakeHttpRequest(JSON.stringify({{Method: 'POST', Domain: '{}', Resource: '/told',
           Body: JSON.stringify([event, context, state++, context.config_data.n])}})));
         log('the receiver said ' + answer.Body);",
        receiver.url("")
    );
    let source = format!("var state = 0;\n{}", script_handler("teller", &body));
    let gateway = Setup::new().file("middleware/teller.js", source).api(closed(&["teller"])).start();
    for count in 1..=2 {
        gateway
            .send(Request::get("/shop/secret?a=1").header("x-a", "b"))
            .assert_error(403, "Requested endpoint is forbidden");
        receiver.wait_for_requests(count);
    }
    let told: Vec<Value> =
        receiver.requests().iter().map(|told| serde_json::from_slice(&told.body).unwrap()).collect();
    for told in &told {
        assert_eq!(
            (&told[0]["Type"], &told[0]["Meta"]["Path"]),
            (&"VersionFailure".into(), &"/shop/secret".into())
        );
        assert!(!told[0]["Meta"]["OriginatingRequest"].as_str().unwrap().is_empty());
        assert_eq!((&told[1], &told[3]), (&json!({"APIID": "shop", "OrgID": "default"}), &1.into()));
        // Nothing is kept between events.
        assert_eq!(told[2], 0);
    }
    gateway.wait_for_log(|line| message(line).contains("the receiver said thanks"));
}

#[test]
fn a_script_that_fails_changes_no_answer_and_is_in_the_log() {
    let setup = Setup::new()
        .set("/jsvm_timeout", 1)
        .file("middleware/thrower.js", script_handler("thrower", "throw new Error('x');"))
        .file("middleware/endless.js", script_handler("endless", "while (true) {}"))
        .file("middleware/broken.js", "var broken = ;")
        .file("middleware/misnamed.js", "var other = 1;");
    let gateway = setup.api(closed(&["thrower", "endless", "broken", "misnamed", "absent"])).start();
    gateway.get("/shop/secret").assert_error(403, "Requested endpoint is forbidden");
    for words in ["exception middleware/thrower.js:3:", "timeout", "syntax", "missing_function", "source"] {
        let line = gateway.wait_for_log(|line| {
            message(line).starts_with("event handler failed") && message(line).contains(words)
        });
        assert_eq!((&line["handler"], &line["api_id"]), (&"eh_dynamic_handler".into(), &"shop".into()));
    }
    gateway.get("/shop/secret").assert_error(403, "Requested endpoint is forbidden");
}

#[test]
fn scripts_of_handlers_need_scripts() {
    let source = script_handler("teller", "log('told');");
    let setup = Setup::new().set("/enable_jsvm", false).file("middleware/teller.js", source);
    let gateway = setup.api(closed(&["teller"])).start();
    gateway.get("/shop/secret").assert_error(403, "Requested endpoint is forbidden");
    gateway.wait_for_log(|line| message(line).contains("`enable_jsvm` is false"));
}
