//! Tyk OAS definitions: OpenAPI documents with `x-tyk-api-gateway`, from the file to the answer.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{
    Api, Document, Gateway, Reply, Request, Setup, Upstream,
    document::function,
    log::message,
    plugin::library,
    script_hook::{request_source, response_hook},
};
use serde_json::{Value, json};

const FORBIDDEN: &str = "Requested endpoint is forbidden";

fn on() -> Value {
    json!({"enabled": true})
}

fn serving(documents: impl IntoIterator<Item = Document>) -> Gateway {
    documents.into_iter().fold(Setup::new(), |setup, document| setup.document(&document)).start()
}

fn mock(text: &str) -> Value {
    json!({"mockResponse": {"enabled": true, "code": 200, "body": text}})
}

#[test]
fn both_versions_of_openapi_are_served() {
    for version in ["3.0.3", "3.1.0"] {
        let document = Document::new("shop")
            .set("/openapi", version)
            .tyk(
                "/middleware/global/pluginConfig/data",
                json!({"enabled": true, "value": {"n": 3, "nothing": null}}),
            )
            .virtual_endpoint(
                "GET",
                "/ve",
                "return TykJsResponse({Body: JSON.stringify(config), Code: 201}, {})",
            );
        let gateway = serving([document]);
        let answer = gateway.get("/shop/ve");
        assert_eq!(answer.status, 201);
        assert_eq!(
            answer.json(),
            json!({"APIID": "shop", "OrgID": "default", "config_data": {"n": 3, "nothing": null}})
        );
        assert!(!gateway.log_lines().iter().any(|line| line["level"] == "WARN"));
    }
}

#[test]
fn scripts_come_from_files_too_and_may_be_off() {
    let upstream = Upstream::saying("upstream");
    let by_file = json!({"enabled": true, "name": "handler", "path": "middleware/ve.js"});
    let off = json!({"enabled": false, "functionName": "handler", "path": "middleware/ve.js"});
    let failing =
        json!({"enabled": true, "functionName": "missing", "path": "middleware/ve.js", "proxyOnError": true});
    let document = Document::new("shop")
        .target(&upstream)
        .operation("GET", "/file", json!({"virtualEndpoint": by_file}))
        .operation("GET", "/off", json!({"virtualEndpoint": off}))
        .operation("GET", "/failing", json!({"virtualEndpoint": failing}));
    let source =
        "function handler(request, session) { return TykJsResponse({Body: 'script', Code: 200}, {}) }";
    let gateway = Setup::new().document(&document).file("middleware/ve.js", source).start();
    gateway.get("/shop/file").assert_text("script");
    for path in ["/shop/off", "/shop/failing", "/shop/other"] {
        gateway.get(path).assert_text("upstream");
    }
    gateway.send(Request::post("/shop/file", "")).assert_text("upstream");
}

#[test]
fn lists_of_access_are_by_operation() {
    let upstream = Upstream::saying("upstream");
    let blocking = Document::new("blocking")
        .target(&upstream)
        .operation("GET", "/no", json!({"block": on()}))
        .operation("GET", "/case", json!({"block": {"enabled": true, "ignoreCase": true}}));
    let allowing = Document::new("allowing")
        .target(&upstream)
        .operation("GET", "/yes", json!({"allow": on()}))
        .operation("GET", "/off", json!({"allow": {"enabled": false}}))
        .operation("GET", "/mocked", mock("mocked"));
    let inner =
        Document::new("inner").target(&upstream).operation("GET", "/inside", json!({"internal": on()}));
    let outer = Document::new("outer").tyk("/upstream/url", "tyk://inner/");
    let gateway = serving([blocking, allowing, inner, outer]);
    for path in ["/blocking/no", "/blocking/CASE", "/allowing/off", "/allowing/other", "/inner/inside"] {
        gateway.get(path).assert_error(403, FORBIDDEN);
    }
    for path in ["/blocking/ok", "/blocking/NO", "/allowing/yes", "/inner/outside", "/outer/inside"] {
        gateway.get(path).assert_text("upstream");
    }
    gateway.send(Request::post("/blocking/no", "")).assert_text("upstream");
    gateway.get("/allowing/mocked").assert_text("mocked");
}

#[test]
fn paths_with_parameters_come_after_those_without() {
    let document = Document::new("users")
        .operation("GET", "/users/{id}", mock("one"))
        .operation("GET", "/users/{id}/posts/{post}", mock("post"))
        .operation("GET", "/users/{id}/posts", mock("posts"))
        .operation("GET", "/users/me", mock("me"));
    let gateway = serving([document]);
    let cases = [
        ("/users/users/7", "one"),
        ("/users/users/me", "me"),
        ("/users/users/7/posts", "posts"),
        ("/users/users/7/posts/8", "post"),
    ];
    for (path, expected) in cases {
        gateway.get(path).assert_text(expected);
    }
}

#[test]
fn requests_and_answers_are_changed() {
    let upstream = Upstream::answering(|request| {
        Reply::json(&gatehouse_tests::upstream::echo_of(request))
            .header("x-upstream", "1")
            .header("x-old", "1")
    });
    let rewrite = json!({"enabled": true, "pattern": "/rewritten/(\\w+)", "rewriteTo": "/to/$1", "triggers": [
        {"condition": "all", "rewriteTo": "/header/$tyk_context.trigger-0-X-Go-0",
            "rules": [{"in": "header", "name": "X-Go", "pattern": "\\w+"}, {"in": "query", "name": "no", "pattern": "y", "negate": false}]},
        {"condition": "any", "rewriteTo": "/body", "rules": [{"in": "requestBody", "pattern": "magic"}]},
        {"condition": "any", "rewriteTo": "/path", "rules": [{"in": "path", "name": "part", "pattern": "^special$"}]},
    ]});
    let document = Document::new("shop")
        .target(&upstream)
        .tyk("/middleware/global/transformRequestHeaders", json!({"enabled": true, "remove": ["X-Secret"], "add": [{"name": "X-All", "value": "$tyk_context.path"}]}))
        .tyk("/middleware/global/transformResponseHeaders", json!({"enabled": true, "remove": ["x-old"], "add": [{"name": "X-New", "value": "2"}]}))
        .operation("GET", "/headers", json!({
            "transformRequestHeaders": {"enabled": true, "remove": ["x-one"], "add": [{"name": "X-Two", "value": "2"}]},
            "transformResponseHeaders": {"enabled": true, "remove": ["x-upstream"], "add": [{"name": "X-Op", "value": "3"}]}
        }))
        .operation("GET", "/method", json!({"transformRequestMethod": {"enabled": true, "toMethod": "PUT"}}))
        .operation("POST", "/rewritten/{name}", json!({"urlRewrite": rewrite}));
    let gateway = serving([document]);
    let answer = gateway.send(Request::get("/shop/headers").header("x-one", "1").header("x-secret", "1"));
    let headers = &answer.json()["headers"];
    assert_eq!((&headers["x-two"][0], &headers["x-all"][0]), (&json!("2"), &json!("/shop/headers")));
    assert!(headers.get("x-one").is_none() && headers.get("x-secret").is_none());
    assert_eq!((answer.header("x-op"), answer.header("x-new")), ("3", "2"));
    assert!(!answer.has_header("x-upstream") && !answer.has_header("x-old"));
    let other = gateway.get("/shop/other");
    assert!(other.has_header("x-upstream") && !other.has_header("x-op"));
    assert_eq!(gateway.get("/shop/method").json()["method"], "PUT");
    let rewritten = |path: &str, body: &str, header: Option<&str>| {
        let request = Request::post(path, body.to_owned());
        let request = match header {
            Some(value) => request.header("x-go", value),
            None => request,
        };
        gateway.send(request).json()["path"].clone()
    };
    assert_eq!(rewritten("/shop/rewritten/a", "", None), "/to/a");
    assert_eq!(rewritten("/shop/rewritten/a?no=y", "", Some("there")), "/header/there");
    assert_eq!(rewritten("/shop/rewritten/a", "", Some("there")), "/to/a");
    assert_eq!(rewritten("/shop/rewritten/a", "some magic", None), "/body");
    assert_eq!(rewritten("/shop/rewritten/special", "", None), "/path");
}

#[test]
fn limits_are_by_operation_and_by_api() {
    let gate = gatehouse_tests::Gate::default();
    let upstream = Upstream::held_by(&gate, Reply::text("late"));
    let document = Document::new("shop")
        .target(&upstream)
        .tyk("/middleware/global/requestSizeLimit", json!({"enabled": true, "value": 10}))
        .operation("POST", "/small", json!({"requestSizeLimit": {"enabled": true, "value": 3}}))
        .operation("GET", "/slow", json!({"enforceTimeout": {"enabled": true, "value": "200ms"}}));
    let limited = Document::new("limited")
        .tyk("/upstream/rateLimit", json!({"enabled": true, "rate": 2, "per": "1h"}))
        .operation("GET", "/x", mock("fine"));
    let expired = Document::new("expired").tyk("/info/expiration", "2006-01-02 15:04").operation(
        "GET",
        "/x",
        mock("old"),
    );
    let gateway = serving([document, limited, expired]);
    gateway.send(Request::post("/shop/small", "1234")).assert_error(400, "Request is too large");
    gateway.send(Request::post("/shop/big", "12345678901")).assert_error(400, "Request is too large");
    gateway.get("/shop/slow").assert_error(504, "Upstream service reached hard timeout.");
    gateway.get("/limited/x").assert_text("fine");
    gateway.get("/limited/x").assert_text("fine");
    gateway.get("/limited/x").assert_error(429, "API Rate Limit Exceeded");
    let message = "Api Version has expired, please check documentation or contact administrator";
    gateway.get("/expired/x").assert_error(403, message);
    gate.open();
}

#[test]
fn what_the_api_says_of_itself_counts() {
    let (first, second) = (Upstream::saying("first"), Upstream::saying("second"));
    let echo = Upstream::echo();
    let balanced = Document::new("balanced").tyk(
        "/upstream/loadBalancing",
        json!({"enabled": true, "targets": [{"url": first.url("/"), "weight": 2}, {"url": second.url("/"), "weight": 1}]}),
    );
    let whole = Document::new("whole")
        .target(&echo)
        .tyk("/server/listenPath/strip", false)
        .tyk("/upstream/preserveHostHeader", on())
        .tyk("/middleware/global/cors", json!({"enabled": true, "allowedOrigins": ["http://a.example"]}));
    let away = Document::new("away")
        .target(&echo)
        .tyk("/server/ipAccessControl", json!({"enabled": true, "block": ["127.0.0.0/8", "::1"]}));
    let domain = Document::new("domain")
        .target(&echo)
        .tyk("/server/customDomain", json!({"enabled": true, "name": "one.example"}));
    let hidden = Document::new("hidden").target(&echo).tyk("/info/state/internal", true);
    let inactive = Document::new("inactive").target(&echo).tyk("/info/state/active", false);
    let case = Document::new("case").tyk("/middleware/global/ignoreCase", on()).operation(
        "GET",
        "/lower",
        mock("found"),
    );
    let setup = Setup::new().set("/enable_custom_domains", true);
    let documents = [balanced, whole, away, domain, hidden, inactive, case];
    let gateway = documents.iter().fold(setup, Setup::document).start();

    let answers: Vec<String> = (0..6).map(|_| gateway.get("/balanced/").text()).collect();
    assert_eq!(answers, ["first", "first", "second", "first", "first", "second"]);
    let answer =
        gateway.send(Request::get("/whole/x").host("me.example").header("origin", "http://a.example"));
    assert_eq!(
        (&answer.json()["path"], &answer.json()["headers"]["host"][0]),
        (&json!("/whole/x"), &json!("me.example"))
    );
    assert_eq!(answer.header("access-control-allow-origin"), "http://a.example");
    gateway.get("/away/x").assert_error(403, "Access from this IP has been disallowed");
    assert_eq!(gateway.get("/domain/x").status, 404);
    assert_eq!(gateway.send(Request::get("/domain/x").host("one.example")).status, 200);
    assert_eq!((gateway.get("/hidden/x").status, gateway.get("/inactive/x").status), (404, 404));
    gateway.get("/case/LOWER").assert_text("found");
}

#[test]
fn mock_responses_come_in_the_upstreams_place() {
    let fixed = json!({"mockResponse": {"enabled": true, "code": 418, "body": "{\"a\":1}",
        "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "X-M", "value": "1"}, {"name": "x-m", "value": "2"}]},
        "transformResponseHeaders": {"enabled": true, "add": [{"name": "X-Late", "value": "1"}]}});
    let both = json!({"virtualEndpoint": {"enabled": true, "functionName": "f",
        "body": "ZnVuY3Rpb24gZigpIHsgcmV0dXJuIFR5a0pzUmVzcG9uc2Uoe0JvZHk6ICdzY3JpcHQnLCBDb2RlOiAyMDB9LCB7fSkgfQ=="},
        "mockResponse": on()});
    let document = Document::new("shop").operation("GET", "/fixed", fixed).operation("GET", "/both", both);
    let gateway = serving([document]);
    let answer = gateway.get("/shop/fixed");
    assert_eq!(
        (answer.status, answer.text().as_str(), answer.header("content-type")),
        (418, "{\"a\":1}", "application/json")
    );
    assert_eq!(
        (answer.header("x-m"), answer.header("x-late"), answer.header("x-ratelimit-limit")),
        ("2", "1", "0")
    );
    assert!(!answer.has_header("server"));
    gateway.get("/shop/both").assert_text("script");
}

#[test]
fn examples_answer_and_requests_choose_them() {
    let document = Document::new("shop")
        .set("/openapi", "3.1.0")
        .operation("GET", "/users", json!({"mockResponse": {"enabled": true, "fromOASExamples": on()}}))
        .operation("GET", "/chosen", json!({"mockResponse": {"enabled": true, "fromOASExamples":
            {"enabled": true, "code": 202, "contentType": "text/plain", "exampleName": "b"}}}))
        .set("/components/responses/Users", json!({"description": "", "headers": {"X-Total": {"schema": {"type": "integer", "example": 12}}},
            "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}}}}))
        .set("/components/schemas/User", json!({"type": ["object", "null"], "properties": {"id": {"type": "integer", "examples": [7]}, "name": {"type": "string"}}}))
        .set("/paths/~1users/get/responses/200", json!({"$ref": "#/components/responses/Users"}))
        .set("/paths/~1users/get/responses/404", json!({"description": "", "content": {"application/json": {"example": {"error": "<none>"}}}}))
        .set("/paths/~1chosen/get/responses/202", json!({"description": "", "content": {
            "text/plain": {"examples": {"a": {"value": "first"}, "b": {"value": "second"}}}, "application/json": {"example": [1.5, null]}}}));
    let gateway = serving([document]);
    let answer = gateway.get("/shop/users");
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"[{"id":7,"name":"string"}]"#));
    assert_eq!((answer.header("content-type"), answer.header("x-total")), ("application/json", "12"));
    let ask = |path: &str, header: &str, value: &str| gateway.send(Request::get(path).header(header, value));
    let missing = ask("/shop/users", "x-tyk-accept-example-code", "404");
    assert_eq!((missing.status, missing.text().as_str()), (404, r#"{"error":"\u003cnone\u003e"}"#));
    ask("/shop/users", "x-tyk-accept-example-code", "512")
        .assert_error(404, "mock: there is no example response for the code: 512");
    ask("/shop/users", "x-tyk-accept-example-code", "many")
        .assert_error(400, "mock: given code many is not a valid integer value");
    ask("/shop/users", "accept", "text/html")
        .assert_error(404, "mock: there is no example response for the content type: text/html");
    let chosen = gateway.get("/shop/chosen");
    assert_eq!(
        (chosen.status, chosen.text().as_str(), chosen.header("content-type")),
        (202, "\"second\"", "text/plain")
    );
    assert_eq!(ask("/shop/chosen", "x-tyk-accept-example-name", "a").text(), "\"first\"");
    ask("/shop/chosen", "x-tyk-accept-example-name", "c")
        .assert_error(404, "mock: there is no example response for the example name: c");
    assert_eq!(ask("/shop/chosen", "accept", "application/json").text(), "[1.5,null]");
}

#[test]
fn plugins_are_named_in_documents() {
    let upstream = Upstream::echo();
    let hello = library("hello");
    let endpoint = json!([{"enabled": true, "name": "hello", "path": hello}]);
    let hooked = Document::new("hooked")
        .target(&upstream)
        .tyk("/middleware/global/pluginConfig/driver", "goplugin")
        .tyk("/middleware/global/prePlugin/plugins", json!([function(&hello, "add_foo_bar_header")]));
    let document = Document::new("shop")
        .target(&upstream)
        .operation("GET", "/hello", json!({"postPlugins": endpoint}))
        .operation(
            "GET",
            "/off",
            json!({"postPlugins": [{"enabled": false, "functionName": "hello", "path": hello}]}),
        );
    let gateway = serving([document, hooked]);
    assert_eq!(gateway.get("/shop/hello").json()["message"], "Hello, stranger!");
    assert_eq!(gateway.get("/shop/off").json()["path"], "/off");
    assert_eq!(gateway.get("/hooked/x").json()["headers"]["foo"][0], "bar");
}

#[test]
fn hooks_in_javascript_are_named_in_documents() {
    let upstream = Upstream::echo();
    let tag = request_source("tag", "request.SetHeaders['X-Tag'] = request.URL;");
    let clean = response_hook("clean", "response.SetHeaders['X-Clean'] = '1';");
    let code = &clean["code"];
    let document = Document::new("shop")
        .target(&upstream)
        .tyk(
            "/middleware/global/prePlugins",
            json!([{"enabled": true, "functionName": "tag", "path": "middleware/tag.js"}]),
        )
        .tyk(
            "/middleware/global/responsePlugins",
            json!([{"enabled": true, "functionName": "clean", "code": code}]),
        );
    let by_folder = request_source("more", "request.SetHeaders['X-More'] = '1';");
    let gateway = Setup::new()
        .file("middleware/tag.js", tag)
        .file("middleware/shop/pre/more.js", by_folder)
        .document(&document)
        .start();
    let answer = gateway.get("/shop/x?a=1");
    assert_eq!((answer.status, answer.header("x-clean")), (200, "1"), "{}", answer.text());
    let seen = upstream.only_request();
    assert_eq!((seen.header("x-tag"), seen.header("x-more")), (Some("/shop/x?a=1"), Some("1")));
}

#[test]
fn a_plugin_lets_callers_in() {
    let document = Document::new("shop")
        .tyk("/middleware/global/pluginConfig/driver", "rust")
        .tyk("/server/authentication", json!({"enabled": true, "custom": {"enabled": true, "config": function(&library("auth"), "partner")}}))
        .operation("GET", "/open", json!({"ignoreAuthentication": on(), "mockResponse": {"enabled": true, "body": "open"}}))
        .operation("GET", "/closed", mock("closed"));
    let partners = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(partners.path(), "s3cret acme\n").unwrap();
    let gateway = Setup::new()
        .document(&document)
        .environment("PARTNERS_FILE", partners.path().to_str().unwrap())
        .start();
    gateway.get("/shop/open").assert_text("open");
    assert_eq!(gateway.get("/shop/closed").status, 401);
    gateway.send(Request::get("/shop/closed").header("x-partner-key", "s3cret")).assert_text("closed");
}

#[test]
fn events_reach_their_handlers() {
    let handlers =
        json!([{"enabled": true, "trigger": "VersionFailure", "type": "log", "logPrefix": "shop"}]);
    let document = Document::new("shop").tyk("/server/eventHandlers", handlers).operation(
        "GET",
        "/no",
        json!({"block": on()}),
    );
    let gateway = serving([document]);
    gateway.get("/shop/no").assert_error(403, FORBIDDEN);
    gateway.wait_for_log(|line| message(line).starts_with("shop:VersionFailure"));
}

#[test]
fn answers_are_kept() {
    let upstream = Upstream::saying("upstream");
    let document = Document::new("shop")
        .target(&upstream)
        .tyk("/middleware/global/cache", json!({"enabled": true, "timeout": 60}))
        .operation("GET", "/kept", json!({"cache": {"enabled": true, "timeout": 60}}));
    let gateway = serving([document]);
    for path in ["/shop/kept", "/shop/kept", "/shop/other", "/shop/other"] {
        gateway.get(path).assert_text("upstream");
    }
    assert_eq!(upstream.count(), 3);
}

/// The only line of the log that says what is wrong with a file.
fn finding(gateway: &Gateway, file: &str, level: &str) -> Value {
    let lines = gateway.log_lines();
    let is_it =
        |line: &&Value| line["level"] == level && line["file"].as_str().is_some_and(|at| at.contains(file));
    let found: Vec<&Value> = lines.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{file}: {found:?}");
    found[0].clone()
}

#[test]
fn bad_documents_are_refused_with_their_place() {
    let operation = |rules: Value| Document::new("bad").operation("GET", "/users/{id}", rules);
    let x = "x-tyk-api-gateway";
    let script = |rules: Value| operation(json!({"virtualEndpoint": rules}));
    let cases = [
        (
            Document::new("bad").set("/openapi", "2.0"),
            "openapi",
            "openapi".to_owned(),
            "`2.0` is not a version that is read; 3.0 and 3.1 are",
        ),
        (
            Document::new("bad").tyk("/info/id", 7),
            "id",
            format!("{x}.info.id"),
            "invalid type: integer `7`, expected a string",
        ),
        (
            Document::new("bad").tyk("/upstream/url", "ftp://x/"),
            "url",
            format!("{x}.upstream.url"),
            "`ftp://x/`: the scheme must be http",
        ),
        (
            Document::new("bad")
                .tyk("/upstream/rateLimit", json!({"enabled": true, "rate": 1, "per": "often"})),
            "per",
            format!("{x}.upstream.rateLimit.per"),
            "`often` is not a time such as `10s`, `1m30s` or `1h`, or a number of seconds",
        ),
        (
            Document::new("bad").tyk("/info/versioning", json!({"enabled": true, "location": "cookie"})),
            "location",
            format!("{x}.info.versioning.location"),
            "`cookie` is not one of header, url-param, url",
        ),
        (
            Document::new("bad").tyk("/server/clientCertificates", on()),
            "enabled",
            format!("{x}.server.clientCertificates.enabled"),
            "asks for mutual TLS",
        ),
        (
            script(json!({"enabled": true, "functionName": "f", "body": "%"})),
            "body",
            format!("{x}.middleware.operations.getusersid.virtualEndpoint.body"),
            "operation `getusersid` (GET /users/{id}): is not base64",
        ),
        (
            script(json!({"enabled": true, "functionName": "f"})),
            "virtualEndpoint",
            format!("{x}.middleware.operations.getusersid.virtualEndpoint"),
            "operation `getusersid` (GET /users/{id}): has neither `body` nor `path`",
        ),
        (
            operation(json!({"validateRequest": {"enabled": true, "errorResponseCode": 42}})),
            "errorResponseCode",
            format!("{x}.middleware.operations.getusersid.validateRequest.errorResponseCode"),
            "operation `getusersid` (GET /users/{id}): 42 is not a status between 200 and 999",
        ),
        (
            operation(json!({"mockResponse": {"enabled": true, "code": 42}})),
            "code",
            format!("{x}.middleware.operations.getusersid.mockResponse.code"),
            "operation `getusersid` (GET /users/{id}): 42 is not a status",
        ),
        (
            operation(json!({"urlRewrite": {"enabled": true, "pattern": "("}})),
            "pattern",
            format!("{x}.middleware.operations.getusersid.urlRewrite.pattern"),
            "operation `getusersid` (GET /users/{id}): `(` is not a regular expression",
        ),
    ];
    for (document, key, field, text) in cases {
        let fine = Document::new("fine").operation("GET", "/x", mock("fine"));
        let gateway = serving([document.clone(), fine]);
        gateway.get("/fine/x").assert_text("fine");
        assert_eq!(gateway.get("/bad/x").status, 404);
        let line = finding(&gateway, "bad-oas.json", "ERROR");
        assert!(message(&line).starts_with(&format!("API not served: {text}")), "{line}");
        assert_eq!(line["field"], field);
        assert_eq!(line["pointer"], format!("/{}", field.replace('.', "/")));
        let place = line["file"].as_str().unwrap();
        assert!(place.ends_with(&format!("bad-oas.json:{}", document.place_of(key))), "{place} {key}");
    }
}

#[test]
fn protection_that_is_not_there_keeps_an_api_from_being_served() {
    let schemes = json!({"key": {"type": "apiKey", "in": "header", "name": "Authorization"},
        "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}, "basic": {"type": "http", "scheme": "basic"},
        "oauth": {"type": "oauth2", "flows": {}}});
    let cases = [
        (json!({"securitySchemes": {"jwt": on()}}), "asks for JSON Web Tokens"),
        (json!({"securitySchemes": {"basic": on()}}), "asks for basic authentication"),
        (json!({"securitySchemes": {"oauth": on()}}), "asks for OAuth 2"),
        (json!({"hmac": on()}), "asks for request signatures (HMAC)"),
        (json!({"oidc": on()}), "asks for OpenID Connect"),
    ];
    for (mut authentication, text) in cases {
        authentication["enabled"] = true.into();
        let document = Document::new("bad")
            .set("/components/securitySchemes", schemes.clone())
            .tyk("/server/authentication", authentication.clone());
        let gateway = serving([document.clone()]);
        assert_eq!(gateway.get("/bad/x").status, 404);
        let said = |line: &Value| message(line).starts_with(&format!("API not served: {text}"));
        assert!(gateway.log_lines().iter().any(said), "{text}");
        // The same, switched off, is served.
        authentication["enabled"] = false.into();
        let open =
            document.tyk("/server/authentication", authentication).operation("GET", "/x", mock("open"));
        serving([open]).get("/bad/x").assert_text("open");
    }
}

#[test]
fn what_has_no_effect_is_said_once() {
    let document = Document::new("odd")
        .operation("GET", "/users", mock("fine"))
        .tyk("/middleware/operations/getUser", json!({"block": on()}))
        .tyk("/server/made_up", 1);
    let gateway = serving([document]);
    gateway.get("/odd/users").assert_text("fine");
    let warnings: Vec<String> = gateway
        .log_lines()
        .iter()
        .filter(|line| line["level"] == "WARN")
        .map(|line| message(line).to_owned())
        .collect();
    assert_eq!(
        warnings,
        [
            "fields without effect here: x-tyk-api-gateway.server.made_up",
            "has no effect: the document's `paths` have no operation with the id `getUser`; did you mean `getusers`?",
        ]
    );
}

#[test]
fn documents_and_classic_definitions_share_a_folder() {
    let classic = |name: &str| {
        Api::new(name)
            .endpoint("mock_response", json!({"path": "/", "method": "GET", "code": 200, "body": "classic"}))
    };
    let document = Document::new("shop").operation("GET", "/x", mock("document"));
    // Tyk writes a Classic form of each document beside it.
    let copy = classic("shop").set("/is_oas", true);
    let twice = classic("other").set("/api_id", "shop");
    let same_path = Document::new("path").tyk("/server/listenPath/value", "/classic/");
    let gateway = Setup::new()
        .document(&document)
        .api(copy)
        .definition_text("z.json", &twice.text())
        .api(classic("classic"))
        .document(&same_path)
        .start();
    gateway.get("/shop/x").assert_text("document");
    gateway.get("/classic/x").assert_text("classic");
    let line = finding(&gateway, "z.json", "ERROR");
    assert!(message(&line).contains("`shop` is the id of the API in"), "{line}");
    let line = finding(&gateway, "path-oas.json", "ERROR");
    assert_eq!(line["field"], "x-tyk-api-gateway.server.listenPath.value");
    assert!(message(&line).contains("is the listen path of the API in"), "{line}");
    assert_eq!(gateway.log_lines().iter().filter(|line| line["level"] == "ERROR").count(), 2);

    // A reload takes what is there then.
    let changed = Document::new("shop").operation("GET", "/x", mock("changed"));
    gateway.write(&format!("apps/{}", changed.file_name()), changed.text());
    gateway.reload();
    gateway.get("/shop/x").assert_text("changed");
}
