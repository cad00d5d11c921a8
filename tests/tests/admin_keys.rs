//! Keys over REST: Tyk's answers, and what bad input gets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{
    Api, Gateway, Request, Setup,
    admin::{SECRET, setup},
    log::message,
};
use serde_json::{Value, json};

fn session() -> Value {
    json!({
        "org_id": "default", "allowance": 1000, "rate": 1000, "per": 1, "quota_max": -1, "quota_renewal_rate": 60,
        "expires": 0, "access_rights": {"shop": {"api_id": "shop", "api_name": "shop", "versions": ["Default"]}}
    })
}

fn with(mut session: Value, field: &str, value: impl Into<Value>) -> Value {
    session[field] = value.into();
    session
}

/// Keys are hashed, as in most Tyks.
fn hashing() -> Setup {
    setup().set("/hash_keys", true)
}

fn not_found(message: &str) -> Value {
    json!({"status": "error", "message": message})
}

#[test]
fn a_key_lives_from_post_to_delete() {
    let gateway = hashing().start();
    let made = gateway.admin(
        "POST",
        "/tyk/keys/mykey1",
        with(session(), "meta_data", json!({"a": "1"})).to_string(),
    );
    made.assert_changed("defaultmykey1", "added");
    let hash = made.json()["key_hash"].as_str().unwrap().to_owned();
    assert_eq!(hash, "259d945d", "as a Tyk has it");
    let first = gateway.admin_get("/tyk/keys/defaultmykey1").json();
    assert_eq!((&first["rate"], &first["meta_data"]), (&json!(1000), &json!({"a": "1"})));
    assert!(first["date_created"].as_str().unwrap().ends_with('Z'), "{first}");
    let renews = first["quota_renews"].as_i64().unwrap()
        - first["last_updated"].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(renews, 60);
    // By what it is stored under, and by its id where the organisation is told.
    assert_eq!(gateway.admin_get(&format!("/tyk/keys/{hash}?hashed=true")).json(), first);
    assert_eq!(gateway.admin_get("/tyk/keys/mykey1?org_id=default").json(), first);
    gateway.admin_get("/tyk/keys/mykey1").assert_json(404, &not_found("Key not found"));

    let second = with(session(), "alias", "new");
    gateway
        .admin("PUT", "/tyk/keys/defaultmykey1", second.to_string())
        .assert_json(200, &json!({"key": "defaultmykey1", "status": "ok", "action": "modified"}));
    let changed = gateway.admin_get("/tyk/keys/defaultmykey1").json();
    assert_eq!((&changed["alias"], &changed["date_created"]), (&json!("new"), &first["date_created"]));
    assert_eq!(changed.get("meta_data"), None);
    // The id alone will do, because the body has the organisation.
    gateway.admin("PUT", "/tyk/keys/mykey1", second.to_string()).assert_changed("defaultmykey1", "modified");

    gateway
        .admin("DELETE", "/tyk/keys/defaultmykey1", "")
        .assert_json(200, &json!({"key": "defaultmykey1", "status": "ok", "action": "deleted"}));
    gateway.admin_get("/tyk/keys/defaultmykey1").assert_json(404, &not_found("Key not found"));
    let text = gateway.log_lines().iter().map(Value::to_string).collect::<String>();
    assert!(text.contains(&hash) && !text.contains("mykey1"), "audit lines have the hash and not the key");
}

#[test]
fn what_is_not_there_is_said_in_tyks_words() {
    let gateway = hashing().start();
    gateway.admin_get("/tyk/keys/nobody").assert_json(404, &not_found("Key not found"));
    gateway
        .admin("PUT", "/tyk/keys/nobody", session().to_string())
        .assert_json(404, &not_found("Key is not found"));
    gateway
        .admin("DELETE", "/tyk/keys/nobody", "")
        .assert_json(404, &not_found("There is no such key found"));
    gateway.admin("POST", "/tyk/keys/policy/nobody", "{}").assert_json(404, &not_found("Key not found"));
    gateway.admin_get("/tyk/keys").assert_json(
        404,
        &not_found("Hashed key listing is disabled in config (enable_hashed_keys_listing)"),
    );
    // What only Tyk has is answered with what there is instead.
    for (path, instead) in [
        ("/tyk/org/keys/default", "policy"),
        ("/tyk/health?api_id=shop", "GET /ready"),
        ("/tyk/oauth/clients/shop", "OAuth"),
        ("/tyk/nothing", "GET /tyk/schema/admin"),
    ] {
        gateway.admin_get(path).assert_refused(404, instead);
    }
}

#[test]
fn keys_with_ids_of_our_own_are_different_each_time() {
    let gateway = hashing().set("/enable_hashed_keys_listing", true).start();
    let mut hashes = Vec::new();
    for path in ["/tyk/keys/create", "/tyk/keys", "/tyk/keys/create"] {
        let made = gateway.admin("POST", path, session().to_string()).json();
        let key = made["key"].as_str().unwrap();
        assert!(key.len() == 39 && key.starts_with("default"), "{made}");
        hashes.push(made["key_hash"].as_str().unwrap().to_owned());
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 3);
    gateway.admin_get("/tyk/keys").assert_json(200, &json!({"keys": hashes}));
}

#[test]
fn keys_that_are_not_hashed_are_listed_by_organisation() {
    let gateway = setup().start();
    for (id, org) in [("a1", "default"), ("b1", "other")] {
        let made =
            gateway.admin("POST", &format!("/tyk/keys/{id}"), with(session(), "org_id", org).to_string());
        made.assert_json(200, &json!({"key": format!("{org}{id}"), "status": "ok", "action": "added"}));
    }
    gateway.admin_get("/tyk/keys").assert_json(200, &json!({"keys": ["defaulta1", "otherb1"]}));
    gateway.admin_get("/tyk/keys?filter=other").assert_json(200, &json!({"keys": ["otherb1"]}));
    gateway
        .admin_get("/tyk/keys/x?hashed=true")
        .assert_refused(400, "Key requested by hash but key hashing is not enabled");
}

#[test]
fn names_carry_their_hash_function() {
    let gateway = hashing().set("/hash_key_function", "murmur64").start();
    let name = "eyJvcmciOiJkZWZhdWx0IiwiaWQiOiJteWtleTEiLCJoIjoibXVybXVyNjQifQ==";
    gateway.admin("POST", "/tyk/keys/mykey1", session().to_string()).assert_json(
        200,
        &json!({"key": name, "status": "ok", "action": "added", "key_hash": "6ba98c7b43fd03fa"}),
    );
    assert_eq!(gateway.admin_get(&format!("/tyk/keys/{name}")).status, 200);
    assert_eq!(gateway.admin_get(&format!("/tyk/keys/{}", name.replace('=', "%3D"))).status, 200);
    gateway.admin("DELETE", &format!("/tyk/keys/{name}"), "").assert_changed(name, "deleted");
}

#[test]
fn periods_go_on_when_the_caller_wants_it() {
    let gateway = hashing().start();
    gateway.admin("POST", "/tyk/keys/mykey1", session().to_string()).assert_changed("defaultmykey1", "added");
    let before = gateway.admin_get("/tyk/keys/defaultmykey1").json();
    let changed = with(with(session(), "quota_renewal_rate", 9_000), "quota_renews", 5);
    gateway
        .admin("PUT", "/tyk/keys/mykey1?suppress_reset=1", changed.to_string())
        .assert_changed("defaultmykey1", "modified");
    let after = gateway.admin_get("/tyk/keys/defaultmykey1").json();
    assert_eq!(
        (&after["quota_renews"], &after["last_updated"]),
        (&before["quota_renews"], &before["last_updated"])
    );
    gateway.admin("PUT", "/tyk/keys/mykey1", changed.to_string()).assert_changed("defaultmykey1", "modified");
    let reset = gateway.admin_get("/tyk/keys/defaultmykey1").json();
    assert!(reset["quota_renews"].as_i64() > before["quota_renews"].as_i64(), "{reset}");
}

#[test]
fn an_api_may_keep_what_was_counted_when_a_key_is_written() {
    let mock = json!({"path": "/x", "method": "GET", "code": 200, "body": "fine"});
    let api = |id: &str| Api::new(id).set("/use_keyless", false).endpoint("mock_response", mock.clone());
    let gateway = setup().api(api("shop")).api(api("keeps").set("/dont_set_quota_on_create", true)).start();
    let right = |id: &str| json!({"api_id": id, "api_name": id, "versions": ["Default"]});
    let quota = |rights: Value| with(with(session(), "quota_max", 3), "access_rights", rights);
    for (rights, path, left) in [
        (json!({"keeps": right("keeps")}), "/keeps/x", 1),
        (json!({"keeps": right("keeps"), "shop": right("shop")}), "/keeps/x", 2),
        (json!({"shop": right("shop")}), "/shop/x", 2),
    ] {
        let key = quota(rights).to_string();
        gateway.admin("POST", "/tyk/keys/mykey1", key.clone()).assert_changed("defaultmykey1", "added");
        let call = || gateway.send(Request::get(path).header("authorization", "defaultmykey1"));
        assert_eq!(call().status, 200);
        gateway.admin("PUT", "/tyk/keys/mykey1", key).assert_changed("defaultmykey1", "modified");
        assert_eq!(call().status, 200);
        let seen = gateway.admin_get("/tyk/keys/defaultmykey1").json();
        assert_eq!(seen["quota_remaining"], left, "{path}");
        gateway
            .admin("DELETE", "/tyk/keys/mykey1?org_id=default", "")
            .assert_changed("defaultmykey1", "deleted");
    }
}

#[test]
fn unknown_fields_are_kept_and_the_end_in_the_past_too() {
    let gateway = hashing().start();
    let odd = with(with(session(), "our_own", json!({"a": [1, null]})), "expires", 1000);
    gateway.admin("POST", "/tyk/keys/mykey1", odd.to_string()).assert_changed("defaultmykey1", "added");
    let kept = gateway.admin_get("/tyk/keys/defaultmykey1").json();
    assert_eq!((&kept["our_own"], &kept["expires"]), (&json!({"a": [1, null]}), &json!(1000)));
}

fn count(gateway: &Gateway) -> usize {
    gateway.admin_get("/tyk/keys").json()["keys"].as_array().unwrap().len()
}

#[test]
fn bad_keys_are_refused_and_nothing_changes() {
    let gateway = hashing().set("/enable_hashed_keys_listing", true).start();
    gateway.admin("POST", "/tyk/keys/mykey1", session().to_string()).assert_changed("defaultmykey1", "added");
    let before = gateway.admin_get("/tyk/keys/defaultmykey1").json();
    let cases = [
        ("{".to_owned(), "EOF while parsing"),
        (String::new(), "EOF while parsing"),
        ("[]".to_owned(), "Request malformed"),
        ("{} x".to_owned(), "trailing characters"),
        (with(session(), "rate", "many").to_string(), "\"field\":\"rate\""),
        (with(session(), "access_rights", json!([1])).to_string(), "\"field\":\"access_rights\""),
        (with(session(), "access_rights", json!({})).to_string(), "allow_master_keys"),
        ("{}".to_owned(), "allow_master_keys"),
        (with(session(), "apply_policies", json!(["none"])).to_string(), "`none` is not there"),
        (with(session(), "hmac_enabled", true).to_string(), "HMAC signatures are not checked"),
        (
            with(session(), "basic_auth_data", json!({"password": "p"})).to_string(),
            "basic_auth_data.password",
        ),
        (with(session(), "certificate", "abc").to_string(), "client certificates are not checked"),
    ];
    for (body, words) in &cases {
        for (method, path) in [
            ("POST", "/tyk/keys/create"),
            ("POST", "/tyk/keys"),
            ("POST", "/tyk/keys/mykey1"),
            ("POST", "/tyk/keys/another"),
            ("PUT", "/tyk/keys/mykey1"),
        ] {
            if method == "PUT" && body == "{}" {
                continue; // Without its organisation the key is not found.
            }
            gateway.admin(method, path, body.clone()).assert_refused(400, words);
        }
        assert_eq!(gateway.admin_get("/tyk/keys/defaultmykey1").json(), before, "{body}");
        assert_eq!(count(&gateway), 1, "{body}");
    }
    assert_eq!(
        gateway.admin("POST", "/tyk/keys/x1", "{").json()["message"],
        "Request malformed",
        "Tyk's words"
    );
}

#[test]
fn names_of_keys_are_never_paths() {
    let gateway = hashing().set("/enable_hashed_keys_listing", true).start();
    for name in ["..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "a%2fb", "a%5Cb", "a%00b", "a%0Ab", "%ff%fe"] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let answer = gateway.admin(method, &format!("/tyk/keys/{name}"), session().to_string());
            answer.assert_refused(400, "keyName: ");
        }
    }
    let long = "k".repeat(1025);
    gateway
        .admin("POST", &format!("/tyk/keys/{long}"), session().to_string())
        .assert_refused(400, "longer than 1,024");
    let short = with(session(), "org_id", "").to_string();
    gateway.admin("POST", "/tyk/keys/abc", short).assert_refused(400, "too short");
    assert_eq!(count(&gateway), 0);
}

#[test]
fn master_keys_have_to_be_allowed() {
    let gateway = hashing().set("/allow_master_keys", true).start();
    let master = with(session(), "access_rights", json!({})).to_string();
    gateway.admin("POST", "/tyk/keys/mykey1", master).assert_changed("defaultmykey1", "added");
}

#[test]
fn a_preview_is_not_kept() {
    let gateway = hashing().set("/enable_hashed_keys_listing", true).start();
    let seen = gateway.admin("POST", "/tyk/keys/preview", session().to_string()).json();
    assert_eq!((&seen["rate"], &seen["org_id"]), (&json!(1000), &json!("default")));
    assert_eq!(count(&gateway), 0);
}

#[test]
fn what_a_tyk_keeps_of_a_password_is_not_shown() {
    // A record as a Tyk on the same store has it cannot be made over REST here, so that none is shown needs no secret.
    let gateway = hashing().start();
    let user = with(session(), "basic_auth_data", json!({"password": ""}));
    gateway.admin("POST", "/tyk/keys/mykey1", user.to_string()).assert_changed("defaultmykey1", "added");
    let shown = gateway.admin_get("/tyk/keys/defaultmykey1").text();
    assert!(!shown.contains(SECRET) && shown.contains("\"password\":\"\""), "{shown}");
}

#[test]
fn changes_of_keys_are_events_of_the_apis_that_they_open() {
    let telling = |name: &str| {
        let events = ["TokenCreated", "TokenUpdated", "TokenDeleted"].map(|event| {
            let handler = json!([{"handler_name": "eh_log_handler", "handler_meta": {"prefix": name}}]);
            (event.to_owned(), handler)
        });
        Api::new(name).set("/event_handlers/events", Value::Object(events.into_iter().collect()))
    };
    let gateway = hashing().apis([telling("shop"), telling("other")]).start();
    gateway.admin("POST", "/tyk/keys/mykey1", session().to_string()).assert_changed("defaultmykey1", "added");
    gateway
        .admin("PUT", "/tyk/keys/mykey1", session().to_string())
        .assert_changed("defaultmykey1", "modified");
    gateway.admin("DELETE", "/tyk/keys/defaultmykey1", "").assert_changed("defaultmykey1", "deleted");
    for event in ["TokenCreated", "TokenUpdated", "TokenDeleted"] {
        gateway.wait_for_log(|line| message(line) == format!("shop:{event}"));
    }
    // A stop waits for handlers, so nothing comes later.
    let lines = gateway.stop().lines;
    assert!(!lines.iter().any(|line| message(line).starts_with("other:")), "the key does not open that API");
}
