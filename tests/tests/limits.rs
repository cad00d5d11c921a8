//! Rates and quotas: of sessions, APIs and endpoints, in one gateway and in several that share a Redis.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::{SystemTime, UNIX_EPOCH};

use gatehouse_tests::{
    Answer, Api, Gateway, Request, Setup, Upstream,
    gateway::eventually,
    log::message,
    plugin::{hook, library},
    redis::Redis,
};
use serde_json::{Value, json};

/// An API that lets everybody in with the session that the request brings.
fn api(name: &str, upstream: &Upstream) -> Api {
    library("record");
    Api::new(name)
        .target(upstream)
        .set("/use_keyless", false)
        .set("/enable_coprocess_auth", true)
        .hooks("auth_check", hook("record", "brought"))
}

fn with(path: &str, session: &Value) -> Request {
    Request::get(path).header("x-session", &session.to_string())
}

fn limits(answer: &Answer) -> [&str; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| answer.header(name))
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn headers_tell_of_the_quota_and_refusals_have_none() {
    let upstream = Upstream::saying("fine");
    let gateway = Gateway::serving([api("api", &upstream)]);
    let session = json!({"alias": "joe", "rate": 2, "per": 600, "quota_max": 10, "quota_renewal_rate": 3600});
    let first = gateway.send(with("/api/x", &session));
    let [limit, remaining, reset] = limits(&first);
    let renews: u64 = reset.parse().unwrap();
    assert_eq!((first.status, limit, remaining), (200, "10", "9"));
    assert!((now() + 3590..=now() + 3600).contains(&renews), "{renews}");
    let second = gateway.send(with("/api/x", &session));
    assert_eq!(limits(&second), ["10", "8", reset]);
    let third = gateway.send(with("/api/x", &session));
    third.assert_error(429, "Rate Limit Exceeded");
    assert_eq!(limits(&third), ["", "", ""]);
    // What was refused cost nothing of the quota, and another caller has limits of its own.
    let faster =
        json!({"alias": "joe", "rate": 100, "per": 600, "quota_max": 10, "quota_renewal_rate": 3600});
    assert_eq!(limits(&gateway.send(with("/api/x", &faster)))[1], "7");
    let other = json!({"alias": "ann", "rate": 2, "per": 600, "quota_max": 10, "quota_renewal_rate": 3600});
    assert_eq!(limits(&gateway.send(with("/api/x", &other)))[1], "9");
    // Without a quota the session's own numbers are shown.
    let unlimited = json!({"alias": "bob", "quota_max": -1, "quota_renews": 7, "quota_remaining": 0});
    assert_eq!(limits(&gateway.send(with("/api/x", &unlimited))), ["-1", "0", "7"]);
    assert_eq!(upstream.count(), 5);
}

#[test]
fn of_many_at_once_exactly_the_rate_passes() {
    let upstream = Upstream::saying("fine");
    let gateway = Gateway::serving([api("api", &upstream)]);
    let session =
        json!({"alias": "joe", "rate": 50, "per": 600, "quota_max": 1000, "quota_renewal_rate": 60});
    let answers = gateway.client().send_each((0..200).map(|_| with("/api/x", &session)).collect());
    assert_eq!((count(&answers, 200), count(&answers, 429), upstream.count()), (50, 150, 50));
    let mut left: Vec<u32> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| limits(answer)[1].parse().unwrap())
        .collect();
    left.sort_unstable();
    assert_eq!(left, (950..1000).collect::<Vec<_>>());
}

#[test]
fn a_quota_that_is_used_up_refuses_and_outlives_the_gateway() {
    let upstream = Upstream::saying("fine");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.redb");
    let setup =
        || Setup::new().set("/gatehouse/storage/path", path.to_str().unwrap()).api(api("api", &upstream));
    let session = json!({"alias": "joe", "quota_max": 3, "quota_renewal_rate": 3600});
    let gateway = setup().start();
    let answers = gateway.client().send_each((0..2).map(|_| with("/api/x", &session)).collect());
    assert_eq!(count(&answers, 200), 2);
    assert!(gateway.stop().status.success());
    let gateway = setup().start();
    let third = gateway.send(with("/api/x", &session));
    let [limit, remaining, reset] = limits(&third);
    assert_eq!((third.status, limit, remaining), (200, "3", "0"));
    let renews: u64 = reset.parse().unwrap();
    assert!((now() + 3000..=now() + 3600).contains(&renews), "{renews}");
    for _ in 0..2 {
        gateway.send(with("/api/x", &session)).assert_error(403, "Quota exceeded");
    }
    // More of it, or none, counts from the same number.
    let more = json!({"alias": "joe", "quota_max": 5, "quota_renewal_rate": 3600});
    assert_eq!(limits(&gateway.send(with("/api/x", &more)))[1], "1");
    let none = json!({"alias": "joe", "quota_max": -1});
    assert_eq!(gateway.send(with("/api/x", &none)).status, 200);
}

#[test]
fn an_api_may_count_neither() {
    let upstream = Upstream::saying("fine");
    let session = json!({"alias": "joe", "rate": 1, "per": 600, "quota_max": 2, "quota_renewal_rate": 3600});
    let gateway = Gateway::serving([
        api("rates", &upstream)
            .set("/disable_rate_limit", true)
            .set("/global_rate_limit", json!({"rate": 1, "per": 600})),
        api("quotas", &upstream).set("/disable_quota", true),
        api("none", &upstream).set("/disable_rate_limit", true).set("/disable_quota", true),
    ]);
    let statuses = |name: &str| -> Vec<u16> {
        (0..4).map(|_| gateway.send(with(&format!("/{name}/x"), &session)).status).collect()
    };
    assert_eq!(statuses("rates"), [200, 200, 403, 403]);
    assert_eq!(statuses("quotas"), [200, 429, 429, 429]);
    assert_eq!(statuses("none"), [200; 4]);
}

#[test]
fn limits_of_an_api_take_the_place_of_the_session_s() {
    let upstream = Upstream::saying("fine");
    let gateway = Gateway::serving([api("one", &upstream), api("two", &upstream)]);
    let right = |api: &str, limit: Value| json!({"api_id": api, "allowance_scope": api, "limit": limit, "versions": ["Default"]});
    let session = json!({
        "key_id": "defaultjoe", "rate": 1, "per": 600, "quota_max": 1, "quota_renewal_rate": 3600,
        "access_rights": {
            "one": right("one", json!({"rate": 3, "per": 600, "quota_max": 100, "quota_renewal_rate": 60})),
            "two": right("two", json!({})),
        }
    });
    let statuses: Vec<u16> = (0..4).map(|_| gateway.send(with("/one/x", &session)).status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    // An empty limit is the session's, counted for itself.
    assert_eq!(limits(&gateway.send(with("/two/x", &session)))[..2], ["1", "0"]);
    assert_eq!(gateway.send(with("/two/x", &session)).status, 429);
}

#[test]
fn a_session_limits_single_endpoints() {
    let upstream = Upstream::saying("fine");
    let gateway = Gateway::serving([api("api", &upstream)]);
    let method = |name: &str, rate: u32| json!({"name": name, "limit": {"rate": rate, "per": 600}});
    let session = json!({"alias": "joe", "rate": 3, "per": 600, "access_rights": {"api": {
        "api_id": "api", "versions": ["Default"], "endpoints": [
            {"path": "/slow/{id}", "methods": [method("GET", 1), method("post", 2)]},
            {"path": "/free", "methods": [method("GET", 0)]},
        ]
    }}});
    let statuses = |method: &str, path: &str| -> Vec<u16> {
        let request = || Request::new(method, path).header("x-session", &session.to_string());
        (0..4).map(|_| gateway.send(request()).status).collect()
    };
    assert_eq!(statuses("GET", "/api/slow/1"), [200, 429, 429, 429]);
    assert_eq!(statuses("POST", "/api/slow/1"), [200, 200, 429, 429]);
    assert_eq!(statuses("GET", "/api/free"), [200; 4]);
    assert_eq!(statuses("GET", "/api/other"), [200, 200, 200, 429]);
    assert_eq!(statuses("GET", "/api/slow/2"), [429; 4]);
    let wrong = json!({"alias": "joe", "access_rights": {"api": {"versions": ["Default"], "endpoints": [
        {"path": "/(", "methods": [method("GET", 1)]}
    ]}}});
    gateway.send(with("/api/x", &wrong)).assert_error(500, "The record of this key cannot be used");
    gateway.wait_for_log(|line| {
        line["cause"].as_str().is_some_and(|cause| cause.contains("`/(` is not a pattern"))
    });
}

#[test]
fn a_definition_limits_single_endpoints_for_all_callers() {
    let upstream = Upstream::saying("fine");
    let rate = |method: &str, path: &str, rate: u32, more: Value| {
        let mut entry = json!({"path": path, "method": method, "rate": rate, "per": 600});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let api = Api::new("api")
        .target(&upstream)
        .set("/global_rate_limit", json!({"rate": 3, "per": 600}))
        .endpoint("rate_limit", rate("GET", "/off", 1, json!({"disabled": true})))
        .endpoint("rate_limit", rate("GET", "/off", 1, json!({"enabled": false})))
        .endpoint("rate_limit", rate("GET", "/few", 2, json!({"enabled": true})))
        .endpoint("rate_limit", rate("POST", "/few", 1, json!({})));
    let gateway = Gateway::serving([api]);
    let statuses = |method: &str, path: &str| -> Vec<u16> {
        (0..4).map(|_| gateway.send(Request::new(method, path)).status).collect()
    };
    assert_eq!(statuses("GET", "/api/few"), [200, 200, 429, 429]);
    assert_eq!(statuses("POST", "/api/few"), [200, 429, 429, 429]);
    assert_eq!(statuses("GET", "/api/off"), [200, 200, 200, 429]);
    gateway.get("/api/few").assert_error(429, "API Rate Limit Exceeded");
    // A reload opens nothing anew.
    gateway.reload();
    assert_eq!(gateway.get("/api/few").status, 429);
}

#[test]
fn a_request_that_its_api_refuses_costs_its_caller_nothing() {
    let upstream = Upstream::saying("fine");
    let gateway =
        Gateway::serving([api("api", &upstream).set("/global_rate_limit", json!({"rate": 2, "per": 600}))]);
    let session =
        json!({"key_id": "defaultjoe", "rate": 100, "per": 600, "quota_max": 10, "quota_renewal_rate": 3600});
    let other = json!({"key_id": "defaultann", "rate": 100, "per": 600});
    assert_eq!(gateway.send(with("/api/x", &other)).status, 200);
    assert_eq!(limits(&gateway.send(with("/api/x", &session)))[1], "9");
    for _ in 0..3 {
        gateway.send(with("/api/x", &session)).assert_error(429, "API Rate Limit Exceeded");
    }
    gateway.write_api(&api("api", &upstream));
    gateway.reload();
    assert_eq!(limits(&gateway.send(with("/api/x", &session)))[1], "8");
}

#[test]
fn loops_count_when_they_ask_for_it() {
    let upstream = Upstream::saying("fine");
    let rewrite = |path: &str, to: &str| json!({"path": path, "method": "GET", "match_pattern": path, "rewrite_to": to});
    let api = Api::new("api")
        .target(&upstream)
        .set("/global_rate_limit", json!({"rate": 4, "per": 600}))
        .endpoint("url_rewrites", rewrite("/once", "tyk://self/end"))
        .endpoint("url_rewrites", rewrite("/twice", "tyk://self/end?check_limits=true"));
    let gateway = Gateway::serving([api]);
    let statuses: Vec<u16> =
        ["/api/once", "/api/twice", "/api/twice"].map(|path| gateway.get(path).status).to_vec();
    assert_eq!(statuses, [200, 200, 429]);
}

#[test]
fn a_session_may_have_its_requests_tried_again() {
    let upstream = Upstream::saying("fine");
    let gateway =
        Setup::new().set("/gatehouse/limits/max_throttle_ms", 20_000).api(api("api", &upstream)).start();
    let session = json!({
        "alias": "joe", "rate": 2, "per": 0.5, "throttle_interval": 0.05, "throttle_retry_limit": 100
    });
    let answers = gateway.client().send_each((0..6).map(|_| with("/api/x", &session)).collect());
    assert_eq!(count(&answers, 200), 6);
    // A wait that would be too long is none.
    let session = json!({
        "alias": "ann", "rate": 1, "per": 600, "throttle_interval": 3600, "throttle_retry_limit": 3
    });
    let answers: Vec<u16> = (0..2).map(|_| gateway.send(with("/api/x", &session)).status).collect();
    assert_eq!(answers, [200, 429]);
}

#[test]
fn scripts_see_what_is_left() {
    let source = "return TykJsResponse({Body: session.quota_remaining + ' ' + session.alias, Code: 200}, session.meta_data);";
    let upstream = Upstream::saying("fine");
    let api = api("api", &upstream).virtual_endpoint("GET", "/ve", source).last_script("use_session", true);
    let gateway = Gateway::serving([api]);
    let session = json!({"alias": "joe", "quota_max": 5, "quota_renewal_rate": 3600});
    for expected in ["4 joe", "3 joe"] {
        let answer = gateway.send(with("/api/ve", &session));
        assert_eq!((answer.text().as_str(), limits(&answer)[1]), (expected, &expected[..1]));
    }
}

#[test]
fn writing_a_key_begins_its_counters_anew() {
    let upstream = Upstream::saying("fine");
    let write = "var order = JSON.parse(request.Body); TykSetKeyData('defaultmykey1', JSON.stringify(order.session), order.suppress); \
         return TykJsResponse({Body: TykGetKeyData('defaultmykey1', 'api'), Code: 200}, {});";
    let keyed = Api::new("api").target(&upstream).set("/use_keyless", false).set("/use_standard_auth", true);
    let gateway = Gateway::serving([keyed, Api::new("keys").virtual_endpoint("POST", "/set", write)]);
    let session = json!({
        "org_id": "default", "rate": 3, "per": 600, "quota_max": 5, "quota_renewal_rate": 3600,
        "access_rights": {"api": {"api_id": "api", "api_name": "api", "versions": ["Default"]}}
    });
    let set = |suppress: &str| {
        let order = json!({"session": session, "suppress": suppress}).to_string();
        gateway.send(Request::post("/keys/set", order)).json()
    };
    let call = || gateway.send(Request::get("/api/x").header("authorization", "defaultmykey1"));
    assert_eq!(set("0")["quota_remaining"], Value::Null);
    let answers: Vec<Answer> = (0..4).map(|_| call()).collect();
    assert_eq!((count(&answers, 200), count(&answers, 429)), (3, 1));
    assert_eq!(limits(&answers[2])[..2], ["5", "2"]);
    // Scripts see what is left, as the admin API of Tyk shows it.
    assert_eq!(set("1")["quota_remaining"], 2);
    call().assert_error(429, "Rate Limit Exceeded");
    set("0");
    assert_eq!(limits(&call())[..2], ["5", "4"]);
}

#[test]
fn refusals_fire_events() {
    let upstream = Upstream::saying("fine");
    let handler =
        |prefix: &str| json!([{"handler_name": "eh_log_handler", "handler_meta": {"prefix": prefix}}]);
    let api = api("api", &upstream).set(
        "/event_handlers/events",
        json!({"QuotaExceeded": handler("over-quota"), "RatelimitExceeded": handler("over-rate")}),
    );
    let gateway = Gateway::serving([api]);
    let session = json!({"key_id": "defaultjoe", "rate": 1, "per": 600});
    gateway.send(with("/api/x", &session));
    gateway.send(with("/api/x", &session)).assert_error(429, "Rate Limit Exceeded");
    gateway.wait_for_log(|line| line.to_string().contains("over-rate"));
    let session = json!({"key_id": "defaultann", "quota_max": 1, "quota_renewal_rate": 600});
    gateway.send(with("/api/x", &session));
    gateway.send(with("/api/x", &session)).assert_error(403, "Quota exceeded");
    gateway.wait_for_log(|line| line.to_string().contains("over-quota"));
}

#[test]
fn counters_have_a_bound_that_is_an_error() {
    let upstream = Upstream::saying("fine");
    let gateway =
        Setup::new().set("/gatehouse/limits/max_counters", 1_000).api(api("api", &upstream)).start();
    let requests = (0..3_000)
        .map(|number| with("/api/x", &json!({"alias": format!("caller-{number}"), "rate": 1, "per": 600})));
    let answers = gateway.client().send_in_turn(requests.collect());
    let (passed, refused) = (count(&answers, 200), count(&answers, 503));
    assert!(
        passed + refused == 3_000 && (500..=1_024).contains(&passed),
        "{passed} passed, {refused} refused"
    );
    gateway.wait_for_log(|line| {
        line["cause"].as_str().is_some_and(|cause| cause.contains("gatehouse.limits.max_counters"))
    });
}

fn on(redis: &Redis) -> Setup {
    Setup::new().set("/storage", json!({"type": "redis", "host": "127.0.0.1", "port": redis.port()}))
}

/// How often commands of this name have run, those inside scripts too.
fn calls(redis: &Redis, command: &str) -> u64 {
    let stats = redis.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn gateways_that_share_a_redis_share_rates_and_quotas() {
    let Some(redis) = Redis::start() else { return };
    let upstream = Upstream::saying("fine");
    let start = || {
        let apis = [
            api("api", &upstream),
            Api::new("open").target(&upstream).set("/global_rate_limit", json!({"rate": 30, "per": 600})),
        ];
        on(&redis).apis(apis).start()
    };
    let gateways = [start(), start()];
    let both = |request: &dyn Fn() -> Request| -> Vec<Answer> {
        let pending: Vec<_> = (0..200).map(|number| gateways[number % 2].start(request())).collect();
        pending.into_iter().map(|pending| pending.answer()).collect()
    };
    let session = json!({"key_id": "defaultjoe", "rate": 50, "per": 600, "quota_max": 1000, "quota_renewal_rate": 3600});
    for gateway in &gateways {
        assert_eq!(gateway.get("/open/x").status, 200);
    }
    let before = calls(&redis, "evalsha") + calls(&redis, "eval");
    let answers = both(&|| with("/api/x", &session));
    assert_eq!((count(&answers, 200), count(&answers, 429)), (50, 150));
    // One command for each request, besides what makes the script known to Redis.
    let scripts = calls(&redis, "evalsha") + calls(&redis, "eval") - before;
    assert_eq!((scripts, calls(&redis, "get"), calls(&redis, "set")), (200, 50, 1));
    let mut left: Vec<u32> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| limits(answer)[1].parse().unwrap())
        .collect();
    left.sort_unstable();
    assert_eq!(left, (950..1000).collect::<Vec<_>>());
    // Names and forms are Tyk's.
    let id = redis.command(&["KEYS", "quota-*"]).replace("quota-", "");
    assert_eq!(redis.command(&["GET", &format!("quota-{id}")]), "50");
    let ttl: u64 = redis.command(&["TTL", &format!("quota-{id}")]).parse().unwrap();
    assert!((3000..=3600).contains(&ttl), "{ttl}");
    assert_eq!(redis.command(&["ZCARD", &format!("rate-limit-{id}")]), "50");
    let ttl: u64 = redis.command(&["TTL", &format!("rate-limit-{id}")]).parse().unwrap();
    assert!((300..=600).contains(&ttl), "{ttl}");

    let session = json!({"key_id": "defaultann", "quota_max": 40, "quota_renewal_rate": 3600});
    let answers = both(&|| with("/api/x", &session));
    assert_eq!((count(&answers, 200), count(&answers, 403)), (40, 160));
    // The two at the beginning counted already.
    let answers = both(&|| Request::get("/open/x"));
    assert_eq!((count(&answers, 200), count(&answers, 429)), (28, 172));
}

#[test]
fn without_its_redis_nothing_gets_past_a_limit() {
    let Some(mut redis) = Redis::start() else { return };
    let upstream = Upstream::saying("fine");
    let setup = on(&redis).apis([api("api", &upstream), Api::new("open").target(&upstream)]);
    let gateway = setup.start();
    let limited = json!({"alias": "joe", "rate": 50, "per": 600});
    assert_eq!(gateway.send(with("/api/x", &limited)).status, 200);
    redis.go_away();
    let answer = gateway.send(with("/api/x", &limited));
    answer.assert_error(503, "Rate limits and quotas cannot be checked at the moment");
    gateway.wait_for_log(|line| {
        message(line).contains("Rate limits and quotas cannot be checked")
            && line["cause"].as_str().is_some_and(|cause| cause.contains("store"))
    });
    // What has no limit goes on.
    assert_eq!(gateway.send(with("/api/x", &json!({"alias": "joe"}))).status, 200);
    assert_eq!(gateway.get("/open/x").status, 200);
    redis.come_back();
    eventually("the gateway uses Redis again", || {
        (gateway.send(with("/api/x", &limited)).status == 200).then_some(())
    });
}
