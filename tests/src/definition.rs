//! Tyk Classic definitions, built field by field.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::upstream::Upstream;

/// A definition: active, without keys, one version, listening on its own name.
#[derive(Debug, Clone)]
pub struct Api {
    name: String,
    definition: Value,
    scripts: usize,
}

const PATHS: &str = "/version_data/versions/Default/extended_paths";

impl Api {
    /// An API with this id and name, on `/NAME/`, whose upstream is not there.
    pub fn new(name: &str) -> Self {
        let definition = json!({
            "name": name, "api_id": name, "org_id": "default", "active": true, "use_keyless": true,
            "definition": {"location": "header", "key": "x-version"},
            "version_data": {"not_versioned": true, "versions": {
                "Default": {"name": "Default", "use_extended_paths": true, "extended_paths": {}}
            }},
            // Port 1 is free on every machine: an upstream that is not there.
            "proxy": {"listen_path": format!("/{name}/"), "target_url": "http://127.0.0.1:1/", "strip_listen_path": true}
        });
        Self { name: name.to_owned(), definition, scripts: 0 }
    }

    /// Sets any field by its JSON pointer; objects on the way are made.
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        put(&mut self.definition, pointer, value.into());
        self
    }

    pub fn listen(self, path: &str) -> Self {
        self.set("/proxy/listen_path", path)
    }

    pub fn target(self, upstream: &Upstream) -> Self {
        self.target_url(&upstream.url("/"))
    }

    pub fn target_url(self, url: &str) -> Self {
        self.set("/proxy/target_url", url)
    }

    /// Adds an entry to a list of `extended_paths`.
    pub fn endpoint(mut self, list: &str, entry: Value) -> Self {
        push(&mut self.definition, &format!("{PATHS}/{list}"), entry);
        self
    }

    /// A virtual endpoint with this body of a `function (request, session, config)`, inline.
    pub fn virtual_endpoint(mut self, method: &str, path: &str, body: &str) -> Self {
        self.scripts += 1;
        let function = format!("endpoint{}", self.scripts);
        let source = format!("function {function}(request, session, config) {{\n{body}\n}}");
        self.script(method, path, &function, &source)
    }

    /// A virtual endpoint whose inline source is this whole text.
    pub fn script(self, method: &str, path: &str, function: &str, source: &str) -> Self {
        self.endpoint("virtual", virtual_entry(method, path, function, "blob", &STANDARD.encode(source)))
    }

    /// A virtual endpoint whose source is a file.
    pub fn script_file(self, method: &str, path: &str, function: &str, file: &str) -> Self {
        self.endpoint("virtual", virtual_entry(method, path, function, "file", file))
    }

    /// Changes the last virtual endpoint.
    pub fn last_script(mut self, key: &str, value: impl Into<Value>) -> Self {
        let entries = self.definition.pointer_mut(&format!("{PATHS}/virtual")).and_then(Value::as_array_mut);
        entries.and_then(|entries| entries.last_mut()).expect("a virtual endpoint")[key] = value.into();
        self
    }

    /// Several versions instead of one: `location` is header, url-param or url.
    pub fn versioned(self, location: &str, key: &str) -> Self {
        let mut versioned = self
            .set("/version_data/not_versioned", false)
            .set("/definition/location", location)
            .set("/definition/key", key);
        versioned.definition["version_data"]["versions"] = json!({});
        versioned
    }

    pub fn version(self, name: &str, mut version: Value) -> Self {
        version["name"] = name.into();
        self.set(&format!("/version_data/versions/{name}"), version)
    }

    pub fn file_name(&self) -> String {
        format!("{}.json", self.name)
    }

    /// The text of the definition file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&self.definition).unwrap()
    }

    /// Line and column at which the value of a key begins in [`text`](Self::text), by the key's first occurrence.
    pub fn place_of(&self, key: &str) -> String {
        let text = self.text();
        let needle = format!("\"{key}\": ");
        let at = text.find(&needle).unwrap_or_else(|| panic!("no {key} in {text}")) + needle.len();
        let line = text[..at].matches('\n').count() + 1;
        let column = at - text[..at].rfind('\n').map_or(0, |start| start + 1) + 1;
        format!("{line}:{column}")
    }
}

fn virtual_entry(method: &str, path: &str, function: &str, kind: &str, uri: &str) -> Value {
    json!({
        "path": path, "method": method, "response_function_name": function, "function_source_type": kind,
        "function_source_uri": uri, "use_session": false, "proxy_on_error": false,
    })
}

/// Sets what a JSON pointer points at, making objects on the way.
pub fn put(tree: &mut Value, pointer: &str, value: Value) {
    let mut place = tree;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        place = match place {
            Value::Array(items) => &mut items[step.parse::<usize>().expect("an index")],
            place => {
                if place.is_null() {
                    *place = json!({});
                }
                &mut place[step.as_str()]
            }
        };
    }
    *place = value;
}

fn push(tree: &mut Value, pointer: &str, value: Value) {
    let mut list = tree.pointer(pointer).cloned().unwrap_or_else(|| json!([]));
    list.as_array_mut().expect("a list").push(value);
    put(tree, pointer, list);
}
