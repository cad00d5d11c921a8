//! Callers with keys: who is let in, what scripts see of their sessions, and a store that keeps what it acknowledged.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use gatehouse_tests::{Answer, Api, Gateway, Request, Setup, Upstream, gateway::eventually, log::message};
use serde_json::{Value, json};

/// An API that makes keys from `{"key": NAME, "session": {…}}`, gives them, and has the scripts' storage.
fn maker() -> Api {
    Api::new("maker")
        .virtual_endpoint(
            "POST",
            "/make",
            "var order = JSON.parse(request.Body);
             TykSetKeyData(order.key, JSON.stringify(order.session), '0');
             return TykJsResponse({Body: 'made', Code: 200});",
        )
        .virtual_endpoint(
            "POST",
            "/show",
            "return TykJsResponse({Body: TykGetKeyData(request.Body, 'shop'), Code: 200});",
        )
        .virtual_endpoint(
            "GET",
            "/count",
            "TykStorageSetNX('seen', 'yes', 100);
             return TykJsResponse({Body: JSON.stringify([TykStorageIncr('visits'), TykStorageGet('seen'),
                TykStorageGet('none'), TykStorageTTL('visits'), TykStorageTTL('none')]), Code: 200});",
        )
}

fn shop() -> Api {
    Api::new("shop").set("/use_keyless", false)
}

/// A session for the shop, with these fields besides.
fn session(more: Value) -> Value {
    let mut session = json!({
        "org_id": "default", "rate": 1000, "per": 1, "quota_max": -1,
        "access_rights": {"shop": {"api_id": "shop", "api_name": "shop", "versions": ["Default"]}},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        session[name] = value.clone();
    }
    session
}

fn make(gateway: &Gateway, key: &str, session: &Value) {
    let order = json!({"key": key, "session": session}).to_string();
    gateway.send(Request::post("/maker/make", order)).assert_text("made");
}

fn with_key(gateway: &Gateway, path: &str, key: &str) -> Answer {
    gateway.send(Request::get(path).header("Authorization", key))
}

#[test]
fn a_key_lets_in_whom_it_is_for() {
    let upstream = Upstream::echo();
    let open = json!({"path": "/open", "method": "GET", "method_actions": {"GET": {"action": "no_action"}}});
    let other = Api::new("other").set("/use_keyless", false).target(&upstream);
    let shop = shop().target(&upstream).endpoint("ignored", open);
    let gateway = Gateway::serving([maker(), shop, other]);
    assert!(gateway.get("/ready").json()["status"] == "pass");
    make(&gateway, "good-key", &session(json!({})));
    make(&gateway, "off-key", &session(json!({"is_inactive": true})));
    make(&gateway, "old-key", &session(json!({"expires": 5})));
    let urls = json!([{"url": "/items/{id}$", "methods": ["GET"]}]);
    let narrow = json!({"access_rights": {"shop": {"api_id": "shop", "allowed_urls": urls}}});
    make(&gateway, "narrow-key", &session(narrow));

    gateway.get("/shop/x").assert_error(401, "Authorization field missing");
    with_key(&gateway, "/shop/x", "").assert_error(401, "Authorization field missing");
    for unknown in ["nobody", "GOOD-KEY", "key"] {
        with_key(&gateway, "/shop/x", unknown).assert_error(403, "Access to this API has been disallowed");
    }
    // A key has the name that it was made with; one with its organisation's before it goes by the short one too.
    make(&gateway, "defaultlong-key", &session(json!({})));
    for good in ["good-key", "Bearer good-key", "long-key", "defaultlong-key", "bearer defaultlong-key"] {
        assert_eq!(with_key(&gateway, "/shop/x", good).status, 200, "{good}");
    }
    with_key(&gateway, "/other/x", "good-key").assert_error(403, "Access to this API has been disallowed");
    with_key(&gateway, "/shop/x", "off-key").assert_error(403, "Key is inactive, please renew");
    with_key(&gateway, "/shop/x", "old-key").assert_error(401, "Key has expired, please renew");
    assert_eq!(with_key(&gateway, "/shop/items/7", "narrow-key").status, 200);
    for path in ["/shop/items", "/shop/items/7/parts"] {
        with_key(&gateway, path, "narrow-key")
            .assert_error(403, "Access to this resource has been disallowed");
    }
    assert_eq!(gateway.get("/shop/open").status, 200, "an ignored endpoint asks nobody");
    // What is changed counts at once.
    make(&gateway, "good-key", &session(json!({"is_inactive": true})));
    with_key(&gateway, "/shop/x", "good-key").assert_error(403, "Key is inactive, please renew");
}

#[test]
fn versions_are_allowed_by_name() {
    let upstream = Upstream::echo();
    let versioned = shop().target(&upstream).versioned("header", "x-version");
    let versioned = versioned.version("v1", json!({})).version("v2", json!({}));
    let gateway = Gateway::serving([maker(), versioned.set("/version_data/default_version", "v2")]);
    let rights = json!({"access_rights": {"shop": {"api_id": "shop", "versions": ["v1"]}}});
    make(&gateway, "first-only", &session(rights));
    let ask = |version: &str| {
        let request = Request::get("/shop/x").header("Authorization", "first-only");
        let request = if version.is_empty() { request } else { request.header("x-version", version) };
        gateway.send(request)
    };
    assert_eq!(ask("v1").status, 200);
    ask("v2").assert_error(403, "Access to this API has been disallowed");
    ask("").assert_error(403, "Access to this API has been disallowed");
}

#[test]
fn keys_are_taken_from_where_the_definition_says_and_taken_out() {
    let upstream = Upstream::echo();
    let places = json!({"auth_header_name": "X-Key", "use_param": true, "param_name": "k", "use_cookie": true,
        "cookie_name": "sid"});
    let shop = shop().target(&upstream).set("/auth", places).set("/strip_auth_data", true);
    let gateway = Gateway::serving([maker(), shop]);
    make(&gateway, "good-key", &session(json!({})));
    for request in [
        Request::get("/shop/x?b=2&a=1").header("X-Key", "good-key"),
        Request::get("/shop/x?b=2&k=good-key&a=1").header("X-Other", "1"),
        Request::get("/shop/x?a=1&b=2").header("Cookie", "c=1; sid=good-key; d=2"),
    ] {
        assert_eq!(gateway.send(request).status, 200);
    }
    with_key(&gateway, "/shop/x", "good-key").assert_error(401, "Authorization field missing");
    let seen = upstream.requests();
    assert_eq!(
        seen.iter().map(|request| request.target.as_str()).collect::<Vec<_>>(),
        ["/x?b=2&a=1", "/x?a=1&b=2", "/x?a=1&b=2",]
    );
    assert_eq!(seen[0].header("x-key"), None);
    assert_eq!(seen[2].header("cookie"), Some("c=1; d=2"));
}

#[test]
fn scripts_see_the_session_and_what_they_change_is_kept() {
    let script = "session.meta_data.visits = (session.meta_data.visits || 0) + 1; session.alias = 'changed';
        return TykJsResponse({Body: JSON.stringify(session.meta_data), Code: 200}, session.meta_data);";
    let shop = shop()
        .virtual_endpoint("GET", "/visit", script)
        .last_script("use_session", true)
        .virtual_endpoint("GET", "/clear", "return TykJsResponse({Body: 'cleared', Code: 200});")
        .last_script("use_session", true)
        .virtual_endpoint(
            "GET",
            "/blind",
            "return TykJsResponse({Body: JSON.stringify(session), Code: 200}, {a: 1});",
        );
    let gateway = Gateway::serving([maker(), shop]);
    make(
        &gateway,
        "good-key",
        &session(json!({"meta_data": {"plan": {"name": "gold", "n": [1, null]}}, "alias": "first"})),
    );
    let show = || gateway.send(Request::post("/maker/show", "good-key")).json();
    for visits in 1..=3 {
        let seen = with_key(&gateway, "/shop/visit", "good-key").json();
        assert_eq!(seen, json!({"plan": {"name": "gold", "n": [1, null]}, "visits": visits}));
    }
    with_key(&gateway, "/shop/blind", "good-key").assert_text("{}");
    let kept = show();
    assert_eq!((&kept["meta_data"]["visits"], &kept["alias"]), (&json!(3), &json!("first")));
    with_key(&gateway, "/shop/clear", "good-key").assert_text("cleared");
    assert_eq!(show()["meta_data"], Value::Null);
    assert_eq!(gateway.send(Request::post("/maker/show", "nobody")).json()["message"], "Key not found");
}

#[test]
fn scripts_have_storage() {
    let gateway = Gateway::serving([maker()]);
    for visits in 1..=3 {
        let expected = json!([visits.to_string(), "yes", null, -1, -2]);
        assert_eq!(gateway.get("/maker/count").json(), expected);
    }
}

#[test]
fn policies_take_the_place_of_a_session_s_own_values() {
    let upstream = Upstream::echo();
    let policies = json!({
        "gold": {"id": "gold", "org_id": "default", "rate": 5, "per": 1, "quota_max": -1, "meta_data": {"plan": "gold"},
            "access_rights": {"shop": {"api_id": "shop", "versions": ["Default"]}}},
        "foreign": {"id": "foreign", "org_id": "elsewhere", "access_rights": {"shop": {}}},
    });
    let gateway = Setup::new()
        .set("/policies/policy_source", "file")
        .set("/policies/policy_record_name", "policies/policies.json")
        .file("policies/policies.json", policies.to_string())
        .apis([maker(), shop().target(&upstream)])
        .start();
    let with_policy = |id: &str| json!({"org_id": "default", "apply_policies": [id]});
    for (key, policy) in [("gold-key", "gold"), ("foreign-key", "foreign"), ("lost-key", "none")] {
        make(&gateway, key, &with_policy(policy));
    }
    assert_eq!(with_key(&gateway, "/shop/x", "gold-key").status, 200);
    for key in ["foreign-key", "lost-key"] {
        with_key(&gateway, "/shop/x", key).assert_error(403, "Access to this API has been disallowed");
    }
    let shown = gateway.send(Request::post("/maker/show", "gold-key")).json();
    assert_eq!((&shown["rate"], &shown["meta_data"]["plan"]), (&json!(5), &json!("gold")));
    gateway.write("policies/policies.json", policies.to_string().replace("\"shop\"", "\"other\""));
    gateway.reload();
    with_key(&gateway, "/shop/x", "gold-key").assert_error(403, "Access to this API has been disallowed");
}

/// Kills of [`what_was_acknowledged_survives_a_kill_at_any_moment`].
const ROUNDS: usize = 20;

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let upstream = Upstream::echo();
    // A disk that others keep busy is no failure here.
    let mut gateway = Setup::new()
        .set("/gatehouse/storage/timeout_ms", 20_000)
        .set("/jsvm_timeout", 20)
        .apis([maker(), shop().target(&upstream)])
        .start();
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        let (killed, count) = (AtomicBool::new(false), AtomicUsize::new(0));
        let client = gateway.client();
        let written: Vec<Vec<String>> = thread::scope(|scope| {
            let write = |writer: usize| {
                let (killed, count, client) = (&killed, &count, &client);
                move || {
                    let mut written = Vec::new();
                    for number in 0.. {
                        let key = format!("key-{round}-{writer}-{number}");
                        let order = json!({"key": key, "session": session(json!({}))}).to_string();
                        match client.start(Request::post("/maker/make", order)).outcome() {
                            Ok(answer) if answer.status == 200 => written.push(key),
                            _ if killed.load(Ordering::SeqCst) => break,
                            outcome => panic!("{outcome:?}"),
                        }
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                    written
                }
            };
            let writers: Vec<_> = (0..4).map(|writer| scope.spawn(write(writer))).collect();
            // At another moment of the writing each time.
            let enough = 10 + 7 * (round % 6);
            eventually("some keys are written", || (count.load(Ordering::SeqCst) >= enough).then_some(()));
            killed.store(true, Ordering::SeqCst);
            gateway.kill();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        acknowledged.extend(written.into_iter().flatten());
        gateway = gateway.start_again();
        // The system may not have buried the killed worker yet, which had the file.
        eventually("the gateway is ready", || (gateway.get("/ready").status == 200).then_some(()));
        let damage = |line: &&Value| message(line).contains("damaged");
        assert_eq!(gateway.log_lines().iter().find(damage), None);
    }
    assert!(acknowledged.len() >= ROUNDS * 10, "{}", acknowledged.len());
    let ask = |key: &String| Request::get("/shop/x").header("Authorization", key);
    let answers = gateway.client().send_in_turn(acknowledged.iter().map(ask).collect());
    for (key, answer) in acknowledged.iter().zip(&answers) {
        assert_eq!(answer.status, 200, "{key} was acknowledged");
    }
}

#[test]
fn a_damaged_store_is_said_and_nobody_is_let_in() {
    let upstream = Upstream::echo();
    let open = Api::new("open").target(&upstream);
    let setup = Setup::new().apis([maker(), shop().target(&upstream), open]);
    let gateway = setup.file("gatehouse.redb", [0x5a; 10_000]).start();
    let ready = gateway.get("/ready");
    assert_eq!(ready.status, 503);
    let output = ready.json()["details"]["store"]["output"].as_str().unwrap_or_default().to_owned();
    assert!(output.contains("gatehouse.redb") && output.contains("move it away"), "{output}");
    with_key(&gateway, "/shop/x", "good-key").assert_error(503, "The store of keys is not available");
    assert_eq!(gateway.get("/open/x").status, 200, "what needs no key goes on");
    gateway.remove("gatehouse.redb");
    // Without another request: the gateway looks again by itself.
    eventually("the gateway is ready", || (gateway.get("/ready").status == 200).then_some(()));
    make(&gateway, "good-key", &session(json!({})));
    assert_eq!(with_key(&gateway, "/shop/x", "good-key").status, 200);
}

#[test]
fn a_gateway_without_keys_makes_no_store() {
    let gateway = Gateway::serving([Api::new("open").virtual_endpoint(
        "GET",
        "/x",
        "return TykJsResponse({Body: 'x', Code: 200});",
    )]);
    gateway.get("/open/x").assert_text("x");
    assert_eq!(gateway.get("/ready").status, 200);
    assert!(!gateway.folder().join("gatehouse.redb").exists());
}
