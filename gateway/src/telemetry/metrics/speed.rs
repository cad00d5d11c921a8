//! What counting a request costs, for people to look at:
//! `cargo test --release -p gatehouse telemetry::metrics::speed -- --ignored --nocapture`.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use http::StatusCode;

use super::Metrics;

const REQUESTS: u32 = 1_000_000;

/// The quickest of some rounds, as that is the one that was disturbed least.
fn quickest(mut round: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed());
    }
    best / REQUESTS
}

#[test]
#[ignore = "a measurement"]
fn counting_a_request_costs_less_than_150_nanoseconds() {
    let metrics = Metrics::new();
    let api = metrics.api("shop");
    // As `serve` does it: two looks at the clock, a counter and a histogram.
    let count = |requests: u32| {
        for _ in 0..requests {
            let start = black_box(Instant::now());
            api.served(black_box(StatusCode::OK), start.elapsed());
        }
    };
    let clock = quickest(|| {
        for _ in 0..REQUESTS {
            let start = black_box(Instant::now());
            black_box(start.elapsed());
        }
    });
    let alone = quickest(|| count(REQUESTS));
    let shared = quickest(|| {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| count(REQUESTS));
            }
        });
    });
    println!("the clock: {clock:?}, one thread: {alone:?}, two threads in one API: {shared:?} each");
    assert!(alone < Duration::from_nanos(150), "{alone:?}");
}
