//! OpenAPI documents over REST: import, patch, and versions that are APIs of their own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::{collections::BTreeMap, fs};

use gatehouse_tests::{Api, Document, Gateway, Request, Upstream, admin::setup};
use serde_json::{Value, json};

const EXTENSION: &str = "x-tyk-api-gateway";

fn apps(gateway: &Gateway) -> BTreeMap<String, String> {
    let entries = fs::read_dir(gateway.folder().join("apps")).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

fn plain(upstream: &Upstream) -> Value {
    json!({"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "servers": [{"url": upstream.url("/")}],
        "paths": {
            "/items": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"example": {"n": 1}}}}}}},
            "/things/{id}": {"get": {"operationId": "one", "responses": {},
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]}}}})
}

#[test]
fn a_plain_document_becomes_an_api() {
    let upstream = Upstream::saying("upstream");
    let gateway = setup().start();
    let path = "/tyk/apis/oas/import?apiID=shop&listenPath=/shop/&validateRequest=true&mockResponse=true&allowList=true";
    gateway
        .admin("POST", path, plain(&upstream).to_string())
        .assert_json(200, &json!({"key": "shop", "status": "ok", "action": "added"}));
    assert_eq!(apps(&gateway).keys().collect::<Vec<_>>(), ["shop-oas.json"]);
    gateway.admin_reload();
    assert_eq!(gateway.get("/shop/items").json(), json!({"n": 1}));
    gateway.get("/shop/things/7").assert_text("upstream");
    assert_eq!(gateway.get("/shop/things/x").status, 422);
    gateway.get("/shop/other").assert_error(403, "Requested endpoint is forbidden");
    let document = gateway.admin_get("/tyk/apis/oas/shop").json();
    assert_eq!(document["paths"]["/items"]["get"]["operationId"], "itemsGET");
    assert_eq!(document[EXTENSION]["info"]["name"], "Shop");

    let generated =
        gateway.admin("POST", "/tyk/apis/oas/import?listenPath=/b/", plain(&upstream).to_string()).json();
    assert_eq!(generated["action"], "added");
    assert_eq!(generated["key"].as_str().unwrap().len(), 32);
}

#[test]
fn an_import_that_cannot_be_changes_nothing() {
    let upstream = Upstream::saying("upstream");
    let gateway = setup().start();
    let refused = |query: &str, document: Value, words: &str| {
        let answer = gateway.admin("POST", &format!("/tyk/apis/oas/import?{query}"), document.to_string());
        answer.assert_refused(400, words);
    };
    let mut with = plain(&upstream);
    with[EXTENSION] = json!({});
    refused("", with, "the import payload should not contain x-tyk-api-gateway");
    let mut without = plain(&upstream);
    without["servers"] = json!([]);
    refused("", without, "servers object is empty in OAS");
    refused("upstreamURL=up", plain(&upstream), "invalid upstream URL");
    refused("authentication=true", plain(&upstream), "security object is empty in OAS");
    refused("listenPath=/a%3Fb", plain(&upstream), "Validation of API Definition failed");
    let mut jwt = plain(&upstream);
    jwt["security"] = json!([{"jwt": []}]);
    jwt["components"] =
        json!({"securitySchemes": {"jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}});
    refused("authentication=true", jwt, "Validation of API Definition failed");
    gateway.admin("POST", "/tyk/apis/oas/import", "[]").assert_refused(400, "Request malformed");
    assert!(apps(&gateway).is_empty());
}

#[test]
fn a_patch_keeps_the_gateways_part() {
    let upstream = Upstream::saying("upstream");
    let mocked = json!({"mockResponse": {"enabled": true, "code": 200, "body": "mocked"}});
    let document = Document::new("shop").target(&upstream).operation("GET", "/items", mocked);
    let gateway = setup().document(&document).start();
    gateway
        .admin("PATCH", "/tyk/apis/oas/shop", plain(&upstream).to_string())
        .assert_changed("shop", "modified");
    let changed = gateway.admin_get("/tyk/apis/oas/shop").json();
    assert_eq!(changed["info"]["title"], "Shop");
    assert_eq!(changed[EXTENSION], serde_json::from_str::<Value>(&document.text()).unwrap()[EXTENSION]);
    let wishes = "/tyk/apis/oas/shop?listenPath=/new/&validateRequest=1";
    gateway.admin("PATCH", wishes, plain(&upstream).to_string()).assert_changed("shop", "modified");
    gateway.admin_reload();
    assert_eq!(gateway.get("/shop/items").status, 404);
    assert_eq!(gateway.get("/new/things/x").status, 422);

    let before = apps(&gateway);
    let patch = |path: &str, body: Value| gateway.admin("PATCH", path, body.to_string());
    patch("/tyk/apis/oas/none", plain(&upstream)).assert_refused(404, "API not found");
    let id = "Request APIID does not match that in Definition! For Update operations these must match.";
    patch("/tyk/apis/oas/shop?apiID=other", plain(&upstream)).assert_refused(400, id);
    patch("/tyk/apis/oas/shop?upstreamURL=up", plain(&upstream)).assert_refused(400, "invalid upstream URL");
    patch("/tyk/apis/oas/shop", json!({"swagger": "2.0"}))
        .assert_refused(400, "Validation of API Definition failed");
    assert_eq!(apps(&gateway), before);
}

#[test]
fn a_version_is_linked_with_its_base_and_let_go() {
    let upstream = Upstream::saying("upstream");
    let says = |text: &str| json!({"mockResponse": {"enabled": true, "code": 200, "body": text}});
    let of = |name: &str| Document::new(name).target(&upstream).operation("GET", "/who", says(name));
    let gateway = setup().document(&of("base")).start();
    let before = apps(&gateway);
    let add =
        |query: &str, name: &str| gateway.admin("POST", &format!("/tyk/apis/oas?{query}"), of(name).text());
    add("base_api_id=none&new_version_name=v2", "two")
        .assert_refused(400, "none is not a valid Base API version");
    add("base_api_id=base", "two").assert_refused(422, "The new version name is required");
    add("base_api_id=base&new_version_name=v2", "two")
        .assert_refused(400, "you need to provide a version name for the new Base API: base");
    assert_eq!(apps(&gateway), before, "all or nothing");

    let link = "base_api_id=base&base_api_version_name=v1&new_version_name=v2&set_default=true";
    add(link, "two").assert_changed("two", "added");
    add("base_api_id=base&new_version_name=v3", "three").assert_changed("three", "added");
    gateway.admin_reload();
    let get = |version: &str| gateway.send(Request::get("/base/who").header("x-api-version", version));
    for (version, who) in [("", "two"), ("v1", "base"), ("v2", "two"), ("v3", "three")] {
        get(version).assert_text(who);
    }
    let versions = |path: &str| gateway.admin_get(path).json();
    let entry = |id: &str, version: &str, is_default: bool| {
        json!({"id": id, "name": id, "versionName": version, "internal": false, "expirationDate": "",
            "isDefaultVersion": is_default})
    };
    let all = json!({"status": "success",
        "apis": [entry("base", "v1", false), entry("two", "v2", true), entry("three", "v3", false)]});
    assert_eq!(versions("/tyk/apis/oas/base/versions"), all);
    assert_eq!(versions("/tyk/apis/base/versions"), all);
    let found = versions("/tyk/apis/oas/base/versions?searchText=V3&accessType=external");
    assert_eq!(found["apis"], json!([entry("three", "v3", false)]));
    gateway.admin_get("/tyk/apis/oas/none/versions").assert_refused(404, "API not found");

    gateway.admin("DELETE", "/tyk/apis/oas/two", "").assert_changed("two", "deleted");
    gateway.admin_reload();
    get("").assert_text("base");
    get("v2").assert_error(404, "This API version does not seem to exist");
    get("v3").assert_text("three");
}

#[test]
fn classic_definitions_are_linked_too() {
    let upstream = Upstream::saying("upstream");
    let of = |name: &str| {
        let mock = json!({"path": "/who", "method": "", "code": 200, "body": name});
        Api::new(name).set("/definition", json!({})).target(&upstream).endpoint("mock_response", mock)
    };
    let gateway = setup().api(of("base")).start();
    let path = "/tyk/apis?base_api_id=base&base_api_version_name=v1&new_version_name=v2";
    gateway.admin("POST", path, of("two").text()).assert_changed("two", "added");
    gateway.admin_reload();
    gateway.send(Request::get("/base/who").header("x-api-version", "v2")).assert_text("two");
    gateway.get("/base/who").assert_text("base");
}
