//! What a call of a script may use: given by the gateway, an API or an endpoint, with a reason of its own for each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::time::{Duration, Instant};

use gatehouse_tests::{Api, Client, Gateway, Request, Setup, Upstream, conformance::DRIVERS, log::message};
use serde_json::{Value, json};

/// One thing that is bounded.
struct Bound {
    /// Path, and the error class of what goes over it.
    reason: &'static str,
    /// Goes over the bound below, not over the gateway's own default.
    body: &'static str,
    /// The key in a definition and, but for the time, in the settings.
    key: &'static str,
    value: f64,
}

const BOUNDS: [Bound; 4] = [
    Bound {
        reason: "timeout",
        body: "var until = Date.now() + 1600; while (Date.now() < until) {}",
        key: "timeout",
        value: 1.0,
    },
    Bound {
        reason: "memory",
        // A process keeps up to 24 MB of earlier calls and has 8 MB for itself, so it is these over its bound that are certain.
        body: "var all = []; for (var i = 0; i < 48; i++) { all.push(new Uint8Array(1 << 20)); }",
        key: "max_memory_bytes",
        value: (8 << 20) as f64,
    },
    Bound {
        reason: "calls",
        body: "for (var i = 0; i < 3; i++) {
                 try { TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: 'http://127.0.0.1:1'})); } catch (e) {}
               }",
        key: "max_outbound_calls",
        value: 2.0,
    },
    Bound {
        reason: "output",
        body: "return TykJsResponse({Body: 'x'.repeat(100000), Code: 200}, {});",
        key: "max_response_bytes",
        value: 65536.0,
    },
];

fn number(value: f64) -> Value {
    if value.fract() == 0.0 { json!(value as u64) } else { json!(value) }
}

/// An API with an endpoint for each bound; `bounded` may put the bound on its endpoint.
fn api(name: &str, driver: &str, on_endpoints: bool) -> Api {
    let mut api = Api::new(name).set("/custom_middleware/driver", driver);
    for bound in &BOUNDS {
        let body = format!("{}\nreturn TykJsResponse({{Body: 'done', Code: 200}}, {{}});", bound.body);
        api = api.virtual_endpoint("GET", &format!("/{}", bound.reason), &body);
        if on_endpoints {
            api = api.last_script("gatehouse", json!({"javascript": {bound.key: number(bound.value)}}));
        }
    }
    api
}

fn bounds_of_all() -> Value {
    let bounds = BOUNDS.iter().map(|bound| (bound.key.to_owned(), number(bound.value)));
    json!({"javascript": Value::Object(bounds.collect())})
}

fn metrics(gateway: &Gateway) -> String {
    let line = gateway.wait_for_log(|line| message(line) == "publishing metrics");
    Client::http1(line["address"].as_str().unwrap().parse().unwrap()).send(Request::get("/metrics")).text()
}

/// Each reason ends its call, and is in the log and in the metrics.
#[track_caller]
fn assert_bounded(gateway: &Gateway, name: &str) {
    for bound in &BOUNDS {
        let reason = bound.reason;
        let begun = Instant::now();
        let answer = gateway.get(&format!("/{name}/{reason}"));
        assert_eq!(answer.status, 500, "{name} {reason}: {}", answer.text());
        assert!(begun.elapsed() < Duration::from_secs(10), "{name} {reason}");
        let line =
            gateway.wait_for_log(|line| line["api_id"] == name && line["endpoint"] == format!("/{reason}"));
        assert_eq!(line["class"], reason, "{line}");
        let series = format!("gatehouse_script_failures_total{{api_id=\"{name}\",class=\"{reason}\"}} 1\n");
        let metrics = metrics(gateway);
        assert!(metrics.contains(&series), "no {series} in\n{metrics}");
    }
}

#[test]
fn each_budget_holds_at_each_level() {
    let mut of_gateway = Setup::new().set("/gatehouse/metrics/listen", "127.0.0.1:0").set("/jsvm_timeout", 1);
    for bound in BOUNDS.iter().filter(|bound| bound.reason != "timeout") {
        of_gateway = of_gateway.set(&format!("/gatehouse/javascript/{}", bound.key), number(bound.value));
    }
    let of_gateway = of_gateway.apis(DRIVERS.map(|driver| api(driver, driver, false))).start();
    let apis = DRIVERS.iter().flat_map(|driver| {
        [
            api(&format!("{driver}-free"), driver, false),
            api(&format!("{driver}-api"), driver, false).set("/gatehouse", bounds_of_all()),
            api(&format!("{driver}-endpoint"), driver, true),
        ]
    });
    let of_others = Setup::new()
        .set("/gatehouse/metrics/listen", "127.0.0.1:0")
        .set("/gatehouse/javascript/max_memory_bytes", 64 << 20)
        .apis(apis)
        .start();
    for driver in DRIVERS {
        assert_bounded(&of_gateway, driver);
        assert_bounded(&of_others, &format!("{driver}-api"));
        assert_bounded(&of_others, &format!("{driver}-endpoint"));
        // None of it is too much for what the gateway gives by itself.
        for bound in &BOUNDS {
            let answer = of_others.get(&format!("/{driver}-free/{}", bound.reason));
            assert_eq!(answer.status, 200, "{driver} {}: {}", bound.reason, answer.text());
        }
    }
}

#[test]
fn an_endpoint_may_have_more_than_its_api_and_the_gateway() {
    let body = "var all = []; for (var i = 0; i < 48; i++) { all.push(new Uint8Array(1 << 20)); }
                return TykJsResponse({Body: 'done', Code: 200}, {});";
    let apis = DRIVERS.map(|driver| {
        Api::new(driver)
            .set("/custom_middleware/driver", driver)
            .set("/gatehouse/javascript/max_memory_bytes", 8 << 20)
            .virtual_endpoint("GET", "/less", body)
            .virtual_endpoint("GET", "/more", body)
            .last_script("gatehouse", json!({"javascript": {"max_memory_bytes": 96 << 20}}))
    });
    let gateway = Gateway::serving(apis);
    for driver in DRIVERS {
        gateway.get(&format!("/{driver}/more")).assert_text("done");
        assert_eq!(gateway.get(&format!("/{driver}/less")).status, 500);
        gateway.get(&format!("/{driver}/more")).assert_text("done");
    }
}

#[test]
fn what_goes_over_its_budget_may_go_to_the_upstream() {
    let upstream = Upstream::saying("from upstream");
    let apis = DRIVERS.map(|driver| {
        let mut api = Api::new(driver).set("/custom_middleware/driver", driver).target(&upstream);
        for bound in &BOUNDS {
            api = api.virtual_endpoint("GET", &format!("/{}", bound.reason), bound.body);
            api = api.last_script("gatehouse", json!({"javascript": {bound.key: number(bound.value)}}));
            api = api.last_script("proxy_on_error", true);
        }
        api
    });
    let gateway = Gateway::serving(apis);
    for driver in DRIVERS {
        for bound in &BOUNDS {
            gateway.get(&format!("/{driver}/{}", bound.reason)).assert_text("from upstream");
        }
    }
}

#[test]
fn time_in_host_calls_counts() {
    // Accepts connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let body = format!(
        "for (;;) {{ try {{ TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: 'http://{}'}})); }} catch (e) {{}} }}",
        silent.local_addr().unwrap()
    );
    let apis = DRIVERS.map(|driver| {
        let api =
            Api::new(driver).set("/custom_middleware/driver", driver).virtual_endpoint("GET", "/slow", &body);
        api.last_script("gatehouse", json!({"javascript": {"timeout": 0.3}}))
    });
    let gateway = Gateway::serving(apis);
    for driver in DRIVERS {
        let begun = Instant::now();
        assert_eq!(gateway.get(&format!("/{driver}/slow")).status, 500);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let line = gateway.wait_for_log(|line| line["api_id"] == driver && line["endpoint"] == "/slow");
        assert_eq!(line["class"], "timeout", "{line}");
        assert!(message(&line).contains("did not end within 300 ms"), "{line}");
    }
}

#[test]
fn a_budget_out_of_range_names_its_place() {
    let api = Api::new("api").virtual_endpoint("GET", "/a", "return '';");
    let api = api.last_script("gatehouse", json!({"javascript": {"max_memory_bytes": 5}}));
    let gateway = Gateway::serving([api]);
    let field =
        "version_data.versions.Default.extended_paths.virtual[0].gatehouse.javascript.max_memory_bytes";
    gateway.wait_for_log(|line| line.to_string().contains(field));
    assert_eq!(gateway.get("/api/a").status, 404);
}
