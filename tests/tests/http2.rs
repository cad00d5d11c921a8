//! HTTP/2 in front of the gateway and behind it, and TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::HashSet;

use gatehouse_tests::{
    Api, Client, Gate, Gateway, Reply, Request, Setup, Upstream, certificate::Certificate,
    h2_upstream::H2Upstream, upstream::echo_of,
};
use http::Version;
use serde_json::json;

fn proxy_to(upstream: &Upstream) -> Gateway {
    Gateway::serving([Api::new("api").target(upstream)])
}

/// A gateway that serves TLS with this certificate.
fn with_tls(certificate: &Certificate, api: Api) -> Gateway {
    Setup::new()
        .file("tls/chain.pem", &certificate.chain_pem)
        .file("tls/key.pem", &certificate.key_pem)
        .set("/http_server_options/use_ssl", true)
        .set(
            "/http_server_options/certificates",
            json!([{"domain_name": "", "cert_file": "tls/chain.pem", "key_file": "tls/key.pem"}]),
        )
        .api(api)
        .start()
}

#[test]
fn http2_with_prior_knowledge_is_understood() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let request = Request::post("/api/a%2Fb?q=1", "over http/2")
        .host("api.example")
        .header("X-One", "1")
        .header("X-One", "2");
    let answer = Client::http2(gateway.address()).send(request);
    assert_eq!((answer.status, answer.version), (200, Version::HTTP_2));
    let echo = answer.json();
    assert_eq!(
        (&echo["path"], &echo["query"], &echo["body"]),
        (&json!("/a%2Fb"), &json!("q=1"), &json!("over http/2"))
    );
    let headers = &echo["headers"];
    assert_eq!(headers["host"], json!([upstream.address().to_string()]));
    assert_eq!(headers["x-forwarded-host"], json!(["api.example"]));
    assert_eq!(headers["x-forwarded-for"], json!(["127.0.0.1"]));
    assert_eq!(headers["x-one"], json!(["1", "2"]));
}

#[test]
fn cookies_that_http2_split_are_one_header_again() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let request = Request::get("/api/x").header("cookie", "a=1").header("cookie", "b=2");
    let echo = Client::http2(gateway.address()).send(request).json();
    assert_eq!(echo["headers"]["cookie"], json!(["a=1; b=2"]));
}

#[test]
fn the_host_of_an_http2_request_is_preserved_where_asked() {
    let upstream = Upstream::echo();
    let gateway =
        Gateway::serving([Api::new("api").target(&upstream).set("/proxy/preserve_host_header", true)]);
    let echo = Client::http2(gateway.address()).send(Request::get("/api/x").host("api.example:81")).json();
    assert_eq!(echo["headers"]["host"], json!(["api.example:81"]));
}

#[test]
fn many_streams_are_served_at_the_same_time() {
    let gate = Gate::new();
    let held = gate.clone();
    let upstream = Upstream::answering(move |request| {
        held.pass();
        Reply::json(&echo_of(request))
    });
    let gateway = proxy_to(&upstream);
    const STREAMS: usize = 100;
    let opened = gate.clone();
    std::thread::scope(|scope| {
        let upstream = &upstream;
        scope.spawn(move || {
            // Nothing is answered before all of them are with the upstream.
            upstream.wait_for_in_progress(STREAMS);
            opened.open();
        });
        let requests = (0..STREAMS).map(|number| Request::get(&format!("/api/{number}"))).collect();
        let answers = Client::http2(gateway.address()).send_multiplexed(requests);
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(answer.json()["path"], format!("/{number}"));
        }
    });
    assert_eq!(upstream.most_in_progress(), STREAMS);
}

#[test]
fn large_bodies_pass_over_http2() {
    let upstream =
        Upstream::answering(|request| Reply::new(200, request.body.clone()).header("Content-Type", "a/b"));
    let gateway = proxy_to(&upstream);
    let body: Vec<u8> = (0..3_000_000).map(|at| (at % 251) as u8).collect();
    let answer = Client::http2(gateway.address()).send(Request::post("/api/x", body.clone()));
    assert_eq!(answer.status, 200);
    assert!(answer.body[..] == body[..], "{} bytes came back", answer.body.len());
}

#[test]
fn limits_hold_for_http2_too() {
    let upstream = Upstream::echo();
    let gateway = Setup::new()
        .set("/http_server_options/max_request_body_size", 1000)
        .api(Api::new("api").target(&upstream))
        .start();
    let client = Client::http2(gateway.address());
    client.send(Request::post("/api/x", vec![b'x'; 1001])).assert_error(413, "Request Entity Too Large");
    assert_eq!(client.send(Request::post("/api/x", vec![b'x'; 1000])).status, 200);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn errors_over_http2_are_the_same() {
    let gateway = Gateway::serving([Api::new("api")]);
    let client = Client::http2(gateway.address());
    client.send(Request::get("/api/x")).assert_error(500, "There was a problem proxying the request");
    let unknown = client.send(Request::get("/nowhere"));
    assert_eq!((unknown.status, unknown.text().as_str()), (404, "Not Found"));
}

#[test]
fn http2_is_negotiated_over_tls() {
    let upstream = Upstream::echo();
    let certificate = Certificate::for_localhost();
    let gateway = with_tls(&certificate, Api::new("api").target(&upstream));
    let answer = Client::tls(gateway.address(), &certificate, true).send(Request::post("/api/x", "sealed"));
    assert_eq!((answer.status, answer.version), (200, Version::HTTP_2));
    let echo = answer.json();
    assert_eq!((&echo["body"], &echo["headers"]["x-forwarded-proto"]), (&json!("sealed"), &json!(["https"])));
}

#[test]
fn http11_is_served_over_tls() {
    let upstream = Upstream::echo();
    let certificate = Certificate::for_localhost();
    let gateway = with_tls(&certificate, Api::new("api").target(&upstream));
    let client = Client::tls(gateway.address(), &certificate, false);
    let answers = client.send_in_turn(vec![Request::post("/api/1", "sealed"), Request::get("/api/2")]);
    assert_eq!((answers[0].status, answers[0].version), (200, Version::HTTP_11));
    assert_eq!(answers[0].json()["headers"]["x-forwarded-proto"], json!(["https"]));
    assert_eq!(answers[1].json()["path"], "/2");
}

#[test]
fn certificates_are_picked_by_name() {
    let (other, localhost) = (Certificate::for_names(&["other.example"]), Certificate::for_localhost());
    let gateway = Setup::new()
        .file("tls/other.pem", other.chain_pem.clone() + &other.key_pem)
        .file("tls/localhost.pem", localhost.chain_pem.clone() + &localhost.key_pem)
        .set("/http_server_options/use_ssl", true)
        .set(
            "/http_server_options/certificates",
            json!([
                {"domain_name": "other.example", "cert_file": "tls/other.pem", "key_file": "tls/other.pem"},
                {"domain_name": "localhost", "cert_file": "tls/localhost.pem", "key_file": "tls/localhost.pem"},
            ]),
        )
        .api(Api::new("api"))
        .start();
    // The client trusts this one certificate alone and asks for `localhost`.
    assert_eq!(Client::tls(gateway.address(), &localhost, true).send(Request::get("/hello")).status, 200);
    assert!(Client::tls(gateway.address(), &other, true).start(Request::get("/hello")).outcome().is_err());
}

#[test]
fn scripts_see_the_scheme() {
    let certificate = Certificate::for_localhost();
    let script = "return TykJsResponse({Body: request.Scheme, Code: 200}, {});";
    let gateway = with_tls(&certificate, Api::new("api").virtual_endpoint("GET", "/scheme", script));
    Client::tls(gateway.address(), &certificate, true).send(Request::get("/api/scheme")).assert_text("https");
    Client::tls(gateway.address(), &certificate, false)
        .send(Request::get("/api/scheme"))
        .assert_text("https");
}

#[test]
fn a_plain_client_of_a_tls_port_does_no_harm() {
    let certificate = Certificate::for_localhost();
    let gateway = with_tls(&certificate, Api::new("api"));
    let mut plain = gateway.raw();
    plain.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = plain.rest();
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", answer.escape_ascii());
    assert_eq!(Client::tls(gateway.address(), &certificate, false).send(Request::get("/hello")).status, 200);
}

#[test]
fn an_h2c_upstream_is_spoken_to_in_http2_on_one_connection() {
    let upstream = H2Upstream::echo();
    let gateway = Gateway::serving([Api::new("api").target_url(&format!("h2c://{}/base", upstream.address))]);
    let answer =
        gateway.send(Request::post("/api/x?a=1", "to h2c").host("api.example").header("Keep-Alive", "5"));
    let seen = answer.json();
    assert_eq!(
        (&seen["version"], &seen["method"], &seen["path"]),
        (&json!("HTTP/2.0"), &json!("POST"), &json!("/base/x"))
    );
    assert_eq!((&seen["body"], &seen["connection"]), (&json!("to h2c"), &json!(null)));
    assert_eq!(seen["authority"], upstream.address.to_string());
    assert_eq!(seen["forwarded_for"], "127.0.0.1");
    assert_eq!(answer.version, Version::HTTP_11);

    let requests = (0..50).map(|number| Request::get(&format!("/api/{number}"))).collect();
    let paths: HashSet<String> = gateway
        .client()
        .send_each(requests)
        .iter()
        .map(|answer| answer.json()["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(paths.len(), 50);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn http2_passes_from_end_to_end() {
    let upstream = H2Upstream::echo();
    let gateway = Gateway::serving([Api::new("api").target_url(&format!("h2c://{}/", upstream.address))]);
    let requests =
        (0..50).map(|number| Request::post(&format!("/api/{number}"), "x".repeat(number))).collect();
    let answers = Client::http2(gateway.address()).send_multiplexed(requests);
    for (number, answer) in answers.iter().enumerate() {
        let seen = answer.json();
        assert_eq!(
            (&seen["path"], seen["body"].as_str().unwrap().len()),
            (&json!(format!("/{number}")), number)
        );
    }
}
