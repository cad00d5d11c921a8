//! Schemas of an OpenAPI document as JSON schemas.
//!
//! References are followed inside the document; each schema gets the definitions that it needs, so that it stands alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schema::{Schema, SchemaError, with_formats};

/// Which kind of schemas a document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAPI 3.0: close to draft 4, with `nullable`.
    V30,
    /// OpenAPI 3.1: draft 2020-12.
    V31,
}

/// Formats that are checked; the others only tell people what is meant, as in Tyk.
const FORMATS: [&str; 3] = ["date", "date-time", "byte"];

/// Keywords whose value is a map of schemas, about a part of the value.
const MAPS: [&str; 3] = ["properties", "patternProperties", "$defs"];
/// Keywords whose value is a schema about a part of the value.
const PARTS: [&str; 7] = [
    "items",
    "additionalProperties",
    "additionalItems",
    "propertyNames",
    "contains",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is a schema about the same value.
const SAME: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords whose value is a list of schemas about the same value.
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// References to references that are followed.
const MAX_REFERENCES: usize = 64;

/// Compiles schemas of one document.
#[derive(Debug, Clone, Copy)]
pub struct SchemaReader<'a> {
    document: &'a Value,
    dialect: Dialect,
}

/// What one schema needs of the document.
#[derive(Default)]
struct Needed<'a> {
    /// Pointers and where they stand in `found`.
    known: BTreeMap<&'a str, usize>,
    /// The schemas behind the pointers.
    found: Vec<Value>,
    /// For each, those that it leads to for the same value.
    leads_to: Vec<Vec<usize>>,
}

impl<'a> SchemaReader<'a> {
    /// For schemas of this document.
    pub fn new(document: &'a Value, dialect: Dialect) -> Self {
        Self { document, dialect }
    }

    /// Compiles a schema that stands in the document.
    ///
    /// # Errors
    /// When it is not a schema, or a reference leads nowhere, out of the document or in a circle.
    pub fn compile(&self, schema: &'a Value) -> Result<Schema, SchemaError> {
        let mut needed = Needed::default();
        let mut leads_to = Vec::new();
        let mut root = self.convert(schema, &mut needed, &mut leads_to, true)?;
        if let Some(name) = needed.circle() {
            return Err(SchemaError::new(format!("`{name}` refers to itself without an end")));
        }
        if !needed.found.is_empty() {
            if root.get("$ref").is_some() || !root.is_object() {
                root = json!({"allOf": [root]});
            }
            let named = needed.found.into_iter().enumerate();
            root["definitions"] =
                Value::Object(named.map(|(index, schema)| (index.to_string(), schema)).collect());
        }
        let draft = match self.dialect {
            Dialect::V30 => jsonschema::Draft::Draft4,
            Dialect::V31 => jsonschema::Draft::Draft202012,
        };
        Schema::build(with_formats(jsonschema::options().with_draft(draft)), &root)
    }

    /// What a reference inside the document leads to; the schema itself when it is none, or leads nowhere.
    pub(super) fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..MAX_REFERENCES {
            let target = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            let Some(target) = target else { break };
            let decoded = percent_encoding::percent_decode_str(target).decode_utf8_lossy();
            let Some(found) = self.document.pointer(&decoded) else { break };
            schema = found;
        }
        schema
    }

    /// `same` tells that the schema is about the same value as the one that `leads_to` is kept for.
    fn convert(
        &self,
        schema: &'a Value,
        needed: &mut Needed<'a>,
        leads_to: &mut Vec<usize>,
        same: bool,
    ) -> Result<Value, SchemaError> {
        let Value::Object(object) = schema else { return Ok(schema.clone()) };
        let mut converted = Map::new();
        let mut apart = Vec::new();
        for (key, value) in object {
            let key = key.as_str();
            let mut below = |value, same: bool| {
                let leads_to = if same { &mut *leads_to } else { &mut apart };
                self.convert(value, needed, leads_to, same)
            };
            let value = match value {
                Value::String(pointer) if key == "$ref" => {
                    let index = self.reference(pointer, needed)?;
                    if same {
                        leads_to.push(index);
                    }
                    let reference = json!(format!("#/definitions/{index}"));
                    if self.dialect == Dialect::V30 {
                        return Ok(json!({ "$ref": reference }));
                    }
                    reference
                }
                Value::Object(map) if MAPS.contains(&key) => {
                    let schemas = map.iter().map(|(name, value)| Ok((name.clone(), below(value, false)?)));
                    Value::Object(schemas.collect::<Result<_, SchemaError>>()?)
                }
                Value::Array(list) if LISTS.contains(&key) => {
                    Value::Array(list.iter().map(|value| below(value, same)).collect::<Result<_, _>>()?)
                }
                Value::Array(list) if matches!(key, "items" | "prefixItems") => {
                    Value::Array(list.iter().map(|value| below(value, false)).collect::<Result<_, _>>()?)
                }
                value if PARTS.contains(&key) => below(value, false)?,
                value if SAME.contains(&key) => below(value, same)?,
                Value::String(format) if key == "format" => match format.as_str() {
                    format if FORMATS.contains(&format) => json!(format),
                    "int32" => {
                        converted.entry("minimum").or_insert(json!(i32::MIN));
                        converted.entry("maximum").or_insert(json!(i32::MAX));
                        continue;
                    }
                    _ => continue,
                },
                _ if matches!(
                    key,
                    "id" | "$id" | "$schema" | "$anchor" | "example" | "examples" | "default"
                ) =>
                {
                    continue;
                }
                value => value.clone(),
            };
            converted.insert(key.to_owned(), value);
        }
        self.leave_out_read_only(object, &mut converted);
        let nullable = object.get("nullable").and_then(Value::as_bool) == Some(true);
        Ok(if nullable && self.dialect == Dialect::V30 {
            with_null(converted)
        } else {
            Value::Object(converted)
        })
    }

    /// A client may not send what is `readOnly`, so it need not either.
    fn leave_out_read_only(&self, object: &Map<String, Value>, converted: &mut Map<String, Value>) {
        let properties = object.get("properties").and_then(Value::as_object).into_iter().flatten();
        let is_read_only = |value: &Value| value.get("readOnly").and_then(Value::as_bool) == Some(true);
        let read_only: Vec<&String> =
            properties.filter(|(_, value)| is_read_only(value)).map(|(name, _)| name).collect();
        if read_only.is_empty() {
            return;
        }
        if let Some(Value::Object(properties)) = converted.get_mut("properties") {
            for name in &read_only {
                properties.insert((*name).clone(), json!({"not": {}}));
            }
        }
        if let Some(Value::Array(required)) = converted.get_mut("required") {
            required.retain(|name| !read_only.iter().any(|read_only| name == read_only.as_str()));
            if required.is_empty() {
                converted.remove("required");
            }
        }
    }

    /// The place of what a reference leads to, which is converted when it is met first.
    fn reference(&self, pointer: &'a str, needed: &mut Needed<'a>) -> Result<usize, SchemaError> {
        if let Some(index) = needed.known.get(pointer) {
            return Ok(*index);
        }
        let target = pointer.strip_prefix('#').ok_or_else(|| {
            SchemaError::new(format!("`{pointer}` leads out of the document, which is not followed"))
        })?;
        let decoded = percent_encoding::percent_decode_str(target).decode_utf8_lossy();
        let schema = self
            .document
            .pointer(&decoded)
            .ok_or_else(|| SchemaError::new(format!("`{pointer}` is not in the document")))?;
        let index = needed.found.len();
        needed.known.insert(pointer, index);
        needed.found.push(Value::Null);
        needed.leads_to.push(Vec::new());
        let mut leads_to = Vec::new();
        needed.found[index] = self.convert(schema, needed, &mut leads_to, true)?;
        needed.leads_to[index] = leads_to;
        Ok(index)
    }
}

impl<'a> Needed<'a> {
    /// A reference that leads back to itself without going into the value: a check of it would not end.
    fn circle(&self) -> Option<&'a str> {
        let count = self.leads_to.len();
        // References that lead only to ones without a circle are taken away until none is left.
        let mut open: Vec<bool> = vec![true; count];
        loop {
            let closed = (0..count)
                .find(|index| open[*index] && self.leads_to[*index].iter().all(|target| !open[*target]));
            match closed {
                Some(index) => open[index] = false,
                None => break,
            }
        }
        self.known.iter().find(|(_, index)| open[**index]).map(|(name, _)| *name)
    }
}

/// The same schema, for `null` too.
fn with_null(mut schema: Map<String, Value>) -> Value {
    let combined = LISTS.iter().chain(&["not"]).any(|key| schema.contains_key(*key));
    match schema.get("type").cloned() {
        Some(Value::String(name)) if !combined => {
            schema.insert("type".to_owned(), json!([name, "null"]));
            if let Some(Value::Array(values)) = schema.get_mut("enum")
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
            Value::Object(schema)
        }
        _ => json!({"anyOf": [{"type": "null"}, schema]}),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Dialect, SchemaReader};

    fn document() -> Value {
        json!({"components": {"schemas": {
            "Node": {"type": "object", "required": ["name", "id"], "properties": {
                "id": {"type": "integer", "readOnly": true},
                "name": {"type": "string", "nullable": true, "enum": ["a", "b"]},
                "next": {"$ref": "#/components/schemas/Node"}}},
            "Loop": {"allOf": [{"$ref": "#/components/schemas/Back"}]},
            "Back": {"$ref": "#/components/schemas/Loop"},
            "Size": {"type": "integer", "minimum": 1, "exclusiveMinimum": true}}}})
    }

    fn accepts(schema: &Value, value: &Value) -> bool {
        let document = document();
        let reader = SchemaReader::new(&document, Dialect::V30);
        // The schema is one of the document's own.
        let holder = json!({"components": document["components"], "here": schema});
        let reader = SchemaReader { document: &holder, ..SchemaReader::new(reader.document, Dialect::V30) };
        reader.compile(&holder["here"]).unwrap().validator.is_valid(value)
    }

    #[test]
    fn openapi_3_0_is_understood() {
        let node = json!({"$ref": "#/components/schemas/Node"});
        for (schema, value, valid) in [
            (&node, json!({"name": "a"}), true),
            (&node, json!({"name": null}), true),
            (&node, json!({"name": "c"}), false),
            (&node, json!({}), false),
            (&node, json!({"name": "a", "id": 1}), false),
            (&node, json!({"name": "a", "next": {"name": "b", "next": {"name": "x"}}}), false),
            (&node, json!({"name": "a", "next": {"name": "b"}}), true),
            (&json!({"$ref": "#/components/schemas/Size"}), json!(1), false),
            (&json!({"$ref": "#/components/schemas/Size"}), json!(2), true),
            (&json!({"type": "string", "format": "email"}), json!("no"), true),
            (&json!({"type": "string", "format": "date"}), json!("2026-02-30"), false),
            (&json!({"type": "integer", "format": "int32"}), json!(3_000_000_000_u32), false),
            (&json!({"nullable": true, "allOf": [{"type": "string"}]}), json!(null), true),
        ] {
            assert_eq!(accepts(schema, &value), valid, "{schema} {value}");
        }
    }

    #[test]
    fn references_that_do_not_end_are_refused() {
        let document = document();
        let reader = SchemaReader::new(&document, Dialect::V30);
        let refused = |schema: &Value| reader_error(&document, schema);
        assert!(refused(&json!({"$ref": "#/components/schemas/Loop"})).contains("without an end"));
        assert!(refused(&json!({"$ref": "#/nowhere"})).contains("is not in the document"));
        assert!(refused(&json!({"$ref": "other.json"})).contains("leads out"));
        assert!(reader.compile(&document["components"]["schemas"]["Node"]).is_ok());
    }

    fn reader_error(document: &Value, schema: &Value) -> String {
        let holder = json!({"components": document["components"], "here": schema});
        SchemaReader::new(&holder, Dialect::V30).compile(&holder["here"]).unwrap_err().to_string()
    }
}
