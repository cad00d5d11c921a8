//! Calls against a small server in the same process.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::watch,
};

use super::*;

/// A server that answers each path as told and holds back `/after/NAME` until NAME was asked for.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

async fn serve(
    handler: impl Fn(&str, &HashMap<String, String>, &str) -> String + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (asked, asked_for) = watch::channel(Vec::<String>::new());
    let (handler, asked) = (Arc::new(handler), Arc::new(asked));
    let all_seen = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (handler, seen) = (Arc::clone(&handler), Arc::clone(&all_seen));
            let (asked, mut asked_for) = (Arc::clone(&asked), asked_for.clone());
            tokio::spawn(async move {
                let mut read = Vec::new();
                let (head, body) = loop {
                    let mut chunk = [0; 4096];
                    let count = stream.read(&mut chunk).await.unwrap_or(0);
                    read.extend_from_slice(&chunk[..count]);
                    let text = String::from_utf8_lossy(&read).into_owned();
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let length = head.to_ascii_lowercase().lines().find_map(|line| {
                            line.strip_prefix("content-length: ")
                                .map(|length| length.parse::<usize>().unwrap())
                        });
                        if body.len() >= length.unwrap_or(0) {
                            break (head.to_owned(), body.to_owned());
                        }
                    }
                    if count == 0 {
                        return;
                    }
                };
                let mut lines = head.lines();
                let request = lines.next().unwrap_or_default().to_owned();
                let headers: HashMap<String, String> = lines
                    .filter_map(|line| line.split_once(": "))
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                    .collect();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                seen.lock().unwrap().push(request.clone());
                asked.send_modify(|paths| paths.push(path.clone()));
                if let Some(other) = path.strip_prefix("/after") {
                    let _ = asked_for.wait_for(|paths| paths.iter().any(|path| path == other)).await;
                }
                let answer = handler(&request, &headers, &body);
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    Server { address, seen }
}

fn text_answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn outbound() -> Arc<Outbound> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let upstream = UpstreamSettings {
        idle_per_host: 10,
        idle_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        insecure_skip_verify: false,
    };
    let settings = crate::js::test_settings();
    let plain = Arc::new(HostPools::title_case(&upstream));
    Outbound::new(outbound_client(&upstream, tls), plain, Handle::current(), &settings)
}

async fn request_within(argument: Value, limit: Duration) -> Result<Value, CallFailure> {
    let answer = outbound().request(&argument.to_string(), Deadline::after(limit), &mut 8).await;
    answer.map(|text| serde_json::from_str(&text).unwrap())
}

async fn request(argument: Value) -> Result<Value, CallFailure> {
    request_within(argument, Duration::from_secs(20)).await
}

async fn batch(argument: Value) -> Result<Value, CallFailure> {
    let deadline = Deadline::after(Duration::from_secs(20));
    let answer = outbound().batch(&argument.to_string(), deadline, &mut 8).await;
    answer.map(|text| serde_json::from_str(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_sends_what_it_was_given_and_nothing_else() {
    let server = serve(|request, headers, body| {
        let mut names: Vec<_> = headers.keys().cloned().collect();
        names.sort();
        text_answer(&format!("{request}|{}|{body}", names.join(",")))
    })
    .await;
    let answer = request(json!({
        "Method": "POST", "Domain": server.address, "Resource": "/p?q=1", "Body": "text", "Headers": {"x-a": "1", "Host": "no"}
    }));
    let answer = answer.await.unwrap();
    assert_eq!(answer["Body"], "POST /p?q=1 HTTP/1.1|content-length,host,user-agent,x-a|text");
    assert_eq!((&answer["code"], &answer["Headers"]["Content-Length"][0]), (&json!(200), &json!("60")));
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_as_in_go() {
    let server = serve(|request, _, body| match request.split(' ').nth(1) {
        Some("/found") => {
            "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()
        }
        Some("/kept") => {
            "HTTP/1.1 307 Kept\r\nLocation: end\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()
        }
        Some("/ever") => {
            "HTTP/1.1 302 Found\r\nLocation: /ever\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()
        }
        _ => text_answer(&format!("{request}|{body}")),
    })
    .await;
    let post =
        |path: &str| json!({"Method": "POST", "Domain": server.address, "Resource": path, "Body": "b"});
    assert_eq!(request(post("/found")).await.unwrap()["Body"], "GET /end HTTP/1.1|");
    assert_eq!(request(post("/kept")).await.unwrap()["Body"], "POST /end HTTP/1.1|b");
    assert!(matches!(request(post("/ever")).await, Err(CallFailure::Undefined(_))));
    assert_eq!(server.seen.lock().unwrap().len(), 4 + MAX_HOPS);
}

/// The first request and ten redirects.
const MAX_HOPS: usize = 11;

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_a_parallel_batch_come_in_order_of_arrival() {
    let server = serve(|request, _, _| text_answer(request.split(' ').nth(1).unwrap())).await;
    let url = |path: &str| json!({"method": "GET", "relative_url": format!("{}{path}", server.address)});
    let parallel = batch(json!({"requests": [url("/after/b"), url("/b")]})).await.unwrap();
    let bodies: Vec<_> = parallel.as_array().unwrap().iter().map(|answer| answer["body"].clone()).collect();
    assert!(bodies.contains(&json!("/after/b")) && bodies.contains(&json!("/b")), "{bodies:?}");

    let sequential =
        batch(json!({"requests": [url("/b"), url("/after/b")], "suppress_parallel_execution": true}));
    let sequential = sequential.await.unwrap();
    assert_eq!((&sequential[0]["body"], &sequential[1]["body"]), (&json!("/b"), &json!("/after/b")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_of_a_batch_has_code_zero() {
    let server = serve(|_, _, _| text_answer("x")).await;
    let answers = batch(json!({
        "requests": [{"relative_url": "http://127.0.0.1:1/"}, {"relative_url": server.address}],
        "suppress_parallel_execution": true,
    }));
    let answers = answers.await.unwrap();
    assert_eq!(answers[0], json!({"relative_url": "", "code": 0, "headers": null, "body": ""}));
    assert_eq!(answers[1]["code"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_time_are_bounded() {
    let silent = serve(|_, _, _| String::new()).await;
    let waiting = format!("{}/after/never", silent.address);
    let many = json!({"requests": vec![json!({"relative_url": "http://127.0.0.1:1/"}); 9]});
    assert!(matches!(batch(many).await, Err(CallFailure::TooMany)));

    let own = request(json!({"Domain": waiting, "TimeoutMs": 20})).await;
    assert!(matches!(own, Err(CallFailure::Undefined(reason)) if reason.contains("TimeoutMs")));

    let ended = request_within(json!({"Domain": waiting}), Duration::from_millis(20)).await;
    assert!(matches!(ended, Err(CallFailure::Deadline)));
}
