//! Who gets to the admin API, and where it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{
    Api, Request, Setup,
    admin::{HEADER, SECRET, at, free_port, setup},
    log::message,
};
use serde_json::{Value, json};

const DENIED: &str = "Attempted administrative access with invalid or missing key!";

fn saying(name: &str, text: &str) -> Api {
    Api::new(name).endpoint("mock_response", json!({"path": "/", "method": "", "code": 200, "body": text}))
}

#[test]
fn nothing_is_told_or_done_without_the_secret() {
    let gateway = setup().api(saying("shop", "open")).start();
    let denied = json!({"status": "error", "message": DENIED});
    for (method, path) in [
        ("GET", "/tyk/apis"),
        ("POST", "/tyk/apis"),
        ("DELETE", "/tyk/apis/shop"),
        ("GET", "/tyk/reload/"),
        ("GET", "/tyk/schema/admin"),
        ("GET", "/tyk/gatehouse/status"),
        ("GET", "/tyk/nowhere"),
        ("BREW", "/tyk/apis"),
    ] {
        gateway.send(Request::new(method, path).body("{}")).assert_json(403, &denied);
        for wrong in ["", "Sesame", "sesame1", "sesam", "Bearer sesame"] {
            gateway.send(Request::new(method, path).header(HEADER, wrong)).assert_json(403, &denied);
        }
        // The right one in the wrong place.
        gateway.send(Request::new(method, path).header("authorization", SECRET)).assert_json(403, &denied);
    }
    assert!(gateway.folder().join("apps/shop.json").exists());
    assert!(!gateway.log_lines().iter().any(|line| message(line) == "reloaded"));
    let denied = |line: &Value| line["target"] == "gatehouse::audit" && line["status"] == 403;
    let line = gateway.wait_for_log(denied);
    assert!(line["client"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    assert!(!gateway.log_lines().iter().any(|line| line.to_string().contains(SECRET)));
    gateway.get("/shop/").assert_text("open");
}

#[test]
fn what_is_not_there_is_said_with_the_secret() {
    let gateway = setup().start();
    gateway.admin_get("/tyk/nowhere").assert_refused(404, "/tyk/schema/admin");
    gateway.admin_get("/tyk/").assert_refused(404, "/tyk/schema/admin");
    let answer = gateway.admin("PATCH", "/tyk/apis", "{}");
    answer.assert_json(405, &json!({"status": "error", "message": "Method not supported"}));
    assert_eq!(answer.header("allow"), "GET, POST, HEAD");
    let head = gateway.admin("HEAD", "/tyk/apis", "");
    assert_eq!((head.status, head.text().as_str()), (200, ""));
}

#[test]
fn an_empty_secret_on_this_machine_means_no_admin_api() {
    let gateway = Setup::new().api(saying("shop", "open")).start();
    for secret in ["", SECRET] {
        let answer = gateway.send(Request::get("/tyk/apis").header(HEADER, secret));
        answer.assert_refused(403, "The admin API is off");
    }
    gateway.get("/shop/").assert_text("open");
    let off = setup().set("/gatehouse/admin/enabled", false).start();
    off.admin_get("/tyk/apis").assert_refused(403, "The admin API is off");
}

#[test]
fn a_gateway_that_others_can_reach_does_not_start_with_a_secret_that_is_none() {
    let example = "352d20ee67be67f6340b4c0605b044b7";
    for setup in [
        Setup::new().set("/listen_address", "0.0.0.0"),
        Setup::new().without("listen_address"),
        Setup::new().set("/listen_address", "0.0.0.0").set("/secret", ""),
        Setup::new().set("/listen_address", "0.0.0.0").set("/secret", example),
        Setup::new()
            .set("/listen_address", "0.0.0.0")
            .set("/control_api_port", free_port())
            .set("/secret", example),
        Setup::new().set("/control_api_port", free_port()).set("/gatehouse/admin/listen_address", "0.0.0.0"),
        Setup::new().set("/listen_address", "0.0.0.0").environment("TYK_GW_SECRET", example),
    ] {
        let refused = setup.refused();
        assert_eq!(refused.code, Some(1), "{}", refused.text);
        assert!(
            refused.text.contains("secret: the admin API can be reached from other machines"),
            "{}",
            refused.text
        );
        assert!(refused.text.contains("gatehouse.admin.enabled"), "no remedy in {}", refused.text);
        assert!(!refused.text.contains(example), "{}", refused.text);
    }
}

#[test]
fn a_gateway_that_others_can_reach_starts_where_the_admin_api_is_safe() {
    let public = || Setup::new().set("/listen_address", "0.0.0.0").api(saying("shop", "open"));
    for setup in [
        public().set("/secret", SECRET),
        public().environment("TYK_GW_SECRET", SECRET),
        public().set("/gatehouse/admin/enabled", false),
        public().set("/control_api_port", free_port()).set("/gatehouse/admin/listen_address", "127.0.0.1"),
    ] {
        let gateway = setup.start();
        at(gateway.address().port()).send(Request::get("/shop/")).assert_text("open");
    }
}

#[test]
fn with_a_port_of_its_own_it_is_only_there() {
    let port = free_port();
    let gateway = setup()
        .set("/control_api_port", port)
        .apis([saying("shop", "open"), saying("tyk", "an API")])
        .start();
    let control = at(port);
    let ask = |path: &str| control.send(Request::get(path).with_secret());
    assert_eq!(ask("/tyk/apis").json().as_array().unwrap().len(), 2);
    assert_eq!(ask("/hello").status, 200);
    assert_eq!(ask("/ready").status, 200);
    ask("/shop/").assert_refused(404, "There is nothing here");
    control.send(Request::get("/shop/")).assert_refused(403, DENIED);
    control.send(Request::get("/tyk/apis")).assert_refused(403, DENIED);
    // On the main port the path belongs to the APIs, with or without a secret.
    assert_eq!(gateway.admin_get("/tyk/apis").text(), "an API");
    gateway.get("/shop/").assert_text("open");
    assert_eq!(gateway.get("/hello").status, 200);
    // It stops with the rest.
    assert!(gateway.stop().status.success());
    assert!(control.start(Request::get("/hello")).outcome().is_err());
}

#[test]
fn a_control_port_that_is_taken_ends_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = setup().set("/control_api_port", port).refused();
    assert!(refused.text.contains("control_api_port") && refused.text.contains("in use"), "{}", refused.text);
}

#[test]
fn bodies_are_bounded() {
    let gateway = setup().set("/gatehouse/admin/max_body_bytes", 2048).start();
    let large = Api::new("large").set("/config_data", "x".repeat(4096)).text();
    let answer = gateway.admin("POST", "/tyk/apis", large.clone());
    answer.assert_refused(413, "2048 bytes (gatehouse.admin.max_body_bytes)");
    // The same in pieces, so that its size is not announced.
    let chunked = format!(
        "POST /tyk/apis HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    let mut connection = gateway.raw();
    connection.send(chunked.as_bytes());
    assert_eq!(connection.answer_head().status(), 413);
    assert!(!gateway.folder().join("apps/large.json").exists());
    gateway.admin("POST", "/tyk/apis", Api::new("small").text()).assert_changed("small", "added");
}

#[test]
fn every_operation_of_the_document_is_there() {
    let gateway = setup().start();
    let document = gateway.admin_get("/tyk/schema/admin").json();
    assert_eq!(document["openapi"], "3.0.3");
    let paths = document["paths"].as_object().unwrap();
    let mut count = 0;
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let path = path.replace('{', "no-").replace('}', "");
            let method = method.to_uppercase();
            let answer = gateway.admin(&method, &path, "not JSON");
            let text = answer.text();
            assert!(
                answer.status != 405 && !text.contains("There is nothing here"),
                "{method} {path}: {text}"
            );
            assert!(answer.status < 500, "{method} {path}: {text}");
            count += 1;
        }
    }
    assert!(count > 12, "{count}");
}
