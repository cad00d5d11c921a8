//! From JSON as people write it to shapes, by Go's rules: null counts as absent, and unknown fields are not errors.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problems;

/// Reads a shape; `prefix` is where it is in the file. Unknown fields that have a value are noted in `unknown`.
///
/// `None` comes with a refusal at the field whose type does not fit.
pub(super) fn shape<T: DeserializeOwned>(
    json: &Value,
    prefix: &str,
    unknown: &mut Vec<String>,
    problems: &mut Problems,
) -> Option<T> {
    let mut ignored = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(json, &mut track);
    let parsed = serde_ignored::deserialize(deserializer, |path| ignored.push(path.to_string()));
    let place = |path: &str| match (prefix, path) {
        ("", path) => path.to_owned(),
        (prefix, "" | ".") => prefix.to_owned(),
        (prefix, path) => format!("{prefix}.{path}"),
    };
    match parsed {
        Ok(shape) => {
            let paths = ignored.iter().map(|path| path.trim_start_matches('.'));
            // Tyk writes out empty fields by the dozen.
            let set = paths.filter(|path| value_at(json, path).is_none_or(|value| !is_zero(value)));
            unknown.extend(set.map(place));
            Some(shape)
        }
        Err(error) => {
            problems.refuse(place(&track.path().to_string()), error.to_string());
            None
        }
    }
}

/// One warning for all unknown fields.
pub(super) fn warn_of_unknown(unknown: &[String], problems: &mut Problems) {
    if !unknown.is_empty() {
        problems.warn("", format!("fields without effect here: {}", unknown.join(", ")));
    }
}

/// Takes out every member that is `null`, and `null` elements of arrays.
pub(super) fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, member| !member.is_null());
            // `config` is the plugin's own and stays as it was written, and in a `schema` `null` is a value.
            let ours = object.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "config" | "schema"));
            ours.for_each(|(_, member)| remove_nulls(member));
        }
        Value::Array(array) => {
            array.retain(|element| !element.is_null());
            array.iter_mut().for_each(remove_nulls);
        }
        _ => {}
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
