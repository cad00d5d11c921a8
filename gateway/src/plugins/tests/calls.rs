//! Loading and calling.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response};
use serde_json::{Value, json};

use super::{exchange, library, load, registry, site};
use crate::plugins::{
    CallContext, Kind, PluginFailure, PluginFunction, PluginOutcome, PluginRegistry, Problem,
    registry::locate,
};

fn is_send<T: Send>(value: T) -> T {
    value
}

async fn answer(function: &PluginFunction, target: &str) -> Response<Bytes> {
    let mut exchange = exchange(Method::GET, target, "");
    let site = site(None, None);
    let called = is_send(function.call(&mut exchange, CallContext::new(&site))).await.unwrap();
    match called.outcome {
        PluginOutcome::Respond(response) => *response,
        PluginOutcome::Continue => panic!("{function:?} did not answer"),
    }
}

#[tokio::test]
async fn a_function_answers() {
    let response = answer(&load("hello", "bench_plain", Kind::Request), "/plain").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["foo-header-2"], "baz");
    assert_eq!(response.body(), &"This is a virtual endpoint!");
    let hello = load("hello", "hello", Kind::Request);
    let response = answer(&hello, "/hi").await;
    assert_eq!(response.body(), r#"{"message":"Hello, stranger!","path":"/hi"}"#);
    let (file, line) = hello.place();
    assert!(file.ends_with("hello/src/lib.rs") && line > 1, "{file}:{line}");
}

#[tokio::test]
async fn a_function_changes_the_request_and_goes_on() {
    let function = load("hello", "add_foo_bar_header", Kind::Request);
    let mut exchange = exchange(Method::GET, "/", "");
    let site = site(None, None);
    let called = function.call(&mut exchange, CallContext::new(&site)).await.unwrap();
    assert!(matches!(called.outcome, PluginOutcome::Continue));
    assert_eq!(exchange.headers["foo"], "bar");
    let mut headers = HeaderMap::new();
    called.effects.response_headers.apply(&mut headers);
    assert_eq!(headers["x-plugin"], "hello");
}

#[tokio::test]
async fn a_panic_ends_the_call_and_nothing_else() {
    let function = load("hello", "fragile", Kind::Request);
    let (mut exchange, site) = (exchange(Method::GET, "/?0", ""), site(None, None));
    let failure = function.call(&mut exchange, CallContext::new(&site)).await.unwrap_err();
    let PluginFailure::Panic { message, place } = failure else { panic!("{failure:?}") };
    assert_eq!(message, "attempt to divide by zero");
    assert!(place.contains("hello/src/lib.rs:"), "{place}");
    assert_eq!(answer(&function, "/?5").await.body(), "20\n");
}

#[tokio::test]
async fn the_same_bytes_are_one_plugin_and_others_another() {
    let folder = tempfile::tempdir().unwrap();
    let registry = PluginRegistry::new(folder.path().join("copies"));
    let path = folder.path().join("libvisits.so");
    let mut bytes = fs::read(library("hello")).unwrap();
    // Bytes of its own, so that the state is not shared with other tests.
    bytes.extend_from_slice(b"first");
    fs::write(&path, &bytes).unwrap();
    let load = || registry.load(&path, "visits", Kind::Request).unwrap();
    let first = load();
    assert!(Arc::ptr_eq(&first, &load()));
    assert_eq!(answer(&first, "/").await.body(), "1\n");

    // Written again, but not changed.
    fs::write(&path, &bytes).unwrap();
    assert_eq!(answer(&load(), "/").await.body(), "2\n");

    // In place, as a careless copy does it: the mapped library is the copy, so nothing happens to it.
    bytes.extend_from_slice(b"second");
    fs::write(&path, &bytes).unwrap();
    let second = load();
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(answer(&second, "/").await.body(), "1\n");
    assert_eq!(answer(&first, "/").await.body(), "3\n");
    assert_eq!(registry.plugins().len(), 2);
}

#[test]
fn a_file_with_version_and_platform_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.so");
    let error = registry().load(&path, "hello", Kind::Request).unwrap_err();
    let Problem::NotFound { tried } = &error.problem else { panic!("{error}") };
    let [first, second] = &tried[..] else { panic!("{tried:?}") };
    assert!(first.to_string_lossy().contains("/plugin_v"), "{first:?}");
    assert_eq!(*second, path);
    fs::copy(library("hello"), first).unwrap();
    assert_eq!(locate(&path).unwrap(), *first);
    assert!(registry().load(&path, "hello", Kind::Request).is_ok());
}

#[test]
fn what_a_plugin_has_not_is_refused_with_what_it_has() {
    let refused = |function: &str, kind| {
        let error = registry().load(&library("hello"), function, kind).unwrap_err().to_string();
        error.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(
        refused("helo", Kind::Request),
        "has no function `helo`; it has add_foo_bar_header, bench_plain, fragile, hello, visits\n  remedy: correct the name in the definition"
    );
    assert_eq!(
        refused("hello", Kind::Auth),
        "`hello` is made with #[endpoint] or #[request_hook], and cannot be used for authentication\n  remedy: name a function made with #[auth]"
    );
    // Its file of partners is not there.
    let error = registry().load(&library("auth"), "partner", Kind::Auth).unwrap_err();
    assert!(matches!(&error.problem, Problem::Init(message) if message.contains("partners")), "{error}");
}

#[tokio::test]
async fn a_response_hook_changes_the_answer() {
    let function = load("transform_response", "redact", Kind::Response);
    let (mut exchange, site) = (exchange(Method::GET, "/", ""), site(None, None));
    let mut response = Response::new(Bytes::from_static(br#"{"email":"a@x"}"#));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response.headers_mut().insert("server", HeaderValue::from_static("upstream"));
    let call = CallContext::new(&site);
    is_send(function.change_response(&mut exchange, &mut response, call)).await.unwrap();
    assert_eq!(response.body(), r#"{"email":"(redacted)"}"#);
    assert_eq!(response.headers()["content-length"], "22");
    assert!(!response.headers().contains_key("server"));
}

/// Answers so many requests on one connection each, after both have come when `together`.
fn upstream(answers: usize, together: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut connections = Vec::new();
        for _ in 0..answers {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = connection.read(&mut request).unwrap();
            assert!(length > 0);
            connections.push(connection);
            if !together {
                reply(connections.drain(..));
            }
        }
        reply(connections.drain(..));
    });
    address
}

fn reply(connections: impl Iterator<Item = std::net::TcpStream>) {
    for mut connection in connections {
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}").unwrap();
    }
}

#[tokio::test]
async fn an_async_function_makes_calls_at_the_same_time() {
    // Neither is answered before both have come: one after the other would never end.
    let address = upstream(2, true);
    let config = json!({ "users": format!("http://{address}"), "orders": format!("http://{address}") });
    let function = load("aggregate", "dashboard", Kind::Request);
    let site = site(Some(&config.to_string()), Some(Duration::from_secs(10)));
    let mut exchange = exchange(Method::GET, "/dashboard", "");
    let called = is_send(function.call(&mut exchange, CallContext::new(&site))).await.unwrap();
    let PluginOutcome::Respond(response) = called.outcome else { panic!("it answers") };
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body, json!({ "user": { "a": 1 }, "orders": { "a": 1 }, "missing": [] }));
}

#[tokio::test]
async fn an_async_function_is_cancelled_when_its_time_is_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = json!({ "users": format!("http://{address}"), "orders": format!("http://{address}") });
    let function = load("aggregate", "dashboard", Kind::Request);
    let site = site(Some(&config.to_string()), Some(Duration::from_millis(30)));
    let mut exchange = exchange(Method::GET, "/dashboard", "");
    let result = function.call(&mut exchange, CallContext::new(&site)).await;
    // The outbound calls have the same bound and may notice first.
    match result {
        Err(PluginFailure::Timeout { .. }) => {}
        Ok(called) => {
            assert!(matches!(called.outcome, PluginOutcome::Respond(answer) if answer.status() == 502))
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plugin_may_have_a_runtime_of_its_own() {
    let address = upstream(1, false);
    let config = json!({ "prices": format!("http://{address}/today") });
    let function = load("own_runtime", "price", Kind::Request);
    let site = site(Some(&config.to_string()), None);
    let mut exchange = exchange(Method::GET, "/price", "");
    let called = is_send(function.call(&mut exchange, CallContext::new(&site))).await.unwrap();
    let PluginOutcome::Respond(response) = called.outcome else { panic!("it answers") };
    assert_eq!(response.body(), r#"{"a":1}"#);
}
