//! Reads a Tyk Classic definition.
//!
//! [`read`] goes from JSON to our model and collects every finding on the way; `file` has the shapes as written,
//! `convert` the checks, `endpoints`, `plugins`, `cache` and `events` those of their lists, `protection` what must be refused.

mod authentication;
mod cache;
mod convert;
mod endpoints;
mod events;
mod file;
mod plugins;
mod protection;

use serde_json::Value;

use super::{
    Problems,
    companions::Beside,
    read::{Kind, Read},
    written,
};

/// Reads a definition from its parsed JSON.
///
/// `null` counts as absent, as it does in Go. `None` for `definition` always comes with a refusal, unless the
/// API is inactive.
pub fn read(mut json: Value) -> Read {
    let mut problems = Problems::default();
    let config_data = json.as_object_mut().and_then(|object| object.remove("config_data"));
    written::remove_nulls(&mut json);
    protection::refuse_unknown_protection(&json, &mut problems);
    let mut unknown = Vec::new();
    let Some(mut file) = written::shape::<file::ClassicFile>(&json, "", &mut unknown, &mut problems) else {
        return Read::refused(Kind::Classic, problems);
    };
    file.config_data = config_data;
    let facts = Read {
        kind: Some(Kind::Classic),
        api_id: file.api_id.as_str().into(),
        is_copy_of_oas: file.is_oas,
        definition: None,
        inactive: !file.active,
        problems: Problems::default(),
        beside: Beside::default(),
    };
    if facts.inactive {
        return Read { problems, ..facts };
    }
    written::warn_of_unknown(&unknown, &mut problems);
    let definition = convert::convert(file, &mut problems);
    Read { definition: definition.filter(|_| problems.refusals.is_empty()), problems, ..facts }
}

#[cfg(test)]
mod tests;
