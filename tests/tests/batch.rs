//! Batch requests: several requests of one API in one, run inside the gateway.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use gatehouse_tests::{
    Answer, Api, Gate, Gateway, Reply, Request, Setup, Upstream, log::message, plugin::hook,
};
use serde_json::{Value, json};

fn api(upstream: &Upstream) -> Api {
    Api::new("shop").target(upstream).set("/enable_batch_request_support", true)
}

fn send(gateway: &Gateway, batch: &Value) -> Answer {
    gateway.send(Request::post("/shop/tyk/batch/", batch.to_string()))
}

#[track_caller]
fn assert_refused(answer: &Answer, words: &str) {
    let body = answer.json();
    assert_eq!((answer.status, &body["status"]), (400, &json!("error")), "{}", answer.text());
    assert!(body["message"].as_str().unwrap().contains(words), "{body}");
}

#[test]
fn each_request_runs_as_if_it_came_by_itself() {
    let upstream = Upstream::echo();
    let api = api(&upstream)
        .virtual_endpoint(
            "POST",
            "/ve",
            "return TykJsResponse({Body: 've: ' + request.Body, Code: 201}, {});",
        )
        .endpoint("black_list", json!({"path": "/secret", "method": "GET"}));
    let gateway = Gateway::serving([api]);
    let batch = json!({"requests": [
        {"method": "GET", "headers": {"x-b": "1", "Host": "elsewhere"}, "body": "", "relative_url": "a?x=1"},
        {"method": "POST", "body": "in batch", "relative_url": "/ve"},
        {"method": "", "relative_url": "secret"},
        {"method": "PUT", "headers": null, "body": "put", "relative_url": "b c#fragment"},
    ]});
    let outer = Request::post("/shop/tyk/batch/", batch.to_string()).header("x-outer", "1");
    let answer = gateway.send(outer);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert!(answer.text().ends_with("]\n"));
    let units = answer.json();
    let codes: Vec<&Value> = units.as_array().unwrap().iter().map(|unit| &unit["code"]).collect();
    assert_eq!(codes, [200, 201, 403, 200]);
    assert_eq!((&units[0]["relative_url"], &units[1]["body"]), (&json!("a?x=1"), &json!("ve: in batch")));
    assert_eq!(units[2]["body"], "{\n    \"error\": \"Requested endpoint is forbidden\"\n}");
    assert_eq!(units[2]["headers"]["Content-Type"], json!(["application/json"]));
    let echo: Value = serde_json::from_str(units[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/a"), &json!("x=1")));
    assert_eq!(echo["headers"]["x-b"], json!(["1"]));
    assert!(echo["headers"].get("x-outer").is_none(), "{echo}");
    let echo: Value = serde_json::from_str(units[3]["body"].as_str().unwrap()).unwrap();
    assert_eq!((&echo["method"], &echo["body"]), (&json!("PUT"), &json!("put")));
    // Escaped as Go's client does.
    assert!(echo["path"] == "/b%20c" || echo["path"] == "/b c", "{echo}");
    assert_eq!(echo["headers"]["content-length"], json!(["3"]));
}

#[test]
fn the_endpoint_needs_no_key_and_the_requests_do() {
    let upstream = Upstream::echo();
    let api = api(&upstream).set("/use_keyless", false).hooks("auth_check", hook("auth", "partner"));
    let setup = Setup::new().file("partners", "k-1 Ada\n");
    let file = setup.folder().join("partners").display().to_string();
    let gateway = setup.environment("PARTNERS_FILE", &file).api(api).start();
    let batch = json!({"requests": [
        {"relative_url": "x"}, {"relative_url": "x", "headers": {"X-Partner-Key": "k-1"}},
    ]});
    // A key of the batch is none of its requests.
    let answer =
        gateway.send(Request::post("/shop/tyk/batch/", batch.to_string()).header("x-partner-key", "k-1"));
    let units = answer.json();
    assert_eq!((&units[0]["code"], &units[1]["code"]), (&json!(401), &json!(200)));
}

#[test]
fn it_is_there_only_where_it_is_switched_on() {
    let upstream = Upstream::echo();
    let on = Api::new("on").target(&upstream).set("/enable_batch_request_support", true);
    let gateway = Gateway::serving([Api::new("shop").target(&upstream), on.listen("/on")]);
    let batch = json!({"requests": []}).to_string();
    let proxied = gateway.send(Request::post("/shop/tyk/batch/", batch.clone())).json();
    assert_eq!(proxied["path"], "/tyk/batch/");
    assert_eq!(gateway.send(Request::post("/on/tyk/batch/", batch.clone())).text(), "[]\n");
    assert_eq!(gateway.send(Request::post("/on/tyk/batch/more", batch)).json()["path"], "/tyk/batch/more");
    // As in Tyk, another method gets nothing.
    let other = gateway.get("/on/tyk/batch/");
    assert_eq!((other.status, other.text().as_str()), (200, ""));
}

#[test]
fn a_batch_runs_in_parallel_or_in_turn() {
    let gate = Gate::new();
    let upstream = Upstream::held_by(&gate, Reply::text("done"));
    let gateway = Setup::new().set("/gatehouse/batch/parallel", 3).api(api(&upstream)).start();
    let requests: Vec<Value> = (0..5).map(|number| json!({"relative_url": number.to_string()})).collect();
    let start = |sequential: bool| {
        let batch = json!({"requests": &requests, "suppress_parallel_execution": sequential});
        gateway.start(Request::post("/shop/tyk/batch/", batch.to_string()))
    };
    let pending = start(false);
    upstream.wait_for_in_progress(3);
    gate.open();
    let units = pending.answer().json();
    let urls: Vec<&str> =
        units.as_array().unwrap().iter().map(|unit| unit["relative_url"].as_str().unwrap()).collect();
    assert_eq!(urls, ["0", "1", "2", "3", "4"]);
    assert_eq!(upstream.most_in_progress(), 3);
    let answers = start(true).answer().json();
    assert!(answers.as_array().unwrap().iter().all(|unit| unit["body"] == "done"));
    let targets: Vec<String> =
        upstream.requests().into_iter().skip(5).map(|request| request.target).collect();
    assert_eq!(targets, ["/0", "/1", "/2", "/3", "/4"]);
}

#[test]
fn what_is_not_a_batch_is_refused_and_nothing_is_sent() {
    let upstream = Upstream::echo();
    let gateway = Setup::new().set("/gatehouse/batch/max_requests", 2).api(api(&upstream)).start();
    let raw = |body: &str| gateway.send(Request::post("/shop/tyk/batch/", body.to_owned()));
    // In exactly Tyk's words; the log has the reason.
    let logged = |words: &str| gateway.wait_for_log(|line| message(line).contains(words));
    for (body, words) in [
        ("", "it is empty"),
        ("{\"requests\": 7}", "expected a sequence"),
        ("[]", "it is not an object"),
        ("{\"requests\": [{}, [\"GET\"]]}", "requests[1] is not an object"),
    ] {
        let answer = raw(body);
        let expected = json!({"status": "error", "message": "Batch request malformed"});
        assert_eq!((answer.status, answer.json()), (400, expected), "{body}");
        logged(words);
    }
    let one = json!({"relative_url": "a"});
    assert_refused(&send(&gateway, &json!({"requests": [one, one, one]})), "3 requests are more than 2");
    for (bad, words) in [
        (json!({"relative_url": "a\u{7}b"}), "requests[1].relative_url"),
        (json!({"relative_url": "a", "method": "NO METHOD"}), "requests[1].method"),
        (json!({"relative_url": "a", "headers": {"no header": "1"}}), "requests[1].headers"),
        (json!({"relative_url": "a", "headers": {"x": "1\r\ny: 2"}}), "requests[1].headers.x"),
    ] {
        let answer = send(&gateway, &json!({"requests": [one, bad]}));
        let message = "Batch request creation failed , request structure malformed";
        assert_eq!((answer.status, answer.json()), (400, json!({"status": "error", "message": message})));
        logged(words);
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_batch_in_a_batch_is_refused() {
    let upstream = Upstream::echo();
    let gateway = Gateway::serving([api(&upstream)]);
    let inner = json!({"requests": [{"relative_url": "a"}]}).to_string();
    let units = send(
        &gateway,
        &json!({"requests": [{"method": "POST", "relative_url": "tyk/batch/", "body": inner}]}),
    )
    .json();
    assert_eq!(units[0]["code"], 400);
    assert!(units[0]["body"].as_str().unwrap().contains("cannot be a batch"), "{units}");
    assert_eq!(upstream.count(), 0);
}

#[test]
fn answers_are_bounded_in_size_and_time() {
    let gate = Gate::new();
    let passes = gate.clone();
    let upstream = Upstream::answering(move |request| {
        if request.path() == "/slow" {
            passes.pass();
        }
        Reply::text("x".repeat(700))
    });
    let gateway = Setup::new()
        .set("/gatehouse/batch/max_answer_bytes", 1_024)
        .set("/gatehouse/batch/timeout_ms", 300)
        .api(api(&upstream))
        .start();
    let units =
        send(&gateway, &json!({"requests": [{"relative_url": "slow"}, {"relative_url": "fast"}]})).json();
    assert_eq!((&units[0]["code"], &units[1]["code"]), (&json!(504), &json!(200)));
    assert!(units[0]["body"].as_str().unwrap().contains("Upstream service reached hard timeout."), "{units}");
    gate.open();
    let answer = send(&gateway, &json!({"requests": [{"relative_url": "a"}, {"relative_url": "b"}]}));
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("more than 1024 bytes"), "{}", answer.text());
}

#[test]
fn bodies_that_are_not_text_come_whole() {
    let upstream = Upstream::fixed(Reply::new(200, b"\xff\x00".to_vec()));
    let gateway = Gateway::serving([api(&upstream)]);
    let units = send(&gateway, &json!({"requests": [{"relative_url": "a"}]})).json();
    assert_eq!((&units[0]["body"], &units[0]["BodyBase64"]), (&json!("\u{fffd}\u{0}"), &json!("/wA=")));
}

#[test]
fn one_that_fails_does_not_keep_the_others() {
    let upstream = Upstream::echo();
    // The upstream of this endpoint is not there.
    let rewrite =
        json!({"path": "/gone", "method": "GET", "match_pattern": ".*", "rewrite_to": "http://127.0.0.1:1/"});
    let gateway = Gateway::serving([api(&upstream).endpoint("url_rewrites", rewrite)]);
    let units =
        send(&gateway, &json!({"requests": [{"relative_url": "gone"}, {"relative_url": "a"}]})).json();
    assert_eq!((&units[0]["code"], &units[1]["code"]), (&json!(500), &json!(200)));
}
