//! Rates and quotas over several of their periods, under load, at one gateway and at two that share a Redis: never more
//! than they allow, and all of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    thread,
    time::{Duration, Instant},
};

use gatehouse_tests::{Api, Gateway, Request, Upstream, admin::setup, redis::Redis};
use serde_json::{Value, json};

/// Requests in each period of one second.
const LIMIT: usize = 20;
/// How long requests are sent.
const LONG: Duration = Duration::from_millis(3_300);

fn shop(upstream: &Upstream) -> Api {
    Api::new("shop").set("/use_keyless", false).target(upstream)
}

fn make(gateway: &Gateway, key: &str, limits: Value, endpoints: Value) {
    let mut session = json!({
        "org_id": "default", "rate": 0, "per": 0, "quota_max": -1,
        "access_rights": {"shop": {"api_id": "shop", "versions": ["Default"], "endpoints": endpoints}}
    });
    session.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    gateway
        .admin("POST", &format!("/tyk/keys/{key}"), session.to_string())
        .assert_changed(&format!("default{key}"), "added");
}

/// Sends from four threads to all gateways in turn, and gives the number of requests that passed and the time it took.
fn hammer(gateways: &[Gateway], key: &str, path: &str, refusal: u16) -> (usize, Duration) {
    let began = Instant::now();
    let work = |thread: usize| {
        let mut passed = 0;
        while began.elapsed() < LONG {
            let request = || Request::get(path).header("Authorization", key);
            let requests = (0..10).map(|_| request()).collect();
            for answer in gateways[thread % gateways.len()].client().send_in_turn(requests) {
                match answer.status {
                    200 => passed += 1,
                    other => assert_eq!(other, refusal),
                }
            }
        }
        passed
    };
    let passed = thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    (passed, began.elapsed())
}

/// Of each span of a second no more than the limit passed; the whole time is so many spans, the last one perhaps short.
#[track_caller]
fn assert_limited((passed, took): (usize, Duration)) {
    let spans = usize::try_from(took.as_secs()).unwrap() + 1;
    assert!(passed <= LIMIT * spans, "{passed} passed in {took:?}");
    // Three periods are full for certain, if requests come without end: a limit that never renews lets one through.
    assert!(passed >= LIMIT * 2, "only {passed} passed in {took:?}");
}

fn all_limits(gateways: &[Gateway]) {
    let none = json!([]);
    make(&gateways[0], "of-rate", json!({"rate": LIMIT, "per": 1}), none.clone());
    assert_limited(hammer(gateways, "of-rate", "/shop/x", 429));
    make(&gateways[0], "of-quota", json!({"quota_max": LIMIT, "quota_renewal_rate": 1}), none);
    assert_limited(hammer(gateways, "of-quota", "/shop/x", 403));
    let endpoint =
        json!([{"path": "/slow", "methods": [{"name": "GET", "limit": {"rate": LIMIT, "per": 1}}]}]);
    make(&gateways[0], "of-endpoint", json!({}), endpoint);
    assert_limited(hammer(gateways, "of-endpoint", "/shop/slow", 429));
}

#[test]
fn at_one_gateway() {
    let upstream = Upstream::saying("fine");
    all_limits(&[setup().api(shop(&upstream)).start()]);
}

#[test]
fn at_two_gateways_with_one_redis() {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::saying("fine");
    let storage = json!({"type": "redis", "host": "127.0.0.1", "port": redis.port()});
    all_limits(&[(); 2].map(|()| setup().set("/storage", storage.clone()).api(shop(&upstream)).start()));
}
