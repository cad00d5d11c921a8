//! `mockResponse.fromOASExamples`: answers made of the examples in the document's own responses.
//!
//! As in Tyk, the example of a media type comes first, then one of its named examples, then what its schema gives.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Map, Value};

use super::{
    document::{Document, DocumentOperation},
    operation_file::FromExamples,
};
use crate::apidef::{
    model::{ExampleAnswers, ExampleBody, ExampleMedia, ExampleResponse},
    reader::Reader,
};

/// Values that a schema may give: one that refers to itself would have no end.
const MAX_VALUES: usize = 10_000;
/// How deep they may be nested.
const MAX_DEPTH: usize = 64;

/// The answers of an operation, ready to be sent.
pub(super) fn answers(
    reader: &mut Reader<'_>,
    from: &FromExamples,
    operation: &DocumentOperation<'_>,
    document: &Document<'_>,
) -> ExampleAnswers {
    let responses = operation.value.get("responses").and_then(Value::as_object).into_iter().flatten();
    let responses = responses.filter_map(|(code, response)| {
        // As in Tyk, `default` and ranges such as `2XX` are nobody's example.
        let status = code.parse::<u16>().ok().filter(|code| (200..=999).contains(code))?;
        let response = document.resolve(response);
        let field = operation.field(&format!("responses.{code}"));
        Some(ExampleResponse {
            status: StatusCode::from_u16(status).ok()?,
            headers: headers(reader, response, document, &field),
            media: media(reader, response, document, &field),
        })
    });
    let responses = responses.collect();
    let content_type = Some(from.content_type.trim()).filter(|text| !text.is_empty());
    ExampleAnswers {
        code: if from.code == 0 { 200 } else { from.code },
        content_type: content_type.unwrap_or("application/json").to_owned(),
        name: Some(from.example_name.clone()).filter(|name| !name.is_empty()),
        responses,
    }
}

fn headers(reader: &mut Reader<'_>, response: &Value, document: &Document<'_>, field: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, header) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let header = document.resolve(header);
        let value = match header.get("schema") {
            Some(schema) => Example::of(schema, document).unwrap_or_default(),
            None => header.get("example").cloned().unwrap_or_default(),
        };
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        let field = format!("{field}.headers.{name}");
        if let Some(name) = reader.header_name(name, &field)
            && let Some(value) = reader.header_value(&text, &field)
        {
            map.insert::<HeaderName>(name, value);
        }
    }
    map
}

fn media(
    reader: &mut Reader<'_>,
    response: &Value,
    document: &Document<'_>,
    field: &str,
) -> Vec<ExampleMedia> {
    let content = response.get("content").and_then(Value::as_object).into_iter().flatten();
    let media = content.filter_map(|(content_type, media)| {
        let media = document.resolve(media);
        let field = format!("{field}.content.{content_type}");
        let header = reader.header_value(content_type, &field)?;
        let from_schema = match media.get("schema").map(|schema| Example::of(schema, document)) {
            Some(Some(value)) => value,
            Some(None) => {
                // What needs no schema does not suffer from it.
                if media.get("example").is_none() && media.get("examples").is_none() {
                    reader.problems.refuse(
                        format!("{field}.schema"),
                        format!(
                            "gives an example without an end, or one of more than {MAX_VALUES} values; write an \
                             `example` beside it"
                        ),
                    );
                }
                Value::Null
            }
            None => Value::Null,
        };
        let body = match (media.get("example"), media.get("examples").and_then(Value::as_object)) {
            (Some(example), _) if !example.is_null() => ExampleBody::One(bytes(example)),
            (_, Some(named)) if !named.is_empty() => {
                let named = named.iter().map(|(name, example)| {
                    let value = document.resolve(example).get("value");
                    let value = value.filter(|value| !value.is_null()).unwrap_or(&from_schema);
                    (name.clone(), bytes(value))
                });
                ExampleBody::Named(named.collect())
            }
            _ => ExampleBody::One(bytes(&from_schema)),
        };
        Some(ExampleMedia { content_type: content_type.clone(), header, body })
    });
    media.collect()
}

/// JSON as Go writes it, in which a text can stand in a page; `None` for null.
fn bytes(example: &Value) -> Option<Bytes> {
    if example.is_null() {
        return None;
    }
    let json = example.to_string();
    let escaped = json
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    Some(escaped.into())
}

/// A value of a schema, with a bound on how much it may become.
struct Example<'a> {
    document: &'a Document<'a>,
    left: usize,
}

impl<'a> Example<'a> {
    /// `None` when it has no end.
    fn of(schema: &'a Value, document: &'a Document<'a>) -> Option<Value> {
        Self { document, left: MAX_VALUES }.value(schema, MAX_DEPTH)
    }

    fn value(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        let depth = depth.checked_sub(1)?;
        let schema = self.document.resolve(schema);
        // `examples` and `const` are 3.1's.
        let given = [schema.get("example"), schema.pointer("/examples/0"), schema.get("const")];
        if let Some(example) = given.into_iter().flatten().find(|example| !example.is_null()) {
            return Some(example.clone());
        }
        let value = match kind(schema) {
            "object" => {
                let mut object = Map::new();
                let properties = schema.get("properties").and_then(Value::as_object);
                for (name, property) in properties.into_iter().flatten() {
                    object.insert(name.clone(), self.value(property, depth)?);
                }
                Value::Object(object)
            }
            "array" => {
                let item = match schema.get("items") {
                    Some(items) => self.value(items, depth)?,
                    None => Value::Null,
                };
                Value::Array(vec![item])
            }
            kind => match (schema.pointer("/enum/0"), kind) {
                (Some(first), _) => first.clone(),
                (None, "string") => "string".into(),
                (None, "integer" | "number") => 0.into(),
                (None, "boolean") => true.into(),
                _ => Value::Null,
            },
        };
        Some(value)
    }
}

/// The type of a schema; in 3.1 there may be several, of which the first that is not null counts.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ => "",
    }
}
