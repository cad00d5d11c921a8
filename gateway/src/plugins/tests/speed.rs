//! What a call costs, for people to look at: `cargo test --release -p gatehouse plugins::tests::speed -- --ignored --nocapture`.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response};

use super::{exchange, load, site};
use crate::plugins::{CallContext, Kind};

const CALLS: u32 = 300_000;

/// The quickest of some rounds, as that is the one that was disturbed least.
async fn quickest(mut round: impl AsyncFnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        round().await;
        best = best.min(start.elapsed() / CALLS);
    }
    best
}

#[tokio::test]
#[ignore = "a measurement"]
async fn a_call_costs_less_than_half_a_microsecond() {
    let site = site(None, Some(Duration::from_secs(1)));
    let mut exchange = exchange(Method::GET, "/plain", "");
    for name in ["host", "user-agent", "accept", "x-a", "x-b"] {
        exchange.headers.insert(HeaderName::from_static(name), HeaderValue::from_static("value"));
    }
    let native = quickest(async || {
        for _ in 0..CALLS {
            let mut response = Response::new(Bytes::from_static(b"This is a virtual endpoint!"));
            let headers = response.headers_mut();
            headers.insert("content-type", HeaderValue::from_static("text/plain"));
            headers.insert("foo-header", HeaderValue::from_static("bar"));
            headers.insert("foo-header-2", HeaderValue::from_static("baz"));
            black_box(&response);
        }
    })
    .await;
    println!("the same answer, compiled in: {native:?}");
    for (library, name) in [("hello", "bench_plain"), ("hello", "add_foo_bar_header")] {
        let function = load(library, name, Kind::Request);
        let plugin = quickest(async || {
            for _ in 0..CALLS {
                let called = function.call(&mut exchange, CallContext::new(&site)).await;
                black_box(called.is_ok());
            }
        })
        .await;
        println!("{name}: {plugin:?}");
        assert!(plugin < native + Duration::from_nanos(500), "{plugin:?}");
    }
}
