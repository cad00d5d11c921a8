//! Metrics of the real gateway, as Prometheus reads them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::{SocketAddr, TcpListener};

use gatehouse_tests::{
    Answer, Api, Client, Gate, Gateway, Reply, Request, Setup, Upstream, client::runtime, log::message,
};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

fn publishing() -> Setup {
    Setup::new().set("/gatehouse/metrics/listen", "127.0.0.1:0")
}

fn is_publishing(line: &Value) -> bool {
    message(line) == "publishing metrics"
}

/// The listener for metrics of a running gateway.
fn listener(gateway: &Gateway) -> Client {
    let line = gateway.wait_for_log(is_publishing);
    assert_eq!(line["path"], "/metrics");
    Client::http1(line["address"].as_str().unwrap().parse().unwrap())
}

fn read(client: &Client) -> Answer {
    let answer = client.send(Request::get("/metrics"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

/// The value of a series; `None` when it is not there.
fn value(answer: &Answer, series: &str) -> Option<f64> {
    let text = answer.text();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

#[track_caller]
fn assert_values(answer: &Answer, expected: &[(&str, f64)]) {
    for (series, expected) in expected {
        assert_eq!(value(answer, series), Some(*expected), "{series} in\n{}", answer.text());
    }
}

const SCRIPT: &str = "if (request.Params.fail) { throw new Error('as asked'); }\n\
                      return TykJsResponse({Body: 'fine', Code: 201}, {});";

#[test]
fn what_happens_is_counted_and_a_reload_takes_nothing_back() {
    let upstream = Upstream::echo();
    let shop = Api::new("shop")
        .target(&upstream)
        .virtual_endpoint("GET", "/script", SCRIPT)
        .plugin("GET", "/fragile", "hello", "fragile")
        .plugin_with("GET", "/reports", "policy", "by_plan", json!({"plans": ["gold"]}));
    // Its upstream is not there.
    let gateway = publishing().apis([shop, Api::new("gone")]).start();
    let metrics = listener(&gateway);
    assert_values(
        &read(&metrics),
        &[
            (r#"gatehouse_requests_total{api_id="shop",status_class="2xx"}"#, 0.0),
            (r#"gatehouse_script_failures_total{api_id="shop",class="exception"}"#, 0.0),
            ("gatehouse_apis_served", 2.0),
            ("gatehouse_ready", 1.0),
            ("gatehouse_plugins_loaded", 2.0),
            ("gatehouse_definitions_refused", 0.0),
            (concat!(r#"gatehouse_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""}"#), 1.0),
        ],
    );

    let status = |path: &str| gateway.get(path).status;
    assert_eq!(["/shop/a", "/shop/b", "/shop/script"].map(status), [200, 200, 201]);
    assert_eq!(["/shop/script?fail=1", "/shop/fragile?0", "/shop/reports"].map(status), [500, 500, 403]);
    assert_eq!(["/nowhere", "/gone/", "/hello"].map(status), [404, 500, 200]);

    let panicked = r#"gatehouse_plugin_failures_total{api_id="shop",function="fragile",plugin="libhello.so",reason="panic"}"#;
    let counted = [
        (r#"gatehouse_requests_total{api_id="shop",status_class="2xx"}"#, 3.0),
        (r#"gatehouse_requests_total{api_id="shop",status_class="4xx"}"#, 1.0),
        (r#"gatehouse_requests_total{api_id="shop",status_class="5xx"}"#, 2.0),
        (r#"gatehouse_request_duration_seconds_count{api_id="shop"}"#, 6.0),
        (r#"gatehouse_request_duration_seconds_bucket{api_id="shop",le="+Inf"}"#, 6.0),
        (r#"gatehouse_script_failures_total{api_id="shop",class="exception"}"#, 1.0),
        (panicked, 1.0),
        (r#"gatehouse_upstream_failures_total{api_id="gone",kind="connect"}"#, 1.0),
        (r#"gatehouse_upstream_failures_total{api_id="shop",kind="connect"}"#, 0.0),
        (r#"gatehouse_unserved_requests_total{reason="no_route"}"#, 1.0),
        (r#"policy_decisions_total{plan="none"}"#, 1.0),
        ("gatehouse_plugin_series", 1.0),
    ];
    let before = read(&metrics);
    assert_values(&before, &counted);
    assert!(value(&before, r#"gatehouse_request_duration_seconds_sum{api_id="shop"}"#).unwrap() > 0.0);
    assert_values(&before, &[(r#"gatehouse_reloads_total{outcome="success"}"#, 0.0)]);

    gateway.remove("apps/gone.json");
    gateway.write("apps/wrong.json", "{");
    gateway.reload();
    let after = read(&metrics);
    assert_values(&after, &counted);
    assert_values(
        &after,
        &[
            (r#"gatehouse_reloads_total{outcome="success"}"#, 1.0),
            ("gatehouse_apis_served", 1.0),
            ("gatehouse_definitions_refused", 1.0),
        ],
    );
    assert_eq!([status("/shop/a"), status("/shop/reports")], [200, 403]);
    assert_values(
        &read(&metrics),
        &[
            (r#"gatehouse_requests_total{api_id="shop",status_class="2xx"}"#, 4.0),
            (r#"policy_decisions_total{plan="none"}"#, 2.0),
        ],
    );
}

#[test]
fn a_plugin_that_is_not_there_is_counted() {
    let missing =
        json!({"path": "/a", "method": "GET", "plugin_path": "plugins/missing.so", "func_name": "f"});
    let missing = Api::new("shop").endpoint("rust_plugin", missing);
    let gateway = publishing().api(missing).start();
    assert_eq!(gateway.get("/shop/a").status, 500);
    let failures = r#"gatehouse_plugin_failures_total{api_id="shop",function="f",plugin="missing.so",reason="not_loaded"}"#;
    assert_values(&read(&listener(&gateway)), &[(failures, 1.0), ("gatehouse_plugin_functions_failed", 1.0)]);
}

#[test]
fn a_request_is_in_flight_until_it_is_answered() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("late"));
    let gateway = publishing().api(Api::new("slow").target(&upstream)).start();
    let metrics = listener(&gateway);
    let pending = gateway.start(Request::get("/slow/"));
    upstream.wait_for_in_progress(1);
    assert_values(
        &read(&metrics),
        &[
            ("gatehouse_requests_in_flight", 1.0),
            (r#"gatehouse_requests_total{api_id="slow",status_class="2xx"}"#, 0.0),
        ],
    );
    gate.open();
    pending.answer().assert_text("late");
    assert_values(&read(&metrics), &[(r#"gatehouse_requests_total{api_id="slow",status_class="2xx"}"#, 1.0)]);
}

#[test]
fn only_metrics_are_there_and_only_to_read() {
    let gateway = publishing().api(Api::new("shop")).start();
    let metrics = listener(&gateway);
    assert_eq!(read(&metrics).header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let head = metrics.send(Request::new("HEAD", "/metrics"));
    assert_eq!((head.status, &*head.text()), (200, ""));
    for path in ["/", "/hello", "/shop/", "/metrics/"] {
        assert_eq!(metrics.send(Request::get(path)).status, 404, "{path}");
    }
    let refused = metrics.send(Request::post("/metrics", "x"));
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, HEAD"));
    // Nor are they where clients are.
    assert_eq!(gateway.get("/metrics").status, 404);
}

#[test]
fn without_the_setting_nothing_is_published() {
    let gateway = Gateway::serving([Api::new("shop")]);
    assert!(!gateway.log_lines().iter().any(is_publishing));
}

#[test]
fn an_address_that_is_taken_ends_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = Setup::new().set("/gatehouse/metrics/listen", address.as_str()).refused();
    assert_eq!(refused.code, Some(1));
    let expected = format!("gatehouse.metrics.listen: {address}: Address already in use");
    assert!(refused.text.contains(&expected), "{}", refused.text);
}

/// An address that nobody else gets, and that a listener with `SO_REUSEADDR` can have.
fn reserved() -> (TcpSocket, SocketAddr) {
    let _runtime = runtime().enter();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn a_new_worker_publishes_at_the_same_address() {
    let (_reserved, address) = reserved();
    let gateway = Setup::new()
        .set("/gatehouse/metrics/listen", address.to_string())
        .api(Api::new("shop").plugin("GET", "/abort", "crashing", "abort"))
        .start();
    let metrics = listener(&gateway);
    gateway.get("/shop/other");
    let failed = r#"gatehouse_requests_total{api_id="shop",status_class="5xx"}"#;
    assert_values(&read(&metrics), &[(failed, 1.0)]);
    assert!(gateway.start(Request::get("/shop/abort")).outcome().is_err());
    gateway.wait_for_log_count(2, is_publishing);
    gateway.wait_for_log(|line| message(line) == "a new worker is serving");
    // A process of its own counts from the beginning.
    assert_values(&read(&metrics), &[(failed, 0.0)]);
}
