//! From a request to its API, version and endpoint, and what a definition does to it on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{Api, Gateway, RawConnection, Reply, Request, Setup, Upstream};
use serde_json::{Value, json};

const FORBIDDEN: &str = "Requested endpoint is forbidden";

/// A definition whose every answer is this text.
fn saying(name: &str, text: &str) -> Api {
    Api::new(name).endpoint("mock_response", json!({"path": "/", "method": "", "code": 200, "body": text}))
}

/// An entry that is for a path and method and says nothing else.
fn entry(method: &str, path: &str) -> Value {
    json!({"path": path, "method": method})
}

fn rewrite(path: &str, pattern: &str, to: &str) -> Value {
    json!({"path": path, "method": "GET", "match_pattern": pattern, "rewrite_to": to})
}

fn mock(path: &str, text: &str) -> Value {
    json!({"path": path, "method": "GET", "code": 200, "body": text})
}

#[test]
fn the_longest_listen_path_wins() {
    let apis = [
        saying("short", "short").listen("/a/"),
        saying("long", "long").listen("/a/b/"),
        saying("open", "open").listen("/open"),
        saying("parameter", "parameter").listen("/{tenant}/orders/"),
    ];
    let gateway = Gateway::serving(apis);
    let cases = [
        ("/a/", "short"),
        ("/a/x", "short"),
        ("/a/bc", "short"),
        ("/a/b", "short"),
        ("/a/b/", "long"),
        ("/a/b/c/d?e", "long"),
        ("/open", "open"),
        ("/open/x", "open"),
        ("/opener", "open"),
        ("/acme/orders/7", "parameter"),
    ];
    for (path, expected) in cases {
        gateway.get(path).assert_text(expected);
    }
}

#[test]
fn strict_routes_end_at_a_segment() {
    let gateway = Setup::new()
        .set("/http_server_options/enable_strict_routes", true)
        .api(saying("api", "fine").listen("/api"))
        .start();
    gateway.get("/api").assert_text("fine");
    gateway.get("/api/x").assert_text("fine");
    assert_eq!(gateway.get("/apis").status, 404);
}

#[test]
fn an_unknown_path_is_a_plain_404() {
    let gateway = Gateway::serving([Api::new("api")]);
    for path in ["/", "/nowhere", "/ap", "/API/x", "/api", "//api/"] {
        for request in [Request::get(path), Request::post(path, "a body")] {
            let answer = gateway.send(request);
            assert_eq!((answer.status, answer.text().as_str()), (404, "Not Found"), "{path}");
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        }
    }
}

#[test]
fn domains_are_told_apart() {
    let apis = || {
        [
            saying("first", "first").listen("/x/").set("/domain", "One.example"),
            saying("second", "second").listen("/x/").set("/domain", "two.example"),
            saying("any", "any").listen("/any/"),
        ]
    };
    let gateway = Setup::new().set("/enable_custom_domains", true).apis(apis()).start();
    let get = |host: &str, path: &str| gateway.send(Request::get(path).host(host));
    get("one.example", "/x/").assert_text("first");
    get("ONE.example:8080", "/x/").assert_text("first");
    get("two.example", "/x/").assert_text("second");
    assert_eq!(get("three.example", "/x/").status, 404);
    assert_eq!(gateway.get("/x/").status, 404);
    get("two.example", "/any/").assert_text("any");

    let without = Setup::new().apis(apis().into_iter().take(1)).start();
    without.get("/x/").assert_text("first");
}

#[test]
fn a_white_list_refuses_all_else() {
    let upstream = Upstream::saying("fine");
    let api = Api::new("api")
        .target(&upstream)
        .endpoint("white_list", entry("GET", "/ok"))
        .endpoint("mock_response", mock("/mock", "mocked"));
    let gateway = Gateway::serving([api]);
    gateway.get("/api/ok").assert_text("fine");
    gateway.get("/api/ok/more").assert_text("fine");
    gateway.send(Request::post("/api/ok", "")).assert_error(403, FORBIDDEN);
    gateway.get("/api/no").assert_error(403, FORBIDDEN);
    gateway.get("/api/mock").assert_text("mocked");
}

#[test]
fn a_black_list_refuses_what_it_names() {
    let upstream = Upstream::saying("fine");
    let api = Api::new("api")
        .target(&upstream)
        .endpoint("black_list", entry("GET", "/no"))
        .endpoint("ignored", entry("GET", "/no/but"));
    let gateway = Gateway::serving([api]);
    gateway.get("/api/no").assert_error(403, FORBIDDEN);
    gateway.get("/api/no/more").assert_error(403, FORBIDDEN);
    gateway.get("/api/n%6f").assert_error(403, FORBIDDEN);
    gateway.get("/api/no/but").assert_text("fine");
    gateway.get("/api/yes").assert_text("fine");
    assert_eq!(gateway.send(Request::post("/api/no", "")).status, 200);
}

#[test]
fn an_entry_may_ignore_case_by_itself() {
    let upstream = Upstream::saying("fine");
    let any_case = |path: &str| json!({"path": path, "method": "GET", "ignore_case": true});
    let mut mock = any_case("/Mocked");
    (mock["code"], mock["body"]) = (json!(200), json!("mock"));
    let api = Api::new("api")
        .target(&upstream)
        .endpoint("black_list", any_case("/Secret"))
        .endpoint("black_list", entry("GET", "/Plain"))
        .endpoint("ignored", any_case("/secret/open"))
        .endpoint("mock_response", mock);
    let gateway = Gateway::serving([api]);
    for path in ["/api/secret", "/api/SECRET/x", "/api/Secret", "/api/Plain"] {
        gateway.get(path).assert_error(403, FORBIDDEN);
    }
    gateway.get("/api/plain").assert_text("fine");
    gateway.get("/api/Secret/OPEN").assert_text("fine");
    gateway.get("/api/mockeD").assert_text("mock");
}

#[test]
fn the_old_path_lists_are_for_every_method() {
    let upstream = Upstream::saying("fine");
    let api = Api::new("api")
        .target(&upstream)
        .set("/version_data/versions/Default/use_extended_paths", false)
        .set(
            "/version_data/versions/Default/paths",
            json!({"black_list": ["/no"], "white_list": [], "ignored": []}),
        );
    let gateway = Gateway::serving([api]);
    gateway.send(Request::post("/api/no", "")).assert_error(403, FORBIDDEN);
    gateway.get("/api/no").assert_error(403, FORBIDDEN);
    gateway.get("/api/yes").assert_text("fine");
}

#[test]
fn an_internal_endpoint_is_reached_by_loops_only() {
    let upstream = Upstream::echo();
    let api = Api::new("api")
        .target(&upstream)
        .endpoint("internal", entry("GET", "/inside"))
        .endpoint("url_rewrites", rewrite("/outside", "outside", "tyk://self/inside"));
    let gateway = Gateway::serving([api]);
    gateway.get("/api/inside").assert_error(403, FORBIDDEN);
    assert_eq!(gateway.get("/api/outside").json()["path"], "/inside");
}

#[test]
fn an_internal_api_is_reached_by_loops_only() {
    let inside = saying("inside", "from inside").set("/internal", true);
    let outside = Api::new("outside").endpoint("url_rewrites", rewrite("/in", "in", "tyk://inside/x"));
    let gateway = Gateway::serving([inside, outside]);
    assert_eq!(gateway.get("/inside/x").status, 404);
    gateway.get("/outside/in").assert_text("from inside");
}

#[test]
fn old_method_actions_answer_by_themselves() {
    let reply =
        json!({"action": "reply", "code": 202, "data": "{\"kept\": true}", "headers": {"X-Old": "1"}});
    let actions =
        json!({"GET": reply, "POST": {"action": "no_action", "code": 200, "data": "", "headers": {}}});
    let upstream = Upstream::saying("from the upstream");
    let listed = json!({"path": "/old", "method": "", "method_actions": actions});
    let gateway = Gateway::serving([Api::new("api").target(&upstream).endpoint("white_list", listed)]);
    let answer = gateway.get("/api/old");
    assert_eq!(
        (answer.status, answer.text().as_str(), answer.header("x-old")),
        (202, "{\"kept\": true}", "1")
    );
    gateway.send(Request::post("/api/old", "")).assert_text("from the upstream");
    gateway.send(Request::new("PUT", "/api/old")).assert_error(403, FORBIDDEN);
}

/// Which of these paths below `/api/` a virtual endpoint with this pattern answers.
fn matched(setup: Setup, pattern: &str, paths: &[&str]) -> Vec<String> {
    let upstream = Upstream::saying("upstream");
    let gateway = setup
        .api(Api::new("api").target(&upstream).endpoint("mock_response", mock(pattern, "endpoint")))
        .start();
    let is_matched = |path: &&&str| gateway.get(&format!("/api{path}")).text() == "endpoint";
    paths.iter().filter(is_matched).map(|path| (*path).to_owned()).collect()
}

const PATHS: [&str; 6] = ["/ve", "/vet", "/ve/more", "/a/ve", "/VE", "/other"];

#[test]
fn patterns_match_anywhere_unless_options_anchor_them() {
    let with = |options: &[&str]| options.iter().fold(Setup::new(), |setup, option| setup.set(option, true));
    let prefix = "/http_server_options/enable_path_prefix_matching";
    let suffix = "/http_server_options/enable_path_suffix_matching";
    assert_eq!(matched(with(&[]), "/ve", &PATHS), ["/ve", "/vet", "/ve/more", "/a/ve"]);
    assert_eq!(matched(with(&[prefix]), "/ve", &PATHS), ["/ve", "/vet", "/ve/more"]);
    assert_eq!(matched(with(&[suffix]), "/ve", &PATHS), ["/ve", "/a/ve"]);
    assert_eq!(matched(with(&[prefix, suffix]), "/ve", &PATHS), ["/ve"]);
    assert_eq!(matched(with(&["/ignore_endpoint_case", prefix, suffix]), "/ve", &PATHS), ["/ve", "/VE"]);
}

#[test]
fn patterns_have_parameters_wildcards_and_expressions() {
    let paths = ["/users/7", "/users/7/orders", "/users/", "/users/a b", "/users/x/y/orders"]
        .map(|path| path.replace(' ', "%20"));
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    assert_eq!(matched(Setup::new(), "/users/{id}/orders", &paths), ["/users/7/orders"]);
    assert_eq!(matched(Setup::new(), "/users/*/orders$", &paths), ["/users/7/orders"]);
    assert_eq!(matched(Setup::new(), "^/users/[0-9]+$", &paths), ["/users/7"]);
    assert_eq!(matched(Setup::new(), "/users/a b", &paths), ["/users/a%20b"]);
}

#[test]
fn a_version_can_ignore_case_for_itself() {
    let upstream = Upstream::saying("upstream");
    let api = Api::new("api").target(&upstream).endpoint("mock_response", mock("/Ve", "endpoint"));
    let gateway = Gateway::serving([api.set("/version_data/versions/Default/ignore_endpoint_case", true)]);
    gateway.get("/api/vE").assert_text("endpoint");
}

#[test]
fn the_first_entry_for_the_method_wins() {
    let upstream = Upstream::saying("upstream");
    let api = Api::new("api")
        .target(&upstream)
        .endpoint("mock_response", json!({"path": "/m", "method": "POST", "code": 200, "body": "posted"}))
        .endpoint(
            "mock_response",
            json!({"path": "/m", "method": "GET", "code": 200, "body": "off", "disabled": true}),
        )
        .endpoint("mock_response", mock("/m", "first"))
        .endpoint("mock_response", mock("/m", "second"));
    let gateway = Gateway::serving([api]);
    gateway.get("/api/m").assert_text("first");
    gateway.send(Request::post("/api/m", "")).assert_text("posted");
    gateway.send(Request::new("PUT", "/api/m")).assert_text("upstream");
}

#[test]
fn request_headers_are_transformed() {
    let upstream = Upstream::echo();
    let endpoint = json!({"path": "/t", "method": "GET", "act_on": false, "delete_headers": ["X-Gone"],
        "add_headers": {"X-Endpoint": "2", "X-Both": "endpoint"}});
    let api = Api::new("api")
        .target(&upstream)
        .set("/version_data/versions/Default/global_headers", json!({"X-Global": "1", "X-Both": "global"}))
        .set("/version_data/versions/Default/global_headers_remove", json!(["X-Never"]))
        .endpoint("transform_headers", endpoint);
    let gateway = Gateway::serving([api]);
    let headers = |path: &str| {
        let request =
            Request::get(path).header("X-Gone", "a").header("X-Never", "b").header("X-Both", "client");
        gateway.send(request).json()["headers"].clone()
    };
    let changed = headers("/api/t");
    assert_eq!(changed["x-global"], json!(["1"]));
    assert_eq!(changed["x-endpoint"], json!(["2"]));
    assert_eq!(changed["x-both"], json!(["endpoint"]));
    assert_eq!((&changed["x-gone"], &changed["x-never"]), (&Value::Null, &Value::Null));
    let other = headers("/api/other");
    assert_eq!((&other["x-gone"], &other["x-both"]), (&json!(["a"]), &json!(["global"])));
}

#[test]
fn context_variables_are_filled_in() {
    let upstream = Upstream::echo();
    let add = json!({
        "X-Path": "$tyk_context.path", "X-Parts": "$tyk_context.path_parts", "X-From": "from $tyk_context.remote_addr.",
        "X-Agent": "$tyk_context.headers_User_Agent", "X-Cookie": "[$tyk_context.cookies_theme]",
        "X-Nothing": "<$tyk_context.headers_Absent>", "X-Id": "$tyk_context.request_id",
    });
    let endpoint = json!({"path": "/t", "method": "GET", "add_headers": add});
    let gateway = Gateway::serving([Api::new("api")
        .target(&upstream)
        .set("/enable_context_vars", true)
        .endpoint("transform_headers", endpoint)]);
    let request = Request::get("/api/t/u").header("User-Agent", "tests").header("Cookie", "a=b; theme=dark");
    let headers = gateway.send(request).json()["headers"].clone();
    assert_eq!(headers["x-path"], json!(["/api/t/u"]));
    assert_eq!(headers["x-parts"], json!(["api,t,u"]));
    assert_eq!(headers["x-from"], json!(["from 127.0.0.1."]));
    assert_eq!(headers["x-agent"], json!(["tests"]));
    assert_eq!(headers["x-cookie"], json!(["[dark]"]));
    assert_eq!(headers["x-nothing"], json!(["<>"]));
    assert_eq!(headers["x-id"][0].as_str().unwrap().len(), 16);
}

#[test]
fn answer_headers_are_transformed() {
    let upstream = Upstream::fixed(Reply::text("x").header("X-Upstream", "1").header("X-Secret", "s"));
    let endpoint = json!({"path": "/t", "method": "GET", "delete_headers": ["X-Secret"], "add_headers": {"X-Added": "2"}});
    let api = Api::new("api")
        .target(&upstream)
        .set("/version_data/versions/Default/global_response_headers", json!({"X-Everywhere": "3"}))
        .set("/version_data/versions/Default/global_response_headers_remove", json!(["X-Upstream"]))
        .set(
            "/response_processors",
            json!([{"name": "header_injector", "options": {"add_headers": {"X-Api": "4"}}}]),
        )
        .endpoint("transform_response_headers", endpoint);
    let gateway = Gateway::serving([api]);
    let changed = gateway.get("/api/t");
    assert_eq!(
        (changed.header("x-added"), changed.header("x-everywhere"), changed.header("x-api")),
        ("2", "3", "4")
    );
    assert!(!changed.has_header("x-secret") && !changed.has_header("x-upstream"), "{:?}", changed.headers);
    let other = gateway.get("/api/other");
    assert_eq!((other.header("x-secret"), other.header("x-added")), ("s", ""));
}

#[test]
fn answers_have_the_rate_limit_headers_of_a_keyless_api() {
    let upstream = Upstream::saying("fine");
    let gateway = Gateway::serving([Api::new("api").target(&upstream)]);
    let answer = gateway.get("/api/x");
    for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
        assert_eq!(answer.header(name), "0", "{name}");
    }
}

#[test]
fn urls_are_rewritten() {
    let upstream = Upstream::echo();
    let elsewhere = Upstream::echo();
    let api = Api::new("api")
        .target_url(&upstream.url("/base"))
        .endpoint(
            "url_rewrites",
            rewrite("/users/", r"/users/(\w+)/orders/(\w+)\?page=(\d+)", "orders/$2?user=$1&p=$3"),
        )
        .endpoint("url_rewrites", rewrite("/away", "away/(.*)", &elsewhere.url("/there/$1")))
        .endpoint("url_rewrites", rewrite("/never", "does-not-match", "changed"));
    let gateway = Gateway::serving([api]);
    let echo = gateway.get("/api/users/ada/orders/42?page=7").json();
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/base/orders/42"), &json!("user=ada&p=7")));
    assert_eq!(gateway.get("/api/away/a/b").json()["path"], "/there/a/b");
    assert_eq!(elsewhere.count(), 1);
    assert_eq!(gateway.get("/api/never").json()["path"], "/base/never");
}

#[test]
fn triggers_choose_where_a_url_goes() {
    let upstream = Upstream::echo();
    let trigger =
        |on: &str, options: Value, to: &str| json!({"on": on, "rewrite_to": to, "options": options});
    let mut rule = rewrite("/t", "/t", "otherwise");
    rule["method"] = json!("");
    rule["triggers"] = json!([
        trigger(
            "all",
            json!({"header_matches": {"X-Plan": {"match_rx": "^(gold|silver)$"}}}),
            "plan/$tyk_context.trigger-0-X-Plan-0-0"
        ),
        trigger(
            "all",
            json!({"query_val_matches": {"a": {"match_rx": "1"}, "b": {"match_rx": "2"}}}),
            "both"
        ),
        trigger(
            "any",
            json!({"query_val_matches": {"c": {"match_rx": "3"}, "d": {"match_rx": "4"}}}),
            "either"
        ),
        trigger("any", json!({"path_part_matches": {"part": {"match_rx": "^special$"}}}), "special"),
        trigger("any", json!({"payload_matches": {"match_rx": "\"kind\": ?\"order\""}}), "order"),
        trigger(
            "all",
            json!({"header_matches": {"X-Mode": {"match_rx": "^normal$", "reverse": true}}}),
            "not-normal"
        ),
    ]);
    let gateway = Gateway::serving([Api::new("api").target(&upstream).endpoint("url_rewrites", rule)]);
    let path = |request: Request| gateway.send(request).json()["path"].as_str().unwrap().to_owned();
    assert_eq!(path(Request::get("/api/t").header("x-plan", "gold")), "/plan/gold");
    assert_eq!(path(Request::get("/api/t?a=1&b=2")), "/both");
    assert_eq!(path(Request::get("/api/t?a=1")), "/otherwise");
    assert_eq!(path(Request::get("/api/t?d=4")), "/either");
    assert_eq!(path(Request::get("/api/t/special")), "/special");
    assert_eq!(path(Request::post("/api/t", "{\"kind\": \"order\"}")), "/order");
    assert_eq!(path(Request::get("/api/t").header("x-mode", "odd")), "/not-normal");
    assert_eq!(path(Request::get("/api/t").header("x-mode", "normal")), "/otherwise");
}

#[test]
fn a_body_that_a_trigger_looked_at_goes_on_whole() {
    let upstream = Upstream::echo();
    let mut rule = rewrite("/t", "/t", "otherwise");
    rule["method"] = json!("POST");
    rule["triggers"] =
        json!([{"on": "any", "rewrite_to": "hit", "options": {"payload_matches": {"match_rx": "needle"}}}]);
    let gateway = Gateway::serving([Api::new("api").target(&upstream).endpoint("url_rewrites", rule)]);
    let body = format!("{}needle", "hay ".repeat(50_000));
    let mut client: RawConnection = gateway.raw();
    client.send(format!(
        "POST /api/t HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    ));
    assert_eq!(client.answer().status, 200);
    let request = upstream.only_request();
    assert_eq!((request.target.as_str(), request.text().len()), ("/hit", body.len()));
}

#[test]
fn loops_go_on_in_another_api() {
    let upstream = Upstream::echo();
    let target = Api::new("target")
        .set("/name", "The target API")
        .target(&upstream)
        .endpoint("mock_response", mock("/mock", "found"));
    let api = Api::new("api")
        .endpoint("url_rewrites", rewrite("/by-id", r"by-id/(\w+)", "tyk://target/$1?a=b"))
        .endpoint("url_rewrites", rewrite("/by-name", r"by-name/(\w+)", "tyk://the-target-api/$1"))
        .endpoint("url_rewrites", rewrite("/nowhere", "nowhere", "tyk://no-such-api/x"))
        .endpoint("url_rewrites", rewrite("/method", "method", "tyk://target/x?method=DELETE"));
    let gateway = Gateway::serving([target, api]);
    gateway.get("/api/by-id/mock").assert_text("found");
    gateway.get("/api/by-name/mock").assert_text("found");
    let echo = gateway.get("/api/by-id/other").json();
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/other"), &json!("a=b")));
    assert_eq!(gateway.get("/api/method").json()["method"], "DELETE");
    gateway.get("/api/nowhere").assert_error(500, "Can't detect loop target");
}

#[test]
fn a_target_can_be_an_api_here() {
    let upstream = Upstream::echo();
    let gateway = Gateway::serving([
        Api::new("front").target_url("tyk://back/base"),
        Api::new("back").target(&upstream),
    ]);
    let echo = gateway.send(Request::post("/front/x?a=1", "a body")).json();
    assert_eq!(
        (&echo["path"], &echo["query"], &echo["body"]),
        (&json!("/base/x"), &json!("a=1"), &json!("a body"))
    );
}

#[test]
fn five_loops_are_allowed_and_six_are_not() {
    let loops = (0..6).fold(Api::new("api"), |api, step| {
        let to = if step == 5 { "tyk://self/end".to_owned() } else { format!("tyk://self/step{}", step + 1) };
        api.endpoint("url_rewrites", rewrite(&format!("/step{step}"), "step", &to))
    });
    let endless =
        Api::new("endless").endpoint("url_rewrites", rewrite("/again", "again", "tyk://self/again"));
    let gateway = Gateway::serving([loops.endpoint("mock_response", mock("/end", "arrived")), endless]);
    gateway.get("/api/step1").assert_text("arrived");
    let too_deep = "Loop level too deep. Found more than 5 loops in single request";
    gateway.get("/api/step0").assert_error(500, too_deep);
    gateway.get("/endless/again").assert_error(500, too_deep);
}

#[test]
fn methods_are_transformed() {
    let upstream = Upstream::echo();
    let entry = json!({"path": "/m", "method": "GET", "to_method": "PUT"});
    let gateway = Gateway::serving([Api::new("api").target(&upstream).endpoint("method_transforms", entry)]);
    assert_eq!(gateway.get("/api/m").json()["method"], "PUT");
    assert_eq!(gateway.send(Request::post("/api/m", "")).json()["method"], "POST");
    assert_eq!(gateway.get("/api/other").json()["method"], "GET");
}

#[test]
fn mock_responses_answer_without_the_upstream() {
    let upstream = Upstream::echo();
    let entry = json!({"path": "/mock", "method": "GET", "code": 201, "body": "{\"a\": 1}", "headers": {"X-Mock": "1", "Content-Type": "application/json"}});
    let gateway = Gateway::serving([Api::new("api").target(&upstream).endpoint("mock_response", entry)]);
    let answer = gateway.get("/api/mock");
    assert_eq!((answer.status, answer.text().as_str()), (201, "{\"a\": 1}"));
    assert_eq!((answer.header("x-mock"), answer.header("content-type")), ("1", "application/json"));
    assert_eq!(upstream.count(), 0);
}

#[test]
fn size_limits_hold_for_their_endpoint_and_version() {
    let upstream = Upstream::echo();
    let limited = json!({"path": "/small", "method": "POST", "size_limit": 10});
    let api = Api::new("api")
        .target(&upstream)
        .set("/version_data/versions/Default/global_size_limit", 100)
        .endpoint("size_limits", limited);
    let gateway = Gateway::serving([api]);
    let post = |path: &str, size: usize| gateway.send(Request::post(path, "x".repeat(size)));
    assert_eq!(post("/api/small", 10).status, 200);
    post("/api/small", 11).assert_error(400, "Request is too large");
    assert_eq!(post("/api/x", 100).status, 200);
    post("/api/x", 101).assert_error(400, "Request is too large");
    assert_eq!(upstream.count(), 2);

    // A body that does not say its length is held to it all the same.
    let mut client = gateway.raw();
    client.send(format!(
        "POST /api/small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{}\r\n0\r\n\r\n",
        "x".repeat(11)
    ));
    let status = client.answer().status;
    assert!(matches!(status, 400 | 413), "{status}");
    assert_eq!(upstream.count(), 2);
}

/// CORS for one origin, with credentials and an exposed header.
fn cors() -> Value {
    json!({
        "enable": true, "allowed_origins": ["https://page.example", "https://*.trusted.example"],
        "allowed_methods": ["GET", "PUT"], "allowed_headers": ["X-Custom", "Content-Type"], "exposed_headers": ["X-Shown"],
        "allow_credentials": true, "max_age": 600,
    })
}

fn preflight(origin: &str, method: &str, headers: &str) -> Request {
    let request = Request::new("OPTIONS", "/api/x")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", method);
    if headers.is_empty() { request } else { request.header("Access-Control-Request-Headers", headers) }
}

#[test]
fn cors_preflights_are_answered_here() {
    let upstream = Upstream::echo();
    let gateway = Gateway::serving([Api::new("api").target(&upstream).set("/CORS", cors())]);
    let allowed = gateway.send(preflight("https://page.example", "PUT", "x-custom, content-type"));
    assert!(matches!(allowed.status, 200 | 204), "{}", allowed.status);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://page.example");
    assert_eq!(allowed.header("access-control-allow-methods"), "PUT");
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    assert_eq!(allowed.header("access-control-max-age"), "600");
    assert!(allowed.header("access-control-allow-headers").eq_ignore_ascii_case("x-custom, content-type"));

    let refused = [
        preflight("https://evil.example", "PUT", ""),
        preflight("https://page.example.evil.example", "PUT", ""),
        preflight("https://page.example", "DELETE", ""),
        preflight("https://page.example", "PUT", "x-other"),
    ];
    for request in refused {
        let answer = gateway.send(request);
        assert!(!answer.has_header("access-control-allow-origin"), "{:?}", answer.headers);
    }
    assert_eq!(
        gateway.send(preflight("https://a.trusted.example", "GET", "")).header("access-control-allow-origin"),
        "https://a.trusted.example"
    );
    assert_eq!(upstream.count(), 0);
}

#[test]
fn cors_headers_are_on_answers_and_on_errors() {
    let upstream = Upstream::fixed(
        Reply::text("fine").header("Access-Control-Allow-Origin", "*").header("Vary", "Accept"),
    );
    let api =
        Api::new("api").target(&upstream).set("/CORS", cors()).endpoint("black_list", entry("GET", "/no"));
    let gateway = Gateway::serving([api]);
    let get = |path: &str, origin: &str| gateway.send(Request::get(path).header("Origin", origin));
    for (path, status) in [("/api/x", 200), ("/api/no", 403)] {
        let answer = get(path, "https://page.example");
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), "https://page.example");
        assert_eq!(answer.header("access-control-expose-headers"), "X-Shown");
        assert!(
            answer.header_values("vary").iter().any(|value| value.contains("Origin")),
            "{:?}",
            answer.headers
        );
    }
    assert!(get("/api/x", "https://page.example").header_values("vary").contains(&"Accept"));
    let other = gateway.get("/api/x");
    assert_eq!((other.status, other.text().as_str()), (200, "fine"));
}

#[test]
fn an_origin_that_is_not_allowed_is_told_nothing() {
    let upstream = Upstream::saying("fine");
    let gateway = Gateway::serving([Api::new("api").target(&upstream).set("/CORS", cors())]);
    let answer = gateway.send(Request::get("/api/x").header("Origin", "https://evil.example"));
    assert_eq!(answer.status, 200);
    assert!(!answer.has_header("access-control-allow-origin"), "{:?}", answer.headers);
}

#[test]
fn cors_preflights_can_be_the_upstreams() {
    let upstream = Upstream::echo();
    let mut rules = cors();
    rules["options_passthrough"] = json!(true);
    let gateway = Gateway::serving([Api::new("api").target(&upstream).set("/CORS", rules)]);
    let answer = gateway.send(preflight("https://page.example", "PUT", ""));
    assert_eq!((answer.status, &answer.json()["method"]), (200, &json!("OPTIONS")));
    assert_eq!(answer.header("access-control-allow-origin"), "https://page.example");
}

#[test]
fn client_addresses_are_allowed_or_blocked() {
    let upstream = Upstream::saying("fine");
    let api = |name: &str, on: &str, list: &str, addresses: &[&str]| {
        Api::new(name)
            .target(&upstream)
            .set(&format!("/{on}"), true)
            .set(&format!("/{list}"), json!(addresses))
    };
    let allow =
        |name: &str, addresses: &[&str]| api(name, "enable_ip_whitelisting", "allowed_ips", addresses);
    let block =
        |name: &str, addresses: &[&str]| api(name, "enable_ip_blacklisting", "blacklisted_ips", addresses);
    let gateway = Gateway::serving([
        allow("allowed", &["10.0.0.0/8", "127.0.0.1"]),
        allow("elsewhere", &["10.0.0.0/8"]),
        block("blocked", &["127.0.0.0/8"]),
        block("unblocked", &["10.1.2.3"]),
    ]);
    gateway.get("/allowed/x").assert_text("fine");
    gateway.get("/unblocked/x").assert_text("fine");
    for path in ["/elsewhere/x", "/blocked/x"] {
        // A header that anybody can send opens nothing.
        let answer = gateway
            .send(Request::get(path).header("X-Forwarded-For", "10.1.2.3").header("X-Real-IP", "10.1.2.3"));
        answer.assert_error(403, "Access from this IP has been disallowed");
    }
}

#[test]
fn an_api_wide_rate_limit_lets_so_many_through() {
    let upstream = Upstream::saying("fine");
    let api = Api::new("api").target(&upstream).set("/global_rate_limit", json!({"rate": 5, "per": 600}));
    let gateway = Gateway::serving([api, saying("other", "not limited")]);
    let requests = (0..20).map(|_| Request::get("/api/x")).collect();
    let answers = gateway.client().send_each(requests);
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((passed, upstream.count()), (5, 5));
    gateway.get("/api/x").assert_error(429, "API Rate Limit Exceeded");
    gateway.get("/other/x").assert_text("not limited");
    // A reload must not open the window anew.
    gateway.reload();
    gateway.get("/api/x").assert_error(429, "API Rate Limit Exceeded");
}
