//! JavaScript virtual endpoints: what scripts see, what they answer, what they call, and how they fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::thread;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use gatehouse_tests::{Answer, Api, Client, Gate, Gateway, Reply, Request, Setup, Upstream, log::message};
use serde_json::{Value, json};

const FAILED: &str = "Error during virtual endpoint execution. Contact Administrator for more details.";

/// A gateway with one virtual endpoint, `/api/ve` for `method`, that has this body.
fn endpoint(method: &str, body: &str) -> Gateway {
    Gateway::serving([Api::new("api").virtual_endpoint(method, "/ve", body)])
}

/// A body that answers with an expression as JSON.
fn showing(expression: &str) -> String {
    format!("return TykJsResponse({{Body: JSON.stringify({expression}), Code: 200}}, session.meta_data);")
}

/// A body that answers with the text of an expression.
fn saying(expression: &str) -> String {
    format!("return TykJsResponse({{Body: String({expression}), Code: 200}}, session.meta_data);")
}

/// The log line about a failed virtual endpoint.
fn failure(gateway: &Gateway) -> Value {
    gateway.wait_for_log(|line| message(line).starts_with("virtual endpoint failed"))
}

#[test]
fn scripts_see_the_request() {
    let gateway = endpoint("POST", &showing("[request, Object.keys(request).sort()]"));
    let request = Request::post("/api/ve/more%20?a=1&b=%C3%A4", "caf\u{e9}").host("api.example");
    let request =
        request.header("X-Multi", "1").header("x-multi", "2, 3").header("content-type", "text/plain");
    let answer = gateway.send(request);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let seen = answer.json();
    assert_eq!(seen[0]["Body"], "caf\u{e9}");
    assert_eq!(seen[0]["URL"], "/api/ve/more%20?a=1&b=%C3%A4");
    assert_eq!(seen[0]["Params"], json!({"a": ["1"], "b": ["\u{e4}"]}));
    assert_eq!(seen[0]["Scheme"], "http");
    assert_eq!(seen[0]["Headers"]["X-Multi"], json!(["1", "2, 3"]));
    assert_eq!(seen[0]["Headers"]["Content-Type"], json!(["text/plain"]));
    assert_eq!(seen[0]["Headers"]["Host"], Value::Null);
    assert_eq!(seen[1], json!(["Body", "Headers", "Params", "Scheme", "URL"]));
}

#[test]
fn scripts_see_more_where_they_ask_for_it() {
    let gateway = endpoint("PATCH", &showing("[request.Method, request.RequestID, request.BodyBase64]"));
    let seen = gateway.send(Request::new("PATCH", "/api/ve").body("a body")).json();
    assert_eq!((&seen[0], &seen[2]), (&json!("PATCH"), &json!(STANDARD.encode("a body"))));
    assert_eq!(seen[1].as_str().unwrap().len(), 16);
}

#[test]
fn params_are_form_fields_and_then_query_fields() {
    let gateway = endpoint("POST", &showing("request.Params"));
    let params = |content_type: &str, query: &str, body: &str| {
        gateway
            .send(
                Request::post(&format!("/api/ve{query}"), body.to_owned())
                    .header("Content-Type", content_type),
            )
            .json()
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(params(form, "", "a=1&a=2&b=x+y&c"), json!({"a": ["1", "2"], "b": ["x y"], "c": [""]}));
    assert_eq!(params(form, "?a=3&d=%26", "a=1&a=2"), json!({"a": ["1", "2", "3"], "d": ["&"]}));
    assert_eq!(params("application/x-www-form-urlencoded; charset=utf-8", "", "a=1"), json!({"a": ["1"]}));
    assert_eq!(params("text/plain", "?a=3", "a=1"), json!({"a": ["3"]}));
    assert_eq!(params(form, "?a=1;b=2&c=3&d=%zz", ""), json!({"c": ["3"]}));
    assert_eq!(params("application/json", "", "{}"), json!({}));
}

#[test]
fn scripts_see_config_and_an_empty_session() {
    let api = Api::new("api")
        .set("/org_id", "org")
        .set("/config_data", json!({"list": [1, "two", null, {"k": []}], "number": 1.5}))
        .virtual_endpoint("GET", "/config", &showing("config"))
        .virtual_endpoint("GET", "/session", &showing("[session, typeof session.meta_data]"));
    let off = Api::new("off").set("/config_data", json!({"a": 1})).set("/config_data_disabled", true);
    let none = Api::new("none").virtual_endpoint("GET", "/config", &showing("config"));
    let off = off.virtual_endpoint("GET", "/config", &showing("config"));
    let gateway = Gateway::serving([api, off, none]);
    assert_eq!(
        gateway.get("/api/config").json(),
        json!({"APIID": "api", "OrgID": "org", "config_data": {"list": [1, "two", null, {"k": []}], "number": 1.5}})
    );
    assert_eq!(gateway.get("/api/session").json(), json!([{}, "undefined"]));
    // As in Tyk.
    assert_eq!(gateway.get("/off/config").json(), json!({"APIID": "off", "OrgID": "default"}));
    let none = json!({"APIID": "none", "OrgID": "default", "config_data": null});
    assert_eq!(gateway.get("/none/config").json(), none);
}

#[test]
fn answers_have_status_headers_and_body() {
    let body = "return TykJsResponse({Body: '<p>made</p>', Code: 418, Headers: {'x-one': '1', 'X-List': ['a', 'b, c'], \
                'Set-Cookie': ['s=1; Path=/', 't=2'], 'Content-Length': '3', 'Date': 'never'}}, {});";
    let gateway = endpoint("GET", body);
    let answer = gateway.get("/api/ve");
    assert_eq!((answer.status, answer.text().as_str()), (418, "<p>made</p>"));
    assert_eq!(answer.header("x-one"), "1");
    assert_eq!(answer.header_values("x-list"), ["a", "b, c"]);
    assert_eq!(answer.header_values("set-cookie"), ["s=1; Path=/", "t=2"]);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!((answer.header("content-length"), answer.header("server")), ("11", "gatehouse"));
    assert_ne!(answer.header("date"), "never");
    assert_eq!(answer.header("x-ratelimit-limit"), "0");
}

#[test]
fn answers_can_be_written_in_lower_case_or_by_hand() {
    let api = Api::new("api")
        .virtual_endpoint(
            "GET",
            "/lower",
            "return TykJsResponse({body: 'low', code: 201, headers: {'X-A': '1'}}, {});",
        )
        .virtual_endpoint(
            "GET",
            "/hand",
            "return JSON.stringify({Response: {Body: 'by hand', Code: 202, Headers: {}}, SessionMeta: {}});",
        );
    let gateway = Gateway::serving([api]);
    let lower = gateway.get("/api/lower");
    assert_eq!((lower.status, lower.text().as_str(), lower.header("x-a")), (201, "low", "1"));
    let hand = gateway.get("/api/hand");
    assert_eq!((hand.status, hand.text().as_str()), (202, "by hand"));
}

#[test]
fn every_code_between_200_and_999_is_answered() {
    let gateway =
        endpoint("GET", "return TykJsResponse({Body: 'code', Code: Number(request.Params.c[0])}, {});");
    for code in [200, 299, 404, 599, 799, 999] {
        let answer = gateway.get(&format!("/api/ve?c={code}"));
        assert_eq!((answer.status, answer.text().as_str()), (code, "code"));
    }
    let mut client = gateway.raw();
    client.send("GET /api/ve?c=204 HTTP/1.1\r\nHost: a\r\n\r\n");
    let empty = client.answer();
    assert_eq!((empty.status, empty.header("transfer-encoding")), (204, None));
    // What announces another answer is none: the clients of a Tyk get 200 then.
    for code in [100, 102, 103, 199, 200] {
        client.send(&format!("GET /api/ve?c={code} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.text().as_str()), (200, "code"), "{code}");
    }
    // Nothing a script says ends HTTP on a connection.
    gateway.get("/api/ve?c=101").assert_error(500, FAILED);
}

#[test]
fn binary_bodies_pass_as_base64_both_ways() {
    let gateway = endpoint("POST", "return TykJsResponse({BodyBase64: request.BodyBase64, Code: 200}, {});");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let answer = gateway.send(Request::post("/api/ve", bytes.clone()));
    assert_eq!(answer.status, 200);
    assert!(answer.body[..] == bytes[..], "{} bytes came back", answer.body.len());
}

#[test]
fn a_body_that_is_not_text_is_seen_with_replacements() {
    let gateway = endpoint("POST", &showing("[request.Body, request.Body.length]"));
    let seen = gateway.send(Request::post("/api/ve", &b"a\xff\xfeb\0"[..])).json();
    assert_eq!(seen, json!(["a\u{fffd}\u{fffd}b\0", 5]));
}

#[test]
fn large_bodies_pass() {
    let gateway =
        endpoint("POST", "return TykJsResponse({Body: request.Body + request.Body, Code: 200}, {});");
    let body = "0123456789abcde\u{e9}".repeat(60_000);
    let answer = gateway.send(Request::post("/api/ve", body.clone()));
    assert_eq!(answer.status, 200);
    assert!(answer.text() == body.clone() + &body, "{} bytes came back", answer.body.len());
}

#[test]
fn whatever_fails_is_the_same_500() {
    let cases = [
        ("/throws", "throw new Error('boom');", "exception"),
        ("/text", "throw 'a text';", "exception"),
        ("/nothing", "", "bad_result"),
        ("/null", "return null;", "bad_result"),
        ("/object", "return {};", "bad_result"),
        ("/word", "return 'not JSON';", "bad_result"),
        ("/code", "return TykJsResponse({Body: 'x', Code: 1000}, {});", "bad_result"),
        ("/switching", "return TykJsResponse({Body: 'x', Code: 101}, {});", "bad_result"),
        ("/no-code", "return TykJsResponse({Body: 'x'}, {});", "bad_result"),
        ("/reference", "return notThere.field;", "exception"),
        ("/deep", "function again() { return again() + 1; } return again();", "exception"),
    ];
    let api =
        cases.iter().fold(Api::new("api"), |api, (path, body, _)| api.virtual_endpoint("GET", path, body));
    let gateway = Gateway::serving([api.script("GET", "/missing", "noSuchFunction", "var unrelated = 1;")]);
    for (path, class) in
        cases.iter().map(|(path, _, class)| (*path, *class)).chain([("/missing", "missing_function")])
    {
        gateway.get(&format!("/api{path}")).assert_error(500, FAILED);
        let line = gateway.wait_for_log(|line| line["endpoint"] == path);
        assert_eq!(line["class"], class, "{line}");
    }
}

#[test]
fn a_failure_is_logged_once_with_all_that_its_author_needs() {
    let source = "var helper = {\n  fail: function (id) {\n    throw new TypeError('broken for ' + id);\n  }\n};\n\
                  function handler(request, session, config) {\n  return helper.fail(request.RequestID);\n}";
    let gateway = Setup::new()
        .file("middleware/broken.js", source)
        .api(Api::new("api").script_file("GET", "/ve", "handler", "middleware/broken.js"))
        .start();
    gateway.get("/api/ve?x=1").assert_error(500, FAILED);
    let stopped = gateway.stop();
    let lines: Vec<&Value> =
        stopped.lines.iter().filter(|line| line.to_string().contains("broken for")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines[0];
    let id = line["request_id"].as_str().expect("a request id");
    assert_eq!(message(line), format!("virtual endpoint failed: TypeError: broken for {id}"));
    assert_eq!(
        (&line["level"], &line["api_id"], &line["endpoint"]),
        (&json!("ERROR"), &json!("api"), &json!("/ve"))
    );
    assert_eq!(
        (&line["method"], &line["function"], &line["class"]),
        (&json!("GET"), &json!("handler"), &json!("exception"))
    );
    let position = line["position"].as_str().expect("a position");
    let column = position.strip_prefix("middleware/broken.js:3:").unwrap_or_else(|| panic!("{position}"));
    // Somewhere in the statement; engines differ in where.
    assert!(matches!(column.parse::<u32>(), Ok(5..=44)), "{position}");
    let stack: Vec<&str> = line["stack"].as_str().expect("a stack").lines().collect();
    assert_eq!(stack.len(), 2, "{stack:?}");
    assert!(stack[0].contains("fail") && stack[0].contains("middleware/broken.js:3:"), "{stack:?}");
    assert!(stack[1].contains("handler") && stack[1].contains("middleware/broken.js:7:"), "{stack:?}");
}

#[test]
fn a_position_in_an_inline_source_names_its_endpoint() {
    let source = "function go() {\n\n  throw new Error('inline');\n}";
    let gateway = Gateway::serving([Api::new("api").script("GET", "/ve", "go", source)]);
    gateway.get("/api/ve").assert_error(500, FAILED);
    let line = failure(&gateway);
    let position = line["position"].as_str().unwrap();
    assert!(position.starts_with("api GET /ve (inline):3:"), "{position}");
}

#[test]
fn an_undefined_name_is_reported_on_its_own_line() {
    let gateway = Setup::new()
        .file("middleware/undefined.js", "function go() {\n\n  missing();\n}")
        .api(Api::new("api").script_file("GET", "/ve", "go", "middleware/undefined.js"))
        .start();
    gateway.get("/api/ve").assert_error(500, FAILED);
    let line = failure(&gateway);
    assert_eq!(message(&line), "virtual endpoint failed: ReferenceError: missing is not defined");
    let position = line["position"].as_str().unwrap();
    assert!(position.starts_with("middleware/undefined.js:3:"), "{position}");
}

#[test]
fn a_failure_can_go_to_the_upstream() {
    let upstream = Upstream::echo();
    let api = Api::new("api")
        .target(&upstream)
        .virtual_endpoint("POST", "/ve", "throw new Error('boom');")
        .last_script("proxy_on_error", true)
        .script("GET", "/syntax", "go", "function go( {")
        .last_script("proxy_on_error", true);
    let gateway = Gateway::serving([api]);
    let body = "a body that a script has seen".repeat(1_000);
    let echo = gateway.send(Request::post("/api/ve?a=1", body.clone())).json();
    assert_eq!((&echo["path"], &echo["query"], &echo["body"]), (&json!("/ve"), &json!("a=1"), &json!(body)));
    assert_eq!(gateway.get("/api/syntax").json()["path"], "/syntax");
    assert_eq!(failure(&gateway)["class"], "exception", "what went wrong is logged all the same");
}

#[test]
fn sources_that_do_not_load_are_named_at_the_start() {
    let gateway = Setup::new()
        .file("middleware/syntax.js", "function good() { return 1; }\nvar bad = ((;\n")
        .api(Api::new("syntax").script_file("GET", "/ve", "good", "middleware/syntax.js"))
        .api(Api::new("missing").script_file("GET", "/ve", "go", "middleware/no-such.js"))
        .api(Api::new("fine").virtual_endpoint("GET", "/ve", &saying("'fine'")))
        .start();
    let about = |api: &str| gateway.wait_for_log(|line| line["api_id"] == api && line["level"] == "ERROR");
    let syntax = about("syntax");
    assert!(syntax["position"].as_str().unwrap().starts_with("middleware/syntax.js:2:"), "{syntax}");
    assert_eq!(syntax["class"], "syntax");
    let missing = about("missing");
    assert!(missing["position"].as_str().unwrap().contains("middleware/no-such.js"), "{missing}");
    assert!(message(&missing).contains("No such file"), "{missing}");
    for api in ["syntax", "missing"] {
        gateway.get(&format!("/{api}/ve")).assert_error(500, FAILED);
    }
    gateway.get("/fine/ve").assert_text("fine");
}

#[test]
fn a_source_that_throws_while_it_loads_is_named_with_its_line() {
    let gateway = Setup::new()
        .file("middleware/throws.js", "var a = 1;\nthrow new Error('at load');\n")
        .file("middleware/undefined.js", "var a = 1;\nundefinedThing.call();\n")
        .api(Api::new("throws").script_file("GET", "/ve", "go", "middleware/throws.js"))
        .api(Api::new("undefined").script_file("GET", "/ve", "go", "middleware/undefined.js"))
        .start();
    for (api, what) in
        [("throws", "Error: at load"), ("undefined", "ReferenceError: undefinedThing is not defined")]
    {
        let line = gateway.wait_for_log(|line| line["api_id"] == api && line["level"] == "ERROR");
        assert!(message(&line).contains(what), "{line}");
        assert!(line["position"].as_str().unwrap().starts_with(&format!("middleware/{api}.js:2:")), "{line}");
        gateway.get(&format!("/{api}/ve")).assert_error(500, FAILED);
    }
}

#[test]
fn one_bad_source_leaves_the_others_of_its_api() {
    let upstream = Upstream::saying("upstream");
    let api = Api::new("api")
        .target(&upstream)
        .script("GET", "/bad", "bad", "function bad( {")
        .virtual_endpoint("GET", "/good", &saying("'good'"));
    let gateway = Gateway::serving([api]);
    gateway.get("/api/good").assert_text("good");
    gateway.get("/api/bad").assert_error(500, FAILED);
    gateway.get("/api/other").assert_text("upstream");
}

#[test]
fn every_request_finds_the_state_after_loading() {
    let source = "var counter = 0; var list = [1]; var nested = {a: {b: 1}};\n\
        var hidden = (function () { var count = 0; return function () { count += 1; return count; }; })();\n\
        function handler(request, session, config) {\n\
          counter += 1; list.push(counter); nested.a.b += 1; leaked = (typeof leaked === 'undefined') ? 'first' : 'again';\n\
          var extended = [].extra === undefined ? 'pristine' : 'changed';\n\
          Array.prototype.extra = 1; String.prototype.trim = function () { return 'hijacked'; };\n\
          Object.prototype.polluted = 'yes'; JSON.parse = null; this.global = 1;\n\
          config.config_data.value += 1; handler.calls = (handler.calls || 0) + 1;\n\
          var was = [counter, list.length, nested.a.b, leaked, extended, hidden(), config.config_data.value, handler.calls];\n\
          TykJsResponse.touched = (TykJsResponse.touched || 0) + 1; was.push(TykJsResponse.touched, typeof _.each);\n\
          _ = undefined;\n\
          delete Object.prototype.polluted; delete Array.prototype.extra;\n\
          return TykJsResponse({Body: JSON.stringify(was), Code: 200}, session.meta_data);\n\
        }";
    let api =
        Api::new("api").set("/config_data", json!({"value": 10})).script("GET", "/ve", "handler", source);
    let gateway = Setup::new().set("/gatehouse/javascript/threads", 1).api(api).start();
    let first = gateway.get("/api/ve").json();
    assert_eq!(first, json!([1, 2, 2, "first", "pristine", 1, 11, 1, 1, "function"]));
    for _ in 0..5 {
        assert_eq!(gateway.get("/api/ve").json(), first);
    }
}

#[test]
fn what_loading_found_by_chance_stays() {
    let source = "var chance = Math.random(), when = Date.now();\n\
        function handler() { return TykJsResponse({Body: JSON.stringify([chance, when]), Code: 200}, {}); }";
    let gateway = Gateway::serving([Api::new("api").script("GET", "/ve", "handler", source)]);
    let first = gateway.get("/api/ve").json();
    for _ in 0..5 {
        assert_eq!(gateway.get("/api/ve").json(), first);
    }
}

#[test]
fn a_failed_request_leaves_nothing_behind_either() {
    let source = "var seen = []; function handler(request) { seen.push(request.URL); Array.prototype.map = undefined;\n\
        if (request.Params.fail) { throw new Error('failed'); } return TykJsResponse({Body: String(seen.length), Code: 200}, {}); }";
    let gateway = Setup::new()
        .set("/gatehouse/javascript/threads", 1)
        .api(Api::new("api").script("GET", "/ve", "handler", source))
        .start();
    for _ in 0..3 {
        gateway.get("/api/ve?fail=1").assert_error(500, FAILED);
        gateway.get("/api/ve").assert_text("1");
    }
}

#[test]
fn sources_of_an_api_share_one_scope_and_apis_do_not() {
    let shared = |name: &str| {
        Api::new(name)
            .script(
                "GET",
                "/first",
                "first",
                &format!("var shared = '{name}'; function first() {{ return second(); }}"),
            )
            .script(
                "GET",
                "/second",
                "second",
                "function second() { return TykJsResponse({Body: shared, Code: 200}, {}); }",
            )
    };
    let gateway = Gateway::serving([shared("one"), shared("two")]);
    gateway.get("/one/first").assert_text("one");
    gateway.get("/two/first").assert_text("two");
    gateway.get("/one/second").assert_text("one");
}

#[test]
fn scripts_can_be_switched_off() {
    let upstream = Upstream::saying("upstream");
    let api =
        || {
            Api::new("api")
                .target(&upstream)
                .virtual_endpoint("GET", "/inline", &saying("'inline'"))
                .script_file("GET", "/file", "inFile", "middleware/a.js")
        };
    let file = "function inFile() { return TykJsResponse({Body: 'file', Code: 200}, {}); }";
    let off = Setup::new().set("/enable_jsvm", false).file("middleware/a.js", file).api(api()).start();
    off.get("/api/inline").assert_text("upstream");
    off.get("/api/file").assert_text("upstream");
    let no_blobs = Setup::new()
        .set("/disable_virtual_path_blobs", true)
        .file("middleware/a.js", file)
        .api(api())
        .start();
    no_blobs.get("/api/inline").assert_text("upstream");
    no_blobs.get("/api/file").assert_text("file");
}

#[test]
fn a_source_of_the_configuration_is_loaded_before_each_apis_own() {
    let gateway = Setup::new()
        .file("extra.js", "function greeting(name) { return 'hello ' + name; }")
        .set("/tyk_js_path", "extra.js")
        .api(Api::new("api").virtual_endpoint("GET", "/ve", &saying("greeting('you')")))
        .start();
    gateway.get("/api/ve").assert_text("hello you");
}

/// A script expression that calls the upstream and gives the parsed answer.
fn call(upstream: &Upstream, resource: &str, more: &str) -> String {
    let address = upstream.url("");
    format!(
        "JSON.parse(TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: '{address}', Resource: '{resource}'{more}}})))"
    )
}

#[test]
fn scripts_call_upstreams() {
    let upstream = Upstream::echo();
    let more =
        ", Method: 'POST', Body: 'from the script', Headers: {'X-Mine': '1', 'Content-Type': 'text/plain'}";
    let gateway = endpoint(
        "GET",
        &format!("var answer = {};\n{}", call(&upstream, "/call?q=1", more), showing("answer")),
    );
    let answer = gateway.get("/api/ve").json();
    assert_eq!((&answer["Code"], &answer["code"]), (&json!(200), &json!(200)));
    assert_eq!(answer["Body"], answer["body"]);
    assert_eq!(answer["Headers"]["Content-Type"], json!(["application/json"]));
    assert_eq!(answer["headers"], answer["Headers"]);
    let seen = upstream.only_request();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str(), seen.text().as_str()),
        ("POST", "/call?q=1", "from the script")
    );
    assert_eq!((seen.header("x-mine"), seen.header("content-type")), (Some("1"), Some("text/plain")));
}

#[test]
fn binary_answers_reach_scripts_as_base64() {
    let bytes: Vec<u8> = (0..=255).collect();
    let sent = bytes.clone();
    let upstream = Upstream::answering(move |request| {
        assert_eq!(request.body, sent, "what the script sent");
        Reply::new(200, request.body.clone())
    });
    let more = format!(", Method: 'POST', BodyBase64: '{}'", STANDARD.encode(&bytes));
    let script = format!(
        "return TykJsResponse({{BodyBase64: {}.BodyBase64, Code: 200}}, {{}});",
        call(&upstream, "/", &more)
    );
    let answer = endpoint("GET", &script).get("/api/ve");
    assert_eq!((answer.status, &answer.body[..]), (200, &bytes[..]));
}

#[test]
fn a_call_that_fails_is_undefined() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("late"));
    let slow = format!(
        "TykMakeHttpRequest(JSON.stringify({{Domain: '{}', Resource: '/', TimeoutMs: 100}}))",
        upstream.url("")
    );
    let api = Api::new("api")
        .virtual_endpoint(
            "GET",
            "/refused",
            &saying(
                "typeof TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: 'http://127.0.0.1:1'}))",
            ),
        )
        .virtual_endpoint("GET", "/nonsense", &saying("typeof TykMakeHttpRequest('not JSON')"))
        .virtual_endpoint("GET", "/nothing", &saying("typeof TykMakeHttpRequest()"))
        .virtual_endpoint("GET", "/slow", &saying(&format!("typeof {slow}")));
    let gateway = Gateway::serving([api]);
    for path in ["/refused", "/nonsense", "/nothing", "/slow"] {
        gateway.get(&format!("/api{path}")).assert_text("undefined");
    }
    gate.open();
}

/// A script expression for a batch of these paths.
fn batch(upstream: &Upstream, paths: &[&str], sequential: bool) -> String {
    let requests: Vec<Value> =
        paths.iter().map(|path| json!({"method": "GET", "relative_url": upstream.url(path)})).collect();
    let argument = json!({"requests": requests, "suppress_parallel_execution": sequential}).to_string();
    format!("JSON.parse(TykBatchRequest({}))", Value::from(argument))
}

#[test]
fn a_sequential_batch_is_answered_in_order() {
    let upstream = Upstream::answering(|request| Reply::text(format!("answer to {}", request.path())));
    let gateway = endpoint("GET", &showing(&batch(&upstream, &["/c", "/a", "/b"], true)));
    let answers = gateway.get("/api/ve").json();
    for (index, path) in ["/c", "/a", "/b"].into_iter().enumerate() {
        assert_eq!(
            (&answers[index]["code"], &answers[index]["body"]),
            (&json!(200), &json!(format!("answer to {path}")))
        );
        assert_eq!(answers[index]["relative_url"], upstream.url(path));
    }
    assert_eq!(upstream.most_in_progress(), 1);
}

#[test]
fn the_calls_of_a_parallel_batch_are_under_way_together() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("fine"));
    let gateway = endpoint("GET", &showing(&batch(&upstream, &["/1", "/2", "/3", "/4"], false)));
    let pending = gateway.start(Request::get("/api/ve"));
    upstream.wait_for_in_progress(4);
    gate.open();
    let answers = pending.answer().json();
    assert_eq!(answers.as_array().unwrap().len(), 4);
    assert!(answers.as_array().unwrap().iter().all(|answer| answer["body"] == "fine"), "{answers}");
}

#[test]
fn batch_requests_have_methods_headers_and_bodies() {
    let upstream = Upstream::echo();
    let argument = json!({"requests": [
        {"method": "POST", "relative_url": upstream.url("/b?x=1"), "headers": {"X-Batch": "1"}, "body": "in a batch"},
        {"method": "GET", "relative_url": "http://127.0.0.1:1/"},
    ], "suppress_parallel_execution": true});
    let gateway = endpoint(
        "GET",
        &showing(&format!("JSON.parse(TykBatchRequest({}))", Value::from(argument.to_string()))),
    );
    let answers = gateway.get("/api/ve").json();
    let echo: Value = serde_json::from_str(answers[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&echo["method"], &echo["body"], &echo["headers"]["x-batch"]),
        (&json!("POST"), &json!("in a batch"), &json!(["1"]))
    );
    assert_eq!(answers[1]["code"], 0, "one that failed does not take the others with it");
}

#[test]
fn outbound_calls_are_counted() {
    let upstream = Upstream::saying("fine");
    let script = format!(
        "try {{ for (var i = 0; i < 10; i += 1) {{ {}; }} }} catch (e) {{}}\n{}",
        call(&upstream, "/", ""),
        saying("'unharmed'")
    );
    let gateway = Setup::new()
        .set("/gatehouse/javascript/max_outbound_calls", 3)
        .api(Api::new("api").virtual_endpoint("GET", "/ve", &script))
        .start();
    gateway.get("/api/ve").assert_error(500, FAILED);
    assert_eq!(failure(&gateway)["class"], "calls");
    assert_eq!(upstream.count(), 3);
}

#[test]
fn an_answer_has_a_bound() {
    let script =
        "var s = 'x'; while (s.length < 5000) { s += s; } return TykJsResponse({Body: s, Code: 200}, {});";
    let gateway = Setup::new()
        .set("/gatehouse/javascript/max_response_bytes", 2_000)
        .api(Api::new("api").virtual_endpoint("GET", "/ve", script))
        .start();
    gateway.get("/api/ve").assert_error(500, FAILED);
    assert_eq!(failure(&gateway)["class"], "output");
}

/// A gateway whose scripts may run for a second.
fn with_one_second(api: Api) -> Gateway {
    Setup::new().set("/jsvm_timeout", 1).api(api).start()
}

#[test]
fn a_busy_loop_ends_at_its_time() {
    let api = Api::new("api")
        .virtual_endpoint("GET", "/busy", "while (true) {}")
        .virtual_endpoint(
            "GET",
            "/catching",
            "while (true) { try { while (true) {} } catch (e) {} finally { continue; } }",
        )
        .virtual_endpoint("GET", "/after", &saying("'alive'"));
    let gateway = with_one_second(api);
    for path in ["/busy", "/catching"] {
        gateway.get(&format!("/api{path}")).assert_error(500, FAILED);
        let line = gateway.wait_for_log(|line| line["endpoint"] == path);
        assert_eq!(line["class"], "timeout", "{line}");
    }
    gateway.get("/api/after").assert_text("alive");
}

#[test]
fn a_slow_call_counts_for_the_time_of_its_script() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("late"));
    let script = format!("try {{ {}; }} catch (e) {{}}\n{}", call(&upstream, "/", ""), saying("'too late'"));
    let gateway = with_one_second(Api::new("api").virtual_endpoint("GET", "/ve", &script));
    gateway.get("/api/ve").assert_error(500, FAILED);
    assert_eq!(failure(&gateway)["class"], "timeout");
    gate.open();
}

#[test]
fn neighbours_answer_while_a_loop_burns() {
    let upstream = Upstream::saying("proxied");
    let api = Api::new("api")
        .target(&upstream)
        .virtual_endpoint("GET", "/busy", "log('burning'); while (true) {}")
        .virtual_endpoint("GET", "/neighbour", &saying("'scripted'"));
    let gateway =
        Setup::new().set("/jsvm_timeout", 3).set("/gatehouse/javascript/threads", 2).api(api).start();
    let busy = gateway.start(Request::get("/api/busy"));
    gateway.wait_for_log(|line| message(line) == "burning");
    for _ in 0..10 {
        gateway.get("/api/neighbour").assert_text("scripted");
        gateway.get("/api/proxied").assert_text("proxied");
    }
    assert!(!busy.is_finished(), "the neighbours had to wait for the loop");
    busy.answer().assert_error(500, FAILED);
}

#[test]
fn a_full_queue_is_a_503() {
    let gateway = Setup::new()
        .set("/jsvm_timeout", 2)
        .set("/gatehouse/javascript", json!({"threads": 1, "max_threads": 1, "queue": 2}))
        .api(Api::new("api").virtual_endpoint("GET", "/ve", "for (;;) {}"))
        .start();
    // The one thread is taken, two may wait for it, maybe another one while two change places.
    let calls: Vec<_> = (0..10).map(|_| gateway.start(Request::get("/api/ve"))).collect();
    let answers: Vec<Answer> = calls.into_iter().map(|pending| pending.answer()).collect();
    let (ended, refused): (Vec<Answer>, Vec<Answer>) =
        answers.into_iter().partition(|answer| answer.status == 500);
    assert!((3..=5).contains(&ended.len()), "{} were let in", ended.len());
    for answer in refused {
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    }
}

#[test]
fn two_thousand_aggregations_are_in_flight_at_once() {
    const CONNECTIONS: usize = 20;
    const STREAMS: usize = 100;
    const CALLS: usize = CONNECTIONS * STREAMS;
    if !gatehouse_tests::allow_open_files(4 * CALLS) {
        eprintln!("skipped: this system does not allow {} open files", 4 * CALLS);
        return;
    }
    let gate = Gate::new();
    let held = gate.clone();
    let upstream = Upstream::answering(move |request| {
        held.pass();
        Reply::json(&json!({"path": request.path()}))
    });
    let script = format!(
        "var answer = JSON.parse(TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: '{}', Resource: '/' + request.Params.n[0]}})));\n{}",
        upstream.url(""),
        saying("JSON.parse(answer.Body).path")
    );
    let gateway = Setup::new()
        .set("/jsvm_timeout", 60)
        .api(Api::new("api").virtual_endpoint("GET", "/ve", &script))
        .start();
    let request = |number: usize| Request::get(&format!("/api/ve?n={number}"));
    let answers: Vec<Answer> = thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                let requests = (0..STREAMS).map(|stream| request(connection * STREAMS + stream)).collect();
                let client = Client::http2(gateway.address());
                scope.spawn(move || client.send_multiplexed(requests))
            })
            .collect();
        upstream.wait_for_in_progress(CALLS);
        gate.open();
        connections.into_iter().flat_map(|connection| connection.join().unwrap()).collect()
    });
    for (number, answer) in answers.iter().enumerate() {
        answer.assert_text(&format!("/{number}"));
    }
    assert_eq!(upstream.most_in_progress(), CALLS);
}

#[test]
fn a_reload_loads_only_what_changed() {
    let telling =
        |name: &str| format!("log('loaded {name}'); function go(request, session) {{ {} }}", saying("1"));
    let api = |name: &str, text: &str| Api::new(name).script("GET", "/ve", "go", text);
    let gateway = Gateway::serving([api("same", &telling("same")), api("other", &telling("first"))]);
    let loads = |name: &str| {
        let line = format!("loaded {name}");
        gateway.log_lines().iter().filter(|logged| message(logged) == line).count()
    };
    gateway.get("/same/ve").assert_text("1");
    assert_eq!((loads("same"), loads("first")), (1, 1));
    gateway.write_api(&api("other", &telling("second")));
    gateway.reload();
    gateway.get("/same/ve").assert_text("1");
    gateway.get("/other/ve").assert_text("1");
    assert_eq!((loads("same"), loads("first"), loads("second")), (1, 1, 1));
}

/// Each reload brings another script, so that each leaves one behind.
#[test]
fn reloads_leave_no_memory_behind() {
    let api = |number: usize| {
        let text = format!(
            "var number = {number}, filler = new Array(20000).join('x');
             function go(request, session) {{ {} }}",
            saying("number")
        );
        Api::new("api").script("GET", "/ve", "go", &text)
    };
    let gateway = Gateway::serving([api(0)]);
    let round = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            gateway.write_api(&api(number));
            gateway.reload();
            gateway.get("/api/ve").assert_text(&number.to_string());
        }
        gateway.resident_bytes()
    };
    let before = round(1..100);
    let after = round(100..300);
    assert!(after < before + (8 << 20), "{before} bytes after 100 reloads, {after} after 300");
}

#[test]
fn redirects_of_scripts_loop_inside() {
    let upstream = Upstream::echo();
    let redirect = |to: &str| {
        format!("return TykJsResponse({{Body: '', Code: 302, Headers: {{Location: '{to}'}}}}, {{}});")
    };
    let api = Api::new("api")
        .target(&upstream)
        .virtual_endpoint("GET", "/self", &redirect("tyk://self/proxied?a=1"))
        .virtual_endpoint("GET", "/other", &redirect("tyk://other/ve"))
        .virtual_endpoint("GET", "/endless", &redirect("tyk://self/endless"))
        .virtual_endpoint("GET", "/outside", &redirect("http://elsewhere.example/"));
    let other = Api::new("other").virtual_endpoint("GET", "/ve", &saying("'in the other: ' + request.URL"));
    let gateway = Gateway::serving([api, other]);
    let echo = gateway.get("/api/self").json();
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/proxied"), &json!("a=1")));
    gateway.get("/api/other").assert_text("in the other: /other/ve");
    gateway
        .get("/api/endless")
        .assert_error(500, "Loop level too deep. Found more than 5 loops in single request");
    let outside = gateway.get("/api/outside");
    assert_eq!((outside.status, outside.header("location")), (302, "http://elsewhere.example/"));
}

#[test]
fn scripts_write_to_the_log() {
    let gateway = endpoint(
        "GET",
        "log('a line of ' + request.RequestID); log({a: 1}); rawlog('raw'); return TykJsResponse({Body: request.RequestID, Code: 200}, {});",
    );
    let id = gateway.get("/api/ve").text();
    let line = gateway.wait_for_log(|line| message(line).starts_with("a line of"));
    assert_eq!(
        (message(&line), &line["api_id"], &line["request_id"]),
        (format!("a line of {id}").as_str(), &json!("api"), &json!(id))
    );
    gateway.wait_for_log(|line| message(line) == "raw");
}

#[test]
fn the_usual_helpers_are_there() {
    let expression = "[b64enc('caf\u{e9}'), b64dec('YQ=='), rawb64enc('a'), rawb64dec('YQ'), _.map([1, 2], function (n) { return n * 2; }), \
                      (() => `template ${[...'ab'].length}`)()]";
    let gateway = endpoint("GET", &showing(expression));
    assert_eq!(gateway.get("/api/ve").json(), json!(["Y2Fmw6k=", "a", "YQ", "a", [2, 4], "template 2"]));
}
