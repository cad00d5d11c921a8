//! A compiled JSON schema.

use jsonschema::{PatternOptions, ValidationOptions, Validator};
use serde_json::Value;
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Bytes of a pattern when it is compiled; patterns run in a time that grows with the text alone.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{place}{message}")]
pub struct SchemaError {
    /// Where in it, as a pointer with a colon; empty for the whole.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl SchemaError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { place: String::new(), message: message.into() }
    }
}

/// A schema, ready to be checked against.
#[derive(Debug)]
pub struct Schema {
    pub(super) validator: Validator,
}

impl Schema {
    /// Compiles a schema of JSON Schema; which draft it is, it says itself, and without that it is draft 4 as in Tyk.
    ///
    /// # Errors
    /// When it is not a schema, refers to another document, or has a pattern that the linear engine does not know.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        let says_draft = schema.get("$schema").is_some();
        let options = jsonschema::options();
        let options = if says_draft { options } else { options.with_draft(jsonschema::Draft::Draft4) };
        Self::build(options.should_validate_formats(true), schema)
    }

    pub(super) fn build(options: ValidationOptions<'_>, schema: &Value) -> Result<Self, SchemaError> {
        let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_BYTES);
        let options = options.with_pattern_options(patterns).offline();
        let validator = options.build(schema).map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { place } else { format!("{place}: ") };
            SchemaError { place, message: error.to_string() }
        })?;
        Ok(Self { validator })
    }
}

/// The formats that Tyk checks in OpenAPI documents.
pub(super) fn with_formats(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    options
        .should_validate_formats(true)
        .with_format("date", |text: &str| {
            Date::parse(text, format_description!("[year]-[month]-[day]")).is_ok()
        })
        .with_format("date-time", |text: &str| OffsetDateTime::parse(text, &Rfc3339).is_ok())
        .with_format("byte", is_base64)
}

fn is_base64(text: &str) -> bool {
    let text = text.as_bytes();
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    text.len().is_multiple_of(4) && body.iter().all(is_letter)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::json;

    use super::{Schema, is_base64};

    #[test]
    fn what_is_no_schema_is_refused_with_its_place() {
        let refused = |schema| Schema::compile(&schema).unwrap_err().to_string();
        assert!(refused(json!({"properties": {"a": {"type": "text"}}})).starts_with("/properties/a/type: "));
        assert!(refused(json!({"$ref": "http://127.0.0.1:9/x.json"})).contains("127.0.0.1"));
        assert!(refused(json!({"pattern": "(?=a)b"})).contains("(?=a)b"));
    }

    #[test]
    fn patterns_take_time_for_the_text_alone() {
        let schema = Schema::compile(&json!({"pattern": "^(a+)+$"})).unwrap();
        let started = Instant::now();
        assert!(!schema.validator.is_valid(&json!(format!("{}!", "a".repeat(50_000)))));
        assert!(started.elapsed().as_secs() < 5);
    }

    #[test]
    fn base64_is_told() {
        for (text, is) in
            [("", true), ("YQ==", true), ("YWI=", true), ("YWJj", true), ("YQ", false), ("Y$==", false)]
        {
            assert_eq!(is_base64(text), is, "{text}");
        }
    }
}
