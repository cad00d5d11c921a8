//! Upgrades: the other protocol's bytes pass both ways, and a refused upgrade opens no way around the framing guard.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::mpsc;

use gatehouse_tests::{Api, DEADLINE, Gateway, Reply, Upstream};

const UPGRADE: &str = "GET /api/chat?room=1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A request whose framing is ambiguous, in the form of a smuggled one.
const AMBIGUOUS: &str =
    "POST /api/evil HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

/// Grants every upgrade and then sends everything back, with a greeting first.
fn echoing() -> Upstream {
    Upstream::conversing(|conversation| {
        let Some((request, _)) = conversation.head()? else { return Ok(()) };
        assert_eq!(request.header("upgrade"), Some("websocket"));
        assert!(request.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
        assert_eq!(request.header("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
        conversation.write(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nwelcome",
        )?;
        loop {
            let byte = conversation.exactly(1)?;
            conversation.write(byte)?;
        }
    })
}

fn proxy_to(upstream: &Upstream) -> Gateway {
    Gateway::serving([Api::new("api").target(upstream)])
}

#[test]
fn an_upgrade_passes_through_and_bytes_flow_both_ways() {
    let upstream = echoing();
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send(UPGRADE);
    let head = client.answer_head();
    assert_eq!(head.status(), 101);
    assert_eq!(head.headers.get("upgrade"), Some("websocket"));
    assert!(head.headers.get("connection").unwrap().eq_ignore_ascii_case("upgrade"));
    assert_eq!(head.headers.get("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(client.exactly(7), b"welcome");
    // Nothing of this is HTTP, and some of it the framing guard would refuse.
    for bytes in [&b"\x81\x05hello"[..], b"\0\r\n\n\r", AMBIGUOUS.as_bytes(), &[0xff; 70_000]] {
        client.send(bytes);
        assert_eq!(client.exactly(bytes.len()), bytes);
    }
    assert_eq!(upstream.only_request().target, "/chat?room=1");
}

#[test]
fn the_end_of_either_side_reaches_the_other() {
    let (ended, ends) = mpsc::channel();
    let upstream = Upstream::conversing(move |conversation| {
        let Some((request, _)) = conversation.head()? else { return Ok(()) };
        conversation
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")?;
        if request.path() == "/upstream-ends" {
            conversation.write("goodbye")?;
        } else {
            ended.send(conversation.rest()?).unwrap();
        }
        Ok(())
    });
    let gateway = proxy_to(&upstream);

    let mut client = gateway.raw();
    client.send(UPGRADE.replace("/api/chat", "/api/upstream-ends"));
    assert_eq!(client.answer_head().status(), 101);
    assert_eq!(client.rest(), b"goodbye");

    let mut client = gateway.raw();
    client.send(UPGRADE);
    assert_eq!(client.answer_head().status(), 101);
    client.send("last words");
    drop(client);
    assert_eq!(ends.recv_timeout(DEADLINE).expect("the upstream sees the end"), b"last words");
}

#[test]
fn a_refused_upgrade_leaves_the_connection_usable() {
    for status in [200, 400, 426] {
        let upstream = Upstream::answering(move |request| {
            Reply::new(if request.path() == "/chat" { status } else { 200 }, "no")
                .header("Content-Type", "a/b")
        });
        let gateway = proxy_to(&upstream);
        let mut client = gateway.raw();
        client.send(UPGRADE);
        let refused = client.answer();
        assert_eq!((refused.status, refused.text().as_str()), (status, "no"));
        client.send("POST /api/next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        assert_eq!(client.answer().status, 200);
        assert_eq!(upstream.requests()[1].text(), "body");
    }
}

#[test]
fn the_framing_guard_holds_after_an_upgrade_that_was_not_granted() {
    let upstream = Upstream::saying("no");
    let script = "return TykJsResponse({Body: 'no', Code: 200}, {});";
    let gateway =
        Gateway::serving([Api::new("api").target(&upstream).virtual_endpoint("GET", "/script", script)]);
    // Refused by the upstream, by a script, and by the gateway itself.
    for (path, status) in [("/api/chat", 200), ("/api/script", 200), ("/nowhere", 404), ("/hello", 200)] {
        let mut client = gateway.raw();
        client.send(UPGRADE.replace("/api/chat", path));
        assert_eq!(client.answer().status, status, "{path}");
        client.send(AMBIGUOUS);
        assert_eq!(client.answer().status, 400, "{path}");
        client.expect_closed();
    }
    assert_eq!(upstream.count(), 1, "only the upgrade itself went through: {:?}", upstream.requests());
}

#[test]
fn what_follows_an_upgrade_in_the_same_packet_is_not_let_through() {
    let upstream = Upstream::saying("no");
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send([UPGRADE, AMBIGUOUS].concat());
    let said = client.rest();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("HTTP/1.1 400 "), "{said}");
    assert!(upstream.requests().iter().all(|request| request.path() != "/evil"), "{:?}", upstream.requests());
}

#[test]
fn an_upgrade_to_an_upstream_that_is_not_there_is_a_500() {
    let gateway = Gateway::serving([Api::new("api")]);
    let mut client = gateway.raw();
    client.send(UPGRADE);
    let answer = client.answer();
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("There was a problem proxying the request"), "{}", answer.text());
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn an_upstream_that_switches_unasked_is_a_500() {
    let upstream = Upstream::conversing(|conversation| {
        conversation.request()?;
        conversation
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    });
    let gateway = proxy_to(&upstream);
    gateway.get("/api/x").assert_error(500, "There was a problem proxying the request");
}

#[test]
fn an_upgrade_header_that_connection_does_not_name_is_dropped() {
    let upstream = Upstream::echo();
    let gateway = proxy_to(&upstream);
    let mut client = gateway.raw();
    client.send("GET /api/x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert!(!upstream.only_request().headers.has("upgrade"));
}
