//! Answers of code that come again and again: their heads are put together once, and must be what they were the first time.

use gatehouse_tests::{Answer, Api, Gateway, Request, Setup};
use serde_json::{Value, json};

/// So often is each asked for: what is kept is kept at the second time.
const TIMES: usize = 4;

const CONSTANT: &str = "return TykJsResponse({Body: 'the answer', Code: 200, \
                        Headers: {'X-One': '1', 'Set-Cookie': ['a=1', 'b=2']}}, session.meta_data);";

/// One thread answers all requests, so that it is the same that keeps and finds.
fn serving(apis: impl IntoIterator<Item = Api>) -> Gateway {
    Setup::new().set("/gatehouse/workers", 1).apis(apis).start()
}

/// Names and values in order of names, without the time.
fn head(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
    let mut headers: Vec<_> = headers.filter(|(name, _)| name != "date").collect();
    headers.sort_by(|one, other| one.0.cmp(&other.0));
    headers
}

/// Asks for it again and again; each answer has this body, these headers and those that the gateway adds, and no others.
fn assert_stays(gateway: &Gateway, path: &str, body: &str, own: &[(&str, &str)]) {
    let length = body.len().to_string();
    let added = [
        ("content-length", length.as_str()),
        ("server", "gatehouse"),
        ("x-ratelimit-limit", "0"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "0"),
    ];
    let all = own.iter().chain(&added).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut expected: Vec<_> = all.collect();
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    for _ in 0..TIMES {
        let answer = gateway.get(path);
        answer.assert_text(body);
        assert_eq!(head(&answer), expected);
    }
}

#[test]
fn a_script_s_head_stays_the_same() {
    let gateway = serving([Api::new("api").virtual_endpoint("GET", "/ve", CONSTANT)]);
    let text = ("content-type", "text/plain; charset=utf-8");
    let own = [text, ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-one", "1")];
    assert_stays(&gateway, "/api/ve", "the answer", &own);
}

#[test]
fn a_plugin_s_head_stays_the_same() {
    let gateway = serving([Api::new("api").plugin("GET", "/plain", "hello", "bench_plain")]);
    let own = [("content-type", "text/plain"), ("foo-header", "bar"), ("foo-header-2", "baz")];
    assert_stays(&gateway, "/api/plain", "This is a virtual endpoint!", &own);
}

#[test]
fn the_content_type_follows_the_body_and_the_body_the_status() {
    let body = "return TykJsResponse({Body: request.Params.b[0], Code: Number(request.Params.c[0]), Headers: {'X-One': '1'}});";
    let gateway = serving([Api::new("api").virtual_endpoint("GET", "/ve", body)]);
    for _ in 0..TIMES {
        for _ in 0..TIMES {
            let page = gateway.get("/api/ve?c=200&b=%3Cp%3Ea");
            assert_eq!(
                (page.header("content-type"), page.header("x-one")),
                ("text/html; charset=utf-8", "1")
            );
        }
        let text = gateway.get("/api/ve?c=200&b=a");
        assert_eq!((text.header("content-type"), text.header("x-one")), ("text/plain; charset=utf-8", "1"));
        let empty = gateway.get("/api/ve?c=200&b=");
        assert_eq!((empty.has_header("content-type"), empty.header("x-one")), (false, "1"));
        let nothing = gateway.get("/api/ve?c=204&b=a");
        assert_eq!(
            (nothing.status, nothing.has_header("content-type"), nothing.text()),
            (204, false, String::new())
        );
        assert_eq!((nothing.header("x-one"), nothing.header("server")), ("1", "gatehouse"));
    }
}

#[test]
fn headers_that_change_are_each_what_they_are() {
    let body = "return TykJsResponse({Body: 'a', Code: 200, Headers: {'X-N': request.Params.n[0]}});";
    let gateway = serving([Api::new("api").virtual_endpoint("GET", "/ve", body)]);
    for n in [1, 1, 2, 1, 2, 2, 2, 1, 3, 1] {
        assert_eq!(gateway.get(&format!("/api/ve?n={n}")).header("x-n"), n.to_string());
    }
}

#[test]
fn what_an_api_does_to_heads_is_done_to_each() {
    let changed = |name: &str| {
        Api::new(name)
            .virtual_endpoint("GET", "/ve", CONSTANT)
            .plugin("GET", "/plain", "hello", "bench_plain")
            .set("/version_data/versions/Default/global_response_headers", json!({"X-Everywhere": "3"}))
            .set(
                "/version_data/versions/Default/global_response_headers_remove",
                json!(["X-One", "Foo-Header"]),
            )
    };
    let untouched = |name: &str| {
        Api::new(name).virtual_endpoint("GET", "/ve", CONSTANT).plugin(
            "GET",
            "/plain",
            "hello",
            "bench_plain",
        )
    };
    let gateway = serving([untouched("as-it-is"), changed("changed")]);
    for _ in 0..TIMES {
        for (path, own) in [("ve", "x-one"), ("plain", "foo-header")] {
            let answer = gateway.get(&format!("/as-it-is/{path}"));
            assert!(answer.has_header(own) && !answer.has_header("x-everywhere"), "{path}");
            let answer = gateway.get(&format!("/changed/{path}"));
            assert!(!answer.has_header(own), "{path}");
            assert_eq!((answer.header("x-everywhere"), answer.header("server")), ("3", "gatehouse"));
            assert_eq!(answer.header("x-ratelimit-limit"), "0");
        }
    }
}

#[test]
fn a_caller_with_a_quota_sees_it() {
    let maker = Api::new("maker").virtual_endpoint(
        "POST",
        "/make",
        "TykSetKeyData('mine', request.Body, '0'); return TykJsResponse({Body: 'made', Code: 200});",
    );
    let shop = |name: &str| {
        Api::new(name).virtual_endpoint("GET", "/ve", CONSTANT).last_script("use_session", true).plugin(
            "GET",
            "/plain",
            "hello",
            "bench_plain",
        )
    };
    let gateway = serving([maker, shop("open"), shop("shop").set("/use_keyless", false)]);
    let session: Value = json!({
        "org_id": "default", "rate": 1000, "per": 1, "quota_max": 100, "quota_renewal_rate": 3600,
        "access_rights": {"shop": {"api_id": "shop", "api_name": "shop", "versions": ["Default"]}},
    });
    gateway.send(Request::post("/maker/make", session.to_string())).assert_text("made");
    let mut left = 100;
    for _ in 0..TIMES {
        for path in ["ve", "plain"] {
            assert_eq!(gateway.get(&format!("/open/{path}")).header("x-ratelimit-limit"), "0");
            let answer = gateway.send(Request::get(&format!("/shop/{path}")).header("Authorization", "mine"));
            left -= 1;
            assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, "100"), "{path}");
            assert_eq!(answer.header("x-ratelimit-remaining"), left.to_string());
        }
    }
}
