//! Tyk OAS definitions, built operation by operation.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{definition::put, setup::Setup, upstream::Upstream};

/// A document: active, without keys, listening on its own name.
#[derive(Debug, Clone)]
pub struct Document {
    name: String,
    json: Value,
}

const EXTENSION: &str = "/x-tyk-api-gateway";

impl Document {
    /// An API with this id and name, on `/NAME/`, whose upstream is not there.
    pub fn new(name: &str) -> Self {
        let json = json!({
            "openapi": "3.0.3", "info": {"title": name, "version": "1.0.0"}, "paths": {},
            "x-tyk-api-gateway": {
                "info": {"id": name, "orgId": "default", "name": name, "state": {"active": true}},
                "upstream": {"url": "http://127.0.0.1:1/"},
                "server": {"listenPath": {"value": format!("/{name}/"), "strip": true}},
                "middleware": {"global": {}, "operations": {}}
            }
        });
        Self { name: name.to_owned(), json }
    }

    /// Sets any field of the document by its JSON pointer; objects on the way are made.
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        put(&mut self.json, pointer, value.into());
        self
    }

    /// Sets a field of `x-tyk-api-gateway`.
    pub fn tyk(self, pointer: &str, value: impl Into<Value>) -> Self {
        self.set(&format!("{EXTENSION}{pointer}"), value)
    }

    pub fn target(self, upstream: &Upstream) -> Self {
        self.tyk("/upstream/url", upstream.url("/"))
    }

    /// An operation, whose id is `method` and path without slashes and braces, and what is done at it.
    pub fn operation(self, method: &str, path: &str, rules: Value) -> Self {
        let id = id(method, path);
        let place = format!("/paths/{}/{}", path.replace('/', "~1"), method.to_ascii_lowercase());
        let operation = json!({"operationId": id, "responses": {"200": {"description": "fine"}}});
        self.set(&place, operation).tyk(&format!("/middleware/operations/{id}"), rules)
    }

    /// A virtual endpoint with this body of a `function (request, session, config)`, inline.
    pub fn virtual_endpoint(self, method: &str, path: &str, body: &str) -> Self {
        let function = id(method, path).replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let source = format!("function {function}(request, session, config) {{\n{body}\n}}");
        let rules = json!({"enabled": true, "functionName": function, "body": STANDARD.encode(source)});
        self.operation(method, path, json!({"virtualEndpoint": rules}))
    }

    pub fn file_name(&self) -> String {
        format!("{}-oas.json", self.name)
    }

    /// The text of the definition file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&self.json).unwrap()
    }

    /// Line and column at which the value of a key begins in [`text`](Self::text), by the key's last occurrence.
    pub fn place_of(&self, key: &str) -> String {
        let text = self.text();
        let needle = format!("\"{key}\": ");
        let at = text.rfind(&needle).unwrap_or_else(|| panic!("no {key} in {text}")) + needle.len();
        let line = text[..at].matches('\n').count() + 1;
        let column = at - text[..at].rfind('\n').map_or(0, |start| start + 1) + 1;
        format!("{line}:{column}")
    }
}

fn id(method: &str, path: &str) -> String {
    format!("{}{}", method.to_ascii_lowercase(), path.replace(['/', '{', '}'], ""))
}

/// A function of a plugin as documents name it.
pub fn function(library: &Path, name: &str) -> Value {
    json!({"enabled": true, "functionName": name, "path": library})
}

impl Setup {
    pub fn document(self, document: &Document) -> Self {
        let (name, text) = (document.file_name(), document.text());
        self.definition_text(&name, &text)
    }
}
