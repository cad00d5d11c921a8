//! Policies over REST, in their file and in their folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;

use gatehouse_tests::{Gateway, Setup, admin::setup};
use serde_json::{Value, json};

fn policy(id: &str, rate: u32) -> Value {
    json!({
        "id": id, "name": id, "org_id": "default", "rate": rate, "per": 1, "quota_max": -1,
        "access_rights": {"shop": {"api_id": "shop", "api_name": "shop", "versions": ["Default"]}}
    })
}

fn in_file() -> Setup {
    let all = json!({"old": policy("old", 5)}).to_string();
    setup().set("/policies/policy_record_name", "policies/all.json").file("policies/all.json", all)
}

fn in_folder() -> Setup {
    let text = policy("old", 5).to_string();
    setup()
        .set("/policies/policy_path", "policies")
        .file("policies/mine.json", text)
        .file("policies/notes.txt", "x")
}

fn rate(gateway: &Gateway, id: &str) -> Value {
    gateway.admin_get(&format!("/tyk/policies/{id}")).json()["rate"].clone()
}

#[test]
fn a_policy_lives_from_post_to_delete() {
    for start in [in_file, in_folder] {
        let gateway = start().start();
        gateway
            .admin("POST", "/tyk/policies", policy("gold", 10).to_string())
            .assert_json(200, &json!({"key": "gold", "status": "ok", "action": "added"}));
        assert_eq!((rate(&gateway, "gold"), rate(&gateway, "old")), (json!(10), json!(5)));
        gateway
            .admin("PUT", "/tyk/policies/old", policy("old", 6).to_string())
            .assert_changed("old", "modified");
        let list = gateway.admin_get("/tyk/policies").json();
        let mut rates: Vec<i64> =
            list.as_array().unwrap().iter().map(|policy| policy["rate"].as_i64().unwrap()).collect();
        rates.sort_unstable();
        assert_eq!(rates, [6, 10]);
        gateway.admin("DELETE", "/tyk/policies/gold", "").assert_changed("gold", "deleted");
        let missing = json!({"status": "error", "message": "Policy not found"});
        gateway.admin_get("/tyk/policies/gold").assert_json(404, &missing);
        gateway.admin("DELETE", "/tyk/policies/gold", "").assert_json(404, &missing);
        gateway.admin("PUT", "/tyk/policies/gold", policy("gold", 1).to_string()).assert_json(404, &missing);
    }
}

#[test]
fn a_file_for_each_keeps_its_name_and_new_ones_are_called_by_their_id() {
    let gateway = in_folder().start();
    gateway.admin("PUT", "/tyk/policies/old", policy("old", 7).to_string()).assert_changed("old", "modified");
    gateway.admin("POST", "/tyk/policies", policy("gold", 1).to_string()).assert_changed("gold", "added");
    let mut names: Vec<String> = fs::read_dir(gateway.folder().join("policies"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["gold.json", "mine.json", "notes.txt"]);
}

#[test]
fn bad_policies_are_refused_and_nothing_changes() {
    for start in [in_file, in_folder] {
        let gateway = start().start();
        let before = gateway.admin_get("/tyk/policies").json();
        let mixed = json!({"id": "new", "partitions": {"per_api": true, "acl": true}}).to_string();
        for (method, path, body, status, words) in [
            ("POST", "/tyk/policies", "{".to_owned(), 400, "Request malformed"),
            (
                "POST",
                "/tyk/policies",
                json!({"id": "new", "rate": "x"}).to_string(),
                400,
                "\"field\":\"rate\"",
            ),
            (
                "POST",
                "/tyk/policies",
                policy("old", 1).to_string(),
                409,
                "is the id of a policy in policies/",
            ),
            ("POST", "/tyk/policies", mixed, 400, "partitions.per_api"),
            ("POST", "/tyk/policies", policy("../up", 1).to_string(), 400, "id: has a slash in it"),
            ("POST", "/tyk/policies", policy("..", 1).to_string(), 400, "id: is a path, not a name"),
            ("POST", "/tyk/policies/one", policy("two", 1).to_string(), 400, "Request ID does not match"),
            ("PUT", "/tyk/policies/old", policy("new", 1).to_string(), 400, "Request ID does not match"),
            ("PUT", "/tyk/policies/..%2Fold", policy("old", 1).to_string(), 400, "polID: has a slash in it"),
        ] {
            gateway.admin(method, path, body).assert_refused(status, words);
            assert_eq!(gateway.admin_get("/tyk/policies").json(), before, "{method} {path}");
        }
        assert!(!gateway.folder().join("up.json").exists());
    }
}

#[test]
fn without_a_place_there_are_none() {
    let gateway = setup().start();
    assert_eq!(gateway.admin_get("/tyk/policies").json(), json!([]));
    gateway
        .admin("POST", "/tyk/policies", policy("gold", 1).to_string())
        .assert_refused(404, "policies.policy_path");
}

#[test]
fn an_id_is_made_when_there_is_none() {
    let gateway = in_file().start();
    let mut nameless = policy("", 3);
    nameless.as_object_mut().unwrap().remove("id");
    let key = gateway.admin("POST", "/tyk/policies", nameless.to_string()).json()["key"].clone();
    assert_eq!(rate(&gateway, key.as_str().unwrap()), json!(3));
    let file: Value =
        serde_json::from_str(&fs::read_to_string(gateway.folder().join("policies/all.json")).unwrap())
            .unwrap();
    assert_eq!(file.as_object().unwrap().len(), 2);
}

#[test]
fn a_file_that_is_none_is_not_overwritten() {
    let gateway = setup().set("/policies/policy_record_name", "all.json").start();
    gateway.write("all.json", "{ \"half\":");
    gateway
        .admin("POST", "/tyk/policies", policy("gold", 1).to_string())
        .assert_refused(500, "all.json is not an object");
    assert_eq!(fs::read_to_string(gateway.folder().join("all.json")).unwrap(), "{ \"half\":");
    fs::remove_file(gateway.folder().join("all.json")).unwrap();
    gateway.admin("POST", "/tyk/policies", policy("gold", 1).to_string()).assert_changed("gold", "added");
}
