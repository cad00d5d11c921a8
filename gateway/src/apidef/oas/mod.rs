//! Reads a Tyk OAS definition: an OpenAPI 3.0 or 3.1 document with an `x-tyk-api-gateway` object.
//!
//! [`read`] goes from JSON to our model and collects every finding on the way. `document` has the OpenAPI part, `file`
//! and `operation_file` the object's shapes as written, `convert`, `operations`, `hooks`, `cache` and `events` the checks, `examples` the
//! answers that the document itself has, `validation` what requests must look like, `protection` and `authentication` what must be refused.

mod authentication;
mod cache;
mod convert;
mod document;
mod events;
mod examples;
mod file;
mod hooks;
mod operation_file;
mod operations;
mod period;
mod protection;
mod validation;

use serde_json::Value;

use self::document::Document;
use super::{
    Problems,
    companions::Beside,
    read::{Kind, Read},
    written,
};

/// Where everything of the gateway's is in a document.
const EXTENSION: &str = "x-tyk-api-gateway";

/// Reads a definition from its parsed JSON.
///
/// `null` counts as absent inside `x-tyk-api-gateway`, as it does in Go. `None` for `definition` always comes with a
/// refusal, unless the API is inactive.
pub fn read(mut json: Value) -> Read {
    let mut problems = Problems::default();
    let extension = json.as_object_mut().and_then(|document| document.remove(EXTENSION));
    let known = document::check_version(&json, &mut problems);
    let Some(mut extension) = extension.filter(Value::is_object) else {
        problems.refuse(
            EXTENSION,
            "is missing or not an object: it says where the API listens and where its requests go, which a plain \
             OpenAPI document does not",
        );
        return Read::refused(Kind::Oas, problems);
    };
    // Data of scripts and plugins is theirs and stays as it was written.
    let data = extension.pointer_mut("/middleware/global/pluginConfig/data").and_then(Value::as_object_mut);
    let data = data.and_then(|data| data.remove("value"));
    written::remove_nulls(&mut extension);
    let mut unknown = Vec::new();
    let shape = written::shape::<file::Extension>(&extension, EXTENSION, &mut unknown, &mut problems);
    let Some(file) = shape.filter(|_| known) else { return Read::refused(Kind::Oas, problems) };
    let facts = Read {
        kind: Some(Kind::Oas),
        api_id: file.info.id.as_str().into(),
        is_copy_of_oas: false,
        definition: None,
        inactive: !file.info.state.active,
        problems: Problems::default(),
        beside: Beside::default(),
    };
    if facts.inactive {
        return Read { problems, ..facts };
    }
    protection::refuse_unknown_protection(&json, &extension, &mut problems);
    written::warn_of_unknown(&unknown, &mut problems);
    let definition = convert::convert(&file, data, &Document::new(&json), &mut problems);
    Read { definition: definition.filter(|_| problems.refusals.is_empty()), problems, ..facts }
}

/// The dotted path of a field inside the object.
fn at(path: &str) -> String {
    format!("{EXTENSION}.{path}")
}

#[cfg(test)]
mod tests;
