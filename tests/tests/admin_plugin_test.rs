//! `POST /tyk/plugins/test`: code called once in the real engine, without a client and without touching anything.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use gatehouse_tests::{
    Answer, Api, Gateway, Reply, Upstream,
    admin::setup,
    plugin::{entry, hook, library},
    script_hook::{request_hook, request_source, response_source},
};
use serde_json::{Value, json};

const DRIVERS: [&str; 2] = ["quickjs", "boa"];

fn send(gateway: &Gateway, test: &Value) -> Answer {
    gateway.admin("POST", "/tyk/plugins/test", test.to_string())
}

/// What a test says that can be run.
#[track_caller]
fn told(gateway: &Gateway, test: Value) -> Value {
    let answer = send(gateway, &test);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A test of code at a place, with a small request, under a driver.
fn of_code(hook_type: &str, code: &str, driver: &str) -> Value {
    json!({
        "code": code, "hook_type": hook_type, "org_id": "default", "driver": driver,
        "request": {"Method": "POST", "Path": "/a", "Params": {"q": ["1", "2"]}, "Headers": {"X-Name": ["Ada"]}, "Body": "hello"},
    })
}

fn with(mut test: Value, more: Value) -> Value {
    test.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    test
}

#[test]
fn a_hook_says_what_it_did() {
    let gateway = setup().start();
    for driver in DRIVERS {
        let code = request_source(
            "mine",
            "log('saw ' + request.Headers['X-Name'] + ' ' + request.Method + ' ' + config.config_data.plan);
             request.SetHeaders['X-Test'] = 'yes'; request.DeleteHeaders.push('X-Name');
             request.AddParams['q'] = '3'; request.Body = request.Body + '!';
             session.meta_data.seen = 'yes';",
        );
        let test = with(
            of_code("post", &code, driver),
            json!({"config_data": {"plan": "gold"}, "session": {"alias": "Ada", "meta_data": {"a": "b"}}}),
        );
        let told = told(&gateway, test);
        assert_eq!((&told["outcome"], &told["error"]), (&"continue".into(), &Value::Null), "{told}");
        assert_eq!(told["logs"][0]["message"], "saw Ada POST gold");
        assert_eq!((&told["logs"][0]["level"], told["logs"].as_array().unwrap().len()), (&"info".into(), 1));
        let before = &told["request_before"];
        assert_eq!(
            (&before["Method"], &before["Path"], &before["Body"], &before["Params"]),
            (&"POST".into(), &"/a".into(), &"hello".into(), &json!({"q": ["1", "2"]}))
        );
        assert_eq!(
            (&before["URL"], &before["RequestURI"], &before["Scheme"]),
            (&"https://__sandbox__/a?q=1&q=2".into(), &"/a?q=1&q=2".into(), &"https".into())
        );
        let after = &told["request_after"];
        assert_eq!(after["SetHeaders"], json!({"X-Test": "yes"}));
        assert_eq!((&after["DeleteHeaders"], &after["AddParams"]), (&json!(["X-Name"]), &json!({"q": "3"})));
        assert_eq!((&after["DeleteParams"], &after["Body"]), (&json!([]), &"hello!".into()));
        assert_eq!(after["ReturnOverrides"]["ResponseCode"], 0);
        // And what became of the request.
        assert_eq!(
            (&after["Headers"]["X-Test"], &after["Headers"]["X-Name"]),
            (&json!(["yes"]), &Value::Null)
        );
        assert_eq!(after["Params"], json!({"q": ["3"]}));
        assert_eq!(told["session_after"], json!({"a": "b", "seen": "yes"}));
        assert_eq!(told["session"]["before"]["meta_data"], json!({"a": "b"}));
        assert_eq!(told["session"]["after"], json!({"alias": "Ada", "meta_data": {"a": "b", "seen": "yes"}}));
        assert!(told["milliseconds"].as_f64().unwrap() > 0.0 && told["execution_ms"].is_u64(), "{told}");
        assert!(told["bytes"]["returned"].as_u64().unwrap() > 50, "{told}");
    }
}

#[test]
fn hooks_before_authentication_have_no_session() {
    let gateway = setup().start();
    let code = request_source("mine", "log(JSON.stringify(session));");
    for hook in ["pre", "auth_check"] {
        let test = with(of_code(hook, &code, "quickjs"), json!({"session": {"alias": "Ada"}}));
        assert_eq!(told(&gateway, test)["logs"][0]["message"], "{}", "{hook}");
    }
}

#[test]
fn answers_refusals_and_sessions_are_told_apart() {
    let gateway = setup().start();
    for driver in DRIVERS {
        let pre = |body: &str| told(&gateway, of_code("pre", &request_source("mine", body), driver));
        let made =
            pre("request.ReturnOverrides.ResponseCode = 201; request.ReturnOverrides.ResponseBody = 'made';");
        assert_eq!((&made["outcome"], &made["answer"]["StatusCode"]), (&"respond".into(), &201.into()));
        assert_eq!((&made["answer"]["Body"], &made["bytes"]["answer"]), (&"made".into(), &4.into()));
        let refused = pre(
            "request.ReturnOverrides.ResponseCode = 403; request.ReturnOverrides.ResponseError = 'not you';",
        );
        assert_eq!((&refused["outcome"], &refused["answer"]["StatusCode"]), (&"deny".into(), &403.into()));
        let body = refused["answer"]["Body"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({"error": "not you"}));
        assert_eq!(refused["request_after"]["ReturnOverrides"]["ResponseError"], "not you");
        let check =
            request_source("check", "return check.ReturnAuthData(request, {alias: 'Ada', rate: 5, per: 1});");
        let allowed = told(&gateway, of_code("auth_check", &check, driver));
        assert_eq!(
            (&allowed["outcome"], &allowed["session_after"]["alias"]),
            (&"allow".into(), &"Ada".into())
        );
        let code = response_source(
            "mine",
            "response.Body += '!'; response.StatusCode = 418; response.SetHeaders['X-A'] = 'b';",
        );
        let test = with(
            of_code("response", &code, driver),
            json!({"response": {"StatusCode": 200, "Body": "tea", "Headers": {"X-Up": ["1"]}}}),
        );
        let changed = told(&gateway, test);
        assert_eq!(changed["response_before"]["Body"], "tea");
        let after = &changed["response_after"];
        assert_eq!((&after["StatusCode"], &after["Body"]), (&418.into(), &"tea!".into()));
        assert_eq!(after["SetHeaders"], json!({"X-A": "b"}));
        assert_eq!((&after["Headers"]["X-Up"], &after["Headers"]["X-A"]), (&json!(["1"]), &json!(["b"])));
        assert_eq!(changed.get("request_before"), None);
    }
}

#[test]
fn failures_have_class_and_position() {
    let narrow = setup().set("/jsvm_timeout", 30).set("/gatehouse/javascript/max_response_bytes", 4096);
    let (gateway, hurried) = (narrow.start(), setup().set("/jsvm_timeout", 1).start());
    let hook = |body: &str| request_source("mine", body);
    for driver in DRIVERS {
        for (code, class, kind, words) in [
            ("var x = {".to_owned(), "syntax", "syntax", ""),
            ("throw new Error('at once');".to_owned(), "exception", "runtime", "at once"),
            (hook("null.x;"), "exception", "runtime", "TypeError"),
            (hook("while (true) {}"), "timeout", "timeout", "1000 ms"),
            (hook("request.SetHeaders = 7;"), "bad_result", "runtime", "SetHeaders"),
            (
                hook("var all = []; while (true) all.push(new Array(1 << 20).join('xy') + all.length);"),
                "memory",
                "runtime",
                "",
            ),
            (hook("request.Body = new Array(5000).join('x');"), "output", "runtime", ""),
            ("var x = 42;".to_owned(), "missing_function", "runtime", "did not register"),
        ] {
            let gateway = if class == "timeout" { &hurried } else { &gateway };
            let told = told(gateway, of_code("pre", &code, driver));
            let error = &told["error"];
            let shown = format!("{driver} {class}: {error}");
            assert_eq!((&error["class"], &error["type"]), (&class.into(), &kind.into()), "{shown}");
            assert!(error["message"].as_str().unwrap().contains(words), "{shown}");
            assert_eq!((&told["outcome"], told.get("request_after")), (&"fail".into(), None), "{shown}");
            if class == "exception" || class == "syntax" {
                let position = &error["position"];
                assert_eq!(position["source"], "code", "{shown}");
                assert!(
                    position["line"].as_u64() >= Some(1) && position["column"].as_u64() >= Some(1),
                    "{shown}"
                );
            }
        }
        let thrown = told(&gateway, of_code("pre", &hook("\n\n  undefined.x;"), driver));
        assert_eq!(thrown["error"]["position"]["line"], 5, "{thrown}");
        assert_eq!(thrown["answer"]["StatusCode"], 500);
        assert!(!thrown["error"]["stack"].as_array().unwrap().is_empty(), "{thrown}");
    }
    // The gateway's log has none of it: nothing has failed for a client.
    assert!(gateway.log_lines().iter().all(|line| line["level"] != "ERROR"), "{:?}", gateway.log_lines());
}

const CALLS: &str = "function quote(request, session, config) {
    var call = function (path) {
      return TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: 'http://prices.example', Resource: path}));
    };
    var first = JSON.parse(call('/a')), second = call('/down');
    var batch = JSON.parse(TykBatchRequest(JSON.stringify({requests: [{method: 'POST', relative_url: 'http://prices.example/b'}]})));
    return TykJsResponse({Body: first.Body + ' ' + first.Headers['X-From'] + ' ' + typeof second + ' ' + batch[0].code, Code: 200,
      Headers: {'X-Made': 'yes'}}, {});
  }";

#[test]
fn outbound_calls_get_recorded_answers() {
    let gateway = setup().start();
    for driver in DRIVERS {
        let test = with(
            of_code("virtual", CALLS, driver),
            json!({"name": "quote", "recorded": [
                {"url": "http://prices.example/a", "code": 200, "body": "12", "headers": {"x-from": "tape"}},
                {"method": "GET", "url": "http://prices.example:80/down", "error": "connection refused"},
                {"method": "POST", "url": "http://prices.example/b", "code": 503},
            ]}),
        );
        let told = told(&gateway, test);
        assert_eq!(told["answer"]["Body"], "12 tape undefined 503", "{told}");
        assert_eq!(
            (&told["outcome"], &told["answer"]["Headers"]["X-Made"]),
            (&"respond".into(), &json!(["yes"]))
        );
        let calls: Vec<_> =
            told["calls"].as_array().unwrap().iter().map(|call| (&call["url"], &call["code"])).collect();
        assert_eq!(calls.len(), 3, "{told}");
        assert_eq!((&told["calls"][0]["recorded"], &told["calls"][0]["bytes"]), (&true.into(), &2.into()));
        assert_eq!(told["calls"][1]["error"], "connection refused");
        assert_eq!(told["bytes"]["outbound"], 2);
        // Why the second one gave undefined is told as well.
        assert!(told["logs"].to_string().contains("connection refused"), "{told}");
    }
}

#[test]
fn a_call_without_an_answer_is_an_error_unless_calls_are_made() {
    let upstream = Upstream::fixed(Reply::new(200, "live"));
    let gateway = setup().start();
    let code = format!(
        "function quote() {{ try {{ var got = TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: '{}', Resource: '/x'}})); }}
           catch (error) {{ got = 'caught'; }}
           return TykJsResponse({{Body: JSON.parse(got).Body, Code: 200, Headers: {{}}}}, {{}}); }}",
        upstream.url("").trim_end_matches('/')
    );
    for driver in DRIVERS {
        let test = with(of_code("virtual", &code, driver), json!({"name": "quote"}));
        let refused = told(&gateway, test.clone());
        let error = &refused["error"];
        assert_eq!(error["class"], "calls", "{refused}");
        assert!(error["message"].as_str().unwrap().contains("no recorded answer"), "{refused}");
        assert_eq!(refused["outcome"], "fail");
        let before = upstream.count();
        assert_eq!(told(&gateway, with(test, json!({"live": true})))["answer"]["Body"], "live");
        assert_eq!(upstream.count(), before + 1);
    }
    assert_eq!(upstream.count(), DRIVERS.len());
}

#[test]
fn nothing_outside_the_test_is_touched() {
    let gateway = setup().start();
    let keyed = json!({"org_id": "default", "alias": "real", "access_rights": {"shop": {"api_id": "shop"}}});
    assert_eq!(gateway.admin("POST", "/tyk/keys/realkey123", keyed.to_string()).status, 200);
    for driver in DRIVERS {
        let code = request_source(
            "mine",
            "TykStorageSet('count', '41'); log(TykStorageIncr('count') + ' ' + TykStorageGet('given'));
             var key = JSON.parse(TykGetKeyData('realkey123', 'shop')); log(key.alias + ' ' + key.status);
             var own = JSON.parse(TykGetKeyData('givenkey123', 'shop')); log(own.alias); own.alias = 'changed';
             TykSetKeyData('realkey123', JSON.stringify(own), '1');",
        );
        let given = json!({
            "org_id": "default", "api_id": "shop", "storage": {"given": "yes"},
            "keys": {"givenkey123": {"org_id": "default", "alias": "given", "access_rights": {"shop": {"api_id": "shop"}}}},
        });
        let told = told(&gateway, with(of_code("pre", &code, driver), given));
        let logs: Vec<_> =
            told["logs"].as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(logs, ["42 yes", "undefined error", "given"], "{told}");
        let used: Vec<_> = told["storage"]
            .as_array()
            .unwrap()
            .iter()
            .map(|used| used["function"].as_str().unwrap())
            .collect();
        assert_eq!(used[..3], ["TykStorageSet", "TykStorageIncr", "TykStorageGet"], "{told}");
        assert_eq!(told["storage"][0]["arguments"], json!(["count", "41"]));
    }
    assert_eq!(gateway.admin_get("/tyk/keys/realkey123?org_id=default").json()["alias"], "real");
    let look = request_source("mine", "log('' + TykStorageGet('count'));");
    let told = told(&gateway, of_code("pre", &look, "quickjs"));
    assert_eq!(told["logs"][0]["message"], "null");
}

#[test]
fn what_a_loaded_api_has_can_be_tested() {
    let upstream = Upstream::echo();
    let source = request_source("second", "request.SetHeaders['X-Second'] = String(session.alias);");
    let api = Api::new("shop")
        .target(&upstream)
        .set("/config_data", json!({"currency": "EUR"}))
        .virtual_endpoint(
            "POST",
            "/quote/{id}",
            "log('called'); return TykJsResponse({Body: request.Body + config.config_data.currency, Code: 200, Headers: {}}, {});",
        )
        .plugin("GET", "/hello", "hello", "hello")
        .plugin("GET", "/broken", "hello", "gone")
        .scripts("pre", json!([request_hook("first", "request.SetHeaders['X-First'] = '1';")]))
        .scripts("post", json!([{"name": "second", "path": "second.js", "require_session": true}]));
    let gateway = setup().file("second.js", source).api(api).start();
    let of = |hook: &str, more: Value| with(json!({"api_id": "shop", "hook_type": hook}), more);
    let request = json!({"request": {"Method": "POST", "Path": "/shop/quote/7", "Body": "12 "}});
    let quoted = told(&gateway, of("virtual", request));
    assert_eq!(
        (&quoted["answer"]["Body"], &quoted["logs"][0]["message"]),
        (&"12 EUR".into(), &"called".into())
    );
    let first = told(&gateway, of("pre", json!({"request": {"Path": "/shop/a"}})));
    assert_eq!(first["request_after"]["SetHeaders"], json!({"X-First": "1"}));
    let second = told(&gateway, of("post", json!({"session": {"alias": "Ada"}})));
    assert_eq!(second["request_after"]["Headers"]["X-Second"], json!(["Ada"]));
    let hello = json!({"request": {"path": "/shop/hello", "headers": {"X-Name": "Ada"}}});
    let hello = told(&gateway, of("rust_plugin", hello));
    assert_eq!(
        (&hello["outcome"], &hello["logs"][0]["message"]),
        (&"respond".into(), &"greeting Ada".into())
    );
    let broken = told(&gateway, of("rust_plugin", json!({"request": {"Path": "/shop/broken"}})));
    assert_eq!((&broken["outcome"], &broken["error"]["class"]), (&"fail".into(), &"not_loaded".into()));
    assert!(broken["error"]["message"].as_str().unwrap().contains("gone"), "{broken}");
    for (hook, more, words) in [
        ("post", json!({"index": 1}), "it has 1"),
        ("response", json!({"response": {}}), "it has 0"),
        ("auth_check", json!({}), "it has 0"),
        ("virtual", json!({"request": {"Path": "/shop/other"}}), "no virtual endpoint for GET /shop/other"),
        ("analytics_plugin", json!({}), "no analytics_plugin"),
    ] {
        send(&gateway, &of(hook, more)).assert_refused(404, words);
    }
    send(&gateway, &json!({"api_id": "nowhere", "hook_type": "pre"})).assert_refused(404, "API not found");
    assert_eq!(upstream.count(), 0);
    // The real API goes on as it was.
    assert_eq!(gateway.get("/shop/a").status, 200);
    assert_eq!(upstream.only_request().header("x-second"), Some("undefined"));
}

#[test]
fn functions_of_plugins_can_be_tested() {
    let folder = library("hello").parent().unwrap().to_owned();
    // A loaded API names a plugin in the folder of the libraries, so others there may be tested.
    let api = Api::new("shop").endpoint("rust_plugin", entry("GET", "/hello", "hello", "hello"));
    let gateway = setup().own_plugin("hello", "own").api(api).start();
    let of = |hook: &str, file: &str, function: &str, more: Value| {
        let path = if file == "own" { "plugins/own.so".into() } else { folder.join(format!("lib{file}.so")) };
        with(json!({"plugin_path": path, "func_name": function, "hook_type": hook}), more)
    };
    let hello = told(
        &gateway,
        of("rust_plugin", "hello", "hello", json!({"request": {"Headers": {"X-Name": ["Bo"]}}})),
    );
    assert_eq!(
        (&hello["answer"]["StatusCode"], &hello["logs"][0]["message"]),
        (&200.into(), &"greeting Bo".into())
    );
    let goes_on = told(&gateway, of("pre", "hello", "add_foo_bar_header", json!({})));
    assert_eq!(
        (&goes_on["outcome"], &goes_on["request_after"]["Headers"]["Foo"]),
        (&"continue".into(), &json!(["bar"]))
    );
    assert_eq!(goes_on["answer_headers"]["X-Plugin"], json!(["hello"]));
    let record = told(
        &gateway,
        of("analytics_plugin", "record", "mask", json!({"record": {"path": "/a", "ip_address": "10.0.0.1"}})),
    );
    assert_eq!(
        (&record["outcome"], &record["record_after"]),
        (&"continue".into(), &json!({"path": "/a", "ip_address": "masked"})),
        "{record}"
    );
    let panicked = told(
        &gateway,
        of("rust_plugin", "own", "fragile", json!({"request": {"Path": "/", "Params": {"0": ""}}})),
    );
    let error = &panicked["error"];
    assert_eq!((&panicked["outcome"], &error["class"]), (&"fail".into(), &"panic".into()), "{panicked}");
    assert!(error["position"]["source"].as_str().unwrap().ends_with("lib.rs"), "{panicked}");
    let wrong = told(&gateway, of("auth_check", "hello", "hello", json!({})));
    assert_eq!(wrong["error"]["class"], "not_loaded", "{wrong}");
    let gone = told(&gateway, of("pre", "nowhere", "hello", json!({})));
    assert_eq!(gone["error"]["class"], "not_loaded", "{gone}");
}

#[test]
fn plugins_are_tested_from_where_definitions_name_them_only() {
    let gateway = setup().own_plugin("hello", "own").start();
    let of = |path: &std::path::Path| json!({"plugin_path": path, "func_name": "hello", "hook_type": "rust_plugin"});
    assert_eq!(told(&gateway, of("plugins/own.so".as_ref()))["outcome"], "respond");
    let outside = library("hello");
    send(&gateway, &of(&outside)).assert_refused(400, "neither below the working directory");
    std::os::unix::fs::symlink(&outside, gateway.folder().join("plugins/link.so")).unwrap();
    send(&gateway, &of("plugins/link.so".as_ref()))
        .assert_refused(400, "neither below the working directory");
    let up = format!("plugins/../../../../../..{}", outside.display());
    send(&gateway, &of(up.as_ref())).assert_refused(400, "neither below the working directory");
}

#[test]
fn a_test_that_cannot_be_run_is_refused_with_a_reason() {
    let gateway = setup().start();
    let code = request_source("mine", "");
    let good = json!({"code": code, "hook_type": "pre", "org_id": "default"});
    for (change, words) in [
        (json!({"code": "  "}), "code is required"),
        (json!({"hook_type": "before"}), "invalid hook_type: must be one of pre, post"),
        (json!({"org_id": ""}), "org_id is required"),
        (json!({"hook_type": "response"}), "response is required for response hooks"),
        (json!({"hook_type": "post", "session": {"rate": "many"}}), "invalid session JSON"),
        (json!({"request": {"Method": "G E T"}}), "Method"),
        (json!({"request": {"Path": "/a b"}}), "Path"),
        (json!({"request": {"Scheme": "gopher"}}), "Scheme"),
        (json!({"request": {"Headers": {"a b": ["x"]}}}), "is not a header name"),
        (json!({"request": {"BodyBase64": "?"}}), "BodyBase64 is not base64"),
        (json!({"request": []}), "invalid request body"),
        (json!({"recorded": [{"url": "/a"}]}), "recorded[0].url"),
        (json!({"recorded": [{"url": "http://a/", "code": 42}]}), "recorded[0].code"),
        (json!({"driver": "v8"}), "is not a JavaScript driver"),
        (json!({"plugin_path": "a.so"}), "code and plugin_path"),
        (json!({"code_base64": "eA=="}), "code and code_base64"),
        (json!({"hook_type": "rust_plugin"}), "JavaScript cannot be one"),
        (json!({"hook_type": "virtual"}), "name is required"),
    ] {
        let answer = send(&gateway, &with(good.clone(), change));
        answer.assert_refused(400, words);
        assert_eq!(answer.json()["error"], answer.json()["message"]);
    }
    send(&gateway, &json!([])).assert_refused(400, "invalid request body");
    gateway.admin("POST", "/tyk/plugins/test", "{").assert_refused(400, "invalid request body");
    assert_eq!(gateway.admin("GET", "/tyk/plugins/test", "").status, 405);
    let unknown =
        gateway.send(gatehouse_tests::Request::new("POST", "/tyk/plugins/test").body(good.to_string()));
    assert_eq!(unknown.status, 403);
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &code);
    let test = json!({"code_base64": encoded, "hook_type": "pre", "org_id": "default"});
    assert_eq!(told(&gateway, test)["outcome"], "continue");
    let off = setup().set("/enable_jsvm", false).start();
    send(&off, &good).assert_refused(400, "enable_jsvm");
}

#[test]
fn hooks_of_plugins_are_found_in_lists() {
    let api = Api::new("shop").set("/use_keyless", false).hooks("auth_check", hook("auth", "partner"));
    let setup = setup().file("partners", "k-1 Ada\n");
    let file = setup.folder().join("partners").display().to_string();
    let gateway = setup.environment("PARTNERS_FILE", &file).api(api).start();
    let check = |headers: Value| {
        let request = json!({"Path": "/shop/a", "Headers": headers});
        told(&gateway, json!({"api_id": "shop", "hook_type": "auth_check", "request": request}))
    };
    let denied = check(json!({}));
    assert_eq!(
        (&denied["outcome"], &denied["answer"]["StatusCode"]),
        (&"deny".into(), &401.into()),
        "{denied}"
    );
    assert_eq!(denied.get("error"), None, "{denied}");
    let allowed = check(json!({"X-Partner-Key": "k-1"}));
    assert_eq!(allowed["outcome"], "allow", "{allowed}");
    assert!(allowed["session_after"].is_object(), "{allowed}");
}
