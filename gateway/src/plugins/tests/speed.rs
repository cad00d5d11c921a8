//! What a call costs, for people to look at: `cargo test --release -p gatehouse plugins::tests::speed -- --ignored --nocapture`.

use std::{
    hint::black_box,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use gatehouse_plugin::{
    expanded::{About, Arguments, AsyncFunction, Decision, Exported, kind},
    host::{Function, State},
};
use http::{HeaderName, HeaderValue, Method, Response};

use super::{exchange, load, site};
use crate::plugins::{CallContext, Kind, PluginFunction};

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

/// Waits for nothing.
struct Ready;
impl AsyncFunction for Ready {
    async fn run(_: Arguments<'_>) -> Result<Decision, String> {
        Ok(Decision::Continue)
    }
}

/// Is woken once before it is ready, by itself.
struct WakesOnce;
impl AsyncFunction for WakesOnce {
    async fn run(_: Arguments<'_>) -> Result<Decision, String> {
        wakes_once().await;
        Ok(Decision::Continue)
    }
}

async fn wakes_once() {
    let mut woken = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut woken, true) {
            return Poll::Ready(());
        }
        let kept = black_box(context.waker().clone());
        kept.wake();
        Poll::Pending
    })
    .await;
}

const fn about(name: &'static str) -> About {
    About {
        kind: kind::REQUEST,
        flags: 1,
        line: 1,
        name,
        file: "speed.rs",
        package: "test",
        version: "0.0.0",
    }
}

static READY: Exported = Exported::asynchronous::<Ready>(about("ready"));
static WAKES_ONCE: Exported = Exported::asynchronous::<WakesOnce>(about("wakes_once"));

#[tokio::test]
#[ignore = "a measurement"]
async fn what_an_async_call_costs() {
    let site = site(None, None);
    let mut exchange = exchange(Method::GET, "/", "");
    let native_ready = quickest(async || {
        for _ in 0..CALLS {
            let future: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async {});
            black_box(future).await;
        }
    })
    .await;
    let native_wake = quickest(async || {
        for _ in 0..CALLS {
            let future: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(wakes_once());
            black_box(future).await;
        }
    })
    .await;
    for (name, exported, native) in
        [("ready at once", &READY, native_ready), ("one wake", &WAKES_ONCE, native_wake)]
    {
        let function = PluginFunction::new("speed.so".into(), Function::local(exported), State::NONE);
        let plugin = quickest(async || {
            for _ in 0..CALLS {
                let called = function.call(&mut exchange, CallContext::new(&site)).await;
                black_box(called.is_ok());
            }
        })
        .await;
        println!("{name}: {plugin:?}; a boxed future of the gateway's own: {native:?}");
    }
}
