//! Versions: inside a definition, and as APIs of their own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{Api, Document, Gateway, Request, Setup, Upstream, log::message};
use serde_json::{Value, json};

fn mock(path: &str, text: &str) -> Value {
    json!({"path": path, "method": "GET", "code": 200, "body": text})
}

/// Versions `one`, `two` and `old`, each answering with its name; `one` sees its upstream.
fn versions(location: &str, key: &str, upstream: &Upstream) -> Api {
    let says = |name: &str| json!({"use_extended_paths": true, "extended_paths": {"mock_response": [mock("/who", name)]}});
    let mut old = says("old");
    old["expires"] = json!("2020-01-02 15:04");
    Api::new("api")
        .target(upstream)
        .versioned(location, key)
        .version("one", says("one"))
        .version("two", says("two"))
        .version("old", old)
}

const UNKNOWN_VERSION: &str = "This API version does not seem to exist";
const EXPIRED: &str = "Api Version has expired, please check documentation or contact administrator";
const NO_VERSION: &str = "Version information not found";

#[test]
fn versions_by_header() {
    let upstream = Upstream::echo();
    let gateway = Gateway::serving([versions("header", "x-version", &upstream)]);
    let get = |version: &str| gateway.send(Request::get("/api/who").header("X-Version", version));
    get("one").assert_text("one");
    get("two").assert_text("two");
    get("three").assert_error(403, UNKNOWN_VERSION);
    get("old").assert_error(403, EXPIRED);
    gateway.get("/api/who").assert_error(403, NO_VERSION);
    let echo = gateway.send(Request::get("/api/x").header("X-Version", "one")).json();
    assert_eq!(echo["headers"]["x-version"], json!(["one"]), "it goes on where it is not stripped");
}

#[test]
fn versions_by_parameter() {
    let upstream = Upstream::echo();
    let gateway = Gateway::serving([versions("url-param", "v", &upstream)]);
    gateway.get("/api/who?a=b&v=two").assert_text("two");
    gateway.get("/api/who?v=three").assert_error(403, UNKNOWN_VERSION);
    gateway.get("/api/who?w=one").assert_error(403, NO_VERSION);
    assert_eq!(gateway.get("/api/x?v=one&a=1").json()["query"], "v=one&a=1");
}

#[test]
fn versions_by_path() {
    let upstream = Upstream::echo();
    let gateway = Gateway::serving([versions("url", "", &upstream)]);
    gateway.get("/api/one/who").assert_text("one");
    gateway.get("/api/two/who").assert_text("two");
    gateway.get("/api/three/who").assert_error(403, UNKNOWN_VERSION);
    gateway.get("/api/").assert_error(403, NO_VERSION);
    assert_eq!(gateway.get("/api/one/x").json()["path"], "/one/x");
}

#[test]
fn a_version_can_be_taken_out_of_the_request() {
    let upstream = Upstream::echo();
    let stripping = |location: &str, key: &str| {
        versions(location, key, &upstream).set("/definition/strip_versioning_data", true)
    };
    let older = versions("url", "", &upstream).set("/definition/strip_path", true);
    for by_path in [older, stripping("url", "")].map(|api| Gateway::serving([api])) {
        assert_eq!(by_path.get("/api/one/x").json()["path"], "/x");
    }
    let by_parameter = Gateway::serving([stripping("url-param", "v")]);
    assert_eq!(by_parameter.get("/api/x?b=2&v=one&a=1").json()["query"], "a=1&b=2", "in Tyk's order");
    let by_header = Gateway::serving([stripping("header", "x-version")]);
    let echo = by_header.send(Request::get("/api/x").header("x-version", "one")).json();
    assert_eq!(echo["headers"]["x-version"], Value::Null);
}

#[test]
fn the_default_version_is_for_requests_that_name_none() {
    let upstream = Upstream::echo();
    let with_default = |location: &str, key: &str| {
        Gateway::serving([versions(location, key, &upstream).set("/version_data/default_version", "two")])
    };
    let by_header = with_default("header", "x-version");
    by_header.get("/api/who").assert_text("two");
    by_header.send(Request::get("/api/who").header("x-version", "three")).assert_error(403, UNKNOWN_VERSION);
    let by_path = with_default("url", "");
    by_path.get("/api/one/who").assert_text("one");
    by_path.get("/api/who").assert_error(403, UNKNOWN_VERSION);
    assert_eq!(by_path.get("/api/").json()["path"], "/");
}

#[test]
fn the_default_version_can_be_for_unknown_names_too() {
    let upstream = Upstream::echo();
    let falling_back = |location: &str, key: &str| {
        versions(location, key, &upstream)
            .set("/version_data/default_version", "two")
            .set("/definition/fallback_to_default", true)
    };
    let by_header = Gateway::serving([falling_back("header", "x-version")]);
    by_header.send(Request::get("/api/who").header("x-version", "three")).assert_text("two");
    by_header.send(Request::get("/api/who").header("x-version", "old")).assert_error(403, EXPIRED);
    let stripping = falling_back("url", "").set("/definition/strip_versioning_data", true);
    let by_path = Gateway::serving([stripping.clone()]);
    assert_eq!(by_path.get("/api/three/x").json()["path"], "/x", "whatever stands there is taken for a name");
    let patterned = stripping.set("/definition/url_versioning_pattern", "^(one|two|v[0-9]+)$");
    let by_pattern = Gateway::serving([patterned]);
    by_pattern.get("/api/who").assert_text("two");
    assert_eq!(by_pattern.get("/api/three/x").json()["path"], "/three/x");
    assert_eq!(by_pattern.get("/api/one/x").json()["path"], "/x");
}

#[test]
fn a_version_that_was_taken_out_is_still_known_in_a_loop() {
    let upstream = Upstream::echo();
    let looping =
        json!({"path": "/in", "method": "GET", "match_pattern": "/in", "rewrite_to": "tyk://self/who"});
    let api = versions("header", "x-version", &upstream)
        .set("/definition/strip_versioning_data", true)
        .set("/version_data/versions/two/extended_paths/url_rewrites", json!([looping]));
    let gateway = Gateway::serving([api]);
    gateway.send(Request::get("/api/in").header("x-version", "two")).assert_text("two");
}

#[test]
fn a_version_that_will_expire_says_when() {
    let api = Api::new("api")
        .versioned("header", "x-version")
        .set("/version_data/default_version", "one")
        .version("one", json!({"expires": "2999-12-31 23:59", "use_extended_paths": true, "extended_paths": {"mock_response": [mock("/m", "m")]}}))
        .target(&Upstream::saying("x"));
    let upstream = Upstream::saying("fine");
    let gateway = Gateway::serving([api.target(&upstream)]);
    let answer = gateway.get("/api/x");
    answer.assert_text("fine");
    assert_eq!(answer.header("x-tyk-api-expires"), "Tue, 31 Dec 2999 23:59:00 UTC");
}

#[test]
fn an_api_ends_whatever_its_versions_say() {
    const EXPIRED: &str = "Api Version has expired, please check documentation or contact administrator";
    let upstream = Upstream::saying("fine");
    let plain = |name: &str, ends: &str| Api::new(name).set("/expiration", ends).target(&upstream);
    let versioned = Api::new("versioned")
        .versioned("header", "x-version")
        .set("/version_data/default_version", "one")
        .set("/expiration", "2001-02-03 04:05")
        .version("one", json!({"expires": "2999-12-31 23:59"}))
        .target(&upstream);
    let over = plain("over", "2001-02-03 04:05");
    let odd = plain("odd", "some day");
    let gateway =
        Gateway::serving([over, odd, versioned, plain("on", "2999-12-31 23:59"), plain("never", "-1")]);
    for path in ["/over/x", "/odd/x", "/versioned/x"] {
        gateway.get(path).assert_error(403, EXPIRED);
    }
    let on = gateway.get("/on/x");
    on.assert_text("fine");
    assert_eq!(on.header("x-tyk-api-expires"), "Tue, 31 Dec 2999 23:59:00 UTC");
    gateway.get("/never/x").assert_text("fine");
}

#[test]
fn a_version_can_have_its_own_target() {
    let (usual, other) = (Upstream::saying("usual"), Upstream::saying("other"));
    let api = Api::new("api")
        .target(&usual)
        .versioned("header", "x-version")
        .version("one", json!({}))
        .version("two", json!({"override_target": other.url("/base/")}));
    let gateway = Gateway::serving([api]);
    let get = |version: &str| gateway.send(Request::get("/api/x").header("x-version", version));
    get("one").assert_text("usual");
    get("two").assert_text("other");
    assert_eq!(other.only_request().target, "/base/x");
}

/// A base that says `base` and two versions, `v2` at `/two/` and `v3` reachable through the base alone.
fn family(location: &str, key: &str, upstream: &Upstream) -> [Api; 3] {
    let base = Api::new("base").target(upstream).endpoint("mock_response", mock("/who", "base")).set(
        "/definition",
        json!({"enabled": true, "name": "v1", "default": "self", "location": location, "key": key,
            "versions": {"v2": "two", "v3": "three", "gone": "nowhere"}}),
    );
    let two = Api::new("two").target(upstream).endpoint("mock_response", mock("/who", "two"));
    let three = Api::new("three")
        .target(upstream)
        .set("/internal", true)
        .endpoint("mock_response", mock("/who", "three"));
    [base, two, three]
}

#[test]
fn versions_can_be_apis_of_their_own() {
    let upstream = Upstream::echo();
    let gateway = Gateway::serving(family("header", "X-Version", &upstream));
    let get = |path: &str, version: &str| gateway.send(Request::get(path).header("x-version", version));
    for (version, who) in [("", "base"), ("v1", "base"), ("self", "base"), ("v2", "two"), ("v3", "three")] {
        get("/base/who", version).assert_text(who);
    }
    gateway.get("/base/who").assert_text("base");
    gateway.get("/two/who").assert_text("two");
    assert_eq!(gateway.get("/three/who").status, 404);
    for unknown in ["v4", "gone"] {
        get("/base/who", unknown).assert_error(404, UNKNOWN_VERSION);
    }
    let echo = get("/base/x%20y?a=1", "v2").json();
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/x%20y"), &json!("a=1")));
    gateway.wait_for_log(|line| {
        message(line).contains("version `gone` is the API `nowhere`, which is not served")
    });
}

#[test]
fn versions_of_their_own_are_named_in_all_three_ways() {
    let upstream = Upstream::echo();
    let strip =
        |[base, two, three]: [Api; 3]| [base.set("/definition/strip_versioning_data", true), two, three];
    let by_parameter = Gateway::serving(strip(family("url-param", "v", &upstream)));
    by_parameter.get("/base/who?v=v2").assert_text("two");
    assert_eq!(by_parameter.get("/base/x?b=1&v=v2&a=2").json()["query"], "a=2&b=1");
    by_parameter.get("/base/who?v=v9").assert_error(404, UNKNOWN_VERSION);

    let by_path = Gateway::serving(strip(family("url", "", &upstream)));
    by_path.get("/base/v3/who").assert_text("three");
    by_path.get("/base/v1/who").assert_text("base");
    by_path.get("/base/who").assert_error(404, UNKNOWN_VERSION);
    assert_eq!(by_path.get("/base/v2/x/y").json()["path"], "/x/y");
    assert_eq!(by_path.get("/base/v1/x/y").json()["path"], "/x/y");
    assert_eq!(by_path.get("/base/").json()["path"], "/");
}

#[test]
fn the_default_of_versions_of_their_own() {
    let upstream = Upstream::echo();
    let with = |fields: Value| {
        let [base, two, three] = family("header", "X-Version", &upstream);
        let base = fields
            .as_object()
            .unwrap()
            .iter()
            .fold(base, |base, (field, value)| base.set(&format!("/definition/{field}"), value.clone()));
        Gateway::serving([base, two, three])
    };
    let get = |gateway: &Gateway, version: &str| {
        gateway.send(Request::get("/base/who").header("x-version", version))
    };
    let two = with(json!({"default": "v2"}));
    two.get("/base/who").assert_text("two");
    get(&two, "v1").assert_text("base");
    get(&two, "v9").assert_error(404, UNKNOWN_VERSION);
    let none = with(json!({"default": ""}));
    none.get("/base/who").assert_error(403, NO_VERSION);
    let falling_back = with(json!({"default": "v2", "fallback_to_default": true}));
    get(&falling_back, "v9").assert_text("two");
    get(&falling_back, "gone").assert_text("two");
    let to_base = with(json!({"default": "self", "fallback_to_default": true}));
    get(&to_base, "v9").assert_text("base");
    let nowhere = with(json!({"default": "v8", "fallback_to_default": true}));
    get(&nowhere, "v9").assert_error(500, "Internal Server Error");
}

#[test]
fn a_version_of_its_own_has_its_own_keys_and_path() {
    let upstream = Upstream::echo();
    let [base, two, three] = family("header", "X-Version", &upstream);
    let base = base.set("/proxy/strip_listen_path", false);
    let gateway = Gateway::serving([base, two.set("/use_keyless", false), three]);
    let get = |version: &str| gateway.send(Request::get("/base/x").header("x-version", version));
    get("v2").assert_error(401, "Authorization field missing");
    // A base that keeps its listen path hands it over.
    assert_eq!(get("v3").json()["path"], "/base/x");
    assert_eq!(get("v1").json()["path"], "/base/x");
}

#[test]
fn documents_have_versions_of_their_own() {
    let upstream = Upstream::echo();
    let says = |text: &str| json!({"mockResponse": {"enabled": true, "code": 200, "body": text}});
    let versioning = json!({"enabled": true, "name": "v1", "default": "v2", "location": "url-param", "key": "version",
        "fallbackToDefault": true, "stripVersioningData": true, "versions": [{"name": "v2", "id": "two"}]});
    let base = Document::new("base")
        .target(&upstream)
        .operation("GET", "/who", says("base"))
        .tyk("/info/versioning", versioning);
    let two = Document::new("two").target(&upstream).tyk("/info/state/internal", true).operation(
        "GET",
        "/who",
        says("two"),
    );
    let gateway = Setup::new().document(&base).document(&two).start();
    for (path, who) in
        [("/base/who", "two"), ("/base/who?version=v1", "base"), ("/base/who?version=x", "two")]
    {
        gateway.get(path).assert_text(who);
    }
    assert_eq!(gateway.get("/base/x?version=v2&a=b").json()["query"], "a=b");
}
