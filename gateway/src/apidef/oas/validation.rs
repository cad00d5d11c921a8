//! `validateRequest`: what the document says of an operation's parameters and body.

use std::sync::Arc;

use http::HeaderName;
use serde_json::Value;

use super::{
    document::{Document, DocumentOperation},
    operation_file::ValidateRequest,
};
use crate::{
    apidef::reader::Reader,
    validation::{
        BodyRule, ContentRule, Defaults, Kind, Parameter, ParameterDefault, Parts, PathPattern, Place,
        RequestRule, Schema, SchemaReader, Shape, Style, Validation,
    },
};

/// How deep texts are read by the types of schemas.
const MAX_SHAPE: usize = 4;

/// The rule of an operation; `None` comes with a refusal.
pub(super) fn rule(
    reader: &mut Reader<'_>,
    written: &ValidateRequest,
    operation: &DocumentOperation<'_>,
    document: &Document<'_>,
    field: &str,
) -> Option<Validation> {
    let refusals = reader.problems.refusals.len();
    let status = reader.refusal_status(written.error_response_code, &format!("{field}.errorResponseCode"));
    let mut source = Source { reader, operation, document };
    let parameters = source.parameters();
    let body = source.body();
    if source.reader.problems.refusals.len() > refusals {
        return None;
    }
    Some(Validation::Operation(Arc::new(RequestRule {
        status: status?,
        path: PathPattern::new(operation.path, true),
        parameters,
        body,
    })))
}

/// Where a rule comes from.
struct Source<'s, 'a, 'r> {
    reader: &'s mut Reader<'r>,
    operation: &'s DocumentOperation<'a>,
    document: &'s Document<'a>,
}

impl<'a> Source<'_, 'a, '_> {
    /// Those of the path that the operation does not have itself, then its own.
    fn parameters(&mut self) -> Vec<Parameter> {
        let list = |value: &'a Value| value.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let resolved = |(index, value): (usize, &'a Value)| (index, self.document.resolve(value));
        let of_path: Vec<_> = list(self.operation.item).enumerate().map(resolved).collect();
        let own: Vec<_> = list(self.operation.value).enumerate().map(resolved).collect();
        let key = |value: &'a Value| (value.get("name"), value.get("in"));
        let mut parameters = Vec::new();
        for (index, value) in of_path {
            if !own.iter().any(|(_, other)| key(other) == key(value)) {
                let field = format!("paths.{}.parameters[{index}]", self.operation.path);
                parameters.extend(self.parameter(value, &field));
            }
        }
        for (index, value) in own {
            let field = self.operation.field(&format!("parameters[{index}]"));
            parameters.extend(self.parameter(value, &field));
        }
        parameters
    }

    fn parameter(&mut self, value: &'a Value, field: &str) -> Option<Parameter> {
        let name = value.get("name").and_then(Value::as_str).unwrap_or("");
        let place = match value.get("in").and_then(Value::as_str).unwrap_or("") {
            "path" => Place::Path,
            "query" => Place::Query,
            "cookie" => Place::Cookie,
            "header" => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => Place::Header(name),
                Err(_) => {
                    self.refuse(field, &format!("`{name}` is not a header name"));
                    return None;
                }
            },
            other => {
                self.refuse(field, &format!("`in` is `{other}`, not one of path, query, header, cookie"));
                return None;
            }
        };
        if name.is_empty() {
            self.refuse(field, "`name` is missing");
            return None;
        }
        let is_on = |key: &str| value.get(key).and_then(Value::as_bool);
        let by_form = matches!(place, Place::Query | Place::Cookie);
        let style = match value.get("style").and_then(Value::as_str) {
            Some("form") => Style::Form,
            Some("simple") => Style::Simple,
            Some("label") => Style::Label,
            Some("matrix") => Style::Matrix,
            Some("spaceDelimited") => Style::Space,
            Some("pipeDelimited") => Style::Pipe,
            Some("deepObject") => Style::Deep,
            None if by_form => Style::Form,
            None => Style::Simple,
            Some(other) => {
                self.refuse(field, &format!("`{other}` is not a style of parameters"));
                return None;
            }
        };
        let media = value.get("content").and_then(Value::as_object).and_then(|content| content.iter().next());
        let schema = match media {
            Some((_, media)) => media.get("schema"),
            None => value.get("schema"),
        };
        let explode = is_on("explode");
        let default = schema.filter(|_| media.is_none()).and_then(|schema| self.default(schema));
        let default = default.and_then(|value| ParameterDefault::new(value, explode == Some(true)));
        if matches!(place, Place::Header(_) | Place::Cookie)
            && default.as_ref().is_some_and(|default| !default.is_header_value())
        {
            self.refuse(field, "has a `default` that cannot stand in a header");
            return None;
        }
        Some(Parameter {
            name: name.to_owned(),
            default,
            required: is_on("required").unwrap_or(place == Place::Path),
            allow_empty: is_on("allowEmptyValue").unwrap_or(false),
            style,
            explode: explode.unwrap_or(style == Style::Form),
            is_json: media.is_some_and(|(media_type, _)| is_json(media_type)),
            shape: schema.map(|schema| self.shape(schema, MAX_SHAPE)).unwrap_or_default(),
            schema: match schema {
                Some(schema) => Some(self.schema(schema, field)?),
                None => None,
            },
            place,
        })
    }

    /// The default of a schema, or the first one of its parts.
    fn default(&self, schema: &'a Value) -> Option<&'a Value> {
        let schema = self.document.resolve(schema);
        let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
        parts.map(|part| self.document.resolve(part)).chain([schema]).find_map(|schema| schema.get("default"))
    }

    fn body(&mut self) -> Option<BodyRule> {
        let value = self.document.resolve(self.operation.value.get("requestBody")?);
        let content = value.get("content").and_then(Value::as_object).into_iter().flatten();
        let mut rules = Vec::new();
        for (media_type, media) in content {
            let field = self.operation.field(&format!("requestBody.content.{media_type}"));
            rules.extend(self.content(media_type, media, &field));
        }
        let required = value.get("required").and_then(Value::as_bool).unwrap_or(false);
        Some(BodyRule { required, content: rules })
    }

    fn content(&mut self, media_type: &str, media: &'a Value, field: &str) -> Option<ContentRule> {
        let media_type = media_type.trim().to_ascii_lowercase();
        let schema = media.get("schema");
        let shape = schema.map(|schema| self.shape(schema, MAX_SHAPE)).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or("").trim();
        let otherwise = match (essence, Kind::of(essence)) {
            // The request says what it is.
            ("*/*" | "application/*", _) => None,
            (_, Some(kind)) if kind != Kind::Text => Some(kind),
            _ if schema.is_none() || shape == Shape::default() => Some(Kind::Text),
            (other, _) if other.starts_with("text/") || shape.kind.as_deref() == Some("string") => {
                Some(Kind::Text)
            }
            (other, _) => {
                self.refuse(
                    field,
                    &format!(
                        "bodies of `{other}` cannot be checked against a schema; leave `schema` out, or set the \
                         operation's `validateRequest.enabled` to false"
                    ),
                );
                return None;
            }
        };
        let name = schema.and_then(|schema| schema.get("$ref").or_else(|| schema.get("title")));
        let name = name.and_then(Value::as_str).unwrap_or("").trim();
        let schema = schema.filter(|_| otherwise != Some(Kind::Text) || shape != Shape::default());
        let field = format!("{field}.schema");
        let checked = match schema {
            Some(schema) => Some(self.schema(schema, &field)?),
            None => None,
        };
        let defaults = match schema.filter(|_| matches!(otherwise, None | Some(Kind::Json))) {
            Some(schema) => self.defaults(schema, &field)?,
            None => None,
        };
        Some(ContentRule {
            schema_name: if name.is_empty() { String::new() } else { format!(" {name}") },
            parts: schema.map_or(Parts { known: Vec::new(), others: true, is_object: false }, |schema| {
                self.parts(schema)
            }),
            schema: checked,
            defaults,
            media_type,
            otherwise,
            shape,
        })
    }

    /// `None` comes with a refusal.
    #[allow(clippy::option_option, reason = "a refusal, no defaults, or some")]
    fn defaults(&mut self, schema: &'a Value, field: &str) -> Option<Option<Defaults>> {
        match Defaults::of(SchemaReader::new(self.document.root(), self.document.dialect()), schema) {
            Ok(defaults) => Some(defaults),
            Err(error) => {
                self.refuse(field, &error.to_string());
                None
            }
        }
    }

    /// What Tyk's validator looks at in a schema of multipart forms: properties of its own, or of `allOf` in place of them.
    fn parts(&self, schema: &'a Value) -> Parts {
        let schema = self.document.resolve(schema);
        let all_of = schema.get("allOf").and_then(Value::as_array).filter(|parts| !parts.is_empty());
        let schemas: Vec<&'a Value> = match all_of {
            Some(parts) => parts.iter().map(|part| self.document.resolve(part)).collect(),
            None => vec![schema],
        };
        let rest = schema.get("additionalProperties").filter(|_| all_of.is_none());
        let in_rest = rest.filter(|rest| rest.is_object()).map(|rest| self.document.resolve(rest));
        let properties =
            schemas.into_iter().chain(in_rest).filter_map(|schema| schema.get("properties")?.as_object());
        let known = properties
            .flatten()
            .map(|(name, value)| (name.clone(), self.shape(value, 1).kind.as_deref() == Some("array")));
        Parts {
            known: known.collect(),
            others: rest.and_then(Value::as_bool) == Some(true),
            is_object: self.shape(schema, 1).kind.as_deref() == Some("object"),
        }
    }

    fn schema(&mut self, schema: &'a Value, field: &str) -> Option<Schema> {
        let schemas = SchemaReader::new(self.document.root(), self.document.dialect());
        match schemas.compile(schema) {
            Ok(schema) => Some(schema),
            Err(error) => {
                self.refuse(field, &format!("is not a schema that can be checked: {error}"));
                None
            }
        }
    }

    /// The types in a schema.
    fn shape(&self, schema: &'a Value, depth: usize) -> Shape {
        let schema = self.document.resolve(schema);
        if depth == 0 {
            return Shape::default();
        }
        let name = |value: &Value| value.as_str().filter(|name| *name != "null").map(str::to_owned);
        let kind = match schema.get("type") {
            Some(Value::Array(names)) => names.iter().find_map(name),
            Some(one) => name(one),
            None => None,
        };
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let mut shape = Shape {
            kind,
            items: schema.get("items").map(|items| Box::new(self.shape(items, depth - 1))),
            properties: properties
                .map(|(name, value)| (name.clone(), self.shape(value, depth - 1)))
                .collect(),
        };
        let parts =
            ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array()).flatten();
        for part in parts {
            let part = self.shape(part, depth - 1);
            shape.kind = shape.kind.or(part.kind);
            shape.items = shape.items.or(part.items);
            shape.properties.extend(part.properties);
        }
        shape
    }

    fn refuse(&mut self, field: &str, message: &str) {
        self.reader.problems.refuse(field, message);
    }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}
