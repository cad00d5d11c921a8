//! Kinds and modes that the examples do not have, as functions of the test itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use gatehouse_plugin::{
    Session,
    expanded::{
        About, Arguments, AsyncFunction, Decision, Exported, SyncFunction, from_outcome, from_result,
        from_verdict, kind, record,
    },
    host::{Function, State},
};
use http::Method;
use serde_json::json;

use super::{exchange, site};
use crate::{
    plugins::{AuthOutcome, CallContext, PluginFailure, PluginFunction, PluginOutcome},
    session::Session as Record,
};

const fn about(kind: u32) -> About {
    About { kind, flags: 0, line: 1, name: "local", file: "local.rs", package: "test", version: "0.0.0" }
}

fn function(exported: &'static Exported) -> PluginFunction {
    PluginFunction::new("local.so".into(), Function::local(exported), State::NONE)
}

/// Changes what it can, blocking.
struct Change;
impl SyncFunction for Change {
    fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        let (request, context) = (arguments.request.unwrap(), arguments.context);
        assert_eq!((request.body(), request.header("x-gone")), (&b"before"[..], Some("1")));
        assert_eq!(context.client_address(), "192.0.2.7:4711");
        assert_eq!((context.request_id().len(), context.api().listen_path()), (16, "/shop/"));
        assert!(context.time_left().is_none() && !context.is_cancelled());
        assert_eq!(context.metadata("plan"), Some("gold".into()));
        let mut changed = || {
            request.set_method("PUT")?;
            request.set_target("/shop/other?a=1")?;
            request.remove_header("x-gone")?;
            request.set_body("afterwards")?;
            context.set_metadata("seen", 1)?;
            context.remove_metadata("plan")?;
            context.append_response_header("x-a", "1")?;
            context.count("calls", &[], 1.0);
            for target in ["", "other", "/a b", "/a#b"] {
                assert!(request.set_target(target).is_err(), "{target:?}");
            }
            assert!(request.set_header("bad name", "1").is_err());
            assert!(request.set_header("x-bad", "a\nb").is_err());
            Ok::<(), gatehouse_plugin::Error>(())
        };
        from_outcome(changed())
    }
}
static CHANGE: Exported = Exported::blocking::<Change>(about(kind::REQUEST));

#[tokio::test]
async fn a_blocking_function_changes_everything_it_may() {
    let (mut exchange, site) = (exchange(Method::POST, "/shop/item", "before"), site(None, None));
    exchange.headers.insert("x-gone", "1".parse().unwrap());
    let session =
        Record { meta_data: json!({ "plan": "gold" }), alias: "ada".to_owned(), ..Record::default() };
    let session = Arc::new(session);
    let call = CallContext { session: Some(Arc::clone(&session).into()), ..CallContext::new(&site) };
    let called = function(&CHANGE).call(&mut exchange, call).await.unwrap();
    assert!(matches!(called.outcome, PluginOutcome::Continue));
    assert_eq!((exchange.method.as_str(), exchange.uri.to_string()), ("PUT", "/shop/other?a=1".to_owned()));
    assert_eq!(exchange.headers["content-length"], "10");
    assert!(!exchange.headers.contains_key("x-gone"));
    assert_eq!(exchange.buffer_body(100).await.unwrap(), "afterwards");
    let changed = Record { meta_data: json!({ "seen": 1 }), ..Record::clone(&session) };
    assert_eq!(called.effects.session.as_deref(), Some(&changed));
    assert_eq!(session.meta_data["plan"], "gold", "others of the session see no half of a change");
    assert_eq!(site.services.metrics.snapshot().len(), 1);
}

/// Waits until it is told that nobody waits for it.
struct Stubborn;
static NOTICED: AtomicBool = AtomicBool::new(false);
impl SyncFunction for Stubborn {
    fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        while !arguments.context.is_cancelled() {
            std::thread::yield_now();
        }
        NOTICED.store(true, Ordering::SeqCst);
        Ok(Decision::Continue)
    }
}
static STUBBORN: Exported = Exported::blocking::<Stubborn>(about(kind::REQUEST));

#[tokio::test]
async fn a_blocking_function_learns_that_nobody_waits() {
    let site = site(None, Some(Duration::from_millis(20)));
    let mut exchange = exchange(Method::GET, "/", "");
    exchange.headers.insert("x-kept", "1".parse().unwrap());
    let result = function(&STUBBORN).call(&mut exchange, CallContext::new(&site)).await;
    // It may notice its end of time before the gateway does.
    assert!(matches!(result, Err(PluginFailure::Timeout { .. }) | Ok(_)), "{result:?}");
    assert!(exchange.headers.contains_key("x-kept"));
    tokio::task::spawn_blocking(|| {
        while !NOTICED.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    })
    .await
    .unwrap();
}

struct Login;
impl SyncFunction for Login {
    fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        match arguments.request.unwrap().query() {
            Some("ada") => from_verdict(Ok::<_, gatehouse_plugin::Denied>(Session::new("ada"))),
            Some("error") => Err("no directory".to_owned()),
            _ => from_verdict(Err::<Session, _>(gatehouse_plugin::Denied::unauthorized("who?"))),
        }
    }
}
static LOGIN: Exported = Exported::sync::<Login>(about(kind::AUTH));

#[tokio::test]
async fn authentication_allows_denies_or_fails() {
    let site = site(None, None);
    let login = async |target: &str| {
        let mut exchange = exchange(Method::GET, target, "");
        let called = function(&LOGIN).authenticate(&mut exchange, CallContext::new(&site)).await;
        called.map(|called| called.outcome)
    };
    let allowed = login("/?ada").await.unwrap();
    assert!(matches!(allowed, AuthOutcome::Allow(session) if session.alias == "ada"));
    let denied = login("/").await.unwrap();
    assert!(matches!(denied, AuthOutcome::Deny { status, message } if status == 401 && message == "who?"));
    assert!(
        matches!(login("/?error").await, Err(PluginFailure::Error { message }) if message == "no directory")
    );
}

struct Mask;
impl SyncFunction for Mask {
    fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        record(arguments.context, |record| drop(record.remove("raw"))).and_then(from_result)
    }
}
static MASK: Exported = Exported::sync::<Mask>(about(kind::ANALYTICS));

#[tokio::test]
async fn an_analytics_hook_changes_the_record() {
    let (mut record, site) = (json!({ "path": "/", "raw": "secret" }), site(None, None));
    function(&MASK).record(&mut record, CallContext::new(&site)).await.unwrap();
    assert_eq!(record, json!({ "path": "/" }));
}

struct PanicsLate;
impl AsyncFunction for PanicsLate {
    async fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        let store = arguments.context.storage().get("key").await;
        assert_eq!(store.unwrap_err().to_string(), "store: this gateway has no store");
        tokio::task::yield_now().await;
        panic!("after waiting")
    }
}
static PANICS_LATE: Exported = Exported::asynchronous::<PanicsLate>(about(kind::REQUEST));

#[tokio::test]
async fn a_panic_after_waiting_is_a_failure() {
    let (mut exchange, site) = (exchange(Method::GET, "/", ""), site(None, None));
    let result = function(&PANICS_LATE).call(&mut exchange, CallContext::new(&site)).await;
    assert!(matches!(result, Err(PluginFailure::Panic { message, .. }) if message == "after waiting"));
}
