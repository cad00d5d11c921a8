//! Starting, reloading and stopping: what is said about mistakes, and what a client notices of it all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{io::ErrorKind, net::TcpStream};

use gatehouse_tests::{
    Api, DEADLINE, Gate, Gateway, Reply, Request, Setup, Upstream, gateway::eventually, http1::Framing,
    log::message,
};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Log lines about a definition file that say an error.
fn errors_about(gateway: &Gateway, file: &str) -> Vec<Value> {
    let is_about =
        |line: &Value| line["level"] == "ERROR" && line["file"].as_str().unwrap_or("").contains(file);
    gateway.log_lines().into_iter().filter(is_about).collect()
}

/// A definition that answers with this text.
fn saying(name: &str, text: &str) -> Api {
    Api::new(name).endpoint("mock_response", json!({"path": "/", "method": "", "code": 200, "body": text}))
}

#[test]
fn mistakes_in_the_configuration_are_told_with_their_place() {
    let cases = [
        (
            "{\n  \"listen_port\": 70000,\n  \"app_path\": \"apps\"\n}",
            "gatehouse: tyk.conf:2:18: listen_port: expected a port between 0 and 65535, found 70000",
        ),
        (
            "{\n  \"listen_port\": \"eighty\",\n  \"enable_jsvm\": \"yes\",\n  \"app_path\": \"apps\"\n}",
            "gatehouse: tyk.conf:2:18: listen_port: expected a port between 0 and 65535, found \"eighty\"\n\
             tyk.conf:3:18: enable_jsvm: expected true or false, found \"yes\"",
        ),
        (
            "{\n  \"app_path\": \"nowhere\"\n}",
            "gatehouse: tyk.conf:2:15: app_path: expected an existing folder, found \"nowhere\" (no such file or directory)",
        ),
        (
            "{\n  \"app_path\": \"apps\",\n  \"gatehouse\": {\n    \"limits\": {\"max_in_fligth\": 1}\n  }\n}",
            "gatehouse: tyk.conf:4:16: gatehouse.limits.max_in_fligth: unknown key; did you mean \
             `gatehouse.limits.max_in_flight`?",
        ),
        (
            "{\n  \"app_path\": \"apps\",\n  \"http_server_options\": {\"use_ssl\": true}\n}",
            "gatehouse: tyk.conf:3:3: http_server_options.certificates: missing; `use_ssl` needs at least one certificate",
        ),
        (
            "{\n  \"app_path\": \"apps\",\n  \"storage\": {\"type\": \"mongo\"}\n}",
            "gatehouse: tyk.conf:3:23: storage.type: expected \"redis\", found \"mongo\"",
        ),
        ("{\n  \"listen_port\": 80,\n}", "gatehouse: tyk.conf:3:1: not valid JSON: trailing comma"),
        ("[]", "gatehouse: tyk.conf:1:1: not valid JSON: the file must hold one object in { }"),
    ];
    for (text, expected) in cases {
        let refused = Setup::new().conf_text(text).refused();
        assert!(refused.text.starts_with(expected), "{text}\n--- said\n{}", refused.text);
        assert_eq!(refused.code, Some(1));
    }
}

#[test]
fn a_port_that_is_taken_ends_the_start() {
    let upstream = Upstream::saying("here first");
    let port = upstream.address().port();
    let refused = Setup::new().set("/listen_port", port).refused();
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.text.contains(&format!("127.0.0.1:{port}")) && refused.text.contains("in use"),
        "{}",
        refused.text
    );
}

#[test]
fn certificates_that_are_none_end_the_start() {
    let refused = Setup::new()
        .file("tls/chain.pem", "no certificate")
        .set("/http_server_options/use_ssl", true)
        .set(
            "/http_server_options/certificates",
            json!([{"cert_file": "tls/chain.pem", "key_file": "tls/chain.pem"}]),
        )
        .refused();
    assert_eq!(refused.code, Some(1));
    assert!(refused.text.contains("http_server_options.certificates: tls/chain.pem"), "{}", refused.text);
}

#[test]
fn keys_without_effect_are_listed_once() {
    let gateway =
        Setup::new().set("/template_path", "templates").set("/listen_prot", 1).api(Api::new("api")).start();
    let listed: Vec<Value> = gateway
        .log_lines()
        .into_iter()
        .filter(|line| message(line).starts_with("settings without effect"))
        .collect();
    assert_eq!(listed.len(), 1, "{listed:?}");
    let said = message(&listed[0]);
    assert!(said.contains("template_path (line ") && said.contains("did you mean listen_port?"), "{said}");
}

#[test]
fn variables_override_the_file() {
    let gateway = Setup::new()
        .set("/health_check_endpoint_name", "of-the-file")
        .environment("TYK_GW_HEALTHCHECKENDPOINTNAME", "of-the-environment")
        .environment("TYK_GW_GATEHOUSE_SERVERHEADER", "somebody else")
        .environment("TYK_GW_USESENTRY", "true")
        .api(Api::new("api"))
        .start();
    let health = gateway.get("/of-the-environment");
    assert_eq!((health.status, health.header("server")), (200, "somebody else"));
    assert_eq!(gateway.get("/of-the-file").status, 404);
    let ignored =
        gateway.wait_for_log(|line| message(line).starts_with("environment variables without effect"));
    assert!(message(&ignored).contains("TYK_GW_USESENTRY"), "{ignored}");

    let refused = Setup::new().environment("TYK_GW_LISTENPORT", "eighty").refused();
    let expected =
        "gatehouse: TYK_GW_LISTENPORT: listen_port: expected a port between 0 and 65535, found \"eighty\"";
    assert_eq!((refused.code, refused.text.as_str()), (Some(1), expected));
}

#[test]
fn definitions_that_cannot_be_served_leave_the_others() {
    let broken = Api::new("broken").set("/proxy/target_url", "ftp://elsewhere/");
    let typed = Api::new("typed").set("/proxy/strip_listen_path", "yes");
    let pattern =
        Api::new("pattern").endpoint("mock_response", json!({"path": "/a(", "method": "GET", "code": 200}));
    let gateway = Setup::new()
        .api(saying("fine", "served"))
        .api(broken.clone())
        .api(typed.clone())
        .api(pattern.clone())
        .definition_text("malformed.json", "{\n  \"name\": \"malformed\",\n  \"api_id\": oops\n}")
        .definition_text("oas.json", "{\"openapi\": \"3.0.3\", \"paths\": {}}")
        .definition_text("notes.txt", "not a definition at all")
        .start();
    gateway.get("/fine/x").assert_text("served");
    for path in ["/broken/x", "/typed/x", "/pattern/x", "/malformed/x"] {
        assert_eq!(gateway.get(path).status, 404, "{path}");
    }
    // File, line and column of each field.
    let told = |file: &str, place: &str, field: &str, what: &str| {
        let lines = errors_about(&gateway, file);
        assert_eq!(lines.len(), 1, "{file}: {lines:?}");
        let at = lines[0]["file"].as_str().unwrap();
        assert!(at.ends_with(&format!("{file}{place}")), "{at} for {file}{place}");
        assert_eq!(lines[0]["field"], field);
        assert!(
            message(&lines[0]).starts_with("API not served: ") && message(&lines[0]).contains(what),
            "{}",
            lines[0]
        );
    };
    told(
        "broken.json",
        &format!(":{}", broken.place_of("target_url")),
        "proxy.target_url",
        "`ftp://elsewhere/`",
    );
    told(
        "typed.json",
        &format!(":{}", typed.place_of("strip_listen_path")),
        "proxy.strip_listen_path",
        "yes",
    );
    let field = "version_data.versions.Default.extended_paths.mock_response[0].path";
    told("pattern.json", &format!(":{}", pattern.place_of("path")), field, "`/a(` is not a pattern");
    told("malformed.json", "", "", "line 3 column 13");
    told("oas.json", "", "x-tyk-api-gateway", "is missing or not an object");
    assert!(errors_about(&gateway, "notes.txt").is_empty());
}

#[test]
fn protection_that_is_not_there_is_never_left_out() {
    let cases = [
        ("use_keyless", json!(false), "use_keyless"),
        ("enable_jwt", json!(true), "enable_jwt"),
        ("use_basic_auth", json!(true), "use_basic_auth"),
        ("use_oauth2", json!(true), "use_oauth2"),
        ("use_openid", json!(true), "use_openid"),
        ("enable_signature_checking", json!(true), "enable_signature_checking"),
        ("use_mutual_tls_auth", json!(true), "use_mutual_tls_auth"),
        ("enable_coprocess_auth", json!(true), "enable_coprocess_auth"),
        ("use_go_plugin_auth", json!(true), "use_go_plugin_auth"),
        ("custom_plugin_auth_enabled", json!(true), "custom_plugin_auth_enabled"),
        ("graphql", json!({"enabled": true}), "graphql.enabled"),
        ("auth", json!({"use_certificate": true}), "auth.use_certificate"),
        (
            "custom_middleware",
            json!({"pre": [{"name": "guard", "path": "middleware/guard.js"}]}),
            "custom_middleware.pre",
        ),
        (
            "custom_middleware",
            json!({"auth_check": {"name": "guard", "path": "guard.js"}}),
            "custom_middleware.auth_check",
        ),
    ];
    let name = |index: usize| format!("protected-{index}");
    let apis = cases
        .iter()
        .enumerate()
        .map(|(index, (key, value, _))| Api::new(&name(index)).set(&format!("/{key}"), value.clone()));
    let gateway = Setup::new().apis(apis).api(saying("open", "open")).start();
    gateway.get("/open/x").assert_text("open");
    for (index, (_, _, field)) in cases.iter().enumerate() {
        assert_eq!(gateway.get(&format!("/{}/x", name(index))).status, 404, "{field}");
        let lines = errors_about(&gateway, &format!("{}.json", name(index)));
        let fields: Vec<&str> = lines.iter().filter_map(|line| line["field"].as_str()).collect();
        assert!(fields.contains(field), "{field}: {lines:?}");
    }
}

#[test]
fn a_switched_off_hook_protects_nothing_and_is_served() {
    let api = saying("api", "fine")
        .set("/custom_middleware", json!({"pre": [{"name": "x", "path": "y", "disabled": true}]}));
    Gateway::serving([api]).get("/api/x").assert_text("fine");
}

#[test]
fn unknown_fields_are_one_warning_for_each_api() {
    let api = |name: &str| {
        saying(name, name).set("/made_up", 1).set("/proxy/made_up_too", "x").set("/empty", json!({"a": []}))
    };
    let gateway = Gateway::serving([api("one"), api("two")]);
    gateway.get("/one/x").assert_text("one");
    for file in ["one.json", "two.json"] {
        let is_about =
            |line: &&Value| line["level"] == "WARN" && line["file"].as_str().unwrap_or("").contains(file);
        let lines = gateway.log_lines();
        let warnings: Vec<&Value> = lines.iter().filter(is_about).collect();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(message(warnings[0]).contains("made_up, proxy.made_up_too"), "{warnings:?}");
    }
}

#[test]
fn of_two_apis_on_one_listen_path_the_first_is_served() {
    let gateway =
        Gateway::serving([saying("a", "first").listen("/same/"), saying("b", "second").listen("/same/")]);
    gateway.get("/same/x").assert_text("first");
    let lines = errors_about(&gateway, "b.json");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["field"], "proxy.listen_path");
    assert!(message(&lines[0]).contains("apps/a.json"), "{}", lines[0]);
}

#[test]
fn of_two_apis_with_one_id_the_first_is_served() {
    let gateway = Gateway::serving([saying("a", "first"), saying("b", "second").set("/api_id", "a")]);
    gateway.get("/a/x").assert_text("first");
    assert_eq!(gateway.get("/b/x").status, 404);
    let lines = errors_about(&gateway, "b.json");
    assert_eq!((lines.len(), &lines[0]["field"]), (1, &json!("api_id")), "{lines:?}");
}

#[test]
fn an_inactive_api_is_not_served_and_no_mistake() {
    let gateway = Gateway::serving([saying("off", "off").set("/active", false), saying("on", "on")]);
    assert_eq!(gateway.get("/off/x").status, 404);
    gateway.get("/on/x").assert_text("on");
    assert!(errors_about(&gateway, "off.json").is_empty());
}

#[test]
fn hello_tells_how_it_is() {
    let gateway = Gateway::serving([Api::new("one"), Api::new("two"), Api::new("off").set("/active", false)]);
    let hello = gateway.get("/hello");
    assert_eq!((hello.status, hello.header("content-type")), (200, "application/json"));
    let said = hello.json();
    assert_eq!((&said["status"], &said["details"]["apis"]["observedValue"]), (&json!("pass"), &json!(2)));
    assert!(said["version"].as_str().unwrap().contains(env!("CARGO_PKG_VERSION")), "{said}");
    assert_eq!(gateway.send(Request::post("/hello", "")).status, 405);
    assert_eq!(gateway.send(Request::new("HEAD", "/hello")).status, 200);
}

#[test]
fn a_gateway_without_definitions_runs() {
    let gateway = Setup::new().start();
    assert_eq!(gateway.get("/hello").json()["details"]["apis"]["observedValue"], 0);
    assert_eq!(gateway.get("/x").status, 404);
}

#[test]
fn the_access_log_has_a_line_for_each_request() {
    let gateway = Setup::new().set("/gatehouse/access_log", true).api(saying("api", "x")).start();
    gateway.get("/api/some/path?secret=1").assert_text("x");
    let line = gateway.wait_for_log(|line| line["path"] == "/api/some/path");
    assert_eq!(
        (&line["method"], &line["status"], &line["api_id"]),
        (&json!("GET"), &json!(200), &json!("api"))
    );
    assert!(!line.to_string().contains("secret"), "queries may hold what a log must not: {line}");
}

#[test]
fn sighup_reloads_the_definitions() {
    let gateway = Gateway::serving([saying("changed", "before"), saying("removed", "here")]);
    gateway.get("/changed/x").assert_text("before");
    gateway.write_api(&saying("changed", "after"));
    gateway.write_api(&saying("added", "new"));
    gateway.remove("apps/removed.json");
    gateway.get("/changed/x").assert_text("before");
    gateway.reload();
    gateway.get("/changed/x").assert_text("after");
    gateway.get("/added/x").assert_text("new");
    assert_eq!(gateway.get("/removed/x").status, 404);
}

#[test]
fn a_reload_takes_new_scripts() {
    let setup = Setup::new()
        .file("middleware/a.js", "function go() { return TykJsResponse({Body: 'before', Code: 200}, {}); }");
    let gateway = setup.api(Api::new("api").script_file("GET", "/ve", "go", "middleware/a.js")).start();
    gateway.get("/api/ve").assert_text("before");
    gateway
        .write("middleware/a.js", "function go() { return TykJsResponse({Body: 'after', Code: 200}, {}); }");
    gateway.reload();
    gateway.get("/api/ve").assert_text("after");
}

#[test]
fn a_reload_loses_no_request() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("by the old one"));
    let gateway = Gateway::serving([Api::new("api").target(&upstream)]);
    let held = gateway.start(Request::get("/api/x"));
    upstream.wait_for_in_progress(1);
    gateway.write_api(&saying("api", "by the new one"));
    gateway.reload();
    gateway.get("/api/x").assert_text("by the new one");
    gate.open();
    held.answer().assert_text("by the old one");
}

#[test]
fn a_definition_that_breaks_on_reload_takes_down_that_api_only() {
    let gateway = Gateway::serving([saying("one", "one"), saying("two", "two")]);
    gateway.write("apps/one.json", "{ not JSON");
    gateway.reload();
    assert_eq!(gateway.get("/one/x").status, 404);
    gateway.get("/two/x").assert_text("two");
    assert_eq!(errors_about(&gateway, "one.json").len(), 1);
}

#[test]
fn reloads_under_load_lose_nothing() {
    let gateway = Gateway::serving([saying("api", "fine")]);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|_| {
                let client = gateway.client();
                scope.spawn(move || {
                    let requests = (0..300).map(|_| Request::get("/api/x")).collect();
                    client.send_in_turn(requests).iter().for_each(|answer| answer.assert_text("fine"));
                })
            })
            .collect();
        while clients.iter().any(|client| !client.is_finished()) {
            gateway.reload();
        }
    });
}

#[test]
fn sigterm_lets_requests_end_and_takes_no_new_ones() {
    let gate = Gate::new();
    let end = gate.clone();
    let upstream = Upstream::conversing(move |conversation| {
        conversation.request()?;
        conversation.write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 10\r\n\r\nfirst")?;
        end.pass();
        conversation.write("later")
    });
    let gateway = Gateway::serving([Api::new("api").target(&upstream)]);
    let mut idle = gateway.raw();
    idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.answer().status, 200);
    let mut client = gateway.raw();
    client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.answer_head();
    let mut framing = head.framing(true);
    assert_eq!((framing, client.piece(&mut framing).unwrap()), (Framing::Length(10), b"first".to_vec()));

    gateway.signal(Signal::TERM);
    // The idle connection goes at once, and nobody else gets in.
    idle.expect_closed();
    let is_refused = || match TcpStream::connect_timeout(&gateway.address(), DEADLINE) {
        Err(error) => error.kind() == ErrorKind::ConnectionRefused,
        // Taken into a backlog that nobody serves any more: the client would wait for nothing.
        Ok(_) => false,
    };
    eventually("refused connections", || is_refused().then_some(()));
    gate.open();
    assert_eq!(client.piece(&mut framing).unwrap(), b"later");
    client.expect_closed();
    let stopped = gateway.ended();
    assert_eq!(stopped.status.code(), Some(0), "{:?}", stopped.lines);
}

#[test]
fn sigint_stops_too() {
    let gateway = Gateway::serving([Api::new("api")]);
    gateway.signal(Signal::INT);
    assert_eq!(gateway.ended().status.code(), Some(0));
}

#[test]
fn a_drain_has_its_time() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("never seen"));
    let gateway = Setup::new()
        .set("/gatehouse/limits/drain_timeout_ms", 200)
        .api(Api::new("api").target(&upstream))
        .start();
    let held = gateway.start(Request::get("/api/x"));
    upstream.wait_for_in_progress(1);
    let stopped = gateway.stop();
    assert_eq!(stopped.status.code(), Some(0));
    assert!(stopped.lines.iter().any(|line| message(line).contains("drain time-out")), "{:?}", stopped.lines);
    assert!(held.outcome().is_err());
    gate.open();
}

#[test]
fn a_second_signal_ends_a_drain() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("never seen"));
    let gateway = Gateway::serving([Api::new("api").target(&upstream)]);
    let _held = gateway.start(Request::get("/api/x"));
    upstream.wait_for_in_progress(1);
    gateway.signal(Signal::TERM);
    gateway.wait_for_log(|line| message(line).starts_with("stopping"));
    // Signals right after the first count as the same one, so that a group's copy of it does not cut the drain short.
    eventually("a second signal to count", || {
        gateway.signal(Signal::TERM);
        gateway.log_lines().iter().any(|line| message(line) == "stopping at once").then_some(())
    });
    assert!(gateway.ended().status.code().is_some());
    gate.open();
}

#[test]
fn an_upgraded_connection_does_not_hold_up_a_stop() {
    let upstream = Upstream::conversing(|conversation| {
        conversation.request()?;
        conversation
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")?;
        conversation.rest().map(drop)
    });
    let gateway = Gateway::serving([Api::new("api").target(&upstream)]);
    let mut client = gateway.raw();
    client.send("GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(client.answer_head().status(), 101);
    assert_eq!(gateway.stop().status.code(), Some(0));
    client.expect_closed();
}
