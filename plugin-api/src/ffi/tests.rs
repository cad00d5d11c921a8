//! Functions called through their descriptors, as a gateway calls them: sync, async, cancelled, panicking.
//!
//! Run under miri with `MIRIFLAGS=-Zmiri-ignore-leaks cargo +nightly miri test -p gatehouse-plugin --lib`: what `#[init]` makes is
//! never freed, on purpose.

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use serde::{Deserialize, Deserializer};

use crate::{
    Context, OutboundRequest, Outcome, Request, Response, block_on,
    expanded::{
        About, Arguments, AsyncFunction, Decision, Exported, ExportedInit, Made, SyncFunction, from_outcome,
        from_state,
    },
    host::{
        Answer, ContextSide, ForeignBytes, Function, HeaderChange, Headers, HostAnswer, HostCall, HostFuture,
        Init, Kept, Kind, Level, Message, Metric, Mode, Refusal, RequestFacts, RequestSide, State, Status,
        StorageOperation, Stored, Text, fact, item,
    },
    join_all,
};

/// A host's request, as plain as can be.
#[derive(Default)]
struct HostRequest {
    method: String,
    target: String,
    headers: BTreeMap<String, Vec<u8>>,
    body: Vec<u8>,
}

impl Headers for HostRequest {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(Vec::as_slice)
    }
    fn header_count(&self) -> usize {
        self.headers.len()
    }
    fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.headers.iter().for_each(|(name, value)| visit(name, value));
    }
    fn change_header(&mut self, name: &str, change: HeaderChange<'_>) -> Result<(), Refusal> {
        match change {
            HeaderChange::Set(value) | HeaderChange::Append(value) => {
                self.headers.insert(name.to_owned(), value.to_vec());
            }
            HeaderChange::Remove => drop(self.headers.remove(name)),
        }
        Ok(())
    }
}

impl RequestSide for HostRequest {
    fn facts(&self) -> RequestFacts<'_> {
        let (path, query) = self.target.split_once('?').map_or((&*self.target, None), |(p, q)| (p, Some(q)));
        RequestFacts { method: &self.method, path, query, body: &self.body }
    }
    fn set_method(&mut self, method: &str) -> Result<(), Refusal> {
        method.clone_into(&mut self.method);
        Ok(())
    }
    fn set_target(&mut self, target: &str) -> Result<(), Refusal> {
        if target.contains(' ') {
            return Err(Refusal::BadValue);
        }
        target.clone_into(&mut self.target);
        Ok(())
    }
    fn set_body(&mut self, body: ForeignBytes) -> Result<(), Refusal> {
        self.body = body.as_ref().to_vec();
        Ok(())
    }
}

/// Status, names of headers and whether they live for ever, body.
type Answered = (u16, Vec<(String, bool)>, Vec<u8>);

#[derive(Default)]
struct HostContext {
    kept: Option<Kept>,
    response: Mutex<Option<Answered>>,
    told: Mutex<BTreeMap<u32, (String, String)>>,
}

impl HostContext {
    fn told(&self, item: u32) -> (String, String) {
        self.told.lock().unwrap().get(&item).cloned().unwrap_or_default()
    }
}

struct Echo(HostCall);

impl HostAnswer for Echo {
    fn status(&self) -> u16 {
        200
    }
    fn header_count(&self) -> usize {
        self.0.headers.len()
    }
    fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.headers.iter().for_each(|(name, value)| visit(name, value));
    }
    fn body(&self) -> &[u8] {
        self.0.url.as_bytes()
    }
}

impl ContextSide for HostContext {
    type Answer = Echo;

    fn fact(&self, fact: u32) -> Option<&str> {
        Some(if fact == fact::CONFIG { "\"configured\"" } else { "a fact" })
    }
    fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }
    fn lookup(&self, _: u32, key: &str) -> Option<Vec<u8>> {
        (key == "known").then(|| b"\"value\"".to_vec())
    }
    fn put(&self, item: u32, key: &str, value: Option<&[u8]>) -> Result<(), Refusal> {
        assert_ne!(key, "panic", "a host that panics");
        let value = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        self.told.lock().unwrap().insert(item, (key.to_owned(), value));
        Ok(())
    }
    fn respond(&self, answer: Answer<'_>) -> Result<(), Refusal> {
        let headers = answer.headers.iter().map(|(name, value)| match (name, value) {
            (Text::Static(name), Text::Static(_)) => (String::from_utf8_lossy(name).into_owned(), true),
            (Text::Static(name) | Text::Borrowed(name), _) => {
                (String::from_utf8_lossy(name).into_owned(), false)
            }
        });
        let headers = headers.collect();
        *self.response.lock().unwrap() = Some((answer.status, headers, answer.body.as_ref().to_vec()));
        Ok(())
    }
    fn log(&self, _: Level, _: &str) {}
    fn metric(&self, metric: Metric<'_>) {
        assert_eq!(metric.labels, [("plan", "gold")]);
    }
    fn time_left(&self) -> Option<Duration> {
        Some(Duration::from_millis(5))
    }
    fn is_cancelled(&self) -> bool {
        true
    }
    fn send(&self, call: HostCall) -> HostFuture<Result<Echo, String>> {
        if call.url.is_empty() {
            return Box::pin(ready(Err("no address".to_owned())));
        }
        let mut waited = false;
        let mut call = Some(call);
        Box::pin(std::future::poll_fn(move |context| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(call.take().map(Echo).ok_or_else(String::new));
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }
    fn storage(&self, _: String, _: StorageOperation) -> HostFuture<Result<Stored, String>> {
        Box::pin(ready(Err("no store".to_owned())))
    }
}

fn host_request() -> HostRequest {
    let mut request =
        HostRequest { method: "GET".to_owned(), target: "/a?b=1".to_owned(), ..HostRequest::default() };
    for number in 0..40 {
        request.headers.insert(format!("x-{number:02}"), vec![b'0'; number]);
    }
    request
}

const fn about(name: &'static str) -> About {
    About { kind: 1, flags: 0, line: 7, name, file: "file.rs", package: "package", version: "1.2.3" }
}

fn body(arguments: Arguments<'_>, function: impl FnOnce(&mut Request, &Context) -> Outcome) -> Decision {
    from_outcome(function(arguments.request.unwrap(), arguments.context)).unwrap()
}

struct Everything;
impl SyncFunction for Everything {
    fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        Ok(body(arguments, |request, context| {
            assert_eq!((request.method(), request.path(), request.query()), ("GET", "/a", Some("b=1")));
            assert_eq!(request.headers().count(), 40);
            assert_eq!(request.headers().map(|(_, value)| value.len()).sum::<usize>(), 780);
            request.set_method("POST").unwrap();
            request.set_path("/c").unwrap();
            assert!(request.set_query(Some("d 1")).is_err());
            request.set_body(vec![1, 2, 3]).unwrap();
            request.set_header("x-00", "new").unwrap();
            request.remove_header("x-01").unwrap();
            assert_eq!((request.method(), request.path(), request.body()), ("POST", "/c", &[1, 2, 3][..]));
            assert_eq!(request.header("x-00"), Some("new"));
            assert_eq!(context.metadata("known"), Some("value".into()));
            assert_eq!(context.metadata("unknown"), None);
            assert!(context.set_metadata("panic", 1).is_err());
            assert_eq!(context.request_id(), "a fact");
            assert_eq!(context.time_left(), Some(Duration::from_millis(5)));
            assert!(context.is_cancelled());
            context.count("orders", &[("plan", "gold")], 1.0);
            assert_eq!(context.state::<u32>().unwrap(), &7);
            assert!(context.state::<u64>().is_err());
            std::thread::scope(|scope| {
                scope.spawn(|| context.set_metadata("from", "a thread").unwrap());
            });
            let response = Response::new(201).header("x-static", "1").header(String::from("x-owned"), "2");
            Outcome::Respond(response.body(String::from("made")))
        }))
    }
}

/// Configuration that counts how often it is read, and what is freed.
struct Configured(String);
static READ: AtomicU32 = AtomicU32::new(0);
static FREED: AtomicU32 = AtomicU32::new(0);

impl<'de> Deserialize<'de> for Configured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.fetch_add(1, Ordering::SeqCst);
        String::deserialize(deserializer).map(Self)
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        FREED.fetch_add(1, Ordering::SeqCst);
    }
}

struct ReadsConfig;
impl SyncFunction for ReadsConfig {
    fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        let context = arguments.context;
        let configured: &Configured = context.config().map_err(|error| error.to_string())?;
        let again = context.config::<Configured>().map_err(|error| error.to_string())?;
        assert!(std::ptr::eq(configured, again));
        assert_eq!(configured.0, "configured");
        assert_eq!(context.config::<String>().map_err(|error| error.to_string())?, "configured");
        assert!(context.config::<u32>().is_err());
        Ok(Decision::Continue)
    }
}

struct Panics;
impl SyncFunction for Panics {
    fn run(_: Arguments<'_>) -> Result<Decision, String> {
        panic!("no such tenant")
    }
}

struct Fails;
impl SyncFunction for Fails {
    fn run(_: Arguments<'_>) -> Result<Decision, String> {
        Err("not today".to_owned())
    }
}

struct Waits;
impl AsyncFunction for Waits {
    async fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        let (request, context) = (arguments.request.unwrap(), arguments.context);
        let calls = ["a", "b"].map(|url| context.send(OutboundRequest::get(url).header("x-call", url)));
        for (answer, url) in join_all(calls).await.into_iter().zip(["a", "b"]) {
            let answer = answer.unwrap();
            assert_eq!((answer.body(), answer.header("x-call")), (url.as_bytes(), Some(url)));
        }
        let failed = context.send(OutboundRequest::get("")).await.unwrap_err();
        assert_eq!(failed.to_string(), "outbound call: no address");
        let store = context.storage().get("key").await.unwrap_err();
        assert_eq!(store.to_string(), "store: no store");
        request.set_header("x-waited", "1").unwrap();
        Ok(Decision::Continue)
    }
}

static CANCELLED: AtomicBool = AtomicBool::new(false);
struct WaitsForEver;
impl AsyncFunction for WaitsForEver {
    async fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        struct Guard<'a>(&'a Context);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                self.0.info("still there");
                CANCELLED.store(true, Ordering::SeqCst);
            }
        }
        let _guard = Guard(arguments.context);
        std::future::pending().await
    }
}

struct PanicsLater;
impl AsyncFunction for PanicsLater {
    async fn run(arguments: Arguments<'_>) -> Result<Decision, String> {
        let _ = arguments.context.send(OutboundRequest::get("a")).await;
        panic!("later")
    }
}

static STARTS: AtomicU32 = AtomicU32::new(0);
struct Start;
impl crate::expanded::Init for Start {
    fn run() -> Result<Made, String> {
        match STARTS.fetch_add(1, Ordering::SeqCst) {
            0 => from_state(7_u32),
            1 => Err("no more".to_owned()),
            _ => panic!("enough"),
        }
    }
}

static EVERYTHING: Exported = Exported::sync::<Everything>(about("everything"));
static READS_CONFIG: Exported = Exported::sync::<ReadsConfig>(about("reads_config"));
static PANICS: Exported = Exported::blocking::<Panics>(about("panics"));
static FAILS: Exported = Exported::sync::<Fails>(about("fails"));
static WAITS: Exported = Exported::asynchronous::<Waits>(about("waits"));
static WAITS_FOR_EVER: Exported = Exported::asynchronous::<WaitsForEver>(about("waits_for_ever"));
static PANICS_LATER: Exported = Exported::asynchronous::<PanicsLater>(about("panics_later"));
static START: ExportedInit = ExportedInit::new::<Start>();

fn run(exported: &'static Exported, state: State) -> (Status, HostRequest, HostContext) {
    let (mut request, context) = (host_request(), HostContext::default());
    let status = Function::local(exported).run(Message::new(&context, state).request(&mut request));
    (status, request, context)
}

#[test]
fn a_descriptor_tells_of_its_function() {
    let function = Function::local(&PANICS);
    assert_eq!((function.name(), function.place()), ("panics", ("file.rs", 7)));
    assert_eq!((function.kind(), function.mode()), (Some(Kind::Request), Some(Mode::Blocking)));
    assert_eq!((function.package(), function.wants_body()), (("package", "1.2.3"), true));
}

#[test]
fn a_sync_function_reads_changes_and_answers() {
    let (status, request, context) = run(&EVERYTHING, State::new(7_u32));
    assert_eq!(status, Status::Responded);
    assert_eq!((&*request.method, &*request.target, &*request.body), ("POST", "/c?b=1", &[1, 2, 3][..]));
    assert_eq!(request.headers.len(), 39);
    let response = context.response.lock().unwrap().take().unwrap();
    let headers = vec![("x-static".to_owned(), true), ("x-owned".to_owned(), false)];
    assert_eq!(response, (201, headers, b"made".to_vec()));
    assert_eq!(context.told(item::METADATA), ("from".to_owned(), "\"a thread\"".to_owned()));
}

#[test]
fn configuration_is_read_once_for_each_place() {
    let call = |context: &HostContext| {
        let mut request = host_request();
        let message = Message::new(context, State::NONE).request(&mut request);
        assert_eq!(Function::local(&READS_CONFIG).run(message), Status::Continue);
        (READ.load(Ordering::SeqCst), FREED.load(Ordering::SeqCst))
    };
    let place = HostContext { kept: Some(Kept::default()), ..HostContext::default() };
    assert_eq!((call(&place), call(&place)), ((1, 0), (1, 0)));
    drop(place);
    assert_eq!(FREED.load(Ordering::SeqCst), 1);
    // A host that keeps nothing: once for each call.
    let elsewhere = HostContext::default();
    assert_eq!((call(&elsewhere), call(&elsewhere)), ((2, 2), (3, 3)));
}

#[test]
fn errors_and_panics_are_told() {
    let (status, _, context) = run(&FAILS, State::NONE);
    assert_eq!((status, context.told(item::ERROR).1), (Status::Failed, "not today".to_owned()));
    let (status, _, context) = run(&PANICS, State::NONE);
    assert_eq!((status, context.told(item::PANIC).1), (Status::Panicked, "no such tenant".to_owned()));
    assert_eq!(run(&WAITS, State::NONE).0, Status::Failed, "an async function cannot be run");
}

#[test]
fn an_async_function_waits_for_the_host() {
    let (mut request, context) = (host_request(), HostContext::default());
    let message = Message::new(&context, State::NONE).request(&mut request);
    let running = Function::local(&WAITS).start(message).unwrap();
    assert_eq!(block_on(running), Status::Continue);
    assert_eq!(request.header("x-waited"), Some(&b"1"[..]));
}

#[test]
fn an_async_function_may_move_between_threads() {
    let (mut request, context) = (host_request(), HostContext::default());
    let message = Message::new(&context, State::NONE).request(&mut request);
    let mut running = Function::local(&WAITS).start(message).unwrap();
    let mut poll_context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::pin::Pin::new(&mut running).poll(&mut poll_context).is_pending());
    let status = std::thread::scope(|scope| scope.spawn(move || block_on(running)).join().unwrap());
    assert_eq!(status, Status::Continue);
}

#[test]
fn dropping_an_async_function_cancels_it() {
    let (mut request, context) = (host_request(), HostContext::default());
    let message = Message::new(&context, State::NONE).request(&mut request);
    let mut running = Function::local(&WAITS_FOR_EVER).start(message).unwrap();
    let mut poll_context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::pin::Pin::new(&mut running).poll(&mut poll_context).is_pending());
    drop(running);
    assert!(CANCELLED.load(Ordering::SeqCst));
}

#[test]
fn a_panic_after_waiting_is_told() {
    let (mut request, context) = (host_request(), HostContext::default());
    let message = Message::new(&context, State::NONE).request(&mut request);
    assert_eq!(block_on(Function::local(&PANICS_LATER).start(message).unwrap()), Status::Panicked);
    assert_eq!(context.told(item::PANIC).1, "later");
}

#[test]
fn init_makes_a_state_or_says_why_not() {
    let init = Init::local(&START);
    assert!(init.run().is_ok());
    assert_eq!(init.run().unwrap_err(), "no more");
    assert!(init.run().unwrap_err().contains("enough"));
}
