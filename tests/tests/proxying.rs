//! What passes between a client and an upstream: methods, bodies, headers, connections and failures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::mpsc;

use gatehouse_tests::{
    Api, DEADLINE, Gate, Gateway, RawConnection, Reply, Request, Setup, Upstream,
    http1::Framing,
    upstream::{Conversation, Received},
};
use serde_json::json;

/// A gateway with one API, `/api/`, that passes everything to the upstream.
fn proxy_to(upstream: &Upstream) -> Gateway {
    Gateway::serving([Api::new("api").target(upstream)])
}

const PROBLEM: &str = "There was a problem proxying the request";

#[test]
fn methods_and_bodies_pass() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let body = if method == "GET" { "" } else { "what the client says: \u{e4}\0\r\n" };
        let echo = gateway.send(Request::new(method, "/api/a/b").body(body)).json();
        assert_eq!(
            (&echo["method"], &echo["path"], &echo["body"]),
            (&json!(method), &json!("/a/b"), &json!(body))
        );
    }
}

#[test]
fn status_and_headers_of_an_answer_pass() {
    let upstream = Upstream::answering(|request| {
        let status = request.path().trim_start_matches('/').parse().unwrap();
        Reply::new(status, "as it is").header("X-One", "1").header("X-One", "2").header("Content-Type", "a/b")
    });
    let gateway = proxy_to(&upstream);
    for status in [200, 201, 299, 301, 302, 400, 401, 404, 418, 500, 503, 599] {
        let answer = gateway.get(&format!("/api/{status}"));
        assert_eq!((answer.status, answer.text().as_str()), (status, "as it is"));
        assert_eq!(answer.header_values("x-one"), ["1", "2"]);
        assert_eq!(answer.header("content-type"), "a/b");
    }
}

#[test]
fn an_upstream_sees_a_request_body_as_it_comes() {
    let (first_part, first_parts) = mpsc::channel();
    let upstream = Upstream::conversing(move |conversation| {
        let Some((_, mut framing)) = conversation.head()? else { return Ok(()) };
        let part = conversation.piece(&mut framing)?;
        first_part.send(String::from_utf8(part).unwrap()).unwrap();
        let mut rest = Vec::new();
        loop {
            let piece = conversation.piece(&mut framing)?;
            if piece.is_empty() {
                break;
            }
            rest.extend_from_slice(&piece);
        }
        conversation.trailers(framing)?;
        conversation.answer(&Reply::text(rest))
    });
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send("POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    assert_eq!(first_parts.recv_timeout(DEADLINE).expect("the upstream sees the first part"), "first");
    client.send("6\r\nsecond\r\n0\r\n\r\n");
    assert_eq!(client.answer().text(), "second");
}

#[test]
fn a_client_sees_an_answer_as_it_comes() {
    for content_type in ["Content-Type: text/event-stream\r\n", ""] {
        let gate = Gate::new();
        let end = gate.clone();
        let upstream = Upstream::conversing(move |conversation| {
            conversation.request()?;
            let head =
                format!("HTTP/1.1 200 OK\r\n{content_type}Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
            conversation.write(head)?;
            end.pass();
            conversation.write("6\r\nsecond\r\n0\r\n\r\n")
        });
        let gateway = proxy_to(&upstream);
        let mut client = gateway.raw();
        client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = client.answer_head();
        let mut framing = head.framing(true);
        assert_eq!(framing, Framing::Chunked, "{head:?}");
        assert_eq!(client.piece(&mut framing).expect("the first part"), b"first");
        gate.open();
        assert_eq!(client.piece(&mut framing).expect("the second part"), b"second");
        assert_eq!(client.piece(&mut framing).expect("the end"), b"");
    }
}

const LARGE: usize = 20 << 20;

/// Bytes that are not the same everywhere, so that a lost or doubled piece shows.
fn large_body() -> Vec<u8> {
    (0..LARGE).map(|at| (at / 251 % 256) as u8 ^ (at % 253) as u8).collect()
}

/// Resident memory that a gateway may need, whatever passes through it.
const BOUNDED: u64 = 100 << 20;

#[test]
fn a_large_request_body_passes_in_bounded_memory() {
    let upstream = Upstream::conversing(|conversation| {
        let Some((_, mut framing)) = conversation.head()? else { return Ok(()) };
        let expected = large_body();
        let mut at = 0;
        loop {
            let piece = conversation.piece(&mut framing)?;
            if piece.is_empty() {
                break;
            }
            assert_eq!(&piece[..], &expected[at..at + piece.len()], "at {at}");
            at += piece.len();
        }
        conversation.answer(&Reply::text(at.to_string()))
    });
    let gateway = proxy_to(&upstream);
    gateway.send(Request::post("/api/x", large_body())).assert_text(&LARGE.to_string());
    let peak = gateway.peak_resident_bytes();
    assert!(peak < BOUNDED, "{} MB", peak >> 20);
}

#[test]
fn a_large_answer_passes_in_bounded_memory_to_a_slow_client() {
    let upstream = Upstream::conversing(|conversation| {
        conversation.request()?;
        conversation.answer(&Reply::new(200, large_body()).header("Content-Type", "a/b"))
    });
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.answer_head();
    let mut framing = head.framing(true);
    assert_eq!(framing, Framing::Length(LARGE as u64));
    let expected = large_body();
    let mut at = 0;
    while at < LARGE {
        let piece = client.piece(&mut framing).expect("more of the body");
        // Comparing byte by byte, unoptimised, is what makes this client slow.
        for (index, byte) in piece.iter().enumerate() {
            assert_eq!(*byte, expected[at + index], "at {}", at + index);
        }
        at += piece.len();
    }
    let peak = gateway.peak_resident_bytes();
    assert!(peak < BOUNDED, "{} MB", peak >> 20);
}

#[test]
fn hop_by_hop_headers_of_a_request_stay_here() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send(
        "GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine\r\nConnection: X-Also\r\nX-Mine: 1\r\n\
         X-Also: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nTrailer: X-T\r\n\
         Proxy-Authorization: Basic eDp5\r\nX-Kept: 3\r\nX-Kept: 4\r\n\r\n",
    );
    assert_eq!(client.answer().status, 200);
    let request = upstream.only_request();
    for name in [
        "x-mine",
        "x-also",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "proxy-authorization",
        "upgrade",
    ] {
        assert!(!request.headers.has(name), "{name} in {:?}", request.headers);
    }
    assert!(
        !request.headers.all("connection").iter().any(|value| value.contains("X-Mine")),
        "{:?}",
        request.headers
    );
    assert_eq!(request.headers.all("x-kept"), ["3", "4"]);
}

#[test]
fn hop_by_hop_headers_of_an_answer_stay_there() {
    let upstream = Upstream::conversing(|conversation| {
        conversation.request()?;
        conversation.write(
            "HTTP/1.1 200 OK\r\nConnection: X-Mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n\
             Proxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\nContent-Type: a/b\r\nX-Kept: 3\r\n\
             Content-Length: 2\r\n\r\nok",
        )
    });
    let gateway = proxy_to(&upstream);
    let answer = gateway.get("/api/x");
    answer.assert_text("ok");
    for name in ["x-mine", "keep-alive", "proxy-connection", "proxy-authenticate"] {
        assert!(!answer.has_header(name), "{name} in {:?}", answer.headers);
    }
    assert_eq!(answer.header("x-kept"), "3");
}

#[test]
fn forwarded_headers_say_where_a_request_came_from() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let headers = gateway.send(Request::get("/api/x").host("api.example:81")).json()["headers"].clone();
    assert_eq!(headers["x-forwarded-for"], json!(["127.0.0.1"]));
    assert_eq!(headers["x-forwarded-proto"], json!(["http"]));
    assert_eq!(headers["x-forwarded-host"], json!(["api.example:81"]));

    let behind_another =
        Request::get("/api/x").header("X-Forwarded-For", "10.1.2.3").header("X-Forwarded-Proto", "https");
    let headers =
        gateway.send(behind_another.header("X-Forwarded-Host", "outside.example")).json()["headers"].clone();
    assert_eq!(headers["x-forwarded-for"], json!(["10.1.2.3, 127.0.0.1"]));
    assert_eq!(headers["x-forwarded-proto"], json!(["https"]));
    assert_eq!(headers["x-forwarded-host"], json!(["outside.example"]));
}

#[test]
fn every_address_that_a_proxy_before_noted_is_kept() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let request =
        Request::get("/api/x").header("X-Forwarded-For", "10.0.0.1").header("X-Forwarded-For", "10.0.0.2");
    let headers = gateway.send(request).json()["headers"].clone();
    assert_eq!(headers["x-forwarded-for"], json!(["10.0.0.1, 10.0.0.2, 127.0.0.1"]));
}

#[test]
fn the_upstream_sees_its_own_host_unless_the_clients_is_preserved() {
    let upstream = Upstream::echo();
    let own = Api::new("own").target(&upstream);
    let preserved = Api::new("preserved").target(&upstream).set("/proxy/preserve_host_header", true);
    let gateway = Gateway::serving([own, preserved]);
    let host =
        |path: &str| gateway.send(Request::get(path).host("api.example")).json()["headers"]["host"].clone();
    assert_eq!(host("/own/x"), json!([upstream.address().to_string()]));
    assert_eq!(host("/preserved/x"), json!(["api.example"]));
}

#[test]
fn paths_and_queries_pass_as_they_were_written() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let targets = [
        "/a?x=%zz&b=;c&&d[]=1&e=+%20&=&f",
        "/a?",
        "/a?b=http://c/d?e=f",
        "/a%2Fb/%20c/%C3%A4%c3%a4",
        "/a%2fb%3Fc%23d",
        "/a%",
        "/a;b=c,d/(e)'f'*!$&@:~",
        "/a/b/",
        "/a?q=^`{|}",
    ];
    for target in targets {
        let mut client = gateway.raw();
        client.send(format!("GET /api{target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = client.answer();
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        // A question mark with nothing behind it says nothing.
        let seen = upstream.requests().pop().unwrap().target;
        assert_eq!(seen, if target == "/a?" { "/a" } else { target });
    }
}

#[test]
fn a_targets_own_path_and_query_come_first() {
    let upstream = Upstream::echo();
    let stripped = Api::new("stripped").target_url(&upstream.url("/base/?key=1"));
    let kept = Api::new("kept").target_url(&upstream.url("/base")).set("/proxy/strip_listen_path", false);
    let gateway = Gateway::serving([stripped, kept]);
    let seen = |path: &str| {
        assert_eq!(gateway.get(path).status, 200);
        upstream.requests().pop().unwrap().target
    };
    assert_eq!(seen("/stripped/x?a=2"), "/base/x?key=1&a=2");
    assert_eq!(seen("/stripped/"), "/base?key=1");
    assert_eq!(seen("/kept/x"), "/base/kept/x");
}

#[test]
fn head_has_the_length_and_no_body() {
    let upstream = Upstream::saying("twelve bytes");
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send("HEAD /api/x HTTP/1.1\r\nHost: a\r\n\r\nGET /api/y HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.answer_head();
    assert_eq!((head.status(), head.headers.get("content-length")), (200, Some("12")));
    assert_eq!(client.answer().text(), "twelve bytes");
    assert_eq!(upstream.requests()[0].method, "HEAD");
}

#[test]
fn answers_without_a_body_have_none() {
    let upstream = Upstream::answering(|request| {
        Reply::new(request.path().trim_start_matches('/').parse().unwrap(), "").header("ETag", "\"1\"")
    });
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    for status in [204, 304, 204] {
        client.send(format!("GET /api/{status} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("etag")), (status, Some("\"1\"")));
        assert!(!answer.head.headers.has("transfer-encoding"), "{:?}", answer.head);
    }
}

#[test]
fn an_upstream_that_is_not_there_is_a_500_in_the_clients_form() {
    let gateway = Gateway::serving([Api::new("api")]);
    gateway.get("/api/x").assert_error(500, PROBLEM);
    gateway.send(Request::post("/api/x", "a body")).assert_error(500, PROBLEM);
    let xml = gateway.send(Request::get("/api/x").header("Content-Type", "application/xml"));
    assert_eq!(xml.status, 500);
    assert_eq!(
        xml.text(),
        format!("<?xml version = \"1.0\" encoding = \"UTF-8\"?>\n<error>{PROBLEM}</error>\n")
    );
    assert_eq!(xml.header("content-type"), "application/xml");

    let line = gateway.wait_for_log(|line| line["message"] == PROBLEM);
    assert_eq!(
        (&line["level"], &line["api_id"], &line["path"]),
        (&json!("ERROR"), &json!("api"), &json!("/api/x"))
    );
    assert!(line["cause"].as_str().unwrap().contains("refused"), "{line}");
}

#[test]
fn an_unknown_upstream_host_is_said_to_be_one() {
    // `.invalid` has no addresses anywhere (RFC 6761).
    let gateway = Gateway::serving([Api::new("api").target_url("http://no-such-host.invalid/")]);
    gateway.get("/api/x").assert_error(500, "Upstream host lookup failed");
}

#[test]
fn an_upstream_that_breaks_off_in_the_head_is_a_500() {
    let upstream = Upstream::conversing(|conversation| {
        conversation.request()?;
        conversation.write("HTTP/1.1 200 OK\r\nContent-Le")
    });
    let gateway = proxy_to(&upstream);
    gateway.send(Request::post("/api/x", "a body")).assert_error(500, PROBLEM);
    assert_eq!(upstream.count(), 1, "a request that may have been acted on is not sent again");
}

#[test]
fn an_upstream_that_is_no_http_server_is_a_500() {
    let upstream = Upstream::conversing(|conversation| {
        conversation.request()?;
        conversation.write("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")
    });
    let gateway = proxy_to(&upstream);
    gateway.get("/api/x").assert_error(500, PROBLEM);
}

#[test]
fn a_body_that_breaks_off_is_never_shown_as_whole() {
    for framing in
        ["Content-Length: 100\r\n\r\nonly this", "Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n"]
    {
        let gate = Gate::new();
        let end = gate.clone();
        let upstream = Upstream::conversing(move |conversation| {
            conversation.request()?;
            conversation.write(format!("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n{framing}"))?;
            end.pass();
            Ok(())
        });
        let gateway = proxy_to(&upstream);
        let mut client = gateway.raw();
        client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = client.answer_head();
        let mut framing = head.framing(true);
        assert_eq!(client.piece(&mut framing).unwrap(), b"only this");
        gate.open();
        let end = client.piece(&mut framing);
        assert!(end.is_err(), "the body seemed to end: {end:?}");
    }
}

/// An upstream whose first connection answers once, takes a second request and closes without a word: what a
/// gateway sees of a server that closes an idle connection at the moment it is used again.
fn closing_idle_connections() -> Upstream {
    Upstream::conversing(|conversation| {
        let answer = |conversation: &mut Conversation| conversation.answer(&Reply::text("fine"));
        if conversation.request()?.is_some() {
            answer(conversation)?;
        }
        while conversation.request()?.is_some() {
            if conversation.number == 1 {
                break;
            }
            answer(conversation)?;
        }
        Ok(())
    })
}

#[test]
fn a_get_on_a_connection_that_the_upstream_has_given_up_is_sent_again() {
    let upstream = closing_idle_connections();
    let gateway = proxy_to(&upstream);
    gateway.get("/api/1").assert_text("fine");
    gateway.get("/api/2").assert_text("fine");
    assert_eq!(upstream.connections(), 2);
    let paths: Vec<String> = upstream.requests().iter().map(|request| request.target.clone()).collect();
    assert_eq!(paths, ["/1", "/2", "/2"]);
}

#[test]
fn a_post_that_an_upstream_has_seen_is_not_sent_again() {
    let upstream = closing_idle_connections();
    let gateway = proxy_to(&upstream);
    gateway.get("/api/1").assert_text("fine");
    gateway.send(Request::post("/api/2", "pay")).assert_error(500, PROBLEM);
    let bodies: Vec<String> = upstream.requests().iter().map(Received::text).collect();
    assert_eq!(bodies, ["", "pay"]);
}

#[test]
fn a_connection_that_was_closed_while_idle_costs_nobody_an_error() {
    let (closed, was_closed) = mpsc::channel();
    let upstream = Upstream::conversing(move |conversation| {
        conversation.request()?;
        conversation.answer(&Reply::text("fine"))?;
        conversation.close();
        let _ = closed.send(());
        Ok(())
    });
    let gateway = proxy_to(&upstream);
    for _ in 0..10 {
        // Neither what may be sent again nor what may not.
        for request in [Request::get("/api/x"), Request::post("/api/x", "pay")] {
            gateway.send(request).assert_text("fine");
            was_closed.recv_timeout(DEADLINE).unwrap();
        }
    }
    let bodies: Vec<String> = upstream.requests().iter().map(Received::text).collect();
    assert_eq!(bodies, ["", "pay"].repeat(10));
}

const TIMEOUT: &str = "Upstream service reached hard timeout.";

#[test]
fn a_hard_timeout_is_a_504_for_its_endpoint_only() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("at last"));
    let slow = json!({"path": "/slow", "method": "GET", "timeout": 1});
    let gateway = Gateway::serving([Api::new("api").target(&upstream).endpoint("hard_timeouts", slow)]);
    let other = gateway.start(Request::get("/api/other"));
    gateway.get("/api/slow").assert_error(504, TIMEOUT);
    gate.open();
    other.answer().assert_text("at last");
}

#[test]
fn the_default_timeout_is_a_504() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("at last"));
    let gateway =
        Setup::new().set("/proxy_default_timeout", 0.2).api(Api::new("api").target(&upstream)).start();
    gateway.get("/api/x").assert_error(504, TIMEOUT);
    gate.open();
    gateway.get("/api/x").assert_text("at last");
}

#[test]
fn connections_are_used_again_on_both_sides() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let requests = (0..20).map(|number| Request::post(&format!("/api/{number}"), "a body")).collect();
    let answers = gateway.client().send_in_turn(requests);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.json()["path"], format!("/{number}"));
    }
    // A connection goes back to the pool in a task of its own, which the next request may overtake once or twice.
    assert!(upstream.connections() <= 3, "{} connections for 20 requests in turn", upstream.connections());
}

#[test]
fn clients_share_the_connections_to_an_upstream() {
    let upstream = Upstream::saying("fine");
    let gateway = proxy_to(&upstream);
    for _ in 0..20 {
        gateway.get("/api/x").assert_text("fine");
    }
    assert!(upstream.connections() <= 3, "{} connections for 20 requests in turn", upstream.connections());
}

#[test]
fn a_client_that_asks_to_close_is_closed_and_the_upstream_is_not() {
    let upstream = Upstream::saying("fine");
    let gateway = proxy_to(&upstream);
    for _ in 0..3 {
        let mut client = gateway.raw();
        client.send("GET /api/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.text().as_str(), answer.header("connection")), ("fine", Some("close")));
        client.expect_closed();
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn http10_clients_are_served_without_chunks() {
    let upstream = Upstream::conversing(|conversation| {
        while let Some(request) = conversation.request()? {
            assert!(!request.headers.has("transfer-encoding"));
            conversation.write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")?;
        }
        Ok(())
    });
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send("GET /api/x HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert!(!answer.head.headers.has("transfer-encoding"), "{:?}", answer.head);
    assert_eq!(answer.text(), "ok");
}

#[test]
fn targets_take_turns() {
    let upstreams: Vec<Upstream> = ["a", "b", "c"].into_iter().map(Upstream::saying).collect();
    let targets: Vec<String> = upstreams.iter().map(|upstream| upstream.url("/")).collect();
    let api = Api::new("api").set("/proxy/enable_load_balancing", true).set("/proxy/target_list", targets);
    let gateway = Gateway::serving([api]);
    let answers: String = (0..9).map(|_| gateway.get("/api/x").text()).collect();
    assert_eq!(answers, "abcabcabc");
}

#[test]
fn a_body_that_waits_for_100_continue_gets_it() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send("POST /api/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let interim = client.answer_head();
    assert_eq!((interim.status(), interim.headers.0.len()), (100, 0));
    client.send("hello");
    let answer = client.answer();
    assert!(answer.text().contains("\"body\":\"hello\""), "{}", answer.text());
    assert!(!upstream.only_request().headers.has("expect"));
}

/// Answers every request with a body and a trailer.
fn answering_with_trailers() -> Upstream {
    Upstream::conversing(|conversation| {
        while let Some(request) = conversation.request()? {
            assert_eq!(request.text(), "hello");
            conversation.write(
                "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3\r\nbye\r\n0\r\nX-Sum: 1\r\n\r\n",
            )?;
        }
        Ok(())
    })
}

#[test]
fn trailers_break_nothing() {
    let upstream = answering_with_trailers();
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    for _ in 0..2 {
        client.send(
            "POST /api/x HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
             5\r\nhello\r\n0\r\nX-Sum: 2\r\n\r\n",
        );
        let answer = client.answer();
        assert_eq!((answer.status, answer.text().as_str()), (200, "bye"));
    }
}

#[test]
fn a_connection_is_used_again_after_trailers() {
    let upstream = answering_with_trailers();
    let gateway = proxy_to(&upstream);
    for _ in 0..10 {
        gateway.send(Request::post("/api/x", "hello")).assert_text("bye");
    }
    assert!(upstream.connections() <= 3, "{} connections for 10 requests in turn", upstream.connections());
}

#[test]
fn an_interim_answer_of_the_upstream_is_not_the_answer() {
    let upstream = Upstream::conversing(|conversation| {
        conversation.request()?;
        conversation.write("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
        conversation.answer(&Reply::text("final"))
    });
    let gateway = proxy_to(&upstream);
    gateway.get("/api/x").assert_text("final");
}

#[test]
fn an_answer_without_a_content_type_gets_the_one_that_its_bytes_have() {
    let cases: [(&[u8], &str); 5] = [
        (b"<!doctype html><p>", "text/html; charset=utf-8"),
        (b"{\"a\": 1}", "text/plain; charset=utf-8"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\0\x01\x02", "application/octet-stream"),
        (b"", ""),
    ];
    for (body, expected) in cases {
        let upstream = Upstream::fixed(Reply::new(200, body));
        let gateway = proxy_to(&upstream);
        let answer = gateway.get("/api/x");
        assert_eq!((&answer.body[..], answer.header("content-type")), (body, expected));
    }
    let packed = Upstream::fixed(Reply::new(200, "<html>").header("Content-Encoding", "gzip"));
    let gateway = proxy_to(&packed);
    assert_eq!(gateway.get("/api/x").header("content-type"), "");
}

#[test]
fn one_client_that_does_not_read_holds_up_nobody() {
    let upstream = Upstream::answering(|request| {
        if request.path() == "/large" { Reply::new(200, large_body()) } else { Reply::text("small") }
    });
    let gateway = proxy_to(&upstream);
    let mut stuck: Vec<RawConnection> = (0..4).map(|_| gateway.raw()).collect();
    for client in &mut stuck {
        client.send("GET /api/large HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.answer_head().status(), 200);
    }
    for _ in 0..10 {
        gateway.get("/api/small").assert_text("small");
    }
}
