//! What is wrong with a value, in the words of the two libraries that Tyk uses.

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

/// As `kin-openapi` says it.
pub(super) fn openapi(error: &ValidationError<'_>) -> String {
    let mut path = error.instance_path().to_string();
    let reason = match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            path.push('/');
            path.push_str(name);
            format!("property {name:?} is missing")
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("property {:?} is unsupported", unexpected.first().map_or("", String::as_str))
        }
        Kind::Type { .. } if error.instance().is_null() => "Value is not nullable".to_owned(),
        Kind::Type { kind } => match types(kind).as_slice() {
            [one] => format!("value must be {} {one}", article(one)),
            many => format!("value must be one of {}", many.join(", ")),
        },
        Kind::Enum { options } => format!("value is not one of the allowed values {options}"),
        Kind::Constant { expected_value } => {
            format!("value is not one of the allowed values [{expected_value}]")
        }
        Kind::MinLength { limit } => format!("minimum string length is {limit}"),
        Kind::MaxLength { limit } => format!("maximum string length is {limit}"),
        Kind::Pattern { pattern } => format!("string doesn't match the regular expression \"{pattern}\""),
        Kind::Format { format } => format!("string doesn't match the format {format:?}"),
        Kind::Minimum { limit } => format!("number must be at least {limit}"),
        Kind::Maximum { limit } => format!("number must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("number must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("number must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("number must be a multiple of {multiple_of}"),
        Kind::MinItems { limit } => format!("minimum number of items is {limit}"),
        Kind::MaxItems { limit } => format!("maximum number of items is {limit}"),
        Kind::UniqueItems => "duplicate items found".to_owned(),
        Kind::MinProperties { limit } => format!("there must be at least {limit} properties"),
        Kind::MaxProperties { limit } => format!("there must be at most {limit} properties"),
        Kind::AnyOf { .. } => "doesn't match any schema from \"anyOf\"".to_owned(),
        Kind::OneOfNotValid { .. } => "value doesn't match any schema from \"oneOf\"".to_owned(),
        Kind::OneOfMultipleValid { .. } => "input matches more than one oneOf schemas".to_owned(),
        // What stands for a `readOnly` property.
        Kind::Not { schema } if schema.as_object().is_some_and(serde_json::Map::is_empty) => {
            format!("readOnly property {:?} in request", path.rsplit('/').next().unwrap_or_default())
        }
        other => format!("Doesn't match schema \"{}\"", other.keyword()),
    };
    if path.is_empty() { reason } else { format!("Error at \"{path}\": {reason}") }
}

/// As `gojsonschema` says it: the field and what it should be.
pub(super) fn json_schema(error: &ValidationError<'_>) -> String {
    let segments: Vec<String> = error.instance_path().iter().map(|segment| segment.to_string()).collect();
    let place = segments.join(".");
    let place = if place.is_empty() { "(root)" } else { &place };
    let description = match error.kind() {
        Kind::Required { property } => format!("{} is required", property.as_str().unwrap_or_default()),
        Kind::AdditionalProperties { unexpected } => {
            let name = unexpected.first().map_or("", String::as_str);
            format!("Additional property {name} is not allowed")
        }
        Kind::Type { kind } => {
            let given = type_name(error.instance());
            format!("Invalid type. Expected: {}, given: {given}", types_of(kind).join("/"))
        }
        Kind::Enum { options } => {
            let options = options.as_array().map_or(&[][..], Vec::as_slice);
            let options: Vec<String> = options.iter().map(Value::to_string).collect();
            format!("{place} must be one of the following: {}", options.join(", "))
        }
        Kind::Constant { expected_value } => format!("{place} does not match: {expected_value}"),
        Kind::MinLength { limit } => format!("String length must be greater than or equal to {limit}"),
        Kind::MaxLength { limit } => format!("String length must be less than or equal to {limit}"),
        Kind::Pattern { pattern } => format!("Does not match pattern '{pattern}'"),
        Kind::Format { format } => format!("Does not match format '{format}'"),
        Kind::Minimum { limit } => format!("Must be greater than or equal to {limit}"),
        Kind::Maximum { limit } => format!("Must be less than or equal to {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("Must be greater than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("Must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("Must be a multiple of {multiple_of}"),
        Kind::MinItems { limit } => format!("Array must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("Array must have at most {limit} items"),
        Kind::UniqueItems => "array items must be unique".to_owned(),
        Kind::MinProperties { limit } => format!("Must have at least {limit} properties"),
        Kind::MaxProperties { limit } => format!("Must have at most {limit} properties"),
        Kind::AdditionalItems { .. } => "No additional items allowed on array".to_owned(),
        Kind::AnyOf { .. } => "Must validate at least one schema (anyOf)".to_owned(),
        Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => {
            "Must validate one and only one schema (oneOf)".to_owned()
        }
        Kind::Not { .. } => "Must not validate the schema (not)".to_owned(),
        other => format!("Does not match the keyword {}", other.keyword()),
    };
    format!("{place}: {description}")
}

/// The types that are asked for; `null` beside others is what `nullable` has become.
fn types(kind: &TypeKind) -> Vec<&'static str> {
    let mut types = types_of(kind);
    if types.len() > 1 {
        types.retain(|name| *name != "null");
    }
    types
}

fn types_of(kind: &TypeKind) -> Vec<&'static str> {
    match kind {
        TypeKind::Single(kind) => vec![kind.as_str()],
        TypeKind::Multiple(kinds) => kinds.iter().map(JsonType::as_str).collect(),
    }
}

fn article(kind: &str) -> &'static str {
    if matches!(kind, "array" | "object" | "integer") { "an" } else { "a" }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
