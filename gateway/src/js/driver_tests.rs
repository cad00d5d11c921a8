// What every driver has to hold: one VM, calls one after the other. Included by the tests of each, which give `driver()`.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::*;
use crate::js::{
    engine::{CallKind, HookRequest, HostReturn, Position, RequestObject, ResponseObject, Source},
    host::{HostFunction, text_function},
    tape::{Recorder, TapeWriter},
};

type Asked = (HostFunction, Vec<String>);

/// A host that writes down what it was asked and answers from a list.
#[derive(Clone, Default)]
struct FakeHost {
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<VecDeque<HostReturn>>>,
}

impl Host for FakeHost {
    fn call(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((function, arguments.to_vec()));
        text_function(function, arguments).unwrap_or_else(|| {
            self.answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
                .unwrap_or(HostReturn::Undefined)
        })
    }
}

impl FakeHost {
    fn answering(answers: impl IntoIterator<Item = HostReturn>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

const LIMIT: Duration = Duration::from_secs(20);

fn program(sources: &[&str]) -> Arc<Program> {
    let source = |(index, text): (usize, &&str)| Source {
        name: format!("mw/{index} a.js").into(),
        text: (*text).into(),
    };
    Arc::new(Program {
        api_id: "api".into(),
        sources: sources.iter().enumerate().map(source).collect(),
        config_json:
            r#"{"APIID":"api","OrgID":"o","config_data":{"n":1,"big":9007199254740993,"list":[1,"x",null]}}"#
                .into(),
        seed: 7,
        memory_bytes: 32 << 20,
    })
}

struct Loaded {
    vm: Box<dyn Vm>,
    failures: Vec<(usize, ScriptError)>,
}

fn load_with(sources: &[&str], host: FakeHost) -> Loaded {
    let program = program(sources);
    let writer = TapeWriter::default();
    let recorder = Box::new(Recorder::new(Box::new(host), writer.clone()));
    let failures = driver().load(&program, recorder, Deadline::after(LIMIT)).unwrap();
    let mut failed = vec![false; sources.len()];
    failures.iter().for_each(|(index, _)| failed[*index] = true);
    let loaded = Arc::new(LoadedProgram {
        program,
        failed,
        tape: Arc::new(writer.into_tape()),
        loaded_at_millis: 1_000,
        load_limit: LIMIT,
        prepared: std::sync::OnceLock::new(),
    });
    Loaded { vm: driver().vm(&loaded).unwrap(), failures }
}

fn load(source: &str) -> Box<dyn Vm> {
    let loaded = load_with(&[source], FakeHost::default());
    assert!(loaded.failures.is_empty(), "{:?}", loaded.failures);
    loaded.vm
}

fn call_within(
    vm: &mut Box<dyn Vm>,
    call: &Call,
    host: FakeHost,
    limit: Duration,
) -> Result<String, ScriptError> {
    let bounds = CallBounds { deadline: Deadline::after(limit), memory_bytes: 32 << 20, response_bytes: 1 << 20 };
    let result = vm.call(call, Box::new(host), &bounds);
    vm.reset().unwrap();
    result
}

fn call_of(function: &str) -> Call {
    Call {
        function: function.into(),
        kind: CallKind::default(),
        request: RequestObject::default(),
        session_json: None,
    }
}

fn call(vm: &mut Box<dyn Vm>, function: &str) -> Result<String, ScriptError> {
    call_within(vm, &call_of(function), FakeHost::default(), LIMIT)
}

fn run(source: &str) -> String {
    call(&mut load(source), "f").unwrap()
}

fn fail(source: &str) -> ScriptError {
    call(&mut load(source), "f").unwrap_err()
}

#[test]
fn nothing_outlives_a_call() {
    let mut vm = load(
        "var n = 0; var closure = (function () { var m = 0; return function () { return ++m; }; })();
         function f() {
           n++; leaked = (typeof leaked === 'undefined' ? 0 : leaked) + 1;
           var had = [].extra; Array.prototype.extra = 1; JSON.stringify.x = (JSON.stringify.x || 0) + 1;
           var x = JSON.stringify.x; var before = typeof eval; eval = 1; log = null; this.other = 1;
           return [n, closure(), leaked, had, x, before, typeof _, delete Object.prototype.toString].join(' ');
         }",
    );
    for _ in 0..3 {
        assert_eq!(call(&mut vm, "f").unwrap(), "1 1 1  1 function function true");
    }
}

#[test]
fn the_request_shows_tyks_keys_and_hides_ours() {
    let mut vm = load(
        "function f(request, session, config) { return JSON.stringify([Object.keys(request).sort(), request,
           request.Method, request.RequestID, request.BodyBase64, session, config, Object.keys(globalThis)]); }",
    );
    let request = RequestObject {
        headers: vec![("X-Test".into(), vec!["1".into(), "2".into()])],
        body: bytes::Bytes::from_static(b"a\xff\xc3\xa9"),
        url: "/a?b=1".into(),
        params: vec![("b".into(), vec!["1".into()]), ("7".into(), vec![])],
        scheme: "http".into(),
        method: "PUT".into(),
        request_id: "id".into(),
    };
    let with_request =
        Call { request, session_json: Some(r#"{"meta_data":{"a":[1.5]}}"#.into()), ..call_of("f") };
    let text = call_within(&mut vm, &with_request, FakeHost::default(), LIMIT).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        value,
        serde_json::json!([
            ["Body", "Headers", "Params", "Scheme", "URL"],
            {"Headers": {"X-Test": ["1", "2"]}, "Body": "a\u{fffd}é", "URL": "/a?b=1", "Params": {"7": [], "b": ["1"]}, "Scheme": "http"},
            "PUT", "id", "Yf/DqQ==", {"meta_data": {"a": [1.5]}},
            {"APIID": "api", "OrgID": "o", "config_data": {"big": 9_007_199_254_740_992_i64, "list": [1, "x", null], "n": 1}},
            ["f"],
        ])
    );
}

#[test]
fn functions_are_found_by_any_name_a_script_would_use() {
    let mut vm = load(
        "var handlers = {inner: {go: function () { return 'member ' + (this === handlers.inner); }}};
         const arrow = () => 'arrow'; class K { static run() { return 'class ' + (this === K); } }
         function plain() { return 'plain ' + (this === globalThis); }",
    );
    assert_eq!(call(&mut vm, "handlers.inner.go").unwrap(), "member true");
    assert_eq!(call(&mut vm, "arrow").unwrap(), "arrow");
    assert_eq!(call(&mut vm, "K.run").unwrap(), "class true");
    assert_eq!(call(&mut vm, "plain").unwrap(), "plain true");
    assert_eq!(call(&mut vm, "handlers.inner.go").unwrap(), "member true");
    for name in ["nowhere", "handlers.nope.go", "handlers.inner", "a b", ""] {
        let error = call(&mut vm, name).unwrap_err();
        assert_eq!(error.class, ErrorClass::MissingFunction, "{name}: {error}");
        assert!(error.message.contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn results_that_are_no_text_are_refused() {
    for (value, word) in [("", "undefined"), ("null", "null"), ("{}", "an object"), ("7", "a number")] {
        let error = fail(&format!("function f() {{ return {value}; }}"));
        assert_eq!(error.class, ErrorClass::BadResult);
        assert_eq!(error.message, format!("returned {word}; return TykJsResponse(...)"));
    }
    let error = fail("function f() { var text = 'x'; while (text.length < 1 << 21) { text += text; } return text; }");
    assert_eq!(error.class, ErrorClass::Output);
}

#[test]
fn a_response_is_json_with_both_parts() {
    let text = run(
        "function f() { return TykJsResponse({Body: 'é\\ud800', Code: 200, Headers: {a: 'b'}}, {k: 1}); }",
    );
    assert_eq!(
        text,
        r#"{"Response":{"Body":"é\ud800","Code":200,"Headers":{"a":"b"}},"SessionMeta":{"k":1}}"#
    );
    assert_eq!(
        run("function f() { JSON = null; return TykJsResponse({Code: 200}); }"),
        r#"{"Response":{"Code":200}}"#
    );
}

#[test]
fn errors_say_what_and_where() {
    let error = fail("function g() {\n  throw new TypeError('boom');\n}\nfunction f() {\n  g();\n}");
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Exception, "TypeError: boom"));
    let position = error.position.unwrap();
    assert_eq!((&*position.source, position.line), ("mw/0 a.js", 2));
    assert_eq!(error.stack.len(), 2, "{:?}", error.stack);
    assert!(
        error.stack[0].starts_with("at g (mw/0 a.js:2:") && error.stack[1].starts_with("at f (mw/0 a.js:5:")
    );

    assert_eq!(fail("function f() { throw 'boom'; }").message, "Uncaught \"boom\"");
    assert_eq!(
        fail("function f() { throw {a: 1, b: ['x', {c: null}]}; }").message,
        r#"Uncaught {"a":1,"b":["x",{"c":null}]}"#
    );
    assert_eq!(
        fail("function f() { throw {message: 'm', get name() { return 1; }}; }").message,
        "Uncaught object: m"
    );
    assert_eq!(fail("function f() { throw undefined; }").message, "Uncaught undefined");
    assert_eq!(
        fail("function f() { return missing.name; }").message,
        "ReferenceError: missing is not defined"
    );
    assert!(fail("function f() { null.x; }").message.starts_with("TypeError: "));
    let custom = fail(
        "class Mine extends Error { get x() { return 1; } } Mine.prototype.name = 'Mine'; function f() { throw new Mine('q'); }",
    );
    assert_eq!(custom.message, "Mine: q");
    on_script_stack(|| {
        for thrown in ["{a: 1, b: [{}]}", "'text'", "undefined", "7"] {
            let error = fail(&format!("function f() {{\n throw {thrown}; }}"));
            assert_eq!(error.stack.len(), 1, "{thrown}: {:?}", error.stack);
            assert!(error.stack[0].starts_with("at f (mw/0 a.js:2:"), "{:?}", error.stack);
            assert_eq!(error.position.unwrap().line, 2);
        }
        let deep = "var o = {}; for (var i = 0; i < 1e5; i++) o = {o: o}; function f() { throw o; }";
        assert_eq!(fail(deep).message, "Uncaught object");
    });
}

#[test]
fn sources_that_fail_leave_the_others() {
    let loaded = load_with(
        &["var a = 1;\nvar b = ;", "function f() { return 'f ' + typeof a; }", "a1 = 1;\nnope();", "{", ""],
        FakeHost::default(),
    );
    let classes: Vec<_> = loaded.failures.iter().map(|(index, error)| (*index, error.class)).collect();
    assert_eq!(classes, [(0, ErrorClass::Syntax), (2, ErrorClass::Exception), (3, ErrorClass::Syntax)]);
    let at = |place: usize| loaded.failures[place].1.position.clone();
    assert_eq!(at(0), Some(Position { source: "mw/0 a.js".into(), line: 2, column: 9 }));
    assert_eq!(at(2), Some(Position { source: "mw/3 a.js".into(), line: 1, column: 2 }));
    let mut vm = loaded.vm;
    assert_eq!(call(&mut vm, "f").unwrap(), "f undefined");
}

#[test]
fn effects_of_loading_happen_once() {
    let host = FakeHost::answering([HostReturn::Undefined, HostReturn::Text("answer".into())]);
    let source = "log('loaded'); var got = TykMakeHttpRequest('a') + b64enc('abc') + Date.now();
                  function f() { return got + ' ' + (Date.now() > 1e12); }";
    let first = host.clone();
    let mut vm = load_with(&[source], host).vm;
    for _ in 0..3 {
        assert_eq!(call(&mut vm, "f").unwrap(), "answerYWJj1000 true");
    }
    let outward: Vec<_> =
        first.asked().into_iter().filter(|(function, _)| *function != HostFunction::Base64Encode).collect();
    assert_eq!(
        outward,
        [(HostFunction::Log, vec!["loaded".into()]), (HostFunction::HttpRequest, vec!["a".into()])]
    );
}

#[test]
fn host_functions_take_text_and_give_what_the_host_says() {
    let mut vm = load(
        "function f() { var thrown; try { TykStorageGet('k'); } catch (e) { thrown = e.message; }
           return [log({toString: function () { return 'x'; }}, 2), TykMakeHttpRequest(), thrown, b64enc(), b64enc(null),
             b64enc([1, 2]), log.length, TykSetKeyData.name].join(' '); }",
    );
    let host = FakeHost::answering([HostReturn::Throw("no store".into())]);
    let text = call_within(&mut vm, &call_of("f"), host.clone(), LIMIT).unwrap();
    assert_eq!(text, "  no store dW5kZWZpbmVk bnVsbA== MSwy 1 TykSetKeyData");
    assert_eq!(host.asked()[1], (HostFunction::Log, vec!["x".to_owned()]));
    assert_eq!(host.asked()[2], (HostFunction::HttpRequest, vec![]));
}

#[test]
fn an_abort_cannot_be_caught() {
    let mut vm = load(
        "function f() { for (;;) { try { [1].forEach(function () { TykMakeHttpRequest('x'); }); } catch (e) {} finally { log('y'); } } }",
    );
    let host = FakeHost::answering([HostReturn::Abort(ScriptError::new(ErrorClass::Calls, "too many"))]);
    let error = call_within(&mut vm, &call_of("f"), host.clone(), LIMIT).unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Calls, "too many"));
    assert_eq!(host.asked().len(), 1);
}

#[test]
fn scripts_without_end_are_ended() {
    for body in [
        "while (true) {}",
        "for (;;) { try { for (;;) {} } catch (e) {} }",
        "(function g() { for (;;) {} })()",
        "[1].forEach(function () { for (;;) {} })",
        "try { [1].forEach(function () { for (;;) {} }) } catch (e) { for (;;) {} }",
    ] {
        let mut vm = load(&format!("function f() {{ {body}; return 'x'; }} function g() {{ return 'g'; }}"));
        let error =
            call_within(&mut vm, &call_of("f"), FakeHost::default(), Duration::from_millis(30)).unwrap_err();
        assert_eq!(error.class, ErrorClass::Timeout, "{body}: {error}");
        assert_eq!(call(&mut vm, "g").unwrap(), "g");
    }
}

#[test]
fn deep_calls_work_or_fail_but_do_no_harm() {
    on_script_stack(|| {
        assert_eq!(
            run("function g(n) { return n ? g(n - 1) + 1 : 0; } function f() { return String(g(3000)); }"),
            "3000"
        );
        for body in [
            "(function g() { return g() + 1; })()",
            "(function g() { return [1].map(g); })()",
            "var o = {get a() { return this.a; }}; o.a",
            "(function g() { return Reflect.apply(g, null, []); })()",
            "(function g() { return new (class { constructor() { g(); } })(); })()",
            "(function g() { JSON.stringify({toJSON: g}); })()",
            "(function g() { 'x'.replace(/x/, g); })()",
            "(function g() { [2, 1].sort(g); })()",
            "var g = function () { eval('g()'); }; g()",
            "var p = new Proxy({}, {get: function () { return p.x; }}); p.x",
        ] {
            println!("{body}");
            let error = fail(&format!("function f() {{ {body}; return 'x'; }}"));
            assert_eq!(error.class, ErrorClass::Exception, "{body}: {error}");
            assert_eq!(error.message, TOO_DEEP, "{body}");
        }
        let deep = format!("function f() {{ return {}1{}; }}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(load_with(&[&deep], FakeHost::default()).failures[0].1.class, ErrorClass::Syntax);
        let eval = "function f() { var n = 1e5; try { eval('('.repeat(n) + ')'.repeat(n)); } catch (e) { return e.name; } }";
        assert!(["SyntaxError", "RangeError"].contains(&run(eval).as_str()));
        assert_eq!(
            run("function f() { return String(eval('[[[1]]]')) + Function('a', 'return a')(2); }"),
            "12"
        );
        let nested = "function f() { var n = 1e5; try { JSON.parse('['.repeat(n) + ']'.repeat(n)); } catch (e) {} return 'x'; }";
        assert_eq!(run(nested), "x");
    });
}

/// Runs something on a thread with the stack that script threads have.
fn on_script_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(crate::js::pool::STACK_BYTES).spawn(run).unwrap();
    thread.join().unwrap();
}

#[test]
fn underscore_and_tykjs_are_there_when_asked_for() {
    let mut vm = load(
        "var m = new TykJS.TykMiddleware.NewMiddleware({});
         m.NewProcessRequest(function (request, session) { return m.ReturnData(request, session.meta_data); });
         var handler = new TykJS.TykEventHandlers.NewEventHandler({}); handler.NewHandler(function () {});
         function f() { return [typeof _, typeof TykJS, _.map([1, 2], function (n) { return n * 3; }),
           m.DoProcessRequest({a: 1}, {meta_data: {b: 2}}, {})].join(' '); }
         function own() { _ = 5; TykJS = 6; return _ + ' ' + TykJS; }",
    );
    for _ in 0..2 {
        assert_eq!(
            call(&mut vm, "f").unwrap(),
            r#"function object 3,6 {"SessionMeta":{"b":2},"BodyKept":true,"Request":{"a":1}}"#
        );
        assert_eq!(call(&mut vm, "own").unwrap(), "5 6");
    }
    assert_eq!(run("var _ = {x: 'mine'}; function f() { return _.x; }"), "mine");
    assert_eq!(run("function _() { return 'mine'; } function f() { return _(); }"), "mine");
    assert_eq!(run("let _ = 'mine'; function f() { return _; }"), "mine");
}

/// A call of a hook's method, on a request with this body.
fn hook_call(function: &str, kind: CallKind, body: &'static [u8]) -> Call {
    let request = RequestObject {
        headers: vec![("Host".into(), vec!["h".into()])],
        body: bytes::Bytes::from_static(body),
        url: "/a?b=1".into(),
        scheme: "http".into(),
        method: "PUT".into(),
        ..RequestObject::default()
    };
    Call { kind, request, ..call_of(function) }
}

fn request_hook() -> CallKind {
    CallKind::RequestHook(HookRequest { request_uri: "/first".into() })
}

#[test]
fn hooks_see_a_request_and_hand_over_what_they_changed() {
    let mut vm = load(
        "var m = new TykJS.TykMiddleware.NewMiddleware({});
         m.NewProcessRequest(function (request, session, config) {
           var keys = Object.keys(request).join();
           request.SetHeaders.a = JSON.stringify([keys, request.Headers, request.Body, request.URL, request.RequestURI,
             request.Method, request.BodyBase64, request.ReturnOverrides, request.IgnoreBody, arguments.length,
             this === m, session, config.APIID]);
           request.DeleteHeaders.push('b');
           return m.ReturnData(request, {k: 1});
         });",
    );
    for _ in 0..2 {
        let call = hook_call("m.DoProcessRequest", request_hook(), b"\xff");
        let text = call_within(&mut vm, &call, FakeHost::default(), LIMIT).unwrap();
        let handed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&handed["BodyKept"], &handed["SessionMeta"]), (&true.into(), &serde_json::json!({"k": 1})));
        let request = &handed["Request"];
        assert_eq!((&request["Body"], &request["Headers"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        assert_eq!(request["DeleteHeaders"], serde_json::json!(["b"]));
        let seen: serde_json::Value = serde_json::from_str(request["SetHeaders"]["a"].as_str().unwrap()).unwrap();
        let keys = "Headers,SetHeaders,DeleteHeaders,Body,URL,Params,AddParams,ExtendedParams,DeleteParams,\
                    ReturnOverrides,IgnoreBody,Method,RequestURI,Scheme";
        let overrides: serde_json::Value =
            serde_json::from_slice(crate::js::engine::RETURN_OVERRIDES.to_bytes()).unwrap();
        assert_eq!(
            seen,
            serde_json::json!([keys, {"Host": ["h"]}, "\u{fffd}", "/a?b=1", "/first", "PUT", "/w==", overrides, false, 3,
                true, {}, "api"])
        );
    }
}

#[test]
fn response_hooks_see_both_and_may_give_bytes() {
    let mut vm = load(
        "var m = new TykJS.TykMiddleware.NewMiddleware({});
         m.NewProcessResponse(function (response, request, session, config) {
           'use strict';
           response.SetHeaders.a = JSON.stringify([Object.keys(response), response.StatusCode, response.Body, response.Headers,
             response.BodyBase64, request.Body, request.BodyBase64, request.URL, arguments.length, config.APIID]);
           response.BodyBase64 = 'AAA=';
           return m.ReturnResponseData(response, session.meta_data);
         });",
    );
    let answer = ResponseObject {
        status: 404,
        headers: vec![("X-A".into(), vec!["1".into(), "2".into()])],
        body: bytes::Bytes::from_static(b"no"),
    };
    let kind = CallKind::ResponseHook(HookRequest::default(), answer);
    let call = hook_call("m.DoProcessResponse", kind, b"");
    let text = call_within(&mut vm, &call, FakeHost::default(), LIMIT).unwrap();
    let handed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(handed["Response"]["BodyBase64"], "AAA=");
    let seen: serde_json::Value =
        serde_json::from_str(handed["Response"]["SetHeaders"]["a"].as_str().unwrap()).unwrap();
    let keys = ["StatusCode", "Body", "Headers", "SetHeaders", "DeleteHeaders"];
    assert_eq!(
        seen,
        serde_json::json!([keys, 404, "no", {"X-A": ["1", "2"]}, "bm8=", null, "", "/a?b=1", 4, "api"])
    );
}

#[test]
fn hooks_that_return_nothing_or_are_not_there_fail() {
    let mut vm = load(
        "var none = new TykJS.TykMiddleware.NewMiddleware({}); none.NewProcessRequest(function () {});
         var plain = {}; var bare = new TykJS.TykMiddleware.NewMiddleware({});",
    );
    let mut class = |function: &str| {
        let call = hook_call(function, request_hook(), b"");
        call_within(&mut vm, &call, FakeHost::default(), LIMIT).unwrap_err().class
    };
    assert_eq!(class("none.DoProcessRequest"), ErrorClass::BadResult);
    assert_eq!(class("plain.DoProcessRequest"), ErrorClass::MissingFunction);
    assert_eq!(class("nowhere.DoProcessRequest"), ErrorClass::MissingFunction);
    // As in Tyk, one without a function of its own is a mistake.
    assert_eq!(class("bare.DoProcessRequest"), ErrorClass::Exception);
}

#[test]
fn event_handlers_get_the_event_and_the_config() {
    let mut vm = load(
        "var h = new TykJS.TykEventHandlers.NewEventHandler({});
         h.NewHandler(function (event, context) { log([event.Meta.a, context.APIID, arguments.length].join()); });",
    );
    let host = FakeHost::default();
    let call = hook_call("h.DoProcessEvent", CallKind::Event(r#"{"Meta": {"a": [1, "x"]}}"#.into()), b"");
    assert_eq!(call_within(&mut vm, &call, host.clone(), LIMIT).unwrap(), "");
    assert_eq!(host.asked(), [(HostFunction::Log, vec!["1,x,api,2".to_owned()])]);
}
