//! How long the record of a key is kept: by its own lifetime, that of its APIs, and what the gateway forces.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::{SystemTime, UNIX_EPOCH};

use gatehouse_tests::{
    Api, Gateway, Request, Setup, Upstream, admin::setup, gateway::eventually, redis::Redis,
};
use serde_json::{Value, json};

fn keyed(name: &str, lifetime: i64, upstream: &Upstream) -> Api {
    Api::new(name).set("/use_keyless", false).set("/session_lifetime", lifetime).target(upstream)
}

/// A session that opens these APIs, with more fields.
fn session(opens: &[&str], more: Value) -> Value {
    let right = |name: &&str| ((*name).to_owned(), json!({"api_id": name, "versions": ["Default"]}));
    let rights: serde_json::Map<_, _> = opens.iter().map(right).collect();
    let mut session =
        json!({"org_id": "default", "rate": 0, "per": 0, "quota_max": -1, "access_rights": rights});
    session.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    session
}

fn make(gateway: &Gateway, key: &str, session: &Value) {
    gateway
        .admin("POST", &format!("/tyk/keys/{key}"), session.to_string())
        .assert_changed(&format!("default{key}"), "added");
}

fn call(gateway: &Gateway, path: &str, key: &str) -> u16 {
    gateway.send(Request::get(path).header("Authorization", key)).status
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn on(redis: &Redis) -> Setup {
    setup().set("/storage", json!({"type": "redis", "host": "127.0.0.1", "port": redis.port()}))
}

/// Seconds that Redis keeps a record for; -1 is for ever.
fn left(redis: &Redis, key: &str) -> i64 {
    redis.command(&["TTL", &format!("apikey-default{key}")]).parse().unwrap()
}

#[track_caller]
fn assert_near(left: i64, expected: i64) {
    assert!((expected - 60..=expected).contains(&left), "{left} is not about {expected}");
}

#[test]
fn a_record_is_removed_when_its_lifetime_is_over() {
    let upstream = Upstream::echo();
    let gateway = setup().apis([keyed("short", 2, &upstream), keyed("long", 0, &upstream)]).start();
    make(&gateway, "of-api", &session(&["short"], json!({})));
    make(&gateway, "of-key", &session(&["long"], json!({"session_lifetime": 2})));
    make(&gateway, "for-ever", &session(&["long"], json!({})));
    make(&gateway, "expired", &session(&["long"], json!({"expires": 5})));
    assert_eq!(gateway.admin_get("/tyk/keys/defaultof-api").status, 200);
    for key in ["of-api", "of-key"] {
        let gone = || (gateway.admin_get(&format!("/tyk/keys/default{key}")).status == 404).then_some(());
        eventually("the record is gone", gone);
        eventually("nobody is let in", || (call(&gateway, "/short/x", key) == 403).then_some(()));
    }
    assert_eq!(call(&gateway, "/long/x", "for-ever"), 200);
    // A key that has ended is not removed for that: it is refused in its own words, and can be renewed.
    assert_eq!(call(&gateway, "/long/x", "expired"), 401);
    gateway
        .admin("PUT", "/tyk/keys/defaultexpired", session(&["long"], json!({})).to_string())
        .assert_changed("defaultexpired", "modified");
    assert_eq!(call(&gateway, "/long/x", "expired"), 200);
}

#[test]
fn redis_is_told_the_lifetime_at_each_change() {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::echo();
    let until_end =
        keyed("until-end", 1_000, &upstream).set("/session_lifetime_respects_key_expiration", true);
    let policies = json!({"lasting": {
        "id": "lasting", "org_id": "default", "rate": 0, "per": 0, "quota_max": -1, "key_expires_in": 9_000,
        "access_rights": {"until-end": {"api_id": "until-end", "versions": ["Default"]}}
    }});
    let set = "var order = JSON.parse(request.Body);
        TykSetKeyData(order.key, JSON.stringify(order.session), '0');
        return TykJsResponse({Body: 'made', Code: 200});";
    let gateway = on(&redis)
        .set("/policies/policy_record_name", "policies.json")
        .file("policies.json", policies.to_string())
        .apis([
            keyed("short", 1_000, &upstream),
            keyed("long", 5_000, &upstream),
            keyed("none", 0, &upstream),
            until_end,
            Api::new("maker").virtual_endpoint("POST", "/set", set),
        ])
        .start();
    let ends = now() + 8_000;
    for (key, session, expected) in [
        ("one", session(&["short"], json!({})), 1_000),
        ("both", session(&["short", "long", "none"], json!({})), 5_000),
        ("own", session(&["short", "long"], json!({"session_lifetime": 500})), 500),
        ("late", session(&["until-end"], json!({"expires": ends})), 8_000),
        ("soon", session(&["until-end"], json!({"expires": now() + 10})), 1_000),
        ("by-policy", json!({"org_id": "default", "apply_policies": ["lasting"]}), 9_000),
    ] {
        make(&gateway, key, &session);
        assert_near(left(&redis, key), expected);
        // A script that writes the same key keeps it for as long. It gives a new one no end: only the admin API does.
        if key != "by-policy" {
            let order = json!({"key": format!("default{key}"), "session": session}).to_string();
            redis.command(&["PERSIST", &format!("apikey-default{key}")]);
            gateway.send(Request::post("/maker/set", order)).assert_text("made");
            assert_near(left(&redis, key), expected);
        }
    }
    for (key, session) in
        [("endless", session(&["none"], json!({}))), ("no-end", session(&["until-end"], json!({})))]
    {
        make(&gateway, key, &session);
        assert_eq!(left(&redis, key), -1, "{key}");
    }
    // A change begins the lifetime anew, by what the key is then; other policies alone leave it as it is.
    let changed = session(&["long"], json!({})).to_string();
    gateway.admin("PUT", "/tyk/keys/defaultone", changed).assert_changed("defaultone", "modified");
    assert_near(left(&redis, "one"), 5_000);
    let forever = session(&["none"], json!({})).to_string();
    gateway.admin("PUT", "/tyk/keys/defaultone", forever).assert_changed("defaultone", "modified");
    assert_eq!(left(&redis, "one"), -1);
    redis.command(&["EXPIRE", "apikey-defaultboth", "700"]);
    gateway
        .admin("POST", "/tyk/keys/policy/defaultboth", json!({"apply_policies": ["lasting"]}).to_string())
        .assert_changed("defaultboth", "updated");
    assert_near(left(&redis, "both"), 700);
}

#[test]
fn the_gateway_may_force_one_lifetime_on_all_keys() {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::echo();
    for (forced, expected) in [(3_000, 3_000), (0, -1)] {
        let gateway = on(&redis)
            .set("/force_global_session_lifetime", true)
            .set("/global_session_lifetime", forced)
            .apis([keyed("short", 1_000, &upstream)])
            .start();
        make(&gateway, "forced", &session(&["short"], json!({"session_lifetime": 50})));
        match expected {
            -1 => assert_eq!(left(&redis, "forced"), -1),
            seconds => assert_near(left(&redis, "forced"), seconds),
        }
    }
    let gateway = on(&redis)
        .set("/session_lifetime_respects_key_expiration", true)
        .apis([keyed("short", 1_000, &upstream)])
        .start();
    make(&gateway, "late", &session(&["short"], json!({"expires": now() + 6_000})));
    assert_near(left(&redis, "late"), 6_000);
}
