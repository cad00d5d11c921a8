//! Any value in place of any other: nothing panics, and an API that is not served always has a reason.

use serde_json::{Value, json};

use super::with;
use crate::apidef::read::{place, read};

/// A document that uses everything.
fn full() -> Value {
    let on = json!({"enabled": true, "ignoreCase": true});
    let headers = json!({"enabled": true, "remove": ["X-A"], "add": [{"name": "X-B", "value": "1"}]});
    let plugin =
        json!({"enabled": true, "functionName": "f", "path": "a.so", "config": {"a": [1]}, "timeout": "2s"});
    let schema = json!({"type": "object", "properties": {"list": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}}});
    with(&[
        (
            "/components/schemas/User",
            json!({"type": ["object", "null"], "properties": {"id": {"enum": [1]}, "n": {"type": "integer"}}}),
        ),
        ("/components/securitySchemes", json!({"key": {"type": "apiKey", "in": "header", "name": "A"}})),
        ("/security", json!([{"key": []}])),
        (
            "/paths/~1users/get/responses",
            json!({
                "200": {"headers": {"X-N": {"schema": {"type": "integer"}}}, "content": {"application/json": {"schema": schema}}},
                "201": {"content": {"text/*": {"examples": {"a": {"value": 1}}}}}
            }),
        ),
        ("!/info/expiration", json!("2106-01-02 15:04")),
        ("!/upstream/loadBalancing", json!({"enabled": true, "targets": [{"url": "a:1", "weight": 2}]})),
        ("!/upstream/rateLimit", json!({"enabled": true, "rate": 2, "per": "1s"})),
        ("!/server/customDomain", json!({"enabled": true, "name": "a.example"})),
        ("!/server/ipAccessControl", json!({"enabled": true, "allow": ["10.0.0.0/8"]})),
        (
            "!/server/authentication",
            json!({"enabled": true, "custom": {"enabled": true, "config": plugin}, "securitySchemes": {"key": {"enabled": false}}}),
        ),
        (
            "!/middleware/global",
            json!({
                "pluginConfig": {"driver": "rust", "data": {"enabled": true, "value": {"a": null}}}, "prePlugins": [plugin],
                "responsePlugin": {"plugins": [plugin]}, "cors": on, "cache": on, "transformRequestHeaders": headers,
                "trafficLogs": {"enabled": true, "plugins": [plugin]}, "requestSizeLimit": {"enabled": true, "value": 5}
            }),
        ),
        (
            "!/middleware/operations/getUsers",
            json!({
                "allow": on, "internal": {"enabled": true}, "postPlugins": [plugin], "transformResponseHeaders": headers,
                "virtualEndpoint": {"enabled": true, "functionName": "f", "body": "dmFyIGE7"},
                "mockResponse": {"enabled": true, "fromOASExamples": {"enabled": true}},
                "enforceTimeout": {"enabled": true, "value": 1}, "transformRequestMethod": {"enabled": true, "toMethod": "PUT"},
                "urlRewrite": {"enabled": true, "pattern": ".", "rewriteTo": "/", "triggers": [{"condition": "any", "rewriteTo": "/",
                    "rules": [{"in": "query", "name": "a", "pattern": "."}]}]}
            }),
        ),
        (
            "!/middleware/operations/addUser",
            json!({"mockResponse": {"enabled": true, "headers": [{"name": "A", "value": "1"}]}}),
        ),
    ])
}

/// Pointers to every value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(object) => {
            for (key, member) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(member, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(array) => {
            for (index, element) in array.iter().enumerate() {
                pointers(element, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn nothing_panics_and_every_refusal_has_a_reason() {
    let full = full();
    assert!(read(&full.to_string()).definition.is_some());
    let mut places = Vec::new();
    pointers(&full, "", &mut places);
    assert!(places.len() > 200);
    let others = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("/{"),
        json!("(\n"),
        json!([]),
        json!([null, {}]),
        json!({}),
        json!({"$ref": "#/paths"}),
        json!({"enabled": true, "": {"a.b": [1]}}),
    ];
    for pointer in &places {
        for other in &others {
            let mut damaged = full.clone();
            *damaged.pointer_mut(pointer).unwrap() = other.clone();
            let text = damaged.to_string();
            let read = read(&text);
            let refused = !read.problems.refusals.is_empty();
            assert!(read.definition.is_some() != (refused || read.inactive), "{pointer} {other}: {read:?}");
            for problem in read.problems.refusals.iter().chain(&read.problems.warnings) {
                place(&text, &problem.field);
            }
        }
    }
}
