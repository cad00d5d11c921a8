//! What no well-meaning client sends, byte by byte: refused with a clear answer and a closed connection, never
//! forwarded, never a crash.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{sync::mpsc, thread};

use gatehouse_tests::{
    Api, DEADLINE, Gate, Gateway, RawConnection, Reply, Request, Setup, Upstream, gateway::eventually,
    raw::RawAnswer,
};
use serde_json::Value;

/// A gateway in front of an upstream that echoes, on `/api/`.
fn proxy_to(upstream: &Upstream) -> Gateway {
    Gateway::serving([Api::new("api").target(upstream)])
}

/// Sends bytes on a connection of their own: the answer, which must be the last thing before the close.
fn refusal(gateway: &Gateway, bytes: impl AsRef<[u8]>) -> RawAnswer {
    let mut client = gateway.raw();
    client.send(bytes);
    let answer = client.answer();
    client.expect_closed();
    answer
}

/// That the gateway is as it was.
fn assert_serves(gateway: &Gateway) {
    let answer = gateway.get("/hello");
    assert_eq!((answer.status, &answer.json()["status"]), (200, &Value::from("pass")));
}

/// Heads that must not be understood in any way.
fn ambiguous_heads() -> Vec<(&'static str, String)> {
    let fields = |what, fields: &str| (what, format!("POST /api/x HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let whole = |what, text: &str| (what, text.to_owned());
    vec![
        fields("length, then encoding", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        fields("encoding, then length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        fields("length of zero and encoding", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
        fields("two equal lengths", "Content-Length: 5\r\nContent-Length: 5\r\n"),
        fields("two different lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        fields("a list of lengths", "Content-Length: 5, 5\r\n"),
        fields("a signed length", "Content-Length: +5\r\n"),
        fields("a negative length", "Content-Length: -5\r\n"),
        fields("a hexadecimal length", "Content-Length: 0x5\r\n"),
        fields("a length with a word", "Content-Length: 5 bytes\r\n"),
        fields("an empty length", "Content-Length:\r\n"),
        fields("a length beyond 64 bits", "Content-Length: 18446744073709551616\r\n"),
        fields("a folded field", "X-Folded: a\r\n b\r\nContent-Length: 0\r\n"),
        fields("a folded encoding", "Transfer-Encoding:\r\n chunked\r\n"),
        fields("a space before the colon", "Content-Length : 5\r\n"),
        fields("a tab before the colon", "Transfer-Encoding\t: chunked\r\n"),
        fields("a field without a colon", "Content-Length 5\r\n"),
        fields("gzip", "Transfer-Encoding: gzip\r\n"),
        fields("gzip, then chunked", "Transfer-Encoding: gzip, chunked\r\n"),
        fields("chunked twice in a list", "Transfer-Encoding: chunked, chunked\r\n"),
        fields("chunked in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        fields("identity", "Transfer-Encoding: identity\r\n"),
        fields("almost chunked", "Transfer-Encoding: xchunked\r\n"),
        fields("chunked behind a vertical tab", "Transfer-Encoding: \x0bchunked\r\n"),
        fields("two hosts", "Host: b\r\n"),
        fields("a NUL in a value", "X-Nul: a\0b\r\n"),
        fields("a NUL in a name", "X-N\0ul: a\r\n"),
        fields("a CR in a value", "X-Cr: a\rb\r\n"),
        whole("no host", "POST /api/x HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
        whole("encoding in HTTP/1.0", "POST /api/x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        whole("bare LF everywhere", "POST /api/x HTTP/1.1\nHost: a\n\n"),
        whole("bare LF after the request line", "POST /api/x HTTP/1.1\nHost: a\r\n\r\n"),
        whole("bare LF after a field", "POST /api/x HTTP/1.1\r\nHost: a\nContent-Length: 0\r\n\r\n"),
        whole("bare LF at the end", "POST /api/x HTTP/1.1\r\nHost: a\r\n\n"),
        whole("bare CR after the request line", "POST /api/x HTTP/1.1\rHost: a\r\n\r\n"),
        whole("a space before the first field", "POST /api/x HTTP/1.1\r\n Host: a\r\n\r\n"),
        whole("a NUL in the target", "GET /api/\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        whole("another version", "GET /api/x HTTP/1.2\r\nHost: a\r\n\r\n"),
        whole("a version of two digits", "GET /api/x HTTP/1.10\r\nHost: a\r\n\r\n"),
        whole("a lower-case version", "GET /api/x http/1.1\r\nHost: a\r\n\r\n"),
        whole("HTTP/0.9", "GET /api/x\r\n\r\n"),
        whole("a method with a bracket", "G[T /api/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        whole("empty lines without end", "\r\n\r\n\r\n\r\n\r\n\r\nGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]
}

#[test]
fn ambiguous_heads_are_refused_and_never_forwarded() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    for (what, bytes) in ambiguous_heads() {
        // Whatever follows would be the smuggled request.
        let bytes = format!("{bytes}GET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = refusal(&gateway, &bytes);
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{what}");
    }
    assert_eq!(upstream.requests().len(), 0, "{:?}", upstream.requests());
    assert_eq!(upstream.connections(), 0);
    assert_serves(&gateway);
}

#[test]
fn ambiguous_heads_are_refused_behind_a_good_request_too() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    for (what, bytes) in ambiguous_heads() {
        let before = upstream.count();
        let mut client = gateway.raw();
        client.send("POST /api/good HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ngood");
        assert_eq!(client.answer().status, 200, "{what}");
        client.send(bytes);
        assert_eq!(client.answer().status, 400, "{what}");
        client.expect_closed();
        assert_eq!(upstream.count(), before + 1, "{what}");
    }
}

#[test]
fn heads_that_come_byte_by_byte_are_judged_alike() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let slowly = |bytes: &str| {
        let mut client = gateway.raw();
        for byte in bytes.as_bytes().chunks(1) {
            // The gateway may have closed by now, which is what is asked of it.
            if client.try_send(byte).is_err() {
                break;
            }
        }
        client.answer().status
    };
    assert_eq!(slowly("GET /api/x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"), 200);
    for (what, bytes) in ambiguous_heads().into_iter().filter(|(what, _)| what.contains("length")) {
        assert_eq!(slowly(&bytes), 400, "{what}");
    }
    assert_eq!(upstream.count(), 1);
}

#[test]
fn broken_chunks_never_look_like_a_whole_body() {
    let bodies = [
        ("no size", "\r\nhello\r\n0\r\n\r\n"),
        ("a word", "five\r\nhello\r\n0\r\n\r\n"),
        ("a prefix", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("a sign", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a space before", " 5\r\nhello\r\n0\r\n\r\n"),
        ("seventeen digits", "00000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("beyond 64 bits", "10000000000000000\r\nhello\r\n0\r\n\r\n"),
        ("bare LF after the size", "5\nhello\r\n0\r\n\r\n"),
        ("bare LF after the data", "5\r\nhello\n0\r\n\r\n"),
        ("too much data", "5\r\nhello!\r\n0\r\n\r\n"),
        ("too little data", "5\r\nhell\r\n0\r\n\r\n"),
        ("a NUL in an extension", "5;\0\r\nhello\r\n0\r\n\r\n"),
        ("bare LF at the end", "5\r\nhello\r\n0\n\n"),
        ("a folded trailer", "5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"),
        ("a request for a trailer", "5\r\nhello\r\n0\r\nGET /api/smuggled HTTP/1.1\r\n\r\n"),
    ];
    // Counts bodies that came to their end, which a broken one must not.
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    for (what, body) in bodies {
        let mut client = gateway.raw();
        client.send(format!("POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
        assert_eq!(client.answer().status, 400, "{what}");
        client.expect_closed();
    }
    assert_eq!(upstream.count(), 0, "{:?}", upstream.requests());
    assert_serves(&gateway);
}

#[test]
fn broken_chunks_do_not_reach_a_script() {
    let script = "return TykJsResponse({Body: 'ran', Code: 200}, {});";
    let gateway = Gateway::serving([Api::new("api").virtual_endpoint("POST", "/ve", script)]);
    let answer = refusal(
        &gateway,
        "POST /api/ve HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n\r\n",
    );
    assert_eq!(answer.status, 400);
}

#[test]
fn too_many_headers_are_a_431() {
    let upstream = Upstream::echo();
    let gateway =
        Setup::new().set("/gatehouse/limits/max_headers", 20).api(Api::new("api").target(&upstream)).start();
    let with = |count: usize| {
        let fields: String = (0..count).map(|number| format!("X-{number}: y\r\n")).collect();
        format!("GET /api/x HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
    };
    assert_eq!(refusal(&gateway, with(20)).status, 431);
    assert_eq!(refusal(&gateway, with(5_000)).status, 431);
    assert_eq!(upstream.count(), 0);
    let mut client = gateway.raw();
    client.send(with(19));
    assert_eq!(client.answer().status, 200);
}

#[test]
fn too_large_a_head_is_a_431() {
    let upstream = Upstream::echo();
    let gateway = Setup::new()
        .set("/gatehouse/limits/max_header_bytes", 16_384)
        .api(Api::new("api").target(&upstream))
        .start();
    let with =
        |size: usize| format!("GET /api/x HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n", "x".repeat(size));
    assert_eq!(refusal(&gateway, with(20_000)).status, 431);
    assert_eq!(refusal(&gateway, with(200_000)).status, 431);
    // Never ends, and must not be waited for.
    assert_eq!(
        refusal(&gateway, format!("GET /api/x HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(20_000))).status,
        431
    );
    assert_eq!(upstream.count(), 0);
    let mut client = gateway.raw();
    client.send(with(12_000));
    assert_eq!(client.answer().status, 200);
}

#[test]
fn an_enormous_url_is_refused() {
    let gateway = Gateway::serving([Api::new("api")]);
    for size in [70_000, 1_000_000] {
        let answer = refusal(&gateway, format!("GET /api/{} HTTP/1.1\r\nHost: a\r\n\r\n", "u".repeat(size)));
        assert!(matches!(answer.status, 414 | 431), "{}", answer.status);
    }
    assert_serves(&gateway);
}

#[test]
fn an_announced_body_over_the_limit_is_a_413_before_it_is_read() {
    let upstream = Upstream::echo();
    let gateway = Setup::new()
        .set("/http_server_options/max_request_body_size", 1_000)
        .api(Api::new("api").target(&upstream))
        .start();
    for length in [1_001_u64, 1 << 40, u64::MAX >> 1] {
        // Not one byte of the body is sent.
        let answer =
            refusal(&gateway, format!("POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{length}");
        assert!(answer.text().contains("Request Entity Too Large"), "{}", answer.text());
    }
    assert_eq!(upstream.count(), 0);
    let most = Request::post("/api/x", "x".repeat(1_000));
    assert_eq!(gateway.send(most).status, 200);
}

#[test]
fn a_413_says_no_100_continue_first() {
    let gateway =
        Setup::new().set("/http_server_options/max_request_body_size", 1_000).api(Api::new("api")).start();
    let answer = refusal(
        &gateway,
        "POST /api/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n",
    );
    assert_eq!(answer.status, 413);
}

#[test]
fn an_unannounced_body_over_the_limit_is_a_413() {
    let upstream = Upstream::echo();
    let script = "return TykJsResponse({Body: 'ran', Code: 200}, {});";
    let api = Api::new("api").target(&upstream).virtual_endpoint("POST", "/script", script);
    let gateway = Setup::new().set("/http_server_options/max_request_body_size", 1_000).api(api).start();
    for path in ["/api/x", "/api/script"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        let answer = refusal(&gateway, format!("{head}{:x}\r\n{}\r\n0\r\n\r\n", 1_001, "x".repeat(1_001)));
        assert_eq!(answer.status, 413, "{path}");
    }
    assert_eq!(upstream.count(), 0, "no whole request went through");
}

#[test]
fn a_body_that_a_script_must_hold_has_a_bound() {
    let script = "return TykJsResponse({Body: 'length ' + request.Body.length, Code: 200}, {});";
    let gateway = Setup::new()
        .set("/gatehouse/limits/max_buffered_body_bytes", 2_000)
        .api(Api::new("api").virtual_endpoint("POST", "/ve", script))
        .start();
    gateway.send(Request::post("/api/ve", "x".repeat(2_000))).assert_text("length 2000");
    assert_eq!(
        refusal(&gateway, "POST /api/ve HTTP/1.1\r\nHost: a\r\nContent-Length: 2001\r\n\r\n").status,
        413
    );
}

#[test]
fn a_head_that_does_not_end_is_a_408() {
    let gateway = Setup::new().set("/gatehouse/limits/header_timeout_ms", 200).api(Api::new("api")).start();
    for start in ["G", "PR", "GET /api/x HTTP/1.1", "GET /api/x HTTP/1.1\r\nHost: a\r\nX: y"] {
        let answer = refusal(&gateway, start);
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")), "{start}");
    }
}

#[test]
fn a_second_head_that_does_not_end_is_a_408() {
    let gateway = Setup::new().set("/gatehouse/limits/header_timeout_ms", 200).api(Api::new("api")).start();
    let mut client = gateway.raw();
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hel");
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.answer().status, 408);
    client.expect_closed();
}

#[test]
fn a_body_that_does_not_come_is_a_408() {
    let upstream = Upstream::echo();
    let script = "return TykJsResponse({Body: 'ran', Code: 200}, {});";
    let api = Api::new("api").target(&upstream).virtual_endpoint("POST", "/script", script);
    let gateway = Setup::new().set("/http_server_options/read_timeout", 1).api(api).start();
    thread::scope(|scope| {
        for path in ["/api/x", "/api/script"] {
            let gateway = &gateway;
            scope.spawn(move || {
                let answer = refusal(
                    gateway,
                    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"),
                );
                assert_eq!((answer.status, answer.header("connection")), (408, Some("close")), "{path}");
            });
        }
    });
    assert_eq!(upstream.count(), 0);
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let gateway = Setup::new().set("/gatehouse/limits/idle_timeout_ms", 200).api(Api::new("api")).start();
    let mut silent = gateway.raw();
    silent.expect_closed();

    let mut client = gateway.raw();
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    client.expect_closed();
}

#[test]
fn a_request_that_takes_longer_than_the_idle_timeout_is_not_idle() {
    let upstream = Upstream::conversing(|conversation| {
        conversation.request()?;
        // Ends when the gateway gives the call up, which is after its own time-out and well after the idle one.
        conversation.rest().map(drop)
    });
    let gateway = Setup::new()
        .set("/gatehouse/limits/idle_timeout_ms", 100)
        .set("/gatehouse/limits/header_timeout_ms", 100)
        .set("/proxy_default_timeout", 0.8)
        .api(Api::new("api").target(&upstream))
        .start();
    gateway.get("/api/x").assert_error(504, "Upstream service reached hard timeout.");
}

#[test]
fn bytes_that_are_no_http_get_an_end() {
    let gateway = Gateway::serving([Api::new("api")]);
    let tls_hello =
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x20\r\n\r\n";
    let cases: [&[u8]; 7] = [
        tls_hello,
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\xff\xfe\xfd\xfc\r\n\r\n",
        b"EHLO localhost\r\n",
        b"PRI * HTTP/2.0\r\n\r\nnot SM\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    for bytes in cases {
        let mut client = gateway.raw();
        client.send(bytes);
        client.finish_sending();
        let said = client.rest();
        assert!(!said.starts_with(b"HTTP/1.1 2"), "{} got {}", bytes.escape_ascii(), said.escape_ascii());
    }
    assert_serves(&gateway);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    // The first one is answered last by the upstream, so that order is not an accident.
    let gate = Gate::new();
    let first = gate.clone();
    let upstream = Upstream::answering(move |request| {
        if request.path() == "/0" {
            first.pass();
        }
        Reply::text(request.path())
    });
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    let requests: String =
        (0..20).map(|number| format!("GET /api/{number} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(requests);
    upstream.wait_for_requests(1);
    gate.open();
    for number in 0..20 {
        assert_eq!(client.answer().text(), format!("/{number}"));
    }
}

#[test]
fn a_client_that_goes_away_takes_its_request_with_it() {
    let (gone, is_gone) = mpsc::channel();
    let upstream = Upstream::conversing(move |conversation| {
        conversation.request()?;
        let rest = conversation.rest();
        gone.send(rest.is_ok()).unwrap();
        Ok(())
    });
    let gateway =
        Setup::new().set("/gatehouse/limits/max_in_flight", 1).api(Api::new("api").target(&upstream)).start();
    for round in 1..=3 {
        let mut client = gateway.raw();
        client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
        upstream.wait_for_requests(round);
        drop(client);
        // The upstream is not kept busy for nobody.
        is_gone.recv_timeout(DEADLINE).expect("the upstream's connection is closed");
    }
    // Nothing counts as in flight any more: the one place is free.
    let served = eventually("a place for a request", || {
        let answer = gateway.get("/nowhere");
        (answer.status != 503).then_some(answer)
    });
    assert_eq!(served.status, 404);
    assert_serves(&gateway);
}

#[test]
fn a_client_that_goes_away_in_its_body_takes_it_with_it() {
    let (ended, ends) = mpsc::channel();
    let upstream = Upstream::conversing(move |conversation| {
        let Some((_, mut framing)) = conversation.head()? else { return Ok(()) };
        let end = loop {
            match conversation.piece(&mut framing) {
                Ok(piece) if piece.is_empty() => break "whole",
                Ok(_) => {}
                Err(_) => break "broken off",
            }
        };
        ended.send(end).unwrap();
        Ok(())
    });
    let gateway = proxy_to(&upstream);
    for framing in ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"] {
        let mut client = gateway.raw();
        client.send(format!("POST /api/x HTTP/1.1\r\nHost: a\r\n{framing}"));
        upstream.wait_for_requests(1);
        drop(client);
        assert_eq!(ends.recv_timeout(DEADLINE).expect("the upstream sees an end"), "broken off");
    }
    assert_serves(&gateway);
}

#[test]
fn more_requests_than_the_gateway_takes_are_a_503() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("fine"));
    let gateway =
        Setup::new().set("/gatehouse/limits/max_in_flight", 2).api(Api::new("api").target(&upstream)).start();
    let held = [gateway.start(Request::get("/api/1")), gateway.start(Request::get("/api/2"))];
    upstream.wait_for_in_progress(2);
    let refused = gateway.get("/api/3");
    refused.assert_error(503, "Service Unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(gateway.get("/hello").status, 200, "a busy gateway is alive");
    gate.open();
    for answer in held {
        answer.answer().assert_text("fine");
    }
}

#[test]
fn an_answer_that_is_still_going_out_counts_as_in_flight() {
    let gate = Gate::new();
    let end = gate.clone();
    let upstream = Upstream::conversing(move |conversation| {
        conversation.request()?;
        conversation.write("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 6\r\n\r\nfir")?;
        end.pass();
        conversation.write("st.")
    });
    let gateway =
        Setup::new().set("/gatehouse/limits/max_in_flight", 1).api(Api::new("api").target(&upstream)).start();
    let mut client = gateway.raw();
    client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.answer_head();
    assert_eq!(head.status(), 200);
    assert_eq!(gateway.get("/nowhere").status, 503);
    gate.open();
    assert_eq!(client.exactly(6), b"first.");
}

/// A small generator whose sequence is its seed's, so that a failure can be seen again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() % end
    }
}

const VALID: &[u8] =
    b"POST /api/a%20b?c=d HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\nContent-Type: text/plain\r\n\
    Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\nX-Trailer: z\r\n\r\n";

fn mutated(random: &mut Random) -> Vec<u8> {
    const PIECES: &[&[u8]] = &[
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b":",
        b"\r\n\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Host: b\r\n",
        b"Upgrade: x\r\nConnection: upgrade\r\n",
        b"Expect: 100-continue\r\n",
        b"0\r\n\r\n",
        b"\xff\xfe",
        b"HTTP/1.0",
        b"CONNECT ",
        b"%",
        b"ffffffffffffffff",
        b"Connection: close\r\n",
    ];
    let mut bytes = VALID.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[at] = random.below(256) as u8,
            1 => drop(bytes.remove(at)),
            2 => bytes.truncate(at.max(1)),
            3 => {
                let piece = PIECES[random.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            _ => {
                let end = (at + random.below(40)).min(bytes.len());
                let copied = bytes[at..end].to_vec();
                bytes.splice(at..at, copied);
            }
        }
    }
    bytes
}

#[test]
fn ten_thousand_mutations_of_a_request_end_in_nothing_worse_than_a_refusal() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let files = gateway.open_files();
    const THREADS: u64 = 4;
    thread::scope(|scope| {
        for seed in 1..=THREADS {
            let address = gateway.address();
            scope.spawn(move || {
                let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ seed);
                for _ in 0..10_000 / THREADS {
                    let bytes = mutated(&mut random);
                    let mut client = RawConnection::to(address);
                    let sent = client.try_send(&bytes);
                    client.finish_sending();
                    let said = client.rest();
                    let is_answer = said.is_empty() || said.starts_with(b"HTTP/1.");
                    assert!(is_answer, "{} got {}", bytes.escape_ascii(), said.escape_ascii());
                    assert!(sent.is_ok() || !said.starts_with(b"HTTP/1.1 2"), "{}", bytes.escape_ascii());
                }
            });
        }
    });
    let mut client = gateway.raw();
    client.send(VALID);
    let echo: Value = serde_json::from_slice(&client.answer().body).unwrap();
    assert_eq!(echo["body"], "helloyou");
    drop(client);
    // Connections to the upstream stay open for a while; those of clients are gone.
    let most = files + upstream.connections() + 8;
    eventually("closed connections", || (gateway.open_files() <= most).then_some(()));
    let stopped = gateway.stop();
    assert_eq!(stopped.status.code(), Some(0));
    let panics: Vec<&Value> =
        stopped.lines.iter().filter(|line| line.to_string().contains("panicked")).collect();
    assert!(panics.is_empty(), "{panics:?}");
}
