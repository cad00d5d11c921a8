//! Reads a Tyk Classic definition.
//!
//! [`read`] goes from text to [`ApiDefinition`] and collects every finding on the way; `file` has the shapes
//! as written, `convert` the checks, `plugins` those of plugins' places, `events` those of event handlers, `protection`
//! what must be refused.

mod authentication;
mod convert;
mod events;
mod file;
mod plugins;
mod protection;

use serde_json::Value;

use super::{ApiDefinition, Problems};

/// A definition as read: `None` when it is not served, with the reasons in the problems.
#[derive(Debug)]
pub struct Read {
    /// The definition, unless it was refused or is inactive.
    pub definition: Option<ApiDefinition>,
    /// Whether the file says `active: false`; such an API is left out without being an error.
    pub inactive: bool,
    /// What was found.
    pub problems: Problems,
}

/// Reads a definition from its parsed JSON.
///
/// `null` counts as absent, as it does in Go. `None` for `definition` always comes with a refusal, unless the
/// API is inactive.
pub fn read(mut json: Value) -> Read {
    let mut problems = Problems::default();
    let config_data = json.as_object_mut().and_then(|object| object.remove("config_data"));
    remove_nulls(&mut json);
    protection::refuse_unknown_protection(&json, &mut problems);

    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(&json, &mut track);
    let parsed: Result<file::ClassicFile, _> =
        serde_ignored::deserialize(deserializer, |path| unknown.push(path.to_string()));
    let mut file = match parsed {
        Ok(file) => file,
        Err(error) => {
            problems.refuse(track.path().to_string(), error.to_string());
            return Read { definition: None, inactive: false, problems };
        }
    };
    file.config_data = config_data;
    if !file.active {
        return Read { definition: None, inactive: true, problems };
    }
    warn_of_unknown(&json, &unknown, &mut problems);
    let definition = convert::convert(file, &mut problems);
    Read { definition: definition.filter(|_| problems.refusals.is_empty()), inactive: false, problems }
}

/// Takes out every member that is `null`, and `null` elements of arrays.
fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, member| !member.is_null());
            // `config` is the plugin's own and stays as it was written.
            let ours = object.iter_mut().filter(|(key, _)| *key != "config");
            ours.for_each(|(_, member)| remove_nulls(member));
        }
        Value::Array(array) => {
            array.retain(|element| !element.is_null());
            array.iter_mut().for_each(remove_nulls);
        }
        _ => {}
    }
}

/// One warning for all unknown fields that have a value; Tyk writes out empty ones by the dozen.
fn warn_of_unknown(json: &Value, unknown: &[String], problems: &mut Problems) {
    let set: Vec<&str> = unknown
        .iter()
        .map(|path| path.trim_start_matches('.'))
        .filter(|path| value_at(json, path).is_none_or(|value| !is_zero(value)))
        .collect();
    if !set.is_empty() {
        problems.warn("", format!("fields without effect here: {}", set.join(", ")));
    }
}

fn value_at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| match value {
        Value::Object(object) => object.get(key),
        Value::Array(array) => key.parse::<usize>().ok().and_then(|index| array.get(index)),
        _ => None,
    })
}

/// Whether a value says nothing: Go's zero value, all the way down.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(array) => array.iter().all(is_zero),
        Value::Object(object) => object.values().all(is_zero),
    }
}

#[cfg(test)]
mod tests;
