//! Scripts through the whole room: threads, engine, host functions.

use std::time::Instant;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::{
    config::settings::UpstreamSettings,
    js::{
        engine::{Call, CallKind, RequestObject},
        outbound::outbound_client,
        response::VirtualResponse,
        test_settings,
    },
};

fn client() -> (OutboundClient, Arc<HostPools>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let upstream = UpstreamSettings {
        idle_per_host: 1000,
        idle_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        insecure_skip_verify: false,
    };
    let roots = rustls::RootCertStore::empty();
    let client = outbound_client(&upstream, tls.with_root_certificates(roots).with_no_client_auth());
    (client, Arc::new(HostPools::title_case(&upstream)))
}

fn runtime_with(change: impl FnOnce(&mut JavaScriptSettings)) -> Arc<JsRuntime> {
    let mut settings = test_settings();
    change(&mut settings);
    let (client, plain) = client();
    Arc::new(JsRuntime::new(&settings, client, plain, Handle::current()))
}

async fn load(runtime: &Arc<JsRuntime>, text: &str) -> (Arc<Script>, Vec<(usize, ScriptError)>) {
    load_with(runtime, DriverName::DEFAULT, text).await
}

async fn load_with(
    runtime: &Arc<JsRuntime>,
    driver: DriverName,
    text: &str,
) -> (Arc<Script>, Vec<(usize, ScriptError)>) {
    let source = Source { name: "a.js".into(), text: text.into() };
    let program = Program {
        api_id: "api".into(),
        sources: vec![source],
        config_json: "{}".into(),
        seed: 1,
        memory_bytes: 32 << 20,
    };
    let runtime = Arc::clone(runtime);
    tokio::task::spawn_blocking(move || runtime.load(driver, program, runtime.budget()))
        .await
        .unwrap()
        .unwrap()
}

fn call_of(function: &str) -> Call {
    Call {
        function: function.into(),
        kind: CallKind::default(),
        request: RequestObject::default(),
        session_json: None,
    }
}

/// A server that answers every call with `body` after `delay`.
async fn serve(body: &'static str, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                while stream.read(&mut head).await.is_ok_and(|count| count > 0) {
                    tokio::time::sleep(delay).await;
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_answers_with_what_it_fetched() {
    let server = serve(r#"{"id":7}"#, Duration::ZERO).await;
    let runtime = runtime_with(|_| ());
    let text = format!(
        "function f(request, session) {{
           var answer = JSON.parse(TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: '{server}', Resource: '/x'}})));
           var batch = JSON.parse(TykBatchRequest(JSON.stringify({{requests: [{{relative_url: '{server}/y'}}]}})));
           return TykJsResponse({{Body: answer.Body + batch[0].body, Code: answer.code}}, session.meta_data); }}"
    );
    let (script, failures) = load(&runtime, &text).await;
    assert!(failures.is_empty());
    for _ in 0..3 {
        let text = runtime.call(&script, call_of("f"), runtime.budget()).await.unwrap();
        let response = VirtualResponse::parse(text).unwrap();
        assert_eq!((response.code, &response.body[..]), (200, &br#"{"id":7}{"id":7}"#[..]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_the_bound_end_the_script() {
    let runtime = runtime_with(|settings| settings.outbound_calls = 3);
    let dead = "'{\"Domain\":\"http://127.0.0.1:1\"}'";
    let text =
        format!("function f() {{ for (;;) {{ try {{ TykMakeHttpRequest({dead}); }} catch (e) {{}} }} }}");
    let (script, _) = load(&runtime, &text).await;
    let error = runtime.call(&script, call_of("f"), runtime.budget()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Calls, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_host_call_counts_for_the_deadline() {
    let server = serve("late", Duration::from_secs(60)).await;
    let runtime = runtime_with(|settings| settings.timeout = Duration::from_millis(50));
    let text = format!(
        "function f() {{ try {{ TykMakeHttpRequest('{{\"Domain\":\"{server}\"}}'); }} catch (e) {{}} return 'x'; }}"
    );
    let (script, _) = load(&runtime, &text).await;
    let error = runtime.call(&script, call_of("f"), runtime.budget()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Timeout, "{error}");
    assert_eq!(runtime.stats().given_up, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_loaded_once_and_the_extra_one_first() {
    let folder = std::env::temp_dir().join(format!("gatehouse-js-{}", std::process::id()));
    std::fs::write(&folder, "var shared = 'extra'; var broken;").unwrap();
    let runtime = runtime_with(|settings| settings.extra_source = Some(folder.clone()));
    std::fs::remove_file(&folder).unwrap();
    let (script, failures) = load(&runtime, "var mine = shared; function f() { return mine; }").await;
    assert!(failures.is_empty());
    assert_eq!(runtime.call(&script, call_of("f"), runtime.budget()).await.unwrap(), "extra");
    let (_, failures) = load(&runtime, "nope();").await;
    assert_eq!(
        failures.iter().map(|(index, error)| (*index, error.class)).collect::<Vec<_>>(),
        [(0, ErrorClass::Exception)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_end_is_a_failure_of_that_source() {
    let runtime = runtime_with(|settings| settings.timeout = Duration::from_millis(50));
    let (script, failures) = load(&runtime, "for (;;) {}").await;
    assert_eq!(failures[0].1.class, ErrorClass::Timeout);
    assert_eq!(
        runtime.call(&script, call_of("f"), runtime.budget()).await.unwrap_err().class,
        ErrorClass::MissingFunction
    );
}

/// Some seconds in the engine's regular expressions.
const STUCK: &str = "function f() { /(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaa!'); return 'x'; } function g() { return 'g'; }";

/// How many threads are given up when a script is stuck in native code.
async fn given_up(driver: DriverName) -> usize {
    let runtime = runtime_with(|settings| {
        settings.timeout = Duration::from_millis(20);
        settings.threads = Some(1);
    });
    let (script, _) = load_with(&runtime, driver, STUCK).await;
    let error = runtime.call(&script, call_of("f"), runtime.budget()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Timeout);
    let given_up = runtime.stats().given_up;
    assert_eq!(runtime.call(&script, call_of("g"), runtime.budget()).await.unwrap(), "g");
    given_up
}

#[cfg(feature = "boa")]
#[tokio::test(flavor = "multi_thread")]
async fn boa_stuck_in_native_code_is_given_up() {
    assert_eq!(given_up(DriverName::Boa).await, 1);
}

#[cfg(feature = "quickjs")]
#[tokio::test(flavor = "multi_thread")]
async fn quickjs_comes_back_from_native_code() {
    assert_eq!(given_up(DriverName::QuickJs).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_calls_of_many_scripts_overlap() {
    const CALLS: usize = 500;
    let delay = Duration::from_millis(200);
    let server = serve("x", delay).await;
    let runtime = runtime_with(|_| ());
    let text = format!(
        "function f() {{ return JSON.parse(TykMakeHttpRequest('{{\"Domain\":\"{server}\"}}')).Body; }}"
    );
    let (script, _) = load(&runtime, &text).await;
    for round in 0..2 {
        let begun = Instant::now();
        let calls: Vec<_> = (0..CALLS)
            .map(|_| {
                let (runtime, script) = (Arc::clone(&runtime), Arc::clone(&script));
                tokio::spawn(async move { runtime.call(&script, call_of("f"), runtime.budget()).await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), "x");
        }
        let took = begun.elapsed();
        println!("round {round}: {CALLS} calls of 200 ms each took {took:?}; {:?}", runtime.stats());
        assert!(took < delay * (CALLS as u32) / 10, "they ran one after the other: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_did_not_change_is_not_loaded_again() {
    let server = serve("x", Duration::ZERO).await;
    let runtime = runtime_with(|_| ());
    let (script, _) = load(&runtime, "function f() { return 'x'; }").await;
    let (same, failures) = load(&runtime, "function f() { return 'x'; }").await;
    assert!(Arc::ptr_eq(&script, &same) && failures.is_empty());
    let (other, _) = load(&runtime, "function f() { return 'y'; }").await;
    assert!(!Arc::ptr_eq(&script, &other));
    assert_eq!(runtime.call(&other, call_of("f"), runtime.budget()).await.unwrap(), "y");

    // What failed, or asked for something, may go otherwise the next time.
    for text in ["nonsense(", &format!("TykMakeHttpRequest('{{\"Domain\":\"{server}\"}}');")] {
        let (first, _) = load(&runtime, text).await;
        let (second, _) = load(&runtime, text).await;
        assert!(!Arc::ptr_eq(&first, &second), "{text}");
    }

    // Nobody keeps what nobody uses.
    let gone = Arc::downgrade(&script);
    drop((script, same));
    assert!(gone.upgrade().is_none());
}

// Under Boa a call that waits keeps its thread.
#[cfg(feature = "quickjs")]
#[tokio::test(flavor = "multi_thread")]
async fn waiting_scripts_take_no_threads() {
    const CALLS: usize = 300;
    let (runtime, held) =
        (runtime_with(|settings| settings.timeout = Duration::from_secs(60)), Held::start(CALLS).await);
    let text = format!(
        "function f(request) {{ var mine = request.URL;
           return JSON.parse(TykMakeHttpRequest('{{\"Domain\":\"{}\"}}')).Body + mine; }}",
        held.address
    );
    let (script, _) = load(&runtime, &text).await;
    let calls = (0..CALLS).map(|number| {
        let (runtime, script) = (Arc::clone(&runtime), Arc::clone(&script));
        let request = RequestObject { url: number.to_string(), ..RequestObject::default() };
        let call = Call { request, ..call_of("f") };
        tokio::spawn(async move { runtime.call(&script, call, runtime.budget()).await.unwrap() })
    });
    let calls: Vec<_> = calls.collect();
    held.all_there().await;
    let stats = runtime.stats();
    assert!(stats.threads <= 2 && stats.waiting == 0, "{stats:?}");
    held.let_go();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), format!("late{number}"));
    }
}

/// A server that answers nobody until so many have asked.
#[cfg(feature = "quickjs")]
struct Held {
    address: String,
    asked: tokio::sync::watch::Receiver<usize>,
    open: tokio::sync::watch::Sender<bool>,
    expected: usize,
}

#[cfg(feature = "quickjs")]
impl Held {
    async fn start(expected: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (asking, asked) = tokio::sync::watch::channel(0);
        let (open, opened) = tokio::sync::watch::channel(false);
        let asking = Arc::new(asking);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (asking, mut opened) = (Arc::clone(&asking), opened.clone());
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    let _ = stream.read(&mut head).await;
                    asking.send_modify(|count| *count += 1);
                    let _ = opened.wait_for(|open| *open).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate").await;
                });
            }
        });
        Self { address, asked, open, expected }
    }

    async fn all_there(&self) {
        let _ = self.asked.clone().wait_for(|count| *count >= self.expected).await.unwrap();
    }

    fn let_go(&self) {
        self.open.send_replace(true);
    }
}
