//! Requests that must be as a definition says: `validateRequest` of documents, `validate_json` of Classic definitions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use gatehouse_tests::{Answer, Api, Document, Gateway, Request, Setup, Upstream, log::message};
use serde_json::{Value, json};

/// `POST /users/{id}` with parameters of all kinds and a body, and what it says of a refusal.
fn users(upstream: &Upstream, rule: Value) -> Document {
    Document::new("api")
        .target(upstream)
        .operation("POST", "/users/{id}", json!({"validateRequest": rule}))
        .set(
            "/paths/~1users~1{id}/parameters",
            json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "maximum": 100}},
                {"name": "limit", "in": "query", "schema": {"type": "string"}}]),
        )
        .set(
            "/paths/~1users~1{id}/post/parameters",
            json!([
                {"name": "limit", "in": "query", "required": true, "schema": {"type": "integer", "minimum": 1}},
                {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}},
                {"name": "where", "in": "query", "style": "deepObject", "explode": true, "schema": {"type": "object",
                    "properties": {"age": {"type": "integer"}}, "additionalProperties": false}},
                {"name": "X-Flag", "in": "header", "schema": {"type": "boolean"}},
                {"name": "seen", "in": "cookie", "schema": {"type": "string", "format": "date"}},
                {"name": "filter", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}]),
        )
        .set(
            "/paths/~1users~1{id}/post/requestBody",
            json!({"required": true, "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/User"}},
                "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/User"}}}}),
        )
        .set(
            "/components/schemas/User",
            json!({"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
                "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"},
                "age": {"type": "integer", "nullable": true},
                "id": {"type": "integer", "readOnly": true},
                "boss": {"$ref": "#/components/schemas/User"}}}),
        )
}

fn post(path: &str, body: &str) -> Request {
    Request::post(path, body.to_owned()).header("content-type", "application/json")
}

/// Whether an answer is this refusal, whose words may have quotes in them.
fn assert_refused(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status, answer.json()["error"].as_str().unwrap()), (status, message));
}

const GOOD: &str = r#"{"name": "ann"}"#;

#[test]
fn requests_are_as_the_document_says() {
    let upstream = Upstream::saying("fine");
    let gateway = Setup::new().document(&users(&upstream, json!({"enabled": true}))).start();
    for (path, reason) in [
        (
            "/api/users/x?limit=1",
            "parameter \"id\" in path has an error: value x: an invalid integer: invalid syntax",
        ),
        ("/api/users/101?limit=1", "parameter \"id\" in path has an error: number must be at most 100"),
        ("/api/users/1", "parameter \"limit\" in query has an error: value is required but missing"),
        ("/api/users/1?limit=", "parameter \"limit\" in query has an error: empty value is not allowed"),
        ("/api/users/1?limit=0", "parameter \"limit\" in query has an error: number must be at least 1"),
        (
            "/api/users/1?limit=1&tags=a&tags=c",
            "parameter \"tags\" in query has an error: Error at \"/1\": value is not one of the allowed values [\"a\",\"b\"]",
        ),
        (
            "/api/users/1?limit=1&where[age]=old",
            "parameter \"where\" in query has an error: path age: value old: an invalid integer: invalid syntax",
        ),
        (
            "/api/users/1?limit=1&where[name]=x",
            "parameter \"where\" in query has an error: property \"name\" is unsupported",
        ),
        (
            "/api/users/1?limit=1&filter=3",
            "parameter \"filter\" in query has an error: value must be an object",
        ),
    ] {
        assert_refused(&gateway.send(post(path, GOOD)), 422, &format!("request validation error: {reason}"));
    }
    let good = "/api/users/1?limit=1&tags=a&tags=b&where[age]=3&filter=%7B%7D";
    gateway
        .send(post(good, GOOD).header("x-flag", "true").header("cookie", "a=b; seen=2026-11-21"))
        .assert_text("fine");
    assert_refused(
        &gateway.send(post(good, GOOD).header("x-flag", "maybe")),
        422,
        "request validation error: parameter \"X-Flag\" in header has an error: value maybe: an invalid boolean: invalid syntax",
    );
    assert_refused(
        &gateway.send(post(good, GOOD).header("cookie", "seen=2026-02-30")),
        422,
        "request validation error: parameter \"seen\" in cookie has an error: string doesn't match the format \"date\"",
    );
    assert_eq!(upstream.count(), 1);
    gateway.get("/api/users/x").assert_text("fine");
}

#[test]
fn bodies_are_as_the_document_says() {
    let upstream = Upstream::echo();
    let rule = json!({"enabled": true, "errorResponseCode": 400});
    let gateway = Setup::new().document(&users(&upstream, rule)).start();
    let path = "/api/users/1?limit=1";
    let user = "request validation error: request body has an error: doesn't match schema #/components/schemas/User: ";
    for (body, reason) in [
        ("{}", "Error at \"/name\": property \"name\" is missing"),
        (r#"{"name": 1}"#, "Error at \"/name\": value must be a string"),
        (r#"{"name": null}"#, "Error at \"/name\": Value is not nullable"),
        (r#"{"name": "a"}"#, "Error at \"/name\": minimum string length is 2"),
        (r#"{"name": "A1"}"#, "Error at \"/name\": string doesn't match the regular expression \"^[a-z]+$\""),
        (r#"{"name": "ann", "x": 1}"#, "property \"x\" is unsupported"),
        (r#"{"name": "ann", "id": 1}"#, "Error at \"/id\": readOnly property \"id\" in request"),
        (
            r#"{"name": "ann", "boss": {"name": "bo", "boss": {}}}"#,
            "Error at \"/boss/boss/name\": property \"name\" is missing",
        ),
        ("[]", "value must be an object"),
    ] {
        assert_refused(&gateway.send(post(path, body)), 400, &format!("{user}{reason}"));
    }
    let of_body = |reason: &str| format!("request validation error: request body has an error: {reason}");
    assert_refused(&gateway.send(post(path, "")), 400, &of_body("value is required but missing"));
    let text = Request::post(path, "x").header("content-type", "text/plain");
    assert_refused(
        &gateway.send(text),
        400,
        &of_body("header Content-Type has unexpected value \"text/plain\""),
    );
    let broken = gateway.send(post(path, "{"));
    assert_eq!(broken.status, 400);
    assert!(
        broken.text().contains("request body has an error: failed to decode request body: "),
        "{}",
        broken.text()
    );
    let form = |body: &str| {
        let request = Request::post(path, body.to_owned());
        gateway.send(request.header("content-type", "application/x-www-form-urlencoded; charset=utf-8"))
    };
    assert_refused(
        &form("name=ann&age=x"),
        400,
        &of_body("failed to decode request body: path age: value x: an invalid integer: invalid syntax"),
    );
    assert_eq!(form("name=ann&age=3").json()["body"], "name=ann&age=3");
    let fine = r#"{"name": "ann", "age": null, "boss": {"name": "bo"}}"#;
    assert_eq!(gateway.send(post(path, fine)).json()["body"], fine, "it goes on as it came");
}

#[test]
fn large_and_deep_bodies_do_no_harm() {
    let upstream = Upstream::saying("fine");
    let gateway = Setup::new().document(&users(&upstream, json!({"enabled": true}))).start();
    let path = "/api/users/1?limit=1";
    let large = format!("{{\"name\": \"{}\"}}", "a".repeat(200_000));
    gateway.send(post(path, &large)).assert_text("fine");
    let deep = format!("{}{GOOD}{}", "{\"name\": \"ann\", \"boss\": ".repeat(100), "}".repeat(100));
    gateway.send(post(path, &deep)).assert_text("fine");
    let too_deep = gateway.send(post(path, &"[".repeat(100_000)));
    assert_eq!(too_deep.status, 422);
    let names: Vec<String> = (0..20_000).map(|n| format!("\"{n}\": 1")).collect();
    let unknown = gateway.send(post(path, &format!("{{\"name\": \"ann\", {}}}", names.join(", "))));
    assert_eq!(unknown.status, 422);
    assert!(unknown.text().len() < 4_096);
    gateway.send(post(path, GOOD)).assert_text("fine");
}

#[test]
fn a_schema_that_cannot_be_checked_keeps_the_api_from_being_served() {
    let upstream = Upstream::saying("open");
    for (schema, reason) in [
        (json!({"type": "text"}), "is not a schema that can be checked: "),
        (json!({"$ref": "other.json#/x"}), "leads out of the document"),
        (json!({"$ref": "#/components/schemas/None"}), "is not in the document"),
        (json!({"type": "string", "pattern": "(?=a)"}), "is not a schema that can be checked: "),
    ] {
        let document = users(&upstream, json!({"enabled": true})).set("/components/schemas/User", schema);
        let gateway = Setup::new().document(&document).start();
        assert_eq!(gateway.send(post("/api/users/1?limit=1", GOOD)).status, 404);
        let line = gateway.wait_for_log(|line| message(line).contains(reason));
        assert!(
            line["field"].as_str().unwrap().starts_with("paths./users/{id}.post.requestBody.content."),
            "{line}"
        );
    }
}

#[test]
fn openapi_3_1_has_its_own_schemas() {
    let upstream = Upstream::saying("fine");
    let document = users(&upstream, json!({"enabled": true})).set("/openapi", "3.1.0").set(
        "/components/schemas/User",
        json!({"type": ["object", "null"], "properties": {"n": {"exclusiveMinimum": 3}, "c": {"const": 1}}}),
    );
    let gateway = Setup::new().document(&document).start();
    let send = |body: &str| gateway.send(post("/api/users/1?limit=1", body));
    send("null").assert_text("fine");
    send(r#"{"n": 4, "c": 1}"#).assert_text("fine");
    let user = "request validation error: request body has an error: doesn't match schema #/components/schemas/User: ";
    assert_refused(&send(r#"{"n": 3}"#), 422, &format!("{user}Error at \"/n\": number must be more than 3"));
}

#[test]
fn classic_definitions_check_json() {
    let upstream = Upstream::saying("fine");
    let schema = json!({"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string"}, "n": {"type": "integer", "minimum": 1}, "e": {"enum": [null, "x"]}}});
    let entry = |path: &str, schema: &Value| json!({"path": path, "method": "POST", "schema": schema});
    let mut other = entry("/other", &schema);
    other["error_response_code"] = json!(406);
    let mut off = entry("/off", &schema);
    off["disabled"] = json!(true);
    let packed = json!({"path": "/packed", "method": "POST", "schema_b64": "eyJ0eXBlIjogImFycmF5In0="});
    let api = [entry("/check", &schema), other, off, packed]
        .into_iter()
        .fold(Api::new("api").target(&upstream), |api, entry| api.endpoint("validate_json", entry));
    let gateway = Gateway::serving([api]);
    let send = |path: &str, body: &str| gateway.send(Request::post(path, body.to_owned()));
    send("/api/check", r#"{"name": "ann", "e": null}"#).assert_text("fine");
    assert_refused(&send("/api/check", "{}"), 422, "(root): name is required");
    assert_refused(
        &send("/api/check", r#"{"name": 1, "n": 0}"#),
        422,
        "n: Must be greater than or equal to 1; name: Invalid type. Expected: string, given: integer",
    );
    let broken = send("/api/check", "{");
    assert_eq!(broken.status, 400);
    assert!(broken.text().contains("JSON parsing error: "), "{}", broken.text());
    assert_refused(&send("/api/other", "{}"), 406, "(root): name is required");
    send("/api/off", "{}").assert_text("fine");
    assert_refused(&send("/api/packed", "{}"), 422, "(root): Invalid type. Expected: array, given: object");
    gateway.get("/api/check").assert_text("fine");
}

#[test]
fn what_a_request_leaves_out_is_what_the_document_says() {
    let upstream = Upstream::echo();
    let document = Document::new("api")
        .target(&upstream)
        .operation("POST", "/orders", json!({"validateRequest": {"enabled": true}}))
        .set(
            "/paths/~1orders/post/parameters",
            json!([
                {"name": "page", "in": "query", "schema": {"type": "integer", "default": 10, "maximum": 50}},
                {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}, "default": ["a", "b"]}},
                {"name": "sort", "in": "query", "required": true, "schema": {"type": "string", "default": "up"}},
                {"name": "X-Mode", "in": "header", "schema": {"type": "string", "default": "fast"}},
                {"name": "lang", "in": "cookie", "schema": {"type": "string", "default": "en gb"}}]),
        )
        .set(
            "/paths/~1orders/post/requestBody",
            json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}},
                "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Order"}}}}),
        )
        .set(
            "/components/schemas/Order",
            json!({"type": "object", "required": ["count"], "properties": {
                "count": {"type": "integer", "default": 1},
                "lines": {"type": "array", "items": {"type": "object", "properties": {"unit": {"type": "string", "default": "kg"}}}}}}),
        );
    let gateway = Setup::new().document(&document).start();
    let echoed = |request: Request| gateway.send(request.header("cookie", "a=1")).json();
    let seen = echoed(post("/api/orders?sort=down&z=1", r#"{"lines": [{}, {"weight": 1.10}]}"#));
    assert_eq!(seen["query"], "page=10&sort=down&tags=a%2Cb&z=1");
    assert_eq!(seen["headers"]["x-mode"], json!(["fast"]));
    assert_eq!(seen["headers"]["cookie"], json!(["a=1; lang=\"en gb\""]));
    let body = r#"{"count":1,"lines":[{"unit":"kg"},{"unit":"kg","weight":1.10}]}"#;
    assert_eq!(seen["body"], body);
    assert_eq!(seen["headers"]["content-length"], json!([body.len().to_string()]));
    let whole = r#"{ "count": 3 }"#;
    let seen = echoed(post("/api/orders?sort=x&page=2&tags=c", whole).header("x-mode", "slow"));
    assert_eq!((&seen["query"], &seen["body"]), (&json!("sort=x&page=2&tags=c"), &json!(whole)));
    assert_eq!(seen["headers"]["x-mode"], json!(["slow"]));
    assert_refused(
        &gateway.send(post("/api/orders", whole)),
        422,
        "request validation error: parameter \"sort\" in query has an error: value is required but missing",
    );
    let form = Request::post("/api/orders?sort=x", "lines=1")
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(gateway.send(form).status, 422, "no defaults are put into forms");
}

#[test]
fn parts_of_forms_are_as_the_document_says() {
    let upstream = Upstream::echo();
    let document = Document::new("api")
        .target(&upstream)
        .operation("POST", "/files", json!({"validateRequest": {"enabled": true}}))
        .set(
            "/paths/~1files/post/requestBody",
            json!({"required": true, "content": {"multipart/form-data": {"schema": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "minLength": 2},
                "file": {"type": "string", "format": "binary"},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
                "meta": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}}),
        );
    let gateway = Setup::new().document(&document).start();
    let send = |parts: &[(&str, &str, &str)]| {
        let part = |(name, headers, content): &(&str, &str, &str)| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{headers}\r\n{content}\r\n")
        };
        let body: String = parts.iter().map(part).chain(["--B--\r\n".to_owned()]).collect();
        gateway
            .send(Request::post("/api/files", body).header("content-type", "multipart/form-data; boundary=B"))
    };
    let json_part = "Content-Type: application/json\r\n";
    let file = "Content-Type: application/octet-stream\r\n";
    let fine = send(&[
        ("name", "", "ann"),
        ("file", file, "\u{1}--B"),
        ("tags", "", "a"),
        ("tags", "", "b"),
        ("meta", json_part, "{\"size\": 3}"),
    ]);
    assert!(fine.json()["body"].as_str().unwrap().contains("name=\"meta\""), "it goes on as it came");
    for (part, reason) in [
        (("name", "", "a"), "doesn't match schema: Error at \"/name\": minimum string length is 2"),
        (("file", file, "x"), "doesn't match schema: Error at \"/name\": property \"name\" is missing"),
        (
            ("meta", json_part, "{\"size\": \"3\"}"),
            "doesn't match schema: Error at \"/meta/size\": value must be an integer",
        ),
        (("meta", "", "{}"), "doesn't match schema: Error at \"/meta\": value must be an object"),
        (("other", "", "x"), "failed to decode request body: part other: undefined"),
        (
            ("file", "Content-Type: image/png\r\n", "x"),
            "failed to decode request body: path file: unsupported content type \"image/png\"",
        ),
    ] {
        let answer = match part.0 {
            "meta" => send(&[("name", "", "ann"), part]),
            _ => send(&[part]),
        };
        assert_refused(
            &answer,
            422,
            &format!("request validation error: request body has an error: {reason}"),
        );
    }
    let cut =
        Request::post("/api/files", "garbage").header("content-type", "multipart/form-data; boundary=B");
    assert_refused(
        &gateway.send(cut),
        422,
        "request validation error: request body has an error: failed to decode request body: multipart: NextPart: EOF",
    );
}
