//! Gateways that share a Redis: keys, signals, and what happens while it is away.

use gatehouse_tests::{Api, Gateway, Redis, Request, Setup, Upstream, gateway::eventually};
use serde_json::{Value, json};

/// What a Tyk stored under `apikey-` and the hash of `defaultmykey1`.
const STORED_BY_TYK: &str = r#"{"allowance":100,"rate":100,"per":60,"date_created":"2026-11-21T10:53:30.835900349Z","quota_max":-1,"quota_renews":1795262010,"access_rights":{"shop":{"api_name":"api shop","api_id":"shop","versions":["Default"]}},"org_id":"default","meta_data":{"nested":{"a":[1,2]},"plan":"gold"},"last_updated":"1795258410"}"#;
const ITS_NAME: &str = "apikey-259d945d";

fn shop(upstream: &Upstream) -> Api {
    let script = "session.meta_data.seen = true;
        return TykJsResponse({Body: JSON.stringify(session.meta_data), Code: 200}, session.meta_data);";
    Api::new("shop")
        .set("/use_keyless", false)
        .target(upstream)
        .virtual_endpoint("GET", "/meta", script)
        .last_script("use_session", true)
        .virtual_endpoint(
            "GET",
            "/stored",
            "return TykJsResponse({Body: TykStorageIncr('n', 60), Code: 200});",
        )
}

fn start(redis: &Redis, apis: impl IntoIterator<Item = Api>) -> Gateway {
    Setup::new()
        .set("/storage/type", "redis")
        .set("/storage/host", "127.0.0.1")
        .set("/storage/port", redis.port())
        .set("/hash_keys", true)
        .set("/gatehouse/storage/session_cache_ms", 600_000)
        .apis(apis)
        .start()
}

fn status(gateway: &Gateway, key: &str) -> u16 {
    gateway.send(Request::get("/shop/x").header("Authorization", key)).status
}

fn notify(redis: &Redis, command: &str, payload: &str) {
    let notification = json!({"command": command, "payload": payload, "signature": "", "algorithm": ""});
    redis.command(&["PUBLISH", "tyk.cluster.notifications", &notification.to_string()]);
}

#[test]
fn gateways_share_keys_with_each_other_and_with_tyk() {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::echo();
    let [one, two] = [(); 2].map(|()| start(&redis, [shop(&upstream)]));
    redis.command(&["SET", ITS_NAME, STORED_BY_TYK, "EX", "1000"]);
    for gateway in [&one, &two] {
        assert_eq!(
            ["mykey1", "defaultmykey1", "nobody-else"].map(|key| status(gateway, key)),
            [200, 200, 403]
        );
    }
    // What a script writes at one gateway, the other one knows at once, although it remembers sessions.
    let meta =
        |gateway: &Gateway| gateway.send(Request::get("/shop/meta").header("Authorization", "mykey1")).json();
    assert_eq!(meta(&one), json!({"nested": {"a": [1, 2]}, "plan": "gold", "seen": true}));
    let stored: Value = serde_json::from_str(&redis.command(&["GET", ITS_NAME])).unwrap();
    let mut expected: Value = serde_json::from_str(STORED_BY_TYK).unwrap();
    expected["meta_data"]["seen"] = true.into();
    assert_eq!(stored, expected, "nothing else of the record changed");
    let left: i64 = redis.command(&["TTL", ITS_NAME]).parse().unwrap();
    assert!((900..=1000).contains(&left), "its end stays: {left}");

    for gateway in [&one, &two] {
        eventually("the key is known again", || (status(gateway, "mykey1") == 200).then_some(()));
    }
    let off = STORED_BY_TYK.replace("\"org_id\"", "\"is_inactive\":true,\"org_id\"");
    redis.command(&["SET", ITS_NAME, &off]);
    assert_eq!(status(&one, "mykey1"), 200, "it is remembered");
    notify(&redis, "KeySpaceUpdateNotification", "259d945d:hashed");
    for gateway in [&one, &two] {
        eventually("the key is asked for again", || (status(gateway, "mykey1") == 403).then_some(()));
    }
    let count = |gateway: &Gateway| {
        gateway.send(Request::get("/shop/stored").header("Authorization", "other")).status
    };
    assert_eq!(count(&one), 403);
    redis.command(&["SET", ITS_NAME, STORED_BY_TYK]);
    notify(&redis, "KeySpaceUpdateNotification", "defaultmykey1");
    eventually("the key is good again", || (status(&one, "mykey1") == 200).then_some(()));
    let stored = |gateway: &Gateway| {
        gateway.send(Request::get("/shop/stored").header("Authorization", "mykey1")).text()
    };
    eventually("and at the other one", || (status(&two, "mykey1") == 200).then_some(()));
    assert_eq!((stored(&one), stored(&two)), ("1".to_owned(), "2".to_owned()));
    assert_eq!(redis.command(&["GET", "jsvm-store:n"]), "2");
    assert!(redis.command(&["TTL", "jsvm-store:n"]).parse::<i64>().unwrap() > 0);
}

#[test]
fn a_signal_reloads_every_gateway() {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::echo();
    let gateways = [(); 2].map(|()| start(&redis, [shop(&upstream)]));
    for (round, command) in ["GroupReload", "ApiUpdated", "PolicyChanged"].into_iter().enumerate() {
        let name = format!("new{round}");
        for gateway in &gateways {
            assert_eq!(gateway.get(&format!("/{name}/x")).status, 404);
            gateway.write_api(&Api::new(&name).target(&upstream));
        }
        notify(&redis, command, "");
        for gateway in &gateways {
            let is_served = || (gateway.get(&format!("/{name}/x")).status == 200).then_some(());
            eventually("the new API is served", is_served);
        }
    }
    redis.command(&["PUBLISH", "tyk.cluster.notifications", "not a notification"]);
    gateways[0]
        .wait_for_log(|line| line["message"].as_str().is_some_and(|text| text.contains("cannot be read")));
}

#[test]
fn while_redis_is_away_what_needs_it_says_so_and_everything_else_goes_on() {
    let Some(mut redis) = Redis::start() else { return };
    let upstream = Upstream::echo();
    let gateway = start(&redis, [shop(&upstream), Api::new("open").target(&upstream)]);
    for round in 0..2 {
        redis.command(&["SET", ITS_NAME, STORED_BY_TYK]);
        eventually("the gateway is ready", || (gateway.get("/ready").status == 200).then_some(()));
        eventually("the key is good", || (status(&gateway, "mykey1") == 200).then_some(()));
        assert_eq!(status(&gateway, "unknown-key"), 403);
        redis.go_away();
        // Not one request may be told that the key is unknown, nor be let in by mistake.
        let answers: Vec<u16> =
            (0..50).map(|number| status(&gateway, &format!("unknown-{round}-{number}"))).collect();
        assert!(answers.iter().all(|status| *status == 503), "{answers:?}");
        gateway
            .send(Request::get("/shop/x").header("Authorization", "unknown-key"))
            .assert_error(503, "The store of keys is not available");
        let ready = eventually("the gateway is not ready", || {
            let ready = gateway.get("/ready");
            (ready.status == 503).then_some(ready)
        });
        let output = ready.json()["details"]["store"]["output"].to_string();
        assert!(output.contains("no connection to Redis") && output.contains("127.0.0.1"), "{output}");
        assert_eq!(gateway.get("/open/x").status, 200);
        assert_eq!(gateway.get("/hello").status, 200);
        redis.come_back();
    }
    // It came back empty, and nothing is remembered although sessions are for ten minutes.
    eventually("the key is unknown", || (status(&gateway, "mykey1") == 403).then_some(()));
}

#[test]
fn a_gateway_starts_without_its_redis_and_recovers() {
    let Some(mut redis) = Redis::start() else { return };
    redis.go_away();
    let upstream = Upstream::echo();
    let gateway = start(&redis, [shop(&upstream)]);
    assert_eq!((gateway.get("/ready").status, status(&gateway, "mykey1")), (503, 503));
    redis.come_back();
    redis.command(&["SET", ITS_NAME, STORED_BY_TYK]);
    eventually("the key is good", || (status(&gateway, "mykey1") == 200).then_some(()));
}
