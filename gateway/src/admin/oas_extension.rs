//! Tyk's part of an OpenAPI document, filled in from the document and from what an import or a patch asks for.

use serde_json::{Map, Value, json};
use url::Url;

use super::{call::Call, json_object::object};

/// Tyk's part.
pub(super) const EXTENSION: &str = "x-tyk-api-gateway";

/// Methods of a path item.
const METHODS: [&str; 9] = ["connect", "delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// What the query of an import or a patch asks for; what it does not name stays as it is.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    upstream_url: String,
    listen_path: String,
    custom_domain: String,
    api_id: String,
    authentication: Option<bool>,
    allow_list: Option<bool>,
    validate_request: Option<bool>,
    mock_response: Option<bool>,
}

impl Wishes {
    pub(super) fn of(call: &Call) -> Self {
        let text = |name: &str| call.query(name).trim().to_owned();
        // As Go reads booleans; anything else is as good as nothing.
        let switch = |name: &str| match call.query(name).trim() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        };
        Self {
            upstream_url: text("upstreamURL"),
            listen_path: text("listenPath"),
            custom_domain: text("customDomain"),
            api_id: text("apiID"),
            authentication: switch("authentication"),
            allow_list: switch("allowList"),
            validate_request: switch("validateRequest"),
            mock_response: switch("mockResponse"),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let texts = [&self.upstream_url, &self.listen_path, &self.custom_domain, &self.api_id];
        let switches = [self.authentication, self.allow_list, self.validate_request, self.mock_response];
        texts.iter().all(|text| text.is_empty()) && switches.iter().all(Option::is_none)
    }
}

/// Fills in the extension of a document. For an `import` the API is active, and its listen path is taken out.
///
/// # Errors
/// What is missing or wrong, in Tyk's words.
pub(super) fn fill(document: &mut Value, wishes: &Wishes, import: bool) -> Result<(), String> {
    let mut extension = document.get(EXTENSION).cloned().unwrap_or_default();
    let title = document.pointer("/info/title").and_then(Value::as_str).unwrap_or("").to_owned();
    let info = member(&mut extension, "info");
    if import {
        let state = member_of(info, "state");
        state.insert("active".to_owned(), true.into());
        state.insert("internal".to_owned(), false.into());
    }
    set_if_empty(info, "name", &title);
    set(info, "id", &wishes.api_id);
    let server = member(&mut extension, "server");
    let listen_path = member_of(server, "listenPath");
    set(listen_path, "value", &wishes.listen_path);
    set_if_empty(listen_path, "value", "/");
    if import {
        listen_path.insert("strip".to_owned(), true.into());
    }
    if !wishes.custom_domain.is_empty() {
        let is_new = server.get("customDomain").is_none_or(Value::is_null);
        let domain = member_of(server, "customDomain");
        set(domain, "name", &wishes.custom_domain);
        if is_new {
            domain.insert("enabled".to_owned(), true.into());
        }
    }
    let upstream = member(&mut extension, "upstream");
    if let Some(url) = upstream_url(document, upstream, wishes)? {
        set(upstream, "url", &url);
    }
    if let Some(enabled) = wishes.authentication {
        authentication(document, member(&mut extension, "server"), enabled)?;
    }
    operations(document, &mut extension, wishes);
    document[EXTENSION] = extension;
    Ok(())
}

/// Where requests go, when that is to change.
fn upstream_url(
    document: &Value,
    upstream: &Map<String, Value>,
    wishes: &Wishes,
) -> Result<Option<String>, String> {
    if !wishes.upstream_url.is_empty() {
        return match Url::parse(&wishes.upstream_url) {
            Ok(_) => Ok(Some(wishes.upstream_url.clone())),
            Err(_) => Err("invalid upstream URL".to_owned()),
        };
    }
    if upstream.get("url").and_then(Value::as_str).is_some_and(|url| !url.is_empty()) {
        return Ok(None);
    }
    let server = document.pointer("/servers/0").ok_or("servers object is empty in OAS")?;
    let mut url = server.get("url").and_then(Value::as_str).unwrap_or("").to_owned();
    let variables = server.get("variables").and_then(Value::as_object).into_iter().flatten();
    for (name, variable) in variables {
        let place = format!("{{{name}}}");
        if !url.contains(&place) {
            continue;
        }
        let default = variable.get("default").and_then(Value::as_str).unwrap_or("");
        if default.is_empty() {
            return Err(format!("server variable {name} does not have a default value"));
        }
        url = url.replace(&place, default);
    }
    if url.contains('{') && url.contains('}') {
        return Err("server URL contains undefined variables".to_owned());
    }
    if Url::parse(&url).is_err() {
        return Err(format!(
            "error validating servers entry in OAS: Please update {url:?} to be a valid url or pass a valid url with \
             upstreamURL query param"
        ));
    }
    Ok(Some(url))
}

/// Switches the schemes of the document's first security requirement on or off.
fn authentication(document: &Value, server: &mut Map<String, Value>, enabled: bool) -> Result<(), String> {
    let security = document.pointer("/security/0").and_then(Value::as_object);
    let security = security.ok_or("security object is empty in OAS")?;
    let authentication = member_of(server, "authentication");
    authentication.insert("enabled".to_owned(), enabled.into());
    let schemes = member_of(authentication, "securitySchemes");
    for name in security.keys() {
        let scheme = document.pointer("/components/securitySchemes").and_then(|schemes| schemes.get(name));
        let scheme = scheme.ok_or_else(|| format!("security scheme {name} is not in components"))?;
        let place = scheme.get("in").and_then(Value::as_str).unwrap_or("");
        let written = member_of(schemes, name);
        written.insert("enabled".to_owned(), enabled.into());
        if scheme.get("type").and_then(Value::as_str) == Some("apiKey")
            && matches!(place, "header" | "query" | "cookie")
        {
            written.insert(place.to_owned(), json!({"enabled": true}));
        }
    }
    Ok(())
}

/// Gives every operation an id, and the middleware that is asked for.
fn operations(document: &mut Value, extension: &mut Value, wishes: &Wishes) {
    let mut changes = Vec::new();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        let of_item = has_parameters(item);
        for method in METHODS {
            let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else { continue };
            let id = operation.get("operationId").and_then(Value::as_str).unwrap_or("").to_owned();
            let id = if id.is_empty() {
                let id = format!("{}{}", path.trim_start_matches('/'), method.to_ascii_uppercase());
                operation.insert("operationId".to_owned(), id.as_str().into());
                id
            } else {
                id
            };
            let operation = Value::Object(operation.clone());
            changes.push((id, of_item || takes_input(&operation), has_examples(&operation)));
        }
    }
    for (id, takes_input, has_examples) in changes {
        let mut rules = Vec::new();
        if let Some(enabled) = wishes.allow_list {
            rules.push(("allow", json!({ "enabled": enabled })));
        }
        if let Some(enabled) = wishes.validate_request.filter(|_| takes_input) {
            rules.push(("validateRequest", json!({ "enabled": enabled, "errorResponseCode": 422 })));
        }
        if let Some(enabled) = wishes.mock_response.filter(|_| has_examples) {
            let examples = json!({ "enabled": enabled });
            rules.push(("mockResponse", json!({ "enabled": enabled, "fromOASExamples": examples })));
        }
        if rules.is_empty() {
            continue;
        }
        let operations = member_of(member(extension, "middleware"), "operations");
        let operation = member_of(operations, &id);
        for (name, values) in rules {
            let rule = member_of(operation, name);
            rule.extend(values.as_object().cloned().unwrap_or_default());
        }
        if wishes.allow_list == Some(true)
            && let Some(block) = operation.get_mut("block").and_then(Value::as_object_mut)
        {
            block.insert("enabled".to_owned(), false.into());
        }
    }
}

fn has_parameters(value: &Value) -> bool {
    value.get("parameters").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// Whether there is something to validate: parameters, or a body in JSON.
fn takes_input(operation: &Value) -> bool {
    has_parameters(operation)
        || operation.pointer("/requestBody/$ref").is_some()
        || operation.pointer("/requestBody/content/application~1json").is_some()
}

/// Whether there is something to answer with.
fn has_examples(operation: &Value) -> bool {
    let responses = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
    let media = responses.filter_map(|(_, response)| response.get("content")?.as_object()).flatten();
    let says = |(_, media): (&String, &Value)| {
        ["example", "examples", "schema"]
            .iter()
            .any(|key| media.get(key).is_some_and(|value| !value.is_null()))
    };
    media.into_iter().any(says)
}

fn member<'a>(value: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    member_of(object(value), name)
}

fn member_of<'a>(map: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    object(map.entry(name).or_insert(Value::Null))
}

fn set(map: &mut Map<String, Value>, name: &str, value: &str) {
    if !value.is_empty() {
        map.insert(name.to_owned(), value.into());
    }
}

fn set_if_empty(map: &mut Map<String, Value>, name: &str, value: &str) {
    if map.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
        set(map, name, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{EXTENSION, Wishes, fill};

    #[test]
    fn an_import_is_filled_in_from_the_document() {
        let mut document = json!({"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"},
            "servers": [{"url": "http://{host}/v1", "variables": {"host": {"default": "up.example"}}}],
            "security": [{"key": []}],
            "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
            "paths": {"/a/{id}": {"parameters": [{"name": "id", "in": "path"}], "get": {"responses": {}}},
                "/b": {"post": {"operationId": "make", "responses": {"200": {"content": {"a/b": {"example": 1}}}}}}}});
        let on = Some(true);
        let wishes = Wishes {
            listen_path: "/shop/".to_owned(),
            authentication: on,
            allow_list: on,
            validate_request: on,
            mock_response: on,
            ..Wishes::default()
        };
        fill(&mut document, &wishes, true).unwrap();
        assert_eq!(document["paths"]["/a/{id}"]["get"]["operationId"], "a/{id}GET");
        assert_eq!(
            document[EXTENSION],
            json!({"info": {"name": "Shop", "state": {"active": true, "internal": false}},
                "upstream": {"url": "http://up.example/v1"},
                "server": {"listenPath": {"value": "/shop/", "strip": true}, "authentication": {"enabled": true,
                    "securitySchemes": {"key": {"enabled": true, "header": {"enabled": true}}}}},
                "middleware": {"operations": {
                    "a/{id}GET": {"allow": {"enabled": true},
                        "validateRequest": {"enabled": true, "errorResponseCode": 422}},
                    "make": {"allow": {"enabled": true},
                        "mockResponse": {"enabled": true, "fromOASExamples": {"enabled": true}}}}}})
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let refused = |mut document, wishes: Wishes| fill(&mut document, &wishes, true).unwrap_err();
        let nothing = Wishes::default;
        assert_eq!(refused(json!({}), nothing()), "servers object is empty in OAS");
        let upstream = Wishes { upstream_url: "up.example".to_owned(), ..nothing() };
        assert_eq!(refused(json!({}), upstream), "invalid upstream URL");
        let relative = json!({"servers": [{"url": "/v1"}]});
        assert!(refused(relative, nothing()).starts_with("error validating servers entry in OAS"));
        let undefined = json!({"servers": [{"url": "http://{a}/"}]});
        assert_eq!(refused(undefined, nothing()), "server URL contains undefined variables");
        let upstream = "http://a/".to_owned();
        let keys = Wishes { upstream_url: upstream, authentication: Some(true), ..nothing() };
        assert_eq!(refused(json!({}), keys), "security object is empty in OAS");
    }
}
