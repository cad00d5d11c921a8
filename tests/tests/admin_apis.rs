//! Definitions over REST: what is written, what is refused with its place, and that nothing is ever half there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use gatehouse_tests::{
    Api, Gateway, Request,
    admin::{HEADER, SECRET, setup},
};
use serde_json::{Value, json};

fn saying(name: &str, text: &str) -> Api {
    Api::new(name).endpoint("mock_response", json!({"path": "/", "method": "", "code": 200, "body": text}))
}

/// All files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

fn apps(gateway: &Gateway) -> BTreeMap<String, String> {
    files(&gateway.folder().join("apps"))
}

#[test]
fn an_api_lives_from_post_to_delete() {
    let gateway = setup().start();
    let first = saying("shop", "first");
    gateway
        .admin("POST", "/tyk/apis", first.text())
        .assert_json(200, &json!({"key": "shop", "status": "ok", "action": "added"}));
    assert_eq!(apps(&gateway), BTreeMap::from([("shop.json".to_owned(), first.text())]));
    assert_eq!(gateway.get("/shop/").status, 404, "not before a reload");
    gateway.admin_reload();
    gateway.get("/shop/").assert_text("first");
    assert_eq!(gateway.admin_get("/tyk/apis/shop").text(), first.text());

    let second = saying("shop", "second");
    gateway.admin("PUT", "/tyk/apis/shop", second.text()).assert_changed("shop", "modified");
    gateway.get("/shop/").assert_text("first");
    gateway.admin_reload();
    gateway.get("/shop/").assert_text("second");

    gateway.admin("DELETE", "/tyk/apis/shop", "").assert_changed("shop", "deleted");
    gateway.get("/shop/").assert_text("second");
    assert_eq!(apps(&gateway), BTreeMap::new());
    gateway.admin_reload();
    assert_eq!(gateway.get("/shop/").status, 404);
    let line =
        gateway.wait_for_log(|line| line["target"] == "gatehouse::audit" && line["operation"] == "deleteApi");
    assert_eq!((&line["subject"], &line["status"]), (&json!("shop"), &json!(200)));
    assert!(line["client"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
}

#[test]
fn lists_are_what_is_in_the_folder() {
    let gateway = setup().apis([saying("b", "b"), saying("a", "a")]).start();
    gateway.write("apps/notes.txt", "no definition");
    gateway.write("apps/broken.json", "{");
    gateway.write("apps/other.json", "{\"no\": \"id\"}");
    let list = gateway.admin_get("/tyk/apis").json();
    let ids: Vec<&Value> = list.as_array().unwrap().iter().map(|api| &api["api_id"]).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(gateway.admin_get("/tyk/apis/oas").json(), json!([]));
    let file = gateway.admin_get("/tyk/apis/oas/export");
    assert_eq!(file.header("content-disposition"), "attachment;filename=\"TykOasApiDef.json\"");
}

#[test]
fn an_api_is_changed_in_the_file_that_it_is_in() {
    let api = saying("shop", "before");
    let gateway = setup().definition_text("mine.json", &api.text()).start();
    gateway.admin("PUT", "/tyk/apis/shop", saying("shop", "after").text()).assert_changed("shop", "modified");
    assert_eq!(apps(&gateway).keys().collect::<Vec<_>>(), ["mine.json"]);
    gateway.admin_reload();
    gateway.get("/shop/").assert_text("after");
    gateway.admin("DELETE", "/tyk/apis/shop", "").assert_changed("shop", "deleted");
    assert!(apps(&gateway).is_empty());
}

#[test]
fn an_id_is_made_when_there_is_none_and_taken_from_the_path() {
    let gateway = setup().start();
    let answer = gateway.admin("POST", "/tyk/apis", saying("shop", "hi").set("/api_id", "").text());
    let id = answer.json()["key"].as_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(gateway.admin_get(&format!("/tyk/apis/{id}")).json()["api_id"], json!(id));
    let mut named = saying("named", "hi");
    named = named.set("/api_id", Value::Null);
    gateway.admin("POST", "/tyk/apis/named", named.text()).assert_changed("named", "added");
    gateway
        .admin("POST", "/tyk/apis/x", saying("y", "hi").text())
        .assert_refused(400, "Request APIID does not match");
    gateway.admin_reload();
    gateway.get("/shop/").assert_text("hi");
    gateway.get("/named/").assert_text("hi");
}

#[test]
fn bad_definitions_are_refused_with_their_place_and_nothing_changes() {
    let gateway =
        setup().api(saying("shop", "open")).file("middleware/good.js", "function good() {}").start();
    let before = apps(&gateway);
    let new = || saying("new", "x");
    let cases: Vec<(&str, String, u16, &str)> = vec![
        ("syntax", "{\"api_id\": \"new\",\n  oops}".into(), 400, "\"line\":2"),
        ("not an object", "[]".into(), 400, "expected one object"),
        ("empty", String::new(), 400, "EOF while parsing"),
        ("wrong type", new().set("/proxy/listen_path", 5).text(), 400, "\"field\":\"proxy.listen_path\""),
        ("id of another type", new().set("/api_id", 5).text(), 400, "\"field\":\"api_id\""),
        ("no listen path", new().set("/proxy/listen_path", "").text(), 400, "proxy.listen_path"),
        ("protection that is not there", new().set("/use_basic_auth", true).text(), 400, "use_basic_auth"),
        (
            "id of another",
            saying("shop", "x").listen("/elsewhere/").text(),
            409,
            "is the id of the API in apps/shop.json already",
        ),
        (
            "listen path of another",
            new().listen("/shop/").text(),
            409,
            "is the listen path of the API in apps/shop.json already",
        ),
        (
            "script with a mistake",
            new().script("GET", "/ve", "f", "function f( {").text(),
            400,
            "a source did not load",
        ),
        (
            "script that is not there",
            new().script_file("GET", "/ve", "f", "middleware/none.js").text(),
            400,
            "middleware/none.js",
        ),
        (
            "plugin that is not there",
            new()
                .endpoint(
                    "rust_plugin",
                    json!({"path": "/p", "method": "GET", "plugin_path": "none.so", "func_name": "f"}),
                )
                .text(),
            400,
            "none.so",
        ),
        ("an OAS document", "{\"openapi\": \"3.0.3\"}".into(), 400, "/tyk/apis/oas"),
    ];
    for (what, body, status, words) in &cases {
        let answer = gateway.admin("POST", "/tyk/apis", body.clone());
        assert_eq!(answer.status, *status, "{what}: {}", answer.text());
        answer.assert_refused(*status, words);
        assert_eq!(apps(&gateway), before, "{what}");
    }
    // The same over an API that is there: only that it has its own id and listen path is no mistake.
    for (what, body, _, words) in cases.iter().filter(|case| case.2 == 400) {
        let body = body.replace("\"new\"", "\"shop\"");
        let answer = gateway.admin("PUT", "/tyk/apis/shop", body);
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        if *what != "id of another type" && *what != "an OAS document" {
            answer.assert_refused(400, words);
        }
        assert_eq!(apps(&gateway), before, "{what}");
    }
    let message = gateway.admin("POST", "/tyk/apis", "{").json();
    assert_eq!(message["message"], "Request malformed", "Tyk's words");
    let message = gateway.admin("POST", "/tyk/apis", new().set("/proxy/listen_path", "").text()).json();
    let text = message["message"].as_str().unwrap();
    assert!(text.starts_with("Validation of API Definition failed. Reason: proxy.listen_path: "), "{text}");
    gateway.admin_reload();
    gateway.get("/shop/").assert_text("open");
    // What was only tried is not among the metrics or the log's errors.
    let about_new = |line: &Value| line["level"] == "ERROR" && line.to_string().contains("new");
    assert!(!gateway.log_lines().iter().any(about_new), "{:?}", gateway.log_lines());
}

#[test]
fn what_is_not_there_cannot_be_changed() {
    let gateway = setup().api(saying("shop", "open")).start();
    let missing = json!({"status": "error", "message": "API not found"});
    gateway.admin_get("/tyk/apis/none").assert_json(404, &missing);
    gateway.admin("PUT", "/tyk/apis/none", saying("none", "x").text()).assert_json(404, &missing);
    gateway.admin("DELETE", "/tyk/apis/none", "").assert_json(404, &missing);
    gateway.admin("PUT", "/tyk/apis/shop", saying("other", "x").text()).assert_json(
        400,
        &json!({
            "status": "error",
            "message": "Request APIID does not match that in Definition! For Update operations these must match.",
        }),
    );
    assert_eq!(apps(&gateway).len(), 1);
}

#[test]
fn ids_are_never_paths() {
    let gateway = setup().file("outside.json", saying("outside", "x").text()).start();
    let before = files(gateway.folder().join("apps").as_path());
    for id in ["../outside", "a/b", "..", ".", ".hidden", "a\\b", "a\u{0}b", "a\nb", "ä", &"x".repeat(201)] {
        let answer = gateway.admin("POST", "/tyk/apis", saying("new", "x").set("/api_id", id).text());
        answer.assert_refused(400, "api_id");
    }
    for path in ["..%2Foutside", "%2e%2e", "..%5coutside", "..%2F..%2F..%2Fetc%2Fpasswd", "a%00", "%ff"] {
        for method in ["GET", "DELETE", "PUT", "POST"] {
            let answer = gateway.admin(method, &format!("/tyk/apis/{path}"), saying("outside", "x").text());
            answer.assert_refused(400, "apiID: ");
        }
    }
    assert_eq!(apps(&gateway), before);
    assert!(gateway.folder().join("outside.json").exists());
}

#[test]
fn a_file_of_the_same_name_with_another_api_is_not_overwritten() {
    let gateway = setup().definition_text("shop.json", &saying("other", "mine").text()).start();
    gateway
        .admin("POST", "/tyk/apis", saying("shop", "x").text())
        .assert_refused(409, "apps/shop.json is there already");
    gateway.admin_reload();
    gateway.get("/other/").assert_text("mine");
}

#[test]
fn what_is_refused_at_a_reload_is_shown_and_can_be_mended() {
    let gateway = setup()
        .api(saying("good", "good"))
        .api(saying("bad", "bad").set("/use_basic_auth", true))
        .api(saying("off", "off").set("/active", false))
        .api(saying("half", "half").script("GET", "/ve", "f", "function f( {"))
        .definition_text("zzz.json", "{")
        .start();
    let status = gateway.admin_get("/tyk/gatehouse/status").json();
    assert_eq!((&status["ready"], &status["apis_served"]), (&json!(true), &json!(2)));
    let states: BTreeMap<&str, (&str, String)> = status["definitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let state = entry["state"].as_str().unwrap();
            (entry["file"].as_str().unwrap(), (state, entry["findings"].to_string()))
        })
        .collect();
    assert_eq!(states["apps/good.json"], ("served", "[]".to_owned()));
    assert_eq!(states["apps/off.json"], ("inactive", "[]".to_owned()));
    assert!(states["apps/bad.json"].0 == "refused" && states["apps/bad.json"].1.contains("use_basic_auth"));
    assert!(states["apps/bad.json"].1.contains("apps/bad.json:"), "a place: {:?}", states["apps/bad.json"]);
    assert!(
        states["apps/half.json"].0 == "served"
            && states["apps/half.json"].1.contains("a source did not load")
    );
    assert!(states["apps/zzz.json"].0 == "refused" && states["apps/zzz.json"].1.contains("is not JSON"));
    // Neither needs a shell to be mended.
    gateway.admin("PUT", "/tyk/apis/bad", saying("bad", "mended").text()).assert_changed("bad", "modified");
    gateway.admin("PUT", "/tyk/apis/off", saying("off", "on").text()).assert_changed("off", "modified");
    gateway.admin_reload();
    gateway.get("/bad/").assert_text("mended");
    gateway.get("/off/").assert_text("on");
}

#[test]
fn one_id_at_the_same_time_is_made_once() {
    let gateway = setup().start();
    let requests = (0..16).map(|index| {
        Request::post("/tyk/apis", saying("shop", &format!("number {index}")).text()).with_secret()
    });
    let answers = gateway.client().send_each(requests.collect());
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((made, answers.iter().filter(|answer| answer.status == 409).count()), (1, 15));
    assert_eq!(apps(&gateway).len(), 1);
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let text = |index: usize| saying("shop", &format!("{index} {}", "x".repeat(300_000))).text();
    let known: Vec<String> = (0..8).map(text).collect();
    fs::write(folder.path().join("shop.json"), &known[0]).unwrap();
    for round in 0..6 {
        let gateway = setup().set("/app_path", folder.path().to_str().unwrap()).start();
        assert_eq!(gateway.get("/shop/").status, 200, "the file before is whole");
        let written = AtomicUsize::new(0);
        let client = gateway.client();
        thread::scope(|scope| {
            scope.spawn(|| {
                for index in (0..known.len()).cycle() {
                    let request = Request::new("PUT", "/tyk/apis/shop")
                        .body(known[index].clone())
                        .header(HEADER, SECRET);
                    // Ends when the gateway does.
                    if client.start(request).outcome().is_err() {
                        return;
                    }
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
            while written.load(Ordering::SeqCst) < 1 + round {
                thread::yield_now();
            }
            // SIGKILL to all its processes, while writes go on.
            drop(gateway);
        });
        let now = fs::read_to_string(folder.path().join("shop.json")).unwrap();
        assert!(known.contains(&now), "half a file: {} bytes", now.len());
    }
}

fn document(id: &str, listen_path: &str) -> Value {
    json!({
        "openapi": "3.0.3", "info": {"title": id, "version": "1"},
        "paths": {"/hi": {"get": {"operationId": "hi", "responses": {"200": {"description": "ok"}}}}},
        "x-tyk-api-gateway": {
            "info": {"name": id, "id": id, "orgId": "default", "state": {"active": true}},
            "upstream": {"url": "http://127.0.0.1:1/"},
            "server": {"listenPath": {"value": listen_path, "strip": true}},
            "middleware": {"operations": {"hi": {
                "allow": {"enabled": true},
                "mockResponse": {"enabled": true, "code": 200, "body": format!("from {id}")}
            }}}
        }
    })
}

#[test]
fn a_document_lives_from_post_to_delete() {
    let gateway = setup().api(saying("classic", "x")).start();
    let text = document("shop", "/shop/").to_string();
    gateway.admin("POST", "/tyk/apis/oas", text.clone()).assert_changed("shop", "added");
    assert_eq!(apps(&gateway)["shop-oas.json"], text);
    gateway.admin_reload();
    gateway.get("/shop/hi").assert_text("from shop");
    assert_eq!(gateway.admin_get("/tyk/apis/oas/shop").text(), text);
    assert_eq!(gateway.admin_get("/tyk/apis/oas").json(), json!([document("shop", "/shop/")]));
    let public = gateway.admin_get("/tyk/apis/oas/shop?mode=public").json();
    assert_eq!((public.get("x-tyk-api-gateway"), &public["openapi"]), (None, &json!("3.0.3")));
    let file = gateway.admin_get("/tyk/apis/oas/shop/export");
    assert_eq!(file.header("content-disposition"), "attachment;filename=\"TykOasApiDef-shop.json\"");
    assert_eq!((file.header("content-type"), file.text()), ("application/octet-stream", text));

    gateway
        .admin("PUT", "/tyk/apis/oas/shop", document("shop", "/store/").to_string())
        .assert_changed("shop", "modified");
    gateway.admin_reload();
    gateway.get("/store/hi").assert_text("from shop");
    gateway.admin("DELETE", "/tyk/apis/oas/shop", "").assert_changed("shop", "deleted");
    gateway.admin_reload();
    assert_eq!(gateway.get("/store/hi").status, 404);
    assert_eq!(apps(&gateway).keys().collect::<Vec<_>>(), ["classic.json"]);
}

#[test]
fn documents_and_classic_definitions_are_not_taken_for_each_other() {
    let gateway = setup().api(saying("classic", "x")).start();
    let shop = document("shop", "/shop/").to_string();
    gateway.admin("POST", "/tyk/apis/oas", shop.clone()).assert_changed("shop", "added");
    let before = apps(&gateway);
    gateway
        .admin_get("/tyk/apis/shop")
        .assert_refused(400, "this API endpoint only supports Tyk Classic APIs");
    gateway.admin("PUT", "/tyk/apis/shop", saying("shop", "x").text()).assert_refused(400, "Classic");
    gateway.admin_get("/tyk/apis/oas/classic").assert_refused(400, "is in Tyk classic format");
    gateway.admin("PUT", "/tyk/apis/oas/classic", shop.clone()).assert_refused(400, "classic format");
    gateway
        .admin("POST", "/tyk/apis/oas", saying("new", "x").text())
        .assert_refused(400, "should contain x-tyk-api-gateway");
    gateway
        .admin("POST", "/tyk/apis", document("new", "/new/").to_string())
        .assert_refused(400, "/tyk/apis/oas");
    // The two kinds share ids and listen paths.
    gateway
        .admin("POST", "/tyk/apis", saying("shop", "x").listen("/x/").text())
        .assert_refused(409, "shop-oas.json");
    gateway
        .admin("POST", "/tyk/apis", saying("new", "x").listen("/shop/").text())
        .assert_refused(409, "shop-oas.json");
    let taken = document("new", "/classic/").to_string();
    gateway
        .admin("POST", "/tyk/apis/oas", taken)
        .assert_refused(409, "/x-tyk-api-gateway/server/listenPath/value");
    let mut bad = document("new", "/new/");
    bad["x-tyk-api-gateway"]["server"]["listenPath"]["value"] = json!(5);
    gateway
        .admin("POST", "/tyk/apis/oas", bad.to_string())
        .assert_refused(400, "/x-tyk-api-gateway/server/listenPath/value");
    assert_eq!(apps(&gateway), before);
}

#[test]
fn a_document_goes_with_the_copy_that_a_tyk_has_put_beside_it() {
    let copy = saying("shop", "the copy").set("/is_oas", true);
    let gateway = setup()
        .definition_text("shop.json", &copy.text())
        .definition_text("shop-oas.json", &document("shop", "/shop/").to_string())
        .start();
    gateway.get("/shop/hi").assert_text("from shop");
    gateway.admin("DELETE", "/tyk/apis/shop", "").assert_changed("shop", "deleted");
    assert!(apps(&gateway).is_empty(), "{:?}", apps(&gateway).keys());
}

#[test]
fn a_document_without_an_id_gets_one() {
    let gateway = setup().start();
    let mut nameless = document("shop", "/shop/");
    nameless["x-tyk-api-gateway"]["info"].as_object_mut().unwrap().remove("id");
    let id = gateway.admin("POST", "/tyk/apis/oas", nameless.to_string()).json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(gateway.folder().join(format!("apps/{id}-oas.json")).exists());
    gateway.admin_reload();
    gateway.get("/shop/hi").assert_text("from shop");
}
