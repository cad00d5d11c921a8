//! The response cache: what is kept, for whom, and how requests that miss together make one call.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use gatehouse_tests::{
    Answer, Api, Client, Gate, Gateway, Redis, Reply, Request, Setup, Upstream, client::Pending,
    gateway::eventually, log::message, plugin::hook, upstream::Received,
};
use serde_json::{Value, json};

/// An upstream whose answers are numbered.
fn counting(reply: impl Fn(&Received, Reply) -> Reply + Send + Sync + 'static) -> Upstream {
    let calls = AtomicUsize::new(0);
    Upstream::answering(move |request| {
        let call = calls.fetch_add(1, Ordering::SeqCst) + 1;
        reply(request, Reply::text(format!("call {call}")))
    })
}

fn plain() -> Upstream {
    counting(|_, reply| reply)
}

/// An API that keeps every safe request's answer.
fn cached(upstream: &Upstream) -> Api {
    with_options(upstream, json!({"cache_all_safe_requests": true}))
}

fn with_options(upstream: &Upstream, mut options: Value) -> Api {
    options["enable_cache"] = true.into();
    if options.get("cache_timeout").is_none() {
        options["cache_timeout"] = 600.into();
    }
    Api::new("shop").target(upstream).set("/cache_options", options)
}

#[track_caller]
fn assert_kept(answer: &Answer, text: &str) {
    assert_eq!((answer.text().as_str(), answer.header("x-tyk-cached-response")), (text, "1"));
}

#[track_caller]
fn assert_fresh(answer: &Answer, text: &str) {
    assert_eq!((answer.text().as_str(), answer.has_header("x-tyk-cached-response")), (text, false));
}

#[test]
fn the_same_question_is_answered_once() {
    let upstream = counting(|_, reply| reply.header("X-Own", "1").header("Keep-Alive", "timeout=5"));
    let gateway = Gateway::serving([cached(&upstream)]);
    assert_fresh(&gateway.get("/shop/a?x=1"), "call 1");
    let kept = gateway.get("/shop/a?x=1");
    assert_kept(&kept, "call 1");
    assert_eq!((kept.status, kept.header("x-own"), kept.header("x-ratelimit-limit")), (200, "1", "0"));
    assert_eq!(kept.header("content-length"), "6");
    // Another query, path, method or host-side question is another one.
    assert_fresh(&gateway.get("/shop/a?x=2"), "call 2");
    assert_fresh(&gateway.get("/shop/a?"), "call 3");
    assert_fresh(&gateway.get("/shop/a"), "call 4");
    assert_fresh(&gateway.send(Request::post("/shop/a?x=1", "")), "call 5");
    assert_fresh(&gateway.send(Request::post("/shop/a?x=1", "")), "call 6");
    assert_kept(&gateway.get("/shop/a"), "call 4");
}

#[test]
fn head_is_a_question_of_its_own_without_a_body() {
    let upstream = plain();
    let gateway = Gateway::serving([cached(&upstream)]);
    assert_fresh(&gateway.get("/shop/a"), "call 1");
    let first = gateway.send(Request::new("HEAD", "/shop/a"));
    let second = gateway.send(Request::new("HEAD", "/shop/a"));
    assert_eq!((first.header("content-length"), second.header("content-length")), ("6", "6"));
    assert_kept(&second, "");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn callers_do_not_get_each_others_answers() {
    let upstream = plain();
    let gateway = Gateway::serving([cached(&upstream)]);
    let mut texts = Vec::new();
    for (name, value) in [
        ("x-nothing", "1"),
        ("authorization", "Bearer a"),
        ("authorization", "Bearer b"),
        ("cookie", "session=1"),
        ("cookie", "session=2"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
    ] {
        let ask = || gateway.send(Request::get("/shop/a").header(name, value));
        let first = ask();
        assert!(!first.has_header("x-tyk-cached-response"), "{name}: {value}");
        assert_kept(&ask(), &first.text());
        texts.push(first.text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 7, "{texts:?}");
}

#[test]
fn sessions_of_plugins_are_told_apart() {
    let upstream = plain();
    let api = cached(&upstream).set("/use_keyless", false).hooks("auth_check", hook("auth", "partner"));
    let setup = Setup::new().file("partners", "k-1 Ada\nk-2 Bob\n");
    let file = setup.folder().join("partners").display().to_string();
    let gateway = setup.environment("PARTNERS_FILE", &file).api(api).start();
    let ask = |key: &str| gateway.send(Request::get("/shop/a").header("x-partner-key", key));
    assert_fresh(&ask("k-1"), "call 1");
    assert_fresh(&ask("k-2"), "call 2");
    assert_kept(&ask("k-1"), "call 1");
    // Who is not let in gets nothing that is kept.
    assert_eq!(ask("k-3").status, 403);
}

#[test]
fn headers_that_the_definition_names_make_a_difference() {
    let upstream = plain();
    let options = json!({"cache_all_safe_requests": true, "cache_by_headers": ["X-Lang"]});
    let gateway = Gateway::serving([with_options(&upstream, options)]);
    let ask = |lang: &str| gateway.send(Request::get("/shop/a").header("x-lang", lang));
    assert_fresh(&ask("en"), "call 1");
    assert_fresh(&ask("de"), "call 2");
    assert_kept(&ask("en"), "call 1");
    assert_fresh(&gateway.get("/shop/a"), "call 3");
}

#[test]
fn an_answer_that_varies_is_for_those_who_ask_alike() {
    let upstream = counting(|request, reply| {
        let reply = reply.header("Vary", "Accept-Language, X-Theme");
        if request.path() == "/all" { reply.header("Vary", "*") } else { reply }
    });
    let gateway = Gateway::serving([cached(&upstream)]);
    let ask = |path: &str, lang: &str| gateway.send(Request::get(path).header("accept-language", lang));
    assert_fresh(&ask("/shop/a", "en"), "call 1");
    assert_fresh(&ask("/shop/a", "de"), "call 2");
    assert_kept(&ask("/shop/a", "en"), "call 1");
    assert_kept(&ask("/shop/a", "de"), "call 2");
    assert_fresh(&ask("/shop/all", "en"), "call 3");
    assert_fresh(&ask("/shop/all", "en"), "call 4");
}

#[test]
fn what_is_meant_for_one_is_not_kept() {
    let upstream = counting(|request, reply| match request.path() {
        "/cookie" => reply.header("Set-Cookie", "session=1"),
        "/private" => reply.header("Cache-Control", "private, max-age=60"),
        "/no-store" => reply.header("Cache-Control", "no-store"),
        _ => Reply { status: 304, ..reply },
    });
    let gateway = Gateway::serving([cached(&upstream)]);
    for path in ["/shop/cookie", "/shop/private", "/shop/no-store", "/shop/304"] {
        gateway.get(path);
        assert!(!gateway.get(path).has_header("x-tyk-cached-response"), "{path}");
    }
    assert_eq!(upstream.count(), 8);
}

#[test]
fn a_request_for_a_part_or_with_a_body_goes_through() {
    let upstream = plain();
    let gateway = Gateway::serving([cached(&upstream)]);
    assert_fresh(&gateway.get("/shop/a"), "call 1");
    assert_fresh(&gateway.send(Request::get("/shop/a").header("range", "bytes=0-1")), "call 2");
    assert_fresh(&gateway.send(Request::get("/shop/a").body("question")), "call 3");
    assert_kept(&gateway.get("/shop/a"), "call 1");
}

#[test]
fn a_client_that_has_the_answer_gets_304() {
    let upstream = counting(|_, reply| reply.header("ETag", "\"v1\""));
    let gateway = Gateway::serving([cached(&upstream)]);
    assert_fresh(&gateway.get("/shop/a"), "call 1");
    let ask = |tags: &str| gateway.send(Request::get("/shop/a").header("if-none-match", tags));
    let known = ask("\"v0\", W/\"v1\"");
    assert_eq!(
        (known.status, known.header("etag"), known.header("x-tyk-cached-response")),
        (304, "\"v1\"", "1")
    );
    assert!(!known.has_header("content-type") && known.body.is_empty());
    assert_kept(&ask("\"v2\""), "call 1");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn lists_say_which_endpoints() {
    let upstream = plain();
    let api = with_options(&upstream, json!({"cache_timeout": 600, "cache_response_codes": [404]}))
        .endpoint("cache", "/simple".into())
        .endpoint(
            "advance_cache_config",
            json!({"method": "POST", "path": "/search", "cache_key_regex": "\"id\": *[0-9]+", "timeout": 60,
                   "cache_response_codes": [200]}),
        )
        .endpoint("advance_cache_config", json!({"method": "GET", "path": "/off", "disabled": true}));
    let gateway = Gateway::serving([api]);
    // The API keeps 404 only; the upstream answers 200.
    gateway.get("/shop/simple");
    assert!(!gateway.get("/shop/simple").has_header("x-tyk-cached-response"));
    gateway.get("/shop/off");
    assert!(!gateway.get("/shop/off").has_header("x-tyk-cached-response"));
    // Only what the pattern finds makes a difference.
    let search = |body: &str| gateway.send(Request::post("/shop/search", body.to_owned()));
    let first = search("{\"id\": 7, \"at\": 1}");
    assert!(!first.has_header("x-tyk-cached-response"));
    assert_kept(&search("{\"at\": 2, \"id\": 7}"), &first.text());
    assert!(!search("{\"id\": 8}").has_header("x-tyk-cached-response"));
    let put = || gateway.send(Request::new("PUT", "/shop/search").body("{\"id\": 7}"));
    put();
    assert!(!put().has_header("x-tyk-cached-response"));
}

#[test]
fn a_post_without_a_pattern_is_told_by_its_whole_body() {
    let upstream = counting(|request, _| Reply::text(format!("got {}", request.text())));
    let api = with_options(&upstream, json!({}))
        .endpoint("advance_cache_config", json!({"method": "POST", "path": "/"}));
    let gateway = Gateway::serving([api]);
    let ask = |body: &str| gateway.send(Request::post("/shop/", body.to_owned()));
    assert_fresh(&ask("one"), "got one");
    assert_fresh(&ask("two"), "got two");
    assert_kept(&ask("one"), "got one");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn the_upstream_has_a_say_where_it_may() {
    let upstream = counting(|request, reply| match request.path() {
        "/missing" => {
            Reply { status: 404, ..reply.header("x-tyk-cache-action-set", "1").header("x-ttl", "60") }
        }
        "/never" => reply.header("x-ttl", "0"),
        _ => Reply { status: 404, ..reply },
    });
    let options = json!({
        "cache_timeout": 0, "cache_all_safe_requests": true, "cache_response_codes": [200],
        "enable_upstream_cache_control": true, "cache_control_ttl_header": "X-TTL",
    });
    let gateway = Gateway::serving([with_options(&upstream, options)]);
    gateway.get("/shop/missing");
    let kept = gateway.get("/shop/missing");
    assert_eq!(kept.status, 404);
    assert_kept(&kept, "call 1");
    for path in ["/shop/never", "/shop/other"] {
        gateway.get(path);
        assert!(!gateway.get(path).has_header("x-tyk-cached-response"), "{path}");
    }
}

#[test]
fn an_answer_is_kept_for_its_time() {
    let upstream = plain();
    let gateway = Gateway::serving([with_options(
        &upstream,
        json!({"cache_timeout": 1, "cache_all_safe_requests": true}),
    )]);
    gateway.get("/shop/a");
    // It is kept at first, and some time later it is not.
    eventually("the answer is over", || {
        let answer = gateway.get("/shop/a");
        (!answer.has_header("x-tyk-cached-response")).then_some(())
    });
    assert!(upstream.count() >= 2);
}

#[test]
fn scripts_plugins_and_hooks_are_kept_as_they_went_out() {
    let upstream = plain();
    let api = cached(&upstream)
        .virtual_endpoint(
            "GET",
            "/script",
            "var called = JSON.parse(TykMakeHttpRequest(JSON.stringify({Method: 'GET', Domain: request.Params.to[0], Resource: '/'})));
             return TykJsResponse({Body: called.Body, Code: 203, Headers: {'X-Own': 'script'}}, {});",
        )
        .plugin("GET", "/plugin", "hello", "add_foo_bar_header");
    let gateway = Gateway::serving([api]);
    let path = format!("/shop/script?to={}", upstream.url(""));
    assert_fresh(&gateway.get(&path), "call 1");
    let kept = gateway.get(&path);
    assert_kept(&kept, "call 1");
    assert_eq!((kept.status, kept.header("x-own"), kept.header("server")), (203, "script", "gatehouse"));
    // What a plugin adds to whatever goes out is part of the answer.
    assert_eq!(gateway.get("/shop/plugin").header("x-plugin"), "hello");
    let kept = gateway.get("/shop/plugin");
    assert_kept(&kept, "call 2");
    assert_eq!(kept.header_values("x-plugin"), ["hello"]);
}

#[test]
fn versions_and_rewrites_are_questions_of_their_own() {
    let upstream = counting(|request, _| Reply::text(request.target.clone()));
    let rewrite = json!({"path": "/a", "method": "GET", "match_pattern": "a", "rewrite_to": "/plain", "triggers": [
        {"on": "any", "rewrite_to": "/special", "options": {"header_matches": {"X-Kind": {"match_rx": "special"}}}}
    ]});
    let paths = json!({"use_extended_paths": true, "extended_paths": {"url_rewrites": [rewrite]}});
    let api = cached(&upstream)
        .versioned("header", "x-version")
        .version("v1", paths)
        .version("v2", json!({"override_target": upstream.url("/second")}));
    let gateway = Gateway::serving([api]);
    let ask = |version: &str, kind: &str| {
        gateway.send(Request::get("/shop/a").header("x-version", version).header("x-kind", kind)).text()
    };
    for _ in 0..2 {
        assert_eq!(ask("v1", "usual"), "/plain");
        assert_eq!(ask("v1", "special"), "/special");
        assert_eq!(ask("v2", "usual"), "/second/a");
    }
    assert_eq!(upstream.count(), 3);
}

#[test]
fn a_large_or_slow_answer_is_passed_through() {
    let gate = Gate::new();
    let passes = gate.clone();
    let large = "x".repeat(5_000);
    let body = large.clone();
    let upstream = Upstream::conversing(move |conversation| {
        while let Some(request) = conversation.request()? {
            match request.path() {
                "/large" => conversation.answer(&Reply::text(body.clone()))?,
                "/chunks" => {
                    conversation.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                    for _ in 0..5 {
                        conversation.write(format!("3e8\r\n{}\r\n", "x".repeat(1_000)))?;
                    }
                    conversation.write("0\r\n\r\n")?;
                }
                _ => {
                    conversation
                        .write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nslow\r\n")?;
                    passes.pass();
                    conversation.write("2\r\n!!\r\n0\r\n\r\n")?;
                }
            }
        }
        Ok(())
    });
    let gateway = Setup::new()
        .set("/gatehouse/cache/max_entry_bytes", 4_096)
        .set("/gatehouse/cache/fill_timeout_ms", 50)
        .api(cached(&upstream))
        .start();
    for path in ["/shop/large", "/shop/chunks"] {
        for _ in 0..2 {
            assert_fresh(&gateway.get(path), &large);
        }
    }
    // The first piece of a slow answer goes out before its last one is there.
    let mut connection = gateway.raw();
    connection.send("GET /shop/slow HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut framing = connection.answer_head().framing(true);
    assert_eq!(connection.piece(&mut framing).unwrap(), b"slow");
    gate.open();
    assert_eq!(connection.piece(&mut framing).unwrap(), b"!!");
    assert_fresh(&gateway.get("/shop/slow"), "slow!!");
}

#[test]
fn an_answer_that_breaks_off_is_an_error_and_not_kept() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let upstream = Upstream::conversing(move |conversation| {
        while conversation.request()?.is_some() {
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                conversation.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")?;
                conversation.close();
                return Ok(());
            }
            conversation.answer(&Reply::text("whole"))?;
        }
        Ok(())
    });
    let gateway = Gateway::serving([cached(&upstream)]);
    gateway.get("/shop/a").assert_error(500, "There was a problem proxying the request");
    assert_fresh(&gateway.get("/shop/a"), "whole");
    assert_kept(&gateway.get("/shop/a"), "whole");
}

fn with_metrics(api: Api) -> (Gateway, Client) {
    let gateway = Setup::new().set("/gatehouse/metrics/listen", "127.0.0.1:0").api(api).start();
    let line = gateway.wait_for_log(|line| message(line) == "publishing metrics");
    let metrics = Client::http1(line["address"].as_str().unwrap().parse().unwrap());
    (gateway, metrics)
}

fn value(metrics: &Client, series: &str) -> u64 {
    let text = metrics.send(Request::get("/metrics")).text();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

fn wait_until_in_flight(metrics: &Client, count: u64) {
    eventually("so many requests are in flight", || {
        (value(metrics, "gatehouse_requests_in_flight") == count).then_some(())
    });
}

#[test]
fn requests_that_miss_together_make_one_call() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("once"));
    let (gateway, metrics) = with_metrics(cached(&upstream));
    let waiting: Vec<Pending> = (0..20).map(|_| gateway.start(Request::get("/shop/a"))).collect();
    wait_until_in_flight(&metrics, 20);
    gate.open();
    let answers: Vec<Answer> = waiting.into_iter().map(Pending::answer).collect();
    assert!(answers.iter().all(|answer| answer.text() == "once"));
    let kept = answers.iter().filter(|answer| answer.has_header("x-tyk-cached-response")).count();
    assert_eq!((upstream.count(), kept), (1, 19));
    let lookups = |outcome| {
        value(&metrics, &format!("gatehouse_cache_lookups_total{{api_id=\"shop\",outcome=\"{outcome}\"}}"))
    };
    assert_eq!((lookups("miss"), lookups("waited") + lookups("hit")), (1, 19));
    assert_eq!(value(&metrics, "gatehouse_cache_answers"), 1);
}

#[test]
fn another_one_takes_over_from_a_caller_that_goes_away() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("once"));
    let (gateway, metrics) = with_metrics(cached(&upstream));
    let first = gateway.start(Request::get("/shop/a"));
    upstream.wait_for_requests(1);
    let others: Vec<Pending> = (0..5).map(|_| gateway.start(Request::get("/shop/a"))).collect();
    wait_until_in_flight(&metrics, 6);
    first.abandon();
    upstream.wait_for_requests(2);
    gate.open();
    for other in others {
        assert_eq!(other.answer().text(), "once");
    }
    assert_eq!(upstream.count(), 2);
}

#[test]
fn those_who_wait_for_what_is_not_kept_ask_for_themselves() {
    let gate = Gate::new();
    let passes = gate.clone();
    let upstream = counting(move |_, reply| {
        passes.pass();
        reply.header("Set-Cookie", "session=1")
    });
    let (gateway, metrics) = with_metrics(cached(&upstream));
    let waiting: Vec<Pending> = (0..5).map(|_| gateway.start(Request::get("/shop/a"))).collect();
    wait_until_in_flight(&metrics, 5);
    gate.open();
    let mut texts: Vec<String> = waiting.into_iter().map(|pending| pending.answer().text()).collect();
    texts.sort();
    assert_eq!(texts, ["call 1", "call 2", "call 3", "call 4", "call 5"]);
}

#[test]
fn an_upstream_that_is_not_there_fails_each_request_at_once() {
    let api = Api::new("shop").set(
        "/cache_options",
        json!({"enable_cache": true, "cache_timeout": 60, "cache_all_safe_requests": true}),
    );
    let gateway = Gateway::serving([api]);
    let waiting: Vec<Pending> = (0..5).map(|_| gateway.start(Request::get("/shop/a"))).collect();
    for pending in waiting {
        pending.answer().assert_error(500, "There was a problem proxying the request");
    }
}

#[test]
fn memory_is_bounded() {
    let upstream = Upstream::fixed(Reply::text("x".repeat(4_000)));
    let gateway = Setup::new()
        .set("/gatehouse/cache/max_bytes", 65_536)
        .set("/gatehouse/cache/max_entry_bytes", 8_192)
        .set("/gatehouse/metrics/listen", "127.0.0.1:0")
        .api(cached(&upstream))
        .start();
    let line = gateway.wait_for_log(|line| message(line) == "publishing metrics");
    let metrics = Client::http1(line["address"].as_str().unwrap().parse().unwrap());
    let requests = (0..100).map(|number| Request::get(&format!("/shop/{number}"))).collect();
    assert!(gateway.client().send_in_turn(requests).iter().all(|answer| answer.status == 200));
    let bytes = value(&metrics, "gatehouse_cache_bytes");
    assert!((20_000..=65_536).contains(&bytes), "{bytes}");
}

#[test]
fn settings_and_fields_that_cannot_be_are_refused() {
    let refused = Setup::new()
        .set("/gatehouse/cache/max_bytes", 2_048)
        .set("/gatehouse/cache/max_entry_bytes", 4_096)
        .refused();
    let words = "gatehouse.cache.max_entry_bytes: expected no more than `max_bytes` (2048), found 4096";
    assert!(refused.text.contains(words), "{}", refused.text);
    let upstream = plain();
    let api = with_options(&upstream, json!({"cache_by_headers": ["no header"]}))
        .endpoint("advance_cache_config", json!({"method": "POST", "path": "/", "cache_key_regex": "("}));
    let gateway = Gateway::serving([api]);
    gateway.wait_for_log(|line| line["field"] == "cache_options.cache_by_headers");
    gateway.wait_for_log(|line| {
        line["field"].as_str().is_some_and(|field| field.ends_with("advance_cache_config[0].cache_key_regex"))
    });
    assert_eq!(gateway.get("/shop/").status, 404);
}

#[test]
fn gateways_of_one_redis_share_answers() {
    let Some(mut redis) = Redis::start() else { return };
    let upstream = counting(|_, reply| reply.header("Vary", "Accept"));
    let start = || {
        let storage = json!({"type": "redis", "host": "127.0.0.1", "port": redis.port()});
        Setup::new().set("/storage", storage).api(cached(&upstream)).start()
    };
    let (one, two) = (start(), start());
    let asking = |accept: &str| Request::get("/shop/a").header("accept", accept);
    assert_fresh(&one.send(asking("x")), "call 1");
    assert_kept(&two.send(asking("x")), "call 1");
    assert_fresh(&two.send(asking("y")), "call 2");
    assert_kept(&one.send(asking("y")), "call 2");
    let names = redis.command(&["KEYS", "cache-shop*"]);
    assert_eq!(names.lines().filter(|name| name.contains("cache-shop")).count(), 3, "{names}");
    redis.command(&["FLUSHALL"]);
    assert_fresh(&two.send(asking("x")), "call 3");
    // Without the store nothing is kept, and requests go through.
    redis.go_away();
    assert_fresh(&one.send(asking("x")), "call 4");
    assert_fresh(&one.send(asking("x")), "call 5");
    redis.come_back();
    eventually("answers are kept again", || {
        one.send(asking("z"));
        one.send(asking("z")).has_header("x-tyk-cached-response").then_some(())
    });
}
