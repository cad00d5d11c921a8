//! From text to a definition, whichever kind it is.

use std::sync::Arc;

use serde_json::Value;

use super::{
    ApiDefinition, Problems, classic,
    companions::{Beside, Companions},
    oas,
};
use crate::config::{Position, Segment, locate};

/// What a definition is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tyk's own form.
    Classic,
    /// An OpenAPI document with `x-tyk-api-gateway`.
    Oas,
}

impl Kind {
    /// Dotted path of the API's id.
    pub fn id_field(self) -> &'static str {
        match self {
            Self::Classic => "api_id",
            Self::Oas => "x-tyk-api-gateway.info.id",
        }
    }

    /// Dotted path of the listen path.
    pub fn listen_path_field(self) -> &'static str {
        match self {
            Self::Classic => "proxy.listen_path",
            Self::Oas => "x-tyk-api-gateway.server.listenPath.value",
        }
    }

    /// Dotted path of the versions that are APIs of their own.
    pub fn versions_field(self) -> &'static str {
        match self {
            Self::Classic => "definition.versions",
            Self::Oas => "x-tyk-api-gateway.info.versioning.versions",
        }
    }
}

/// A definition as read: `None` when it is not served, with the reasons in the problems.
#[derive(Debug)]
pub struct Read {
    /// What it is written as; `None` when the text is not JSON.
    pub kind: Option<Kind>,
    /// Id of the API, empty when it could not be read.
    pub api_id: Arc<str>,
    /// A Classic definition that says that it stands for an OAS one, which Tyk keeps beside it.
    pub is_copy_of_oas: bool,
    /// The definition, unless it was refused or is inactive.
    pub definition: Option<ApiDefinition>,
    /// Whether the file says that the API is not active; such an API is left out without being an error.
    pub inactive: bool,
    /// What was found.
    pub problems: Problems,
    /// What was read with it.
    pub beside: Beside,
}

impl Read {
    /// A definition of which nothing is known but what is wrong.
    pub(super) fn refused(kind: impl Into<Option<Kind>>, problems: Problems) -> Self {
        Self {
            kind: kind.into(),
            api_id: "".into(),
            is_copy_of_oas: false,
            definition: None,
            inactive: false,
            problems,
            beside: Beside::default(),
        }
    }
}

/// Reads a definition of either kind; what the text is, is told from what it holds: a document with `openapi` is a
/// Tyk OAS definition, everything else a Classic one.
pub fn read(text: &str) -> Read {
    read_with(text, None)
}

/// The same with what belongs to the definition; without it one that names a bundle is refused.
pub(super) fn read_with(text: &str, companions: Option<&Companions<'_>>) -> Read {
    let mut json: Value = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) => {
            let mut problems = Problems::default();
            let message = format!("is not JSON, line {} column {}: {error}", error.line(), error.column());
            problems.refuse("", message);
            return Read::refused(None, problems);
        }
    };
    let kind = kind(&json);
    let id = written_id(kind, &json);
    let mut before = Problems::default();
    let beside =
        companions.map(|companions| companions.join(&mut json, kind, &mut before)).unwrap_or_default();
    let mut read = match kind {
        Kind::Oas => oas::read(json),
        Kind::Classic => classic::read(json),
    };
    read.beside = beside;
    if read.api_id.is_empty() {
        // Whatever else is wrong with it, people must be able to call it by its name.
        read.api_id = id;
    }
    if !before.refusals.is_empty() {
        read.problems.refusals.append(&mut before.refusals);
        read.definition = None;
    }
    if let Some(definition) = &mut read.definition
        && definition.uses_plugins()
    {
        definition.written = Some(text.into());
    }
    read
}

fn written_id(kind: Kind, json: &Value) -> Arc<str> {
    let id = match kind {
        Kind::Classic => json.get("api_id"),
        Kind::Oas => json.pointer("/x-tyk-api-gateway/info/id"),
    };
    id.and_then(Value::as_str).unwrap_or("").into()
}

fn kind(json: &Value) -> Kind {
    let is_document = ["openapi", "swagger", "x-tyk-api-gateway"].iter().any(|key| json.get(key).is_some());
    if is_document { Kind::Oas } else { Kind::Classic }
}

/// Where in a definition's text a field is: as line and column, and as a JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The value, or the nearest one around it that is there.
    pub position: Option<Position>,
    /// The field, whether it is there or not.
    pub pointer: String,
}

/// Finds a field by its dotted path as problems have it.
///
/// Keys may hold dots and brackets themselves, as paths and names of versions do: what the text has counts.
pub fn place(text: &str, field: &str) -> Place {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let mut segments = Vec::new();
    let known = resolve(&json, field, &mut segments);
    let position = (!segments.is_empty()).then(|| locate(text, &segments)).flatten();
    segments.extend(Segment::from_dotted(field[known..].trim_start_matches('.')));
    let pointer = segments.iter().map(|segment| match segment {
        Segment::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Index(index) => format!("/{index}"),
    });
    Place { position, pointer: pointer.collect() }
}

/// Follows `path` as far as the JSON does, and gives the length of what was followed.
fn resolve<'a>(value: &'a Value, path: &str, segments: &mut Vec<Segment<'a>>) -> usize {
    let mut longest = (0, Vec::new());
    let mut consider = |segment: Segment<'a>, child: &'a Value, length: usize| {
        let mut below = vec![segment];
        let length = length + resolve(child, &path[length..], &mut below);
        if length > longest.0 {
            longest = (length, below);
        }
    };
    match value {
        Value::Object(object) => {
            let rest = path.strip_prefix('.').unwrap_or(path);
            let dot = path.len() - rest.len();
            for (key, child) in object.iter().filter(|(key, _)| !key.is_empty()) {
                let Some(after) = rest.strip_prefix(key.as_str()) else { continue };
                if after.is_empty() || after.starts_with(['.', '[']) {
                    consider(Segment::Key(key), child, dot + key.len());
                }
            }
        }
        Value::Array(array) => {
            if let Some((index, _)) = path.strip_prefix('[').and_then(|rest| rest.split_once(']'))
                && let Ok(number) = index.parse::<usize>()
                && let Some(child) = array.get(number)
            {
                consider(Segment::Index(number), child, index.len() + 2);
            }
        }
        _ => {}
    }
    segments.append(&mut longest.1);
    longest.0
}

#[cfg(test)]
mod tests {
    use super::{Kind, place, read};

    #[test]
    fn kinds_are_told_apart() {
        let cases = [
            ("{}", Some(Kind::Classic)),
            (r#"{"api_id": "x", "is_oas": true}"#, Some(Kind::Classic)),
            (r#"{"openapi": "3.0.3"}"#, Some(Kind::Oas)),
            (r#"{"swagger": "2.0"}"#, Some(Kind::Oas)),
            (r#"{"x-tyk-api-gateway": {}}"#, Some(Kind::Oas)),
            ("[]", Some(Kind::Classic)),
            ("{", None),
        ];
        for (text, kind) in cases {
            let read = read(text);
            assert_eq!(read.kind, kind, "{text}");
            assert!(read.definition.is_none() && !read.problems.refusals.is_empty() || read.inactive);
        }
    }

    #[test]
    fn fields_are_found_whatever_their_keys_hold() {
        let text = r#"{"versions": {"v1.0": {"a": 1}},
"paths": {"/users/{id}.json": {"get": [1, {"x~y": 2}]}}, "paths./users": 3}"#;
        let cases = [
            ("versions.v1.0.a", "/versions/v1.0/a", Some((1, 29))),
            ("versions.v1.0.b.c[2]", "/versions/v1.0/b/c/2", Some((1, 23))),
            ("paths./users/{id}.json.get[1].x~y", "/paths/~1users~1{id}.json/get/1/x~0y", Some((2, 51))),
            ("nothing", "/nothing", None),
            ("", "", None),
        ];
        for (field, pointer, position) in cases {
            let found = place(text, field);
            assert_eq!(found.pointer, pointer);
            assert_eq!(found.position.map(|place| (place.line, place.column)), position, "{field}");
        }
        assert_eq!(place("{", "a.b").pointer, "/a/b");
    }
}
