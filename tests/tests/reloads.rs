//! Reloads change what has changed and leave everything else as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{Api, Gateway, Request, Setup, Upstream, log::message};
use serde_json::json;

fn saying(name: &str, text: &str) -> Api {
    Api::new(name).endpoint("mock_response", json!({"path": "/", "method": "", "code": 200, "body": text}))
}

fn script(text: &str) -> String {
    format!("function go(request, session) {{ return TykJsResponse({{Body: '{text}', Code: 200}}, {{}}); }}")
}

/// Reloads, and gives how many APIs there are and how many of them are as they were.
fn reload(gateway: &Gateway) -> (u64, u64) {
    gateway.reload();
    let lines = gateway.log_lines();
    let line = lines.iter().rev().find(|line| message(line) == "reloaded").unwrap();
    (line["apis"].as_u64().unwrap(), line["unchanged"].as_u64().unwrap())
}

#[test]
fn apis_that_did_not_change_are_taken_over() {
    let gateway = Gateway::serving([saying("one", "1"), saying("two", "2"), saying("three", "3")]);
    assert_eq!(reload(&gateway), (3, 3));
    gateway.write_api(&saying("two", "two"));
    assert_eq!(reload(&gateway), (3, 2));
    for (path, text) in [("/one/", "1"), ("/two/", "two"), ("/three/", "3")] {
        gateway.get(path).assert_text(text);
    }
    assert_eq!(reload(&gateway), (3, 3));
    gateway.remove("apps/one.json");
    gateway.write_api(&saying("four", "4"));
    assert_eq!(reload(&gateway), (3, 2));
    assert_eq!(gateway.get("/one/").status, 404);
    gateway.get("/four/").assert_text("4");
    // Back as it was, after a reload without it: made anew.
    gateway.write_api(&saying("one", "1"));
    assert_eq!(reload(&gateway), (4, 3));
    gateway.get("/one/").assert_text("1");
}

#[test]
fn a_file_of_a_script_that_changed_is_read_again() {
    let one = Api::new("one").script_file("GET", "/ve", "go", "scripts/one.js");
    let two = Api::new("two").script_file("GET", "/ve", "go", "scripts/two.js");
    let setup = Setup::new().apis([one, two]);
    let setup = setup.file("scripts/one.js", script("1")).file("scripts/two.js", script("2"));
    let gateway = setup.start();
    assert_eq!(reload(&gateway), (2, 2));
    gateway.write("scripts/one.js", script("one"));
    assert_eq!(reload(&gateway), (2, 1));
    gateway.get("/one/ve").assert_text("one");
    gateway.get("/two/ve").assert_text("2");
    // A file that is gone, or does not load, is looked at again each time.
    gateway.remove("scripts/one.js");
    assert_eq!(reload(&gateway), (2, 1));
    assert_eq!(gateway.get("/one/ve").status, 500);
    gateway.write("scripts/one.js", "function go( {");
    assert_eq!(reload(&gateway), (2, 1));
    assert_eq!(gateway.get("/one/ve").status, 500);
    assert_eq!(reload(&gateway), (2, 1));
    gateway.write("scripts/one.js", script("again"));
    assert_eq!(reload(&gateway), (2, 1));
    gateway.get("/one/ve").assert_text("again");
    assert_eq!(reload(&gateway), (2, 2));
}

#[test]
fn a_hook_in_the_folder_of_an_api_is_found() {
    let upstream = Upstream::echo();
    let setup = Setup::new().api(Api::new("one").target(&upstream)).api(saying("two", "2"));
    let gateway = setup.set("/middleware_path", "middleware").start();
    assert_eq!(reload(&gateway), (2, 2));
    let hook = "var closed = new TykJS.TykMiddleware.NewMiddleware({});
        closed.NewProcessRequest(function (request, session) {
          request.ReturnOverrides.ResponseCode = 418; request.ReturnOverrides.ResponseError = 'closed';
          return closed.ReturnData(request, {});
        });";
    gateway.write("middleware/one/pre/closed.js", hook);
    assert_eq!(reload(&gateway), (2, 1));
    assert_eq!(gateway.get("/one/").status, 418);
    assert_eq!(reload(&gateway), (2, 2));
    assert_eq!(gateway.get("/one/").status, 418);
    gateway.write("middleware/one/pre/closed.js", hook.replace("418", "423"));
    assert_eq!(reload(&gateway), (2, 1));
    assert_eq!(gateway.get("/one/").status, 423);
    gateway.remove("middleware/one/pre/closed.js");
    assert_eq!(reload(&gateway), (2, 1));
    assert_eq!(gateway.get("/one/").status, 200);
}

#[test]
fn a_script_that_asked_for_something_is_loaded_again() {
    let upstream = Upstream::echo();
    let asking = format!(
        "var answer = TykMakeHttpRequest(JSON.stringify({{Method: 'GET', Domain: '{}', Resource: ''}})); {}",
        upstream.url("/"),
        script("asked")
    );
    let apis = [Api::new("asks").script("GET", "/ve", "go", &asking), saying("still", "x")];
    let gateway = Gateway::serving(apis);
    assert_eq!(reload(&gateway), (2, 1));
    gateway.get("/asks/ve").assert_text("asked");
}

#[test]
fn what_is_wrong_with_a_definition_is_said_at_each_reload() {
    let both = saying("xboth", "both").listen("/one/");
    let odd = saying("odd", "x").set("/certificate_pinning_disabled", 7);
    let gateway = Gateway::serving([saying("one", "1"), both, odd, saying("three", "3")]);
    let mentions = |field: &str| {
        let lines = gateway.log_lines();
        lines.iter().filter(|line| line["field"] == field && line["level"] != "INFO").count()
    };
    let before = (mentions("proxy.listen_path"), mentions("certificate_pinning_disabled"));
    reload(&gateway);
    reload(&gateway);
    let after = (mentions("proxy.listen_path"), mentions("certificate_pinning_disabled"));
    assert_eq!(after, (3 * before.0, 3 * before.1), "{before:?}");
    assert!(before.0 > 0, "{:?}", gateway.log_lines());
    // The one that had the path is gone, so the other has it now.
    gateway.get("/one/").assert_text("1");
    gateway.remove("apps/one.json");
    reload(&gateway);
    gateway.get("/one/").assert_text("both");
}

#[test]
fn an_api_whose_id_another_one_takes_is_left_out() {
    let gateway = Gateway::serving([saying("b", "b"), saying("c", "c")]);
    assert_eq!(reload(&gateway), (2, 2));
    // Read before the other, so it is the first of that id.
    gateway.write_api(&saying("a", "a").set("/api_id", "b"));
    assert_eq!(reload(&gateway).0, 2);
    gateway.get("/a/").assert_text("a");
    assert_eq!(gateway.send(Request::get("/b/")).status, 404);
    gateway.remove("apps/a.json");
    assert_eq!(reload(&gateway).0, 2);
    gateway.get("/b/").assert_text("b");
}
