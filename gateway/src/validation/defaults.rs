//! `default` of properties: what is put into JSON bodies that leave it out, as Tyk's validator does.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, value::RawValue};

use super::{Schema, SchemaError, SchemaReader};

/// How deep defaults may be nested, in a body or in each other.
const MAX_DEPTH: u32 = 128;

/// Values that may be looked at for one body: alternatives are tried on copies, which would take for ever where they are nested.
const MAX_WORK: usize = 4_000_000;

/// The defaults in a schema and in what it leads to.
#[derive(Debug)]
pub struct Defaults {
    /// The first is the schema itself.
    nodes: Vec<Node>,
}

/// What a schema says of a value.
#[derive(Debug, Default)]
struct Node {
    /// In the order of their names.
    properties: Vec<Property>,
    /// For the elements of a list.
    items: Option<usize>,
    /// For properties of other names.
    additional: Option<usize>,
    /// All of these count too.
    all_of: Vec<usize>,
    /// The first counts that accepts the value.
    any_of: Vec<Branch>,
    /// One counts, if it alone accepts the value.
    one_of: Vec<Branch>,
}

/// A property.
#[derive(Debug)]
struct Property {
    name: String,
    /// With its own defaults filled in.
    default: Option<Value>,
    node: usize,
}

/// An alternative.
#[derive(Debug)]
struct Branch {
    schema: Schema,
    node: usize,
}

/// Nothing is filled in: it would take too long, or not end.
#[derive(Debug)]
pub struct TooMuch;

impl Defaults {
    /// The defaults of a schema that stands in a document, and compiles; `None` when there are none.
    ///
    /// # Errors
    /// When one of them contains itself, or an alternative is not a schema.
    pub fn of(reader: SchemaReader<'_>, schema: &Value) -> Result<Option<Self>, SchemaError> {
        let mut found = Found { reader, known: HashMap::new(), schemas: Vec::new() };
        found.collect(schema);
        let useful = found.useful();
        if !useful.first().copied().unwrap_or(false) {
            return Ok(None);
        }
        let nodes = found.schemas.iter().map(|schema| found.node(schema, &useful));
        let mut defaults = Self { nodes: nodes.collect::<Result<_, _>>()? };
        defaults.complete()?;
        Ok(Some(defaults))
    }

    /// Fills defaults into defaults, so that a body is not waited for where they lead in a circle.
    fn complete(&mut self) -> Result<(), SchemaError> {
        let places = |node: &Node| 0..node.properties.len();
        let all: Vec<(usize, usize)> = self
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(index, node)| places(node).map(move |at| (index, at)))
            .collect();
        for (index, at) in all {
            let Property { name, default, node } = &self.nodes[index].properties[at];
            let Some(mut value) = default.clone() else { continue };
            self.fill(&mut value, *node).map_err(|TooMuch| {
                SchemaError::new(format!("the default of `{name}` leads to further ones without an end"))
            })?;
            self.nodes[index].properties[at].default = Some(value);
        }
        Ok(())
    }

    /// Puts in what a value leaves out, and tells whether that was anything.
    ///
    /// # Errors
    /// When it has too many places to look at; the value is then half filled.
    pub fn apply(&self, value: &mut Value) -> Result<bool, TooMuch> {
        self.fill(value, 0)
    }

    fn fill(&self, value: &mut Value, node: usize) -> Result<bool, TooMuch> {
        Filling { nodes: &self.nodes, work: 0 }.visit(value, node, 0)
    }
}

/// Schemas on the way to [`Defaults`].
struct Found<'a> {
    reader: SchemaReader<'a>,
    /// Where a schema stands in `schemas`, by its address in the document.
    known: HashMap<usize, usize>,
    schemas: Vec<&'a Value>,
}

impl<'a> Found<'a> {
    /// The schema and all that it leads to.
    fn collect(&mut self, schema: &'a Value) {
        self.add(schema);
        let mut next = 0;
        while let Some(schema) = self.schemas.get(next).copied() {
            for (_, child) in children(schema) {
                self.add(child);
            }
            next += 1;
        }
    }

    fn add(&mut self, schema: &'a Value) {
        let schema = self.reader.resolve(schema);
        if !self.known.contains_key(&address(schema)) {
            self.known.insert(address(schema), self.schemas.len());
            self.schemas.push(schema);
        }
    }

    fn index(&self, schema: &Value) -> usize {
        self.known.get(&address(self.reader.resolve(schema))).copied().unwrap_or(0)
    }

    /// Which schemas have a default in what they lead to.
    fn useful(&self) -> Vec<bool> {
        let mut led_from: Vec<Vec<usize>> = vec![Vec::new(); self.schemas.len()];
        let mut open = Vec::new();
        for (index, schema) in self.schemas.iter().enumerate() {
            for (_, child) in children(schema) {
                led_from[self.index(child)].push(index);
            }
            if properties(schema).any(|(_, property)| self.default(property).is_some()) {
                open.push(index);
            }
        }
        let mut useful = vec![false; self.schemas.len()];
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut useful[index], true) {
                open.append(&mut led_from[index]);
            }
        }
        useful
    }

    /// A client may not send what is `readOnly`, so it is not sent for it either.
    fn default(&self, property: &'a Value) -> Option<&'a Value> {
        let property = self.reader.resolve(property);
        let read_only = property.get("readOnly").and_then(Value::as_bool) == Some(true);
        property.get("default").filter(|default| !default.is_null() && !read_only)
    }

    fn node(&self, schema: &'a Value, useful: &[bool]) -> Result<Node, SchemaError> {
        let mut node = Node::default();
        let mut rest = schema.get("additionalProperties").filter(|rest| rest.is_object()).into_iter();
        // What is left out here would count as one of the rest.
        let all = rest.any(|rest| useful[self.index(rest)]);
        for (name, property) in properties(schema) {
            let (default, index) = (self.default(property), self.index(property));
            if all || default.is_some() || useful[index] {
                node.properties.push(Property { name: name.clone(), default: default.cloned(), node: index });
            }
        }
        node.properties.sort_by(|one, other| one.name.cmp(&other.name));
        for (keyword, child) in children(schema) {
            let index = self.index(child);
            let is_useful = useful[index];
            match keyword {
                "items" if is_useful => node.items = Some(index),
                "additionalProperties" if is_useful => node.additional = Some(index),
                "allOf" if is_useful => node.all_of.push(index),
                "anyOf" => node.any_of.push(Branch { schema: self.reader.compile(child)?, node: index }),
                "oneOf" => node.one_of.push(Branch { schema: self.reader.compile(child)?, node: index }),
                _ => {}
            }
        }
        for branches in [&mut node.any_of, &mut node.one_of] {
            if !branches.iter().any(|branch| useful[branch.node]) {
                branches.clear();
            }
        }
        Ok(node)
    }
}

fn address(schema: &Value) -> usize {
    std::ptr::from_ref(schema).addr()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// The schemas in a schema, with the keyword that they stand at.
fn children(schema: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let one = |keyword| schema.get(keyword).filter(|value| value.is_object()).map(|value| (keyword, value));
    let list = |keyword| {
        let list = schema.get(keyword).and_then(Value::as_array);
        list.into_iter().flatten().map(move |value| (keyword, value))
    };
    let of_properties = properties(schema).map(|(_, value)| ("properties", value));
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(list);
    of_properties.chain(lists).chain(one("items")).chain(one("additionalProperties"))
}

/// One value being filled.
struct Filling<'a> {
    nodes: &'a [Node],
    work: usize,
}

impl Filling<'_> {
    fn visit(&mut self, value: &mut Value, node: usize, depth: u32) -> Result<bool, TooMuch> {
        self.worked(1)?;
        if depth > MAX_DEPTH {
            return Err(TooMuch);
        }
        let Some(node) = self.nodes.get(node) else { return Ok(false) };
        let mut set = false;
        let mut accepting = Vec::new();
        for branch in &node.one_of {
            if self.accepts(branch, value, depth)? {
                accepting.push(branch.node);
            }
        }
        if let [only] = accepting[..] {
            set |= self.visit(value, only, depth + 1)?;
        }
        for branch in &node.any_of {
            if self.accepts(branch, value, depth)? {
                set |= self.visit(value, branch.node, depth + 1)?;
                break;
            }
        }
        for node in &node.all_of {
            set |= self.visit(value, *node, depth + 1)?;
        }
        match value {
            Value::Object(object) => {
                for Property { name, default, .. } in &node.properties {
                    if let Some(default) = default
                        && object.get(name).is_none_or(Value::is_null)
                    {
                        self.worked(weight(default))?;
                        object.insert(name.clone(), default.clone());
                        set = true;
                    }
                }
                for (name, value) in object {
                    let known = node.properties.binary_search_by(|property| property.name.cmp(name)).ok();
                    let of_name = known.map(|at| node.properties[at].node).or(node.additional);
                    if let Some(node) = of_name {
                        set |= self.visit(value, node, depth + 1)?;
                    }
                }
            }
            Value::Array(list) => {
                if let Some(node) = node.items {
                    for value in list {
                        set |= self.visit(value, node, depth + 1)?;
                    }
                }
            }
            _ => {}
        }
        Ok(set)
    }

    /// Whether an alternative accepts the value, with the defaults that it has itself.
    fn accepts(&mut self, branch: &Branch, value: &Value, depth: u32) -> Result<bool, TooMuch> {
        self.worked(weight(value))?;
        let mut copy = value.clone();
        self.visit(&mut copy, branch.node, depth + 1)?;
        Ok(branch.schema.validator.is_valid(&copy))
    }

    fn worked(&mut self, amount: usize) -> Result<(), TooMuch> {
        self.work = self.work.saturating_add(amount);
        if self.work > MAX_WORK { Err(TooMuch) } else { Ok(()) }
    }
}

/// Values in a value.
fn weight(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(weight).sum::<usize>(),
        Value::Object(object) => 1 + object.values().map(weight).sum::<usize>(),
        _ => 1,
    }
}

/// The text of a value after defaults were filled in. What did not change is as it was written: numbers keep all their digits.
pub(super) fn rewritten(text: &[u8], before: &Value, after: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    match serde_json::from_slice::<&RawValue>(text) {
        Ok(raw) => write(raw, before, after, &mut out),
        Err(_) => append(after, &mut out),
    }
    out
}

fn write(raw: &RawValue, before: &Value, after: &Value, out: &mut Vec<u8>) {
    if before == after {
        return out.extend_from_slice(raw.get().as_bytes());
    }
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let raw: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            for (index, (name, value)) in after.iter().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                append(&Value::from(name.as_str()), out);
                out.push(b':');
                match (raw.get(name), before.get(name)) {
                    (Some(raw), Some(before)) => write(raw, before, value, out),
                    _ => append(value, out),
                }
            }
            out.push(b'}');
        }
        (Value::Array(before), Value::Array(after)) => {
            let raw: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            for (index, value) in after.iter().enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                match (raw.get(index), before.get(index)) {
                    (Some(raw), Some(before)) => write(raw, before, value, out),
                    _ => append(value, out),
                }
            }
            out.push(b']');
        }
        _ => append(after, out),
    }
}

fn append(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Defaults, rewritten};
    use crate::validation::{Dialect, SchemaReader};

    fn defaults(document: &Value) -> Option<Defaults> {
        Defaults::of(SchemaReader::new(document, Dialect::V30), &document["here"]).unwrap()
    }

    fn filled(defaults: &Defaults, text: &str) -> Option<String> {
        let before: Value = serde_json::from_str(text).unwrap();
        let mut after = before.clone();
        let set = defaults.apply(&mut after).unwrap();
        set.then(|| String::from_utf8(rewritten(text.as_bytes(), &before, &after)).unwrap())
    }

    #[test]
    fn defaults_are_put_where_something_is_left_out() {
        let document = json!({"here": {"properties": {
            "name": {"type": "string", "default": "bob"},
            "n": {"properties": {"d": {"default": 5}}},
            "l": {"items": {"properties": {"q": {"default": 1.5}}}},
            "ro": {"readOnly": true, "default": 3},
            "o": {"default": {}, "properties": {"in": {"default": true}}}},
            "additionalProperties": {"properties": {"z": {"default": 0}}}}});
        let defaults = defaults(&document).unwrap();
        for (text, expected) in [
            ("{}", Some(r#"{"name":"bob","o":{"in":true}}"#)),
            (
                r#"{ "name": null, "n": {}, "l": [ {}, {"q": 2.0}, {"z": 12345678901234567890123, "y": 1.10} ] }"#,
                Some(
                    r#"{"l":[{"q":1.5},{"q": 2.0},{"q":1.5,"y":1.10,"z":12345678901234567890123}],"n":{"d":5},"name":"bob","o":{"in":true}}"#,
                ),
            ),
            (r#"{"name": "x", "o": {"in": false}}"#, None),
            (r#"{"name": "x", "o": 1, "more": {}}"#, Some(r#"{"more":{"z":0},"name":"x","o":1}"#)),
            ("[]", None),
            ("3", None),
        ] {
            assert_eq!(filled(&defaults, text).as_deref(), expected, "{text}");
        }
        assert!(Defaults::of(SchemaReader::new(&json!({}), Dialect::V30), &json!({})).unwrap().is_none());
    }

    #[test]
    fn those_of_the_alternative_count_that_accepts() {
        let branch = |name: &str, value: Value| json!({"type": "object", "required": [name], "properties": {name: {"type": "string"}, "k": {"default": value}}});
        let one_of =
            defaults(&json!({"here": {"oneOf": [branch("a", json!(1)), branch("b", json!(2))]}})).unwrap();
        assert_eq!(filled(&one_of, r#"{"b":"x"}"#).as_deref(), Some(r#"{"b":"x","k":2}"#));
        assert_eq!(filled(&one_of, r#"{"a":"x","b":"x"}"#), None);
        let any_of =
            defaults(&json!({"here": {"anyOf": [branch("a", json!(1)), branch("b", json!(2))]}})).unwrap();
        assert_eq!(filled(&any_of, r#"{"a":"x","b":"y"}"#).as_deref(), Some(r#"{"a":"x","b":"y","k":1}"#));
        let all_of = defaults(&json!({"here": {"allOf": [branch("a", json!(1)), {"properties": {"k": {"default": 2}, "b": {"default": "B"}}}]}})).unwrap();
        assert_eq!(filled(&all_of, r#"{"a":"x"}"#).as_deref(), Some(r#"{"a":"x","b":"B","k":1}"#));
    }

    #[test]
    fn recursion_ends() {
        let node = |next: Value| json!({"schemas": {"Node": {"properties": {"v": {"default": 1}, "next": next}}}, "here": {"$ref": "#/schemas/Node"}});
        let list = defaults(&node(json!({"$ref": "#/schemas/Node"}))).unwrap();
        assert_eq!(
            filled(&list, r#"{"next":{"next":{"v":2}}}"#).as_deref(),
            Some(r#"{"next":{"next":{"v":2},"v":1},"v":1}"#)
        );
        let endless = node(json!({"default": {}, "allOf": [{"$ref": "#/schemas/Node"}]}));
        let error = Defaults::of(SchemaReader::new(&endless, Dialect::V30), &endless["here"]).unwrap_err();
        assert!(error.to_string().contains("`next` leads to further ones without an end"), "{error}");
        let branching = node(
            json!({"oneOf": [{"$ref": "#/schemas/Node"}, {"type": "string"}, {"allOf": [{"$ref": "#/schemas/Node"}]}]}),
        );
        let branching = defaults(&branching).unwrap();
        let mut deep = json!({});
        for _ in 0..60 {
            deep = json!({ "next": deep });
        }
        assert!(branching.apply(&mut deep).is_err());
    }
}
