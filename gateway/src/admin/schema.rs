//! The OpenAPI document of the admin API, made from the table of routes.

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Outcome},
    call::Call,
    plugin_test::schema as plugin_test_schema,
    route_table::ROUTES,
    routes::{Route, parameter_name},
    secret,
};

/// The document.
pub fn get(_: &Call) -> Outcome {
    Ok(Answer::json(&document()))
}

/// The document, as a value.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Gatehouse admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Keys, definitions, policies and reloads, in the shapes of Tyk Gateway's API.",
        },
        "security": [{ "secret": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "secret": { "type": "apiKey", "in": "header", "name": secret::HEADER },
            },
            "schemas": schemas(),
        },
    })
}

fn operation(route: &Route) -> Value {
    let in_path = route.path.split('/').filter_map(parameter_name).map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
    });
    let in_query = route.query.iter().map(|query| {
        json!({
            "name": query.name, "in": "query", "required": false, "description": query.meaning,
            "schema": { "type": "string" },
        })
    });
    let mut responses = Map::new();
    responses.insert("200".to_owned(), response("Done", route.gives));
    let with_body = route.body.map(|_| 413);
    for status in route.errors.iter().copied().chain([403, 500]).chain(with_body) {
        responses.insert(status.to_string(), response(meaning(status), "Error"));
    }
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": responses,
    });
    if let Some(body) = route.body {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": reference(body) } },
        });
    }
    operation
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn response(description: &str, schema: &str) -> Value {
    let content_type = if schema == "File" { "application/octet-stream" } else { "application/json" };
    json!({ "description": description, "content": { content_type: { "schema": reference(schema) } } })
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "What was sent cannot be; nothing has changed",
        403 => "The secret is missing or wrong, or the admin API is off",
        404 => "There is no such thing",
        409 => "In conflict with what is there; nothing has changed",
        422 => "Something that is needed is missing; nothing has changed",
        413 => "The body is larger than gatehouse.admin.max_body_bytes",
        503 => "The store cannot be reached; nothing has changed",
        _ => "The gateway failed; the message says at what",
    }
}

fn schemas() -> Value {
    json!({
        "Object": { "type": "object" },
        "File": { "type": "string", "format": "binary" },
        "Definition": definition(),
        "Definitions": { "type": "array", "items": reference("Definition") },
        "OasDefinition": oas_definition(),
        "OpenApiDocument": openapi_document(),
        "Versions": versions(),
        "OasDefinitions": { "type": "array", "items": reference("OasDefinition") },
        "Message": {
            "type": "object",
            "required": ["status", "message"],
            "properties": { "status": { "enum": ["ok"] }, "message": { "type": "string" } },
        },
        "Error": error(),
        "Modified": {
            "type": "object",
            "required": ["key", "status", "action"],
            "properties": {
                "key": { "type": "string" },
                "status": { "enum": ["ok"] },
                "action": { "enum": ["added", "modified", "updated", "deleted"] },
                "key_hash": { "type": "string" },
            },
        },
        "Session": session(),
        "Keys": {
            "type": "object",
            "required": ["keys"],
            "properties": { "keys": { "type": "array", "items": { "type": "string" } } },
        },
        "PolicyUpdate": {
            "type": "object",
            "properties": {
                "policy": { "type": "string" },
                "apply_policies": { "type": "array", "items": { "type": "string" } },
            },
        },
        "Policy": policy(),
        "Policies": { "type": "array", "items": reference("Policy") },
        "Status": status(),
        "PluginTest": plugin_test_schema::test(),
        "PluginTestResult": plugin_test_schema::result(),
    })
}

fn error() -> Value {
    let item = json!({
        "type": "object",
        "required": ["field", "message"],
        "properties": {
            "field": { "type": "string" },
            "line": { "type": "integer" },
            "column": { "type": "integer" },
            "message": { "type": "string" },
        },
    });
    json!({
        "type": "object",
        "required": ["status", "message"],
        "properties": {
            "status": { "enum": ["error"] },
            "message": { "type": "string" },
            "error": { "type": "string", "description": "The message again, in /tyk/plugins/test" },
            "errors": { "type": "array", "items": item },
        },
    })
}

/// A session, with the fields that most keys have. `null` is "not there", as in Go.
fn session() -> Value {
    let a = |kind: &str| json!({ "type": kind, "nullable": true });
    let list = |item: Value| json!({ "type": "array", "nullable": true, "items": item });
    let texts = || list(json!({ "type": "string" }));
    let object = |properties: Value| json!({ "type": "object", "nullable": true, "properties": properties });
    let url = json!({ "type": "object", "properties": { "url": a("string"), "methods": texts() } });
    let mut right = object(json!({
        "api_id": a("string"),
        "api_name": a("string"),
        "versions": texts(),
        "allowed_urls": list(url),
    }));
    right["nullable"] = false.into();
    let rights = json!({ "type": "object", "nullable": true, "additionalProperties": right });
    json!({
        "type": "object",
        "description": "A session in Tyk's form; unknown fields are kept",
        "properties": {
            "org_id": a("string"),
            "alias": a("string"),
            "rate": a("number"),
            "per": a("number"),
            "allowance": a("number"),
            "quota_max": a("integer"),
            "quota_renewal_rate": a("integer"),
            "expires": a("integer"),
            "is_inactive": a("boolean"),
            "access_rights": rights,
            "apply_policies": texts(),
            "tags": texts(),
        },
        "example": {
            "org_id": "default", "rate": 100, "per": 60, "quota_max": 1000, "quota_renewal_rate": 3600,
            "access_rights": { "shop": { "api_id": "shop", "api_name": "shop", "versions": ["Default"] } },
        },
    })
}

fn policy() -> Value {
    let a = |kind: &str| json!({ "type": kind, "nullable": true });
    let partition = || a("boolean");
    json!({
        "type": "object",
        "description": "A policy in Tyk's form; unknown fields are kept",
        "properties": {
            "id": a("string"),
            "name": a("string"),
            "org_id": a("string"),
            "rate": a("number"),
            "per": a("number"),
            "quota_max": a("integer"),
            "quota_renewal_rate": a("integer"),
            "is_inactive": a("boolean"),
            "tags": { "type": "array", "nullable": true, "items": { "type": "string" } },
            "partitions": { "type": "object", "nullable": true, "properties": {
                "quota": partition(), "rate_limit": partition(), "acl": partition(), "per_api": partition(),
            } },
        },
        "example": {
            "id": "gold", "name": "Gold", "org_id": "default", "rate": 100, "per": 60, "quota_max": -1,
            "access_rights": { "shop": { "api_id": "shop", "api_name": "shop", "versions": ["Default"] } },
        },
    })
}

fn definition() -> Value {
    json!({
        "type": "object",
        "description": "A Tyk Classic definition; the book's page on definitions has its fields",
        "example": {
            "name": "example", "api_id": "example", "org_id": "default", "active": true, "use_keyless": true,
            "version_data": { "not_versioned": true, "versions": { "Default": { "name": "Default" } } },
            "proxy": { "listen_path": "/example/", "target_url": "http://127.0.0.1:3000/", "strip_listen_path": true },
        },
    })
}

fn oas_definition() -> Value {
    json!({
        "type": "object",
        "description": "An OpenAPI document with x-tyk-api-gateway",
        "example": {
            "openapi": "3.0.3",
            "info": { "title": "example", "version": "1" },
            "paths": {},
            "x-tyk-api-gateway": {
                "info": { "name": "example", "id": "example-oas", "state": { "active": true } },
                "upstream": { "url": "http://127.0.0.1:3000/" },
                "server": { "listenPath": { "value": "/example-oas/", "strip": true } },
            },
        },
    })
}

fn openapi_document() -> Value {
    json!({
        "type": "object",
        "description": "An OpenAPI document",
        "example": {
            "openapi": "3.0.3",
            "info": { "title": "example", "version": "1" },
            "servers": [{ "url": "http://127.0.0.1:3000/" }],
            "paths": { "/things": { "get": { "operationId": "listThings", "responses": {} } } },
        },
    })
}

fn versions() -> Value {
    let version = json!({
        "type": "object",
        "required": ["id", "name", "versionName", "internal", "expirationDate", "isDefaultVersion"],
        "properties": {
            "id": { "type": "string" },
            "name": { "type": "string" },
            "versionName": { "type": "string" },
            "internal": { "type": "boolean" },
            "expirationDate": { "type": "string" },
            "isDefaultVersion": { "type": "boolean" },
        },
    });
    json!({
        "type": "object",
        "required": ["status", "apis"],
        "properties": { "status": { "enum": ["success"] }, "apis": { "type": "array", "items": version } },
    })
}

fn status() -> Value {
    let finding = json!({
        "type": "object",
        "required": ["field", "place", "message"],
        "properties": {
            "field": { "type": "string" },
            "place": { "type": "string" },
            "message": { "type": "string" },
        },
    });
    let definition = json!({
        "type": "object",
        "required": ["api_id", "file", "state", "findings"],
        "properties": {
            "api_id": { "type": "string" },
            "file": { "type": "string" },
            "state": { "enum": ["served", "inactive", "refused"] },
            "findings": { "type": "array", "items": finding },
        },
    });
    json!({
        "type": "object",
        "required": ["version", "uptime_seconds", "ready", "not_ready", "apis_served", "definitions"],
        "properties": {
            "version": { "type": "string" },
            "uptime_seconds": { "type": "integer" },
            "ready": { "type": "boolean" },
            "not_ready": { "type": "array", "items": { "type": "string" } },
            "apis_served": { "type": "integer" },
            "plugins_loaded": { "type": "integer" },
            "requests_in_flight": { "type": "integer" },
            "definitions": { "type": "array", "items": definition },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{ROUTES, document};

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document = document();
        let documented: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let routed = ROUTES.iter().map(|route| (route.path.to_owned(), route.method.to_owned()));
        assert_eq!(documented, routed.collect());
        assert_eq!(documented.len(), ROUTES.len(), "a route that is there twice");
    }

    #[test]
    fn every_schema_that_is_named_is_there_and_every_one_there_is_named() {
        fn references(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(object) => object.iter().for_each(|(key, value)| match value {
                    Value::String(reference) if key == "$ref" => {
                        found.insert(reference.rsplit('/').next().unwrap().to_owned());
                    }
                    value => references(value, found),
                }),
                Value::Array(array) => array.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut named = BTreeSet::new();
        references(&document, &mut named);
        let there = document["components"]["schemas"].as_object().unwrap().keys().cloned();
        assert_eq!(named, there.collect());
    }
}
