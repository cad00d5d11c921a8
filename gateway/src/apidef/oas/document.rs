//! The OpenAPI part of a definition: operations, security, references.
//!
//! Only what the gateway needs is looked at, and leniently: the document is for people and tools, and what does not
//! concern routing is no reason to refuse an API.

use std::cmp::{Ordering, Reverse};

use http::Method;
use serde_json::Value;

use crate::{apidef::Problems, validation::Dialect};

/// Methods that a path item may have, in the order of the specification.
const METHODS: [(&str, Method); 9] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
    ("trace", Method::TRACE),
    ("connect", Method::CONNECT),
];

/// References that lead to references are followed so far.
const MAX_REFERENCES: usize = 16;

/// Whether the document is of a version that is read; if not, that is a refusal.
pub(super) fn check_version(document: &Value, problems: &mut Problems) -> bool {
    let message = match document.get("openapi") {
        Some(Value::String(version)) => match version.split('.').collect::<Vec<_>>().as_slice() {
            ["3", "0" | "1", ..] => return true,
            _ => format!("`{version}` is not a version that is read; 3.0 and 3.1 are"),
        },
        Some(other) => format!("{other} is not a text; write a version such as \"3.0.3\""),
        None if document.get("swagger").is_some() => {
            problems
                .refuse("swagger", "documents of Swagger 2.0 are not read; convert it to OpenAPI 3.0 or 3.1");
            return false;
        }
        None => "is missing; it says which version of OpenAPI this is, such as \"3.0.3\"".to_owned(),
    };
    problems.refuse("openapi", message);
    false
}

/// The document without the gateway's object.
pub(super) struct Document<'a> {
    root: &'a Value,
}

/// One operation of `paths`.
pub(super) struct DocumentOperation<'a> {
    /// `operationId`.
    pub(super) id: &'a str,
    /// Path as written.
    pub(super) path: &'a str,
    /// Its method.
    pub(super) method: Method,
    /// Key of the method.
    key: &'static str,
    /// What the document says of it.
    pub(super) value: &'a Value,
    /// What it says of all operations of the path.
    pub(super) item: &'a Value,
}

impl DocumentOperation<'_> {
    /// Dotted path of something in it.
    pub(super) fn field(&self, rest: &str) -> String {
        format!("paths.{}.{}.{rest}", self.path, self.key)
    }

    /// For people.
    pub(super) fn describe(&self) -> String {
        format!("operation `{}` ({} {})", self.id, self.method, self.path)
    }
}

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    /// The whole document, without the gateway's object.
    pub(super) fn root(&self) -> &'a Value {
        self.root
    }

    /// Which schemas it has.
    pub(super) fn dialect(&self) -> Dialect {
        let version = self.root.get("openapi").and_then(Value::as_str).unwrap_or("");
        if version.starts_with("3.0") { Dialect::V30 } else { Dialect::V31 }
    }

    /// `info.title`.
    pub(super) fn title(&self) -> Option<&'a str> {
        self.root.pointer("/info/title").and_then(Value::as_str).filter(|title| !title.is_empty())
    }

    /// The operations that have an id, in the order in which they are matched: as in Tyk, paths with more segments
    /// first, then those with more text outside of parameters.
    pub(super) fn operations(&self) -> Vec<DocumentOperation<'a>> {
        let mut paths: Vec<_> =
            self.root.get("paths").and_then(Value::as_object).into_iter().flatten().collect();
        paths.sort_by(|(left, _), (right, _)| compare_paths(left, right));
        let operations = paths.into_iter().flat_map(|(path, item)| {
            let item = self.resolve(item);
            METHODS.into_iter().filter_map(move |(key, method)| {
                let value = item.get(key)?;
                let id = value.get("operationId")?.as_str()?;
                Some(DocumentOperation { id, path, method, key, value, item })
            })
        });
        operations.collect()
    }

    /// Names in the first entry of `security`, the only one that counts as in Tyk, and how many entries there are.
    pub(super) fn security(&self) -> (Vec<&'a str>, usize) {
        let entries = self.root.get("security").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let first = entries.first().and_then(Value::as_object).into_iter().flatten();
        (first.map(|(name, _)| name.as_str()).collect(), entries.len())
    }

    /// An entry of `components.securitySchemes`.
    pub(super) fn security_scheme(&self, name: &str) -> Option<&'a Value> {
        let schemes = self.root.get("components")?.get("securitySchemes")?;
        schemes.get(name).map(|scheme| self.resolve(scheme))
    }

    /// What a reference inside the document leads to; the value itself when it is none, or leads nowhere.
    pub(super) fn resolve(&self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
            let Some(target) = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer))
            else {
                return value;
            };
            value = target;
        }
        value
    }
}

fn compare_paths(left: &str, right: &str) -> Ordering {
    let (plain_left, plain_right) = (without_parameters(left), without_parameters(right));
    if plain_left == plain_right {
        // `/sub` before `/sub{id}`.
        return left.len().cmp(&right.len()).then_with(|| right.cmp(left));
    }
    let rank = |path: &str| (Reverse(path.matches('/').count()), Reverse(path.len()));
    rank(&plain_left).cmp(&rank(&plain_right)).then_with(|| plain_left.cmp(&plain_right))
}

fn without_parameters(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, from)) = rest.split_once('{') {
        plain.push_str(before);
        match from.split_once('}') {
            Some((name, after)) if !name.is_empty() => rest = after,
            _ => {
                plain.push('{');
                rest = from;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Document;

    #[test]
    fn paths_are_matched_in_tyks_order() {
        let paths = [
            "/users/{id}/posts/{postId}",
            "/users/admin/posts",
            "/users/{id}/posts",
            "/users/admin",
            "/users/{id}",
            "/sub",
            "/sub{id}",
            "/a",
            "/b",
        ];
        let mut document = json!({"openapi": "3.0.3", "paths": {}});
        for path in paths {
            document["paths"][path] = json!({"get": {"operationId": path}});
        }
        let found: Vec<_> = Document::new(&document).operations().iter().map(|found| found.path).collect();
        assert_eq!(found, paths);
    }

    #[test]
    fn references_are_followed_and_loops_are_not() {
        let document = json!({"a": {"$ref": "#/b"}, "b": {"$ref": "#/c"}, "c": 3, "d": {"$ref": "#/d"},
            "e": {"$ref": "other.json#/x"}});
        let read = Document::new(&document);
        assert_eq!(read.resolve(&document["a"]), 3);
        assert_eq!(read.resolve(&document["d"]), &document["d"]);
        assert_eq!(read.resolve(&document["e"]), &document["e"]);
    }
}
