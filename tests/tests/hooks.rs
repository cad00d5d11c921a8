//! Hooks in JavaScript: what they see, what their results do, how they fail, and where their sources come from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{
    Api, Gateway, Reply, Request, Setup, Upstream,
    log::message,
    plugin::hook,
    script_hook::{inline, request_hook, request_source, response_hook, response_source},
};
use serde_json::{Value, json};

/// A gateway before an upstream, with one `pre` hook that has this body.
fn pre(upstream: &Upstream, body: &str) -> Gateway {
    Gateway::serving([Api::new("api").target(upstream).scripts("pre", json!([request_hook("mine", body)]))])
}

/// A gateway before an upstream, with one response hook that has this body.
fn response(upstream: &Upstream, body: &str) -> Gateway {
    let hooks = json!([response_hook("mine", body)]);
    Gateway::serving([Api::new("api").target(upstream).scripts("response", hooks)])
}

/// The log line about a failed hook.
fn failure(gateway: &Gateway) -> Value {
    gateway.wait_for_log(|line| message(line).starts_with("hook failed"))
}

#[test]
fn a_hook_sees_the_request() {
    let upstream = Upstream::echo();
    let gateway = pre(
        &upstream,
        "request.SetHeaders['X-Seen'] = JSON.stringify([request.Headers, request.Params, request.URL,
           request.RequestURI, request.Method, request.Scheme, request.Body, request.BodyBase64, session, config,
           request.ReturnOverrides, request.RequestID.length, Object.keys(request), this === mine]);",
    );
    let request = Request::new("PUT", "/api/a%20b?x=1&x=%C3%A4&y").host("api.example").body("b\u{e9}");
    gateway.send(request.header("X-Multi", "1").header("x-multi", "2").header("accept", "*/*"));
    let seen: Value = serde_json::from_str(upstream.only_request().header("x-seen").unwrap()).unwrap();
    assert_eq!(seen[0]["Host"], json!(["api.example"]));
    assert_eq!((&seen[0]["X-Multi"], &seen[0]["Accept"]), (&json!(["1", "2"]), &json!(["*/*"])));
    assert_eq!(seen[1], json!({"x": ["1", "\u{e4}"], "y": [""]}));
    assert_eq!(
        (&seen[2], &seen[3]),
        (&json!("/api/a%20b?x=1&x=%C3%A4&y"), &json!("/api/a%20b?x=1&x=%C3%A4&y"))
    );
    assert_eq!(
        seen.as_array().unwrap()[4..8],
        [json!("PUT"), json!("http"), json!("b\u{e9}"), json!("YsOp")]
    );
    assert_eq!(seen[8], json!({}));
    assert_eq!(seen[9], json!({"APIID": "api", "OrgID": "default", "config_data": null}));
    let overrides = json!({"ResponseCode": 0, "ResponseError": "", "ResponseBody": "", "ResponseHeaders": null,
        "OverrideError": false});
    assert_eq!((&seen[10], &seen[11]), (&overrides, &json!(16)));
    let keys = "Headers,SetHeaders,DeleteHeaders,Body,URL,Params,AddParams,ExtendedParams,DeleteParams,ReturnOverrides,\
                IgnoreBody,Method,RequestURI,Scheme";
    assert_eq!(seen[12], json!(keys.split(',').collect::<Vec<_>>()));
    assert_eq!(seen[13], json!(true));
}

#[test]
fn headers_are_deleted_and_then_set() {
    let upstream = Upstream::echo();
    let gateway = pre(
        &upstream,
        "request.SetHeaders = {'X-Both': 'set', 'x-old': 'new', 'Content-Length': '1', 'Host': 'elsewhere', 'X-\u{e4}': 'a'};
         delete request.SetHeaders['X-\u{e4}']; request.SetHeaders['X-Text'] = '\\u00e9\\ttab';
         request.DeleteHeaders = ['x-both', 'X-GONE', 'not a name', '', 'Host'];
         request.Headers['X-Ignored'] = ['1'];",
    );
    let request = Request::post("/api/a", "body").header("x-both", "1").header("x-both", "2");
    let answer = gateway.send(request.header("x-gone", "1").header("x-old", "1").header("X-Old", "2"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = upstream.only_request();
    assert_eq!(seen.headers.all("x-both"), ["set"]);
    assert_eq!(seen.headers.all("x-old"), ["new"]);
    assert_eq!((seen.header("x-gone"), seen.header("x-ignored")), (None, None));
    assert_eq!((seen.header("content-length"), seen.text().as_str()), (Some("4"), "body"));
    assert_eq!(seen.header("host"), Some(upstream.address().to_string().as_str()));
}

#[test]
fn parameters_change_as_go_changes_them() {
    let upstream = Upstream::echo();
    let gateway = pre(
        &upstream,
        "request.AddParams = {n: 'a&b=c d', 'k y': '~*\u{e9}', a: 'set'}; request.DeleteParams = ['gone', 'a', 'never'];
         request.ExtendedParams = {a: ['x', 'y'], none: [], e: ['']};",
    );
    gateway.get("/api/a?z=9&gone=1&a=1&a=2&gone=2");
    assert_eq!(upstream.only_request().target, "/a?a=set&a=x&a=y&e=&k+y=~%2A%C3%A9&n=a%26b%3Dc+d&z=9");
    // What nothing changes stays as the client wrote it.
    let untouched = pre(&upstream, "request.DeleteParams.push('never');");
    untouched.get("/api/a?b=%20x&a=1;2&b=+");
    assert_eq!(upstream.requests().pop().unwrap().target, "/a?b=%20x&a=1;2&b=+");
}

#[test]
fn the_url_leads_elsewhere() {
    for (url, target) in [
        ("/api/changed/path", "/changed/path"),
        ("/elsewhere?q=1", "/elsewhere?q=1"),
        ("relative", "/relative"),
        ("http://other.example:99/api/a?b=c", "/a?b=c"),
        ("//other.example/x", "/x"),
        ("/api/with space?q=a b#cut", "/with%20space?q=a%20b"),
        ("/api/\u{e9}", "/%C3%A9"),
        ("", "/"),
    ] {
        let upstream = Upstream::echo();
        let gateway = pre(&upstream, &format!("request.URL = {};", json!(url)));
        let answer = gateway.get("/api/a?old=1");
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        assert_eq!(upstream.only_request().target, target, "{url}");
    }
    for url in ["/%zz", "mailto:someone", "/a\u{1}"] {
        let upstream = Upstream::echo();
        let gateway = pre(&upstream, &format!("request.URL = {};", json!(url)));
        gateway.get("/api/a").assert_error(500, "Internal Server Error");
        assert_eq!((&failure(&gateway)["class"], upstream.count()), (&"bad_result".into(), 0), "{url}");
    }
}

#[test]
fn a_new_url_decides_what_is_found_and_is_what_later_hooks_see() {
    let upstream = Upstream::echo();
    let api = Api::new("api")
        .target(&upstream)
        .virtual_endpoint("GET", "/found", "return TykJsResponse({Body: request.URL, Code: 200}, {});")
        .scripts(
            "pre",
            json!([
                request_hook("one", "if (request.Params.go) request.URL = '/api/found?by=one'; request.AddParams.p = '1';"),
                request_hook("two", "request.SetHeaders['X-Two'] = request.URL + ' ' + request.RequestURI + ' ' + request.Params.p;"),
            ]),
        );
    let gateway = Gateway::serving([api]);
    gateway.get("/api/a?go=1").assert_text("/api/found?by=one&p=1");
    gateway.get("/api/b");
    assert_eq!(upstream.only_request().header("x-two"), Some("/api/b?p=1 /api/b 1"));
}

#[test]
fn a_url_with_the_gateways_scheme_loops() {
    let upstream = Upstream::echo();
    let inner = Api::new("inner").target(&upstream).set("/internal", true);
    let outer = Api::new("outer")
        .scripts("post", json!([request_hook("mine", "request.URL = 'tyk://inner/there?a=1';")]));
    let gateway = Gateway::serving([inner.clone(), outer]);
    assert_eq!(gateway.get("/outer/x").status, 200);
    assert_eq!(upstream.only_request().target, "/there?a=1");
    let body = "request.ReturnOverrides.ResponseCode = 302; request.ReturnOverrides.ResponseHeaders = {Location: 'tyk://inner/moved'};";
    let outer = Api::new("outer").scripts("pre", json!([request_hook("mine", body)]));
    let gateway = Gateway::serving([inner, outer]);
    assert_eq!(gateway.get("/outer/x").status, 200);
    assert_eq!(upstream.requests().pop().unwrap().target, "/moved");
}

#[test]
fn bodies_stay_as_they_are_byte_by_byte() {
    let upstream = Upstream::echo();
    let gateway = pre(&upstream, "request.SetHeaders['X-Length'] = String(request.Body.length);");
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(gateway.send(Request::post("/api/a", bytes.clone())).status, 200);
    assert_eq!(upstream.only_request().body, bytes);
    let large = vec![b'x'; 3 << 20];
    assert_eq!(gateway.send(Request::post("/api/a", large.clone())).status, 200);
    let seen = upstream.requests().pop().unwrap();
    assert_eq!((seen.body.len(), seen.header("x-length")), (large.len(), Some("3145728")));
}

#[test]
fn bodies_change() {
    for (change, body) in [
        ("request.Body = request.Body.toUpperCase() + '\u{e9}';", "OLD\u{e9}".as_bytes()),
        ("request.Body = '';", b""),
        ("request.Body = 5;", b"5"),
        ("request.Body = {};", b"[object Object]"),
        ("request.Body = 'new'; request.IgnoreBody = true;", b"old"),
        ("request.BodyBase64 = '//4=';", b"\xff\xfe"),
        ("request.Body = 'new'; request.BodyBase64 = b64enc('wins');", b"wins"),
        ("request = {SetHeaders: {a: 'b'}};", b"old"),
        ("request.Method = 'GET';", b"old"),
    ] {
        let upstream = Upstream::echo();
        let gateway = pre(&upstream, change);
        let answer = gateway.send(Request::post("/api/a", "old"));
        assert_eq!(answer.status, 200, "{change}: {}", answer.text());
        let seen = upstream.only_request();
        assert_eq!((seen.body.as_slice(), seen.method.as_str()), (body, "POST"), "{change}");
    }
    let upstream = Upstream::echo();
    let gateway = pre(&upstream, "request.Body = 'given';");
    gateway.get("/api/a");
    assert_eq!(upstream.only_request().text(), "given");
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let upstream = Upstream::echo();
    let api = Api::new("api").target(&upstream).scripts("pre", json!([request_hook("mine", "")]));
    let gateway = Setup::new().set("/gatehouse/limits/max_buffered_body_bytes", 4096).api(api).start();
    assert_eq!(gateway.send(Request::post("/api/a", vec![b'x'; 5000])).status, 413);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn overrides_answer() {
    let upstream = Upstream::echo();
    let answered = |overrides: &str| {
        pre(&upstream, &format!("Object.assign(request.ReturnOverrides, {overrides});")).get("/api/a")
    };
    let made = answered(
        "{ResponseCode: 200, ResponseBody: 'from js', ResponseHeaders: {'X-Js': '1', 'content-type': 'text/x', 'bad name': 'x'}}",
    );
    made.assert_text("from js");
    assert_eq!(
        (made.header("x-js"), made.header("content-type"), made.header("server")),
        ("1", "text/x", "gatehouse")
    );
    assert_eq!(made.header("x-ratelimit-limit"), "0");
    let refused = answered(
        "{ResponseCode: 403, ResponseError: 'not for you', ResponseHeaders: {'X-Why': 'w', 'Content-Type': 'text/x'}}",
    );
    refused.assert_error(403, "not for you");
    assert_eq!(
        (refused.header("x-why"), refused.header_values("content-type")),
        ("w", vec!["application/json"])
    );
    answered("{ResponseCode: 400, ResponseBody: 'the body is the message'}")
        .assert_error(400, "the body is the message");
    let as_it_is = answered(
        "{ResponseCode: 418, ResponseBody: '<tea/>', OverrideError: true, ResponseHeaders: {'Content-Type': 'text/xml'}}",
    );
    assert_eq!(
        (as_it_is.status, as_it_is.text().as_str(), as_it_is.header("content-type")),
        (418, "<tea/>", "text/xml")
    );
    // `ResponseError` is the body of any answer.
    let both = answered("{ResponseCode: 201, ResponseError: 'error', ResponseBody: 'body'}");
    assert_eq!((both.status, both.text().as_str()), (201, "error"));
    let older = answered("{response_code: 202, response_body: 'older', headers: {'X-Old': '1'}}");
    assert_eq!((older.status, older.text().as_str(), older.header("x-old")), (202, "older", "1"));
    let cookies = answered(
        "{ResponseCode: 204, ResponseBody: 'none', ResponseHeaders: {'Set-Cookie': ['a=1', 'b=2']}}",
    );
    assert_eq!(
        (cookies.status, cookies.header_values("set-cookie"), cookies.text().as_str()),
        (204, vec!["a=1", "b=2"], "")
    );
    assert_eq!(upstream.count(), 0);
    for none in ["{ResponseCode: 0, ResponseBody: 'no'}", "{ResponseBody: 'no'}", "{ResponseCode: null}"] {
        assert_eq!(answered(none).status, 200, "{none}");
    }
    assert_eq!(upstream.count(), 3);
}

#[test]
fn a_hook_that_fails_keeps_the_request_out_and_tells_nobody_why() {
    for (body, class, words) in [
        ("throw new Error('a secret');", "exception", "Error: a secret"),
        ("throw 'a secret';", "exception", "a secret"),
        ("return 'text';", "exception", "TypeError"),
        ("return;", "bad_result", "returned undefined"),
        ("return {};", "exception", "TypeError"),
        ("request.SetHeaders['X-N'] = 7;", "bad_result", "`SetHeaders.X-N`, which is a number"),
        ("request.SetHeaders['bad name'] = 'x';", "bad_result", "bad name"),
        ("request.SetHeaders['X-N'] = 'a\\r\\nX-Injected: 1';", "bad_result", "X-N"),
        ("request.ReturnOverrides.ResponseCode = '403';", "bad_result", "`ResponseCode`, which is a string"),
        ("request.ReturnOverrides.ResponseCode = 1000;", "bad_result", "1000"),
        ("request.ReturnOverrides.ResponseCode = 101;", "bad_result", "101"),
        ("request.BodyBase64 = '?';", "bad_result", "BodyBase64"),
        ("request.self = request;", "exception", "TypeError"),
        ("return mine.ReturnData(request, 'text');", "bad_result", "`SessionMeta`"),
    ] {
        let upstream = Upstream::echo();
        let gateway = pre(&upstream, body);
        let answer = gateway.get("/api/a");
        answer.assert_error(500, "Internal Server Error");
        assert!(!answer.text().contains("secret"));
        let line = failure(&gateway);
        assert_eq!(line["class"], class, "{body}: {line}");
        assert!(message(&line).contains(words), "{body}: {line}");
        assert_eq!((&line["api_id"], &line["hook"]), (&"api".into(), &"custom_middleware.pre[0]".into()));
        assert!(line["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        assert_eq!(upstream.count(), 0, "{body}");
        // The next request is none the worse.
        gateway.get("/api/a").assert_error(500, "Internal Server Error");
    }
}

#[test]
fn a_failure_says_where() {
    let upstream = Upstream::echo();
    let source = request_source("mine", "var a = 1;\nthrow new Error('here');");
    let hooks = json!([{"name": "mine", "path": "middleware/mine.js"}]);
    let api = Api::new("api").target(&upstream).scripts("pre", hooks);
    let gateway = Setup::new().file("middleware/mine.js", source).api(api).start();
    gateway.get("/api/a").assert_error(500, "Internal Server Error");
    assert!(
        failure(&gateway)["position"].as_str().unwrap().starts_with("middleware/mine.js:4:"),
        "{}",
        failure(&gateway)
    );
}

#[test]
fn a_hook_without_end_is_ended() {
    let upstream = Upstream::echo();
    let api =
        Api::new("api").target(&upstream).scripts("pre", json!([request_hook("mine", "while (true) {}")]));
    let gateway = Setup::new().set("/jsvm_timeout", 1).api(api).start();
    gateway.get("/api/a").assert_error(500, "Internal Server Error");
    assert_eq!((&failure(&gateway)["class"], upstream.count()), (&"timeout".into(), 0));
}

#[test]
fn a_hook_whose_source_is_not_there_or_does_not_load_keeps_requests_out() {
    let upstream = Upstream::echo();
    let cases = [
        (json!({"name": "mine", "path": "middleware/nowhere.js"}), "source", "nowhere.js"),
        (inline("mine", "var mine = ;"), "syntax", ""),
        (inline("mine", "var other = 1;"), "missing_function", "mine.DoProcessRequest"),
        (json!({"name": "mine"}), "missing_function", "mine.DoProcessRequest"),
    ];
    for (entry, class, words) in cases {
        let api = Api::new("api").target(&upstream).scripts("pre", json!([entry]));
        let gateway = Gateway::serving([api]);
        gateway.get("/api/a").assert_error(500, "Internal Server Error");
        let line = failure(&gateway);
        assert_eq!(line["class"], class, "{line}");
        assert!(message(&line).contains(words), "{line}");
    }
    // Scripts that are off, or may not stand in definitions, are no way round a hook.
    let api = Api::new("api").target(&upstream).scripts("pre", json!([request_hook("mine", "")]));
    let off = Setup::new().set("/enable_jsvm", false).api(api.clone()).start();
    off.get("/api/a").assert_error(500, "Middleware error");
    let no_blobs = Setup::new().set("/disable_virtual_path_blobs", true).api(api).start();
    no_blobs.get("/api/a").assert_error(500, "Internal Server Error");
    assert_eq!(upstream.count(), 0);
}

#[test]
fn hooks_and_endpoints_are_one_program_and_keep_no_state() {
    let upstream = Upstream::echo();
    let api = Api::new("api")
        .target(&upstream)
        .virtual_endpoint(
            "GET",
            "/ve",
            "return TykJsResponse({Body: shared() + request.Headers['X-Calls'], Code: 200}, {});",
        )
        .scripts(
            "pre",
            json!([inline(
                "mine",
                &format!(
                    "var calls = 0; function shared() {{ return 'shared '; }}\n{}",
                    request_source(
                        "mine",
                        "calls++; request.SetHeaders['X-Calls'] = String(calls); TykJS = null;"
                    )
                )
            )]),
        );
    let gateway = Gateway::serving([api]);
    for _ in 0..3 {
        gateway.get("/api/ve").assert_text("shared 1");
    }
}

#[test]
fn scripts_and_plugins_make_one_chain() {
    let upstream = Upstream::echo();
    let mut rust = hook("hello", "add_foo_bar_header");
    rust["driver"] = "rust".into();
    let chain = json!([
        request_hook("one", "request.SetHeaders['X-Order'] = 'one ' + request.Headers['Foo'];"),
        rust,
        request_hook(
            "two",
            "request.SetHeaders['X-Order'] = request.Headers['X-Order'] + ', two ' + request.Headers['Foo'];"
        ),
    ]);
    for place in ["pre", "post_key_auth", "post"] {
        let api = Api::new("api").target(&upstream).open_by_hook().scripts(place, chain.clone());
        let answer = Gateway::serving([api]).get("/api/a");
        assert_eq!((answer.status, answer.header("x-plugin")), (200, "hello"), "{}", answer.text());
        let seen = upstream.requests().pop().unwrap();
        assert_eq!(seen.header("x-order"), Some("one undefined, two bar"), "{place}");
    }
}

#[test]
fn authentication_by_a_script() {
    let upstream = Upstream::echo();
    let check = "var key = (request.Headers['Authorization'] || [])[0];
        if (key === 'expired') return mine.ReturnAuthData(request, {expires: 5, meta_data: {plan: {}}});
        if (key === 'odd') return mine.ReturnAuthData(request, {expires: 'never'});
        if (key !== 'let-me-in') {
          request.ReturnOverrides.ResponseCode = 401; request.ReturnOverrides.ResponseError = 'who are you';
          return mine.ReturnData(request, {});
        }
        return mine.ReturnAuthData(request, {alias: 'Ada', meta_data: {plan: {name: 'gold'}}});";
    let mut see = request_hook(
        "see",
        "request.SetHeaders['X-Session'] = session.alias + ' ' + session.meta_data.plan.name;",
    );
    see["require_session"] = true.into();
    let mut before = request_hook("before", "request.SetHeaders['X-Before'] = JSON.stringify(session);");
    before["require_session"] = true.into();
    let blind = request_hook("blind", "request.SetHeaders['X-Blind'] = JSON.stringify(session);");
    let api = Api::new("api")
        .target(&upstream)
        .set("/use_keyless", false)
        .set("/custom_plugin_auth_enabled", true)
        .scripts("pre", json!([before]))
        .scripts("auth_check", request_hook("mine", check))
        .scripts("post_key_auth", json!([see]))
        .scripts("post", json!([blind]));
    let gateway = Gateway::serving([api]);
    let send = |key: &str| gateway.send(Request::get("/api/a").header("authorization", key));
    gateway.get("/api/a").assert_error(401, "who are you");
    send("wrong").assert_error(401, "who are you");
    send("expired").assert_error(401, "Key has expired, please renew");
    send("odd").assert_error(500, "Internal Server Error");
    assert_eq!(upstream.count(), 0);
    assert_eq!(send("let-me-in").status, 200);
    let seen = upstream.only_request();
    assert_eq!(seen.header("x-session"), Some("Ada gold"));
    assert_eq!((seen.header("x-before"), seen.header("x-blind")), (Some("{}"), Some("{}")));
}

#[test]
fn metadata_go_from_hook_to_hook() {
    let upstream = Upstream::echo();
    let with_session = |name: &str, body: &str| {
        let mut hook = request_hook(name, body);
        hook["require_session"] = true.into();
        hook
    };
    let api = Api::new("api")
        .target(&upstream)
        .set("/use_keyless", false)
        .set("/custom_plugin_auth_enabled", true)
        .scripts("auth_check", request_hook("mine", "return mine.ReturnAuthData(request, {alias: 'a', meta_data: {n: 1}});"))
        .scripts(
            "post",
            json!([
                with_session("one", "session.meta_data.list = [session.meta_data.n, {deep: null}]; session.alias = 'lost';"),
                with_session("two", "request.SetHeaders['X-Two'] = JSON.stringify([session.meta_data, session.alias]); return two.ReturnData(request);"),
                with_session("three", "request.SetHeaders['X-Three'] = String(JSON.stringify(session.meta_data));"),
            ]),
        );
    let gateway = Gateway::serving([api]);
    assert_eq!(gateway.get("/api/a").status, 200);
    let seen = upstream.only_request();
    assert_eq!(seen.header("x-two"), Some(r#"[{"list":[1,{"deep":null}],"n":1},"a"]"#));
    // A result without metadata empties them.
    assert!(matches!(seen.header("x-three"), Some("undefined" | "{}")), "{:?}", seen.header("x-three"));
}

#[test]
fn a_response_hook_sees_and_changes_the_answer() {
    let upstream = Upstream::fixed(
        Reply::new(404, r#"{"name": "Ada"}"#)
            .header("Content-Type", "application/json")
            .header("X-A", "1")
            .header("X-A", "2")
            .header("X-Gone", "1"),
    );
    let gateway = response(
        &upstream,
        "response.SetHeaders['X-Seen'] = JSON.stringify([Object.keys(response), response.StatusCode, response.Headers['X-A'],
           response.BodyBase64 === b64enc(response.Body), request.Method, request.URL, request.RequestURI, request.Body,
           request.Headers['X-Client'], config.APIID, session]);
         response.SetHeaders['X-A'] = 'set'; response.DeleteHeaders = ['x-gone', 'X-A']; response.Headers['X-Ignored'] = ['1'];
         response.StatusCode = 299; response.Body = response.Body.toUpperCase();",
    );
    let answer = gateway.send(Request::post("/api/a?b=c", "x").header("x-client", "me"));
    assert_eq!((answer.status, answer.text().as_str()), (299, r#"{"NAME": "ADA"}"#));
    assert_eq!(answer.header_values("x-a"), ["set"]);
    assert!(!answer.has_header("x-gone") && !answer.has_header("x-ignored"));
    assert_eq!(answer.header_values("content-length"), ["15"]);
    let seen: Value = serde_json::from_str(answer.header("x-seen")).unwrap();
    let keys = json!(["StatusCode", "Body", "Headers", "SetHeaders", "DeleteHeaders"]);
    let url = upstream.url("/a?b=c");
    assert_eq!(
        seen,
        json!([keys, 404, ["1", "2"], true, "POST", url, "/api/a?b=c", null, ["me"], "api", {}])
    );
}

#[test]
fn response_hooks_keep_what_they_do_not_change() {
    // A header that HTTP does not allow is left out. Compressed, or any other bytes, stay.
    let bytes: Vec<u8> = (0..=255).rev().collect();
    let upstream = Upstream::fixed(Reply::new(200, bytes.clone()).header("Content-Encoding", "gzip"));
    let gateway = response(
        &upstream,
        "response.SetHeaders = {'X-Hook': '1', 'X-A': 'a\\nb', 'bad name': '1'}; response.StatusCode = 0;",
    );
    let answer = gateway.get("/api/a");
    assert_eq!(
        (answer.status, answer.header("x-hook"), answer.header("content-encoding")),
        (200, "1", "gzip")
    );
    assert_eq!(answer.body, bytes);
    let head = gateway.send(Request::new("HEAD", "/api/a"));
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "256", 0));
    let upstream = Upstream::saying("old");
    for (change, body) in [
        ("response.Body = '';", &b""[..]),
        ("delete response.Body;", b""),
        ("response.Body = null;", b""),
        ("response.BodyBase64 = '//4=';", b"\xff\xfe"),
    ] {
        let answer = response(&upstream, change).get("/api/a");
        assert_eq!((answer.status, &answer.body[..]), (200, body), "{change}");
    }
}

#[test]
fn response_hooks_run_on_answers_of_scripts_and_of_later_hooks() {
    let api = Api::new("api")
        .virtual_endpoint("GET", "/ve", "return TykJsResponse({Body: 'made', Code: 201}, {});")
        .scripts(
            "post",
            json!([request_hook(
                "post",
                "request.ReturnOverrides.ResponseCode = 202; request.ReturnOverrides.ResponseBody = 'post';"
            )]),
        )
        .scripts(
            "response",
            json!([
                response_hook(
                    "one",
                    "response.Body += ' one'; response.SetHeaders['X-Code'] = String(response.StatusCode);"
                ),
                response_hook(
                    "two",
                    "response.Body += ' two ' + response.Headers['X-Code'] + ' ' + request.URL;"
                ),
            ]),
        );
    let gateway = Gateway::serving([api]);
    let answer = gateway.get("/api/ve");
    assert_eq!((answer.status, answer.text().as_str()), (201, "made one two 201 /api/ve"));
    let answer = gateway.get("/api/other");
    assert_eq!((answer.status, answer.text().as_str()), (202, "post one two 202 /api/other"));
}

#[test]
fn a_response_hook_that_fails_is_an_error() {
    let upstream = Upstream::saying("a secret");
    for (body, class) in [
        ("throw new Error('x');", "exception"),
        ("return;", "bad_result"),
        ("response.Body = 5;", "bad_result"),
        ("response.StatusCode = '200';", "bad_result"),
        ("response.StatusCode = 99;", "bad_result"),
    ] {
        let gateway = response(&upstream, body);
        gateway.get("/api/a").assert_error(500, "Middleware error");
        assert_eq!(failure(&gateway)["class"], class, "{body}");
    }
    let sources = inline("mine", &response_source("other", ""));
    let gateway = Gateway::serving([Api::new("api").target(&upstream).scripts("response", json!([sources]))]);
    gateway.get("/api/a").assert_error(500, "Middleware error");
    assert_eq!(failure(&gateway)["class"], "missing_function");
}

#[test]
fn a_large_answer_goes_through_a_response_hook() {
    let upstream = Upstream::saying(&"x".repeat(2 << 20));
    let gateway = response(&upstream, "response.SetHeaders['X-Length'] = String(response.Body.length);");
    let answer = gateway.get("/api/a");
    assert_eq!((answer.body.len(), answer.header("x-length")), (2 << 20, "2097152"));
}

#[test]
fn hooks_of_drivers_that_are_not_there_are_refused() {
    let api = Api::new("api")
        .scripts("pre", json!([{"name": "Hook", "path": "mw.py"}]))
        .set("/custom_middleware/driver", "python");
    let gateway = Gateway::serving([api]);
    assert_eq!(gateway.get("/api/a").status, 404);
    let line = gateway.wait_for_log(|line| message(line).contains("`python`"));
    assert_eq!(line["field"], "custom_middleware.pre[0]");
    let gateway = Gateway::serving([Api::new("api").scripts("pre", json!([{"name": "mine", "code": "?"}]))]);
    assert_eq!(gateway.get("/api/a").status, 404);
    gateway.wait_for_log(|line| line["field"] == "custom_middleware.pre[0].code");
}

#[test]
fn a_reload_brings_a_new_source() {
    let upstream = Upstream::echo();
    let source = |text: &str| request_source("mine", &format!("request.SetHeaders['X-Build'] = '{text}';"));
    let api = Api::new("api")
        .target(&upstream)
        .scripts("pre", json!([{"name": "mine", "path": "middleware/mine.js"}]));
    let gateway = Setup::new().file("middleware/mine.js", source("one")).api(api).start();
    gateway.get("/api/a");
    gateway.write("middleware/mine.js", source("two"));
    gateway.reload();
    gateway.get("/api/a");
    let builds: Vec<_> =
        upstream.requests().iter().map(|seen| seen.header("x-build").unwrap().to_owned()).collect();
    assert_eq!(builds, ["one", "two"]);
}

#[test]
fn post_key_auth_hooks_need_authentication_and_answer_through_response_hooks() {
    let upstream = Upstream::echo();
    let answers = request_hook(
        "answers",
        "request.SetHeaders['X-Seen'] = 'yes';
         if (request.Headers['X-Answer']) {
           request.ReturnOverrides.ResponseCode = 202; request.ReturnOverrides.ResponseBody = 'from the hook';
         }",
    );
    let api = |name: &str| {
        Api::new(name).target(&upstream).scripts("post_key_auth", json!([answers])).scripts(
            "response",
            json!([response_hook("late", "response.Body += ', seen'; response.SetHeaders['X-Late'] = '1';")]),
        )
    };
    let gateway = Gateway::serving([api("open"), api("closed").open_by_hook()]);
    // As in Tyk, an API without keys has no authentication that a hook could come after.
    let passed = gateway.send(Request::get("/open/a").header("x-answer", "1"));
    assert_eq!((passed.status, upstream.only_request().header("x-seen")), (200, None));
    let answer = gateway.send(Request::get("/closed/a").header("x-answer", "1"));
    assert_eq!((answer.status, answer.text().as_str()), (202, "from the hook, seen"));
    assert_eq!((answer.header("x-late"), answer.header("x-ratelimit-limit")), ("1", "0"));
    assert_eq!(upstream.count(), 1);
    assert_eq!(gateway.get("/closed/a").header("x-late"), "1");
    assert_eq!(upstream.requests().pop().unwrap().header("x-seen"), Some("yes"));
    gateway.wait_for_log(|line| line["api_id"] == "open" && message(line).contains("post_key_auth"));
}

#[test]
fn the_quota_is_on_answers_of_code_that_sees_the_session() {
    let session = "{quota_max: 10, quota_remaining: 10, quota_renewal_rate: 3600, org_id: 'default'}";
    let check = request_hook("check", &format!("return check.ReturnAuthData(request, {session});"));
    let answers = |name: &str, sees: bool| {
        let body = format!(
            "if (request.URL.indexOf('/{name}') > 0) {{
               request.ReturnOverrides.ResponseCode = 200; request.ReturnOverrides.ResponseBody = '{name}'; }}"
        );
        let mut hook = request_hook(name, &body);
        hook["require_session"] = sees.into();
        hook
    };
    let api = Api::new("api")
        .set("/use_keyless", false)
        .set("/custom_plugin_auth_enabled", true)
        .scripts("auth_check", check)
        .scripts("post_key_auth", json!([answers("early_blind", false), answers("early_sees", true)]))
        .scripts("post", json!([answers("late_blind", false), answers("late_sees", true)]))
        .virtual_endpoint(
            "GET",
            "/ve_blind",
            "return TykJsResponse({Body: 've', Code: 200, Headers: {}}, {});",
        )
        .virtual_endpoint(
            "GET",
            "/ve_sees",
            "return TykJsResponse({Body: 've', Code: 200, Headers: {}}, session.meta_data);",
        )
        .last_script("use_session", true);
    let gateway = Gateway::serving([api]);
    for (path, limit) in [
        ("early_blind", "0"),
        ("early_sees", "10"),
        ("late_blind", "0"),
        ("late_sees", "10"),
        ("ve_blind", "0"),
        ("ve_sees", "10"),
    ] {
        let answer = gateway.get(&format!("/api/{path}"));
        assert_eq!(
            (answer.status, answer.header("x-ratelimit-limit")),
            (200, limit),
            "{path}: {}",
            answer.text()
        );
    }
}
