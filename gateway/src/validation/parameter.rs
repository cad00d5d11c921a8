//! Parameters of an operation: where they are in a request, and which values their texts mean.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value};

use super::{Schema, words};

/// Where a parameter is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In this header.
    Header(HeaderName),
    /// In a cookie.
    Cookie,
}

/// How a list or an object stands in a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `1,2` and `a,1,b,2`.
    Simple,
    /// `.1.2`.
    Label,
    /// `;x=1;x=2`.
    Matrix,
    /// `x=1&x=2`, or `x=1,2`.
    Form,
    /// `x=1 2`.
    Space,
    /// `x=1|2`.
    Pipe,
    /// `x[a]=1&x[b]=2`.
    Deep,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// A request without it is refused.
    pub required: bool,
    /// It may be there without a value.
    pub allow_empty: bool,
    /// How lists and objects are written.
    pub style: Style,
    /// Each element is a parameter of its own.
    pub explode: bool,
    /// The text is JSON.
    pub is_json: bool,
    /// Its schema as written, references followed at the top: what types texts are read as.
    pub shape: Shape,
    /// What is checked.
    pub schema: Option<Schema>,
    /// What a request gets that leaves it out.
    pub default: Option<ParameterDefault>,
}

/// `default` of a parameter's schema.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterDefault {
    value: Value,
    /// As they stand in a request; several are a parameter each.
    texts: Vec<String>,
}

/// What is added to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addition {
    /// A parameter of the query, with its values.
    Query(String, Vec<String>),
    /// A header.
    Header(HeaderName, String),
    /// A cookie.
    Cookie(String, String),
}

impl ParameterDefault {
    /// As Tyk writes it: a list as several parameters if it is exploded by the document's word, else with commas. `None` for
    /// an object, which has no text.
    pub fn new(value: &Value, explode: bool) -> Option<Self> {
        let texts = match value {
            Value::Object(_) | Value::Null => return None,
            Value::Array(list) => {
                let texts: Vec<String> = list.iter().map(text).collect::<Option<_>>()?;
                if explode { texts } else { vec![texts.join(",")] }
            }
            one => vec![text(one)?],
        };
        Some(Self { value: value.clone(), texts })
    }

    /// Whether it may stand in a header.
    pub fn is_header_value(&self) -> bool {
        self.texts.iter().all(|text| HeaderValue::from_str(text).is_ok())
    }
}

/// A value as Go prints it.
fn text(value: &Value) -> Option<String> {
    const PLAIN: std::ops::Range<f64> = 1e-4..1e21;
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Bool(is) => is.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if float != 0.0 && !PLAIN.contains(&float.abs()) => {
                let scientific = format!("{float:e}");
                let (digits, exponent) = scientific.split_once('e')?;
                let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
                format!("{digits}e{sign}{exponent:0>2}")
            }
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    })
}

/// The types in a schema, as far as texts are read by them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    /// `type`, the first one that is not `null`.
    pub kind: Option<String>,
    /// Of `items`.
    pub items: Option<Box<Shape>>,
    /// Of `properties`.
    pub properties: Vec<(String, Shape)>,
}

/// The parts of a request that have parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    /// Texts of the path's parameters by name.
    pub(super) path: &'a [(&'a str, String)],
    /// Pairs of the query.
    pub(super) query: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// Headers.
    pub(super) headers: &'a HeaderMap,
}

/// What a request has of a parameter.
enum Found {
    Nothing,
    Empty,
    Value(Value),
}

impl Parameter {
    /// Checks what the request has, and tells what is to be added to it.
    ///
    /// # Errors
    /// What is wrong, in Tyk's words.
    pub(super) fn check(&self, parts: Parts<'_>) -> Result<Option<Addition>, String> {
        let place = match self.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header(_) => "header",
            Place::Cookie => "cookie",
        };
        self.checked(parts)
            .map_err(|reason| format!("parameter {:?} in {place} has an error: {reason}", self.name))
    }

    fn checked(&self, parts: Parts<'_>) -> Result<Option<Addition>, String> {
        let (value, addition) = match (self.find(parts)?, &self.default) {
            (Found::Value(value), _) => (value, None),
            (Found::Nothing, _) if self.required => return Err("value is required but missing".to_owned()),
            (Found::Nothing | Found::Empty, Some(default)) => {
                (default.value.clone(), self.addition(default.texts.clone()))
            }
            (Found::Nothing, None) => return Ok(None),
            (Found::Empty, None) if self.allow_empty => return Ok(None),
            (Found::Empty, None) => return Err("empty value is not allowed".to_owned()),
        };
        let Some(schema) = &self.schema else { return Ok(addition) };
        match schema.validator.iter_errors(&value).next() {
            Some(error) => Err(words::openapi(&error)),
            None => Ok(addition),
        }
    }

    fn addition(&self, mut texts: Vec<String>) -> Option<Addition> {
        Some(match &self.place {
            Place::Path => return None,
            Place::Query => Addition::Query(self.name.clone(), texts),
            Place::Header(name) => Addition::Header(name.clone(), texts.pop()?),
            Place::Cookie => {
                let text = texts.pop()?;
                let quoted = text.contains([' ', ',']);
                Addition::Cookie(self.name.clone(), if quoted { format!("\"{text}\"") } else { text })
            }
        })
    }

    fn find(&self, parts: Parts<'_>) -> Result<Found, String> {
        if self.place == Place::Query && !self.is_json {
            return self.in_query(parts.query);
        }
        let text = match &self.place {
            Place::Path => {
                parts.path.iter().find(|(name, _)| *name == self.name).map(|(_, text)| text.clone())
            }
            Place::Query => {
                parts.query.iter().find(|(name, _)| *name == self.name).map(|(_, text)| text.to_string())
            }
            Place::Header(name) => {
                let values: Vec<_> =
                    parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
                (!values.is_empty()).then(|| values.join(","))
            }
            Place::Cookie => cookie(parts.headers, &self.name),
        };
        let Some(text) = text else { return Ok(Found::Nothing) };
        if self.is_json {
            return serde_json::from_str(&text).map(Found::Value).map_err(|error| error.to_string());
        }
        self.read_text(&text)
    }

    /// A value that is one text.
    fn read_text(&self, text: &str) -> Result<Found, String> {
        let (text, separator) = match self.style {
            Style::Label if self.explode => (text.strip_prefix('.').unwrap_or(text), '.'),
            Style::Label => (text.strip_prefix('.').unwrap_or(text), ','),
            Style::Matrix => {
                let prefix = format!(";{}=", self.name);
                let text = text.strip_prefix(prefix.as_str()).unwrap_or(text);
                return self.split(&text.replace(&prefix, ","), ',');
            }
            Style::Space => (text, ' '),
            Style::Pipe => (text, '|'),
            Style::Simple | Style::Form | Style::Deep => (text, ','),
        };
        self.split(text, separator)
    }

    fn split(&self, text: &str, separator: char) -> Result<Found, String> {
        if text.is_empty() {
            return Ok(Found::Empty);
        }
        match self.shape.kind.as_deref() {
            Some("array") => list(text.split(separator), &self.shape).map(Found::Value),
            Some("object") => {
                let pairs: Vec<(&str, &str)> = if self.explode {
                    text.split(separator).map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect()
                } else {
                    let texts: Vec<&str> = text.split(separator).collect();
                    texts.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or(""))).collect()
                };
                object(pairs.into_iter(), &self.shape).map(Found::Value)
            }
            _ => primitive(text, &self.shape).map(Found::Value),
        }
    }

    fn in_query(&self, query: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<Found, String> {
        let mut named =
            query.iter().filter(|(name, _)| *name == self.name).map(|(_, text)| &**text).peekable();
        match self.shape.kind.as_deref() {
            Some("object") if self.style == Style::Deep => {
                let inside = |name: &'_ str| {
                    let inner =
                        name.strip_prefix(self.name.as_str())?.strip_prefix('[')?.strip_suffix(']')?;
                    Some(inner.to_owned())
                };
                let pairs: Vec<(String, &str)> =
                    query.iter().filter_map(|(name, text)| Some((inside(name)?, &**text))).collect();
                if pairs.is_empty() {
                    return Ok(Found::Nothing);
                }
                object(pairs.iter().map(|(name, text)| (name.as_str(), *text)), &self.shape).map(Found::Value)
            }
            Some("object") if self.explode && self.style == Style::Form => {
                let known = |name: &str| self.shape.properties.iter().any(|(known, _)| known == name);
                let mut pairs = query.iter().filter(|(name, _)| known(name)).peekable();
                if pairs.peek().is_none() {
                    return Ok(Found::Nothing);
                }
                object(pairs.map(|(name, text)| (&**name, &**text)), &self.shape).map(Found::Value)
            }
            Some("array") if self.explode && self.style == Style::Form => {
                if named.peek().is_none() {
                    return Ok(Found::Nothing);
                }
                list(named, &self.shape).map(Found::Value)
            }
            _ => match named.next() {
                Some(text) => self.read_text(text),
                None => Ok(Found::Nothing),
            },
        }
    }
}

/// The text as the type that the schema asks for.
pub(super) fn primitive(text: &str, shape: &Shape) -> Result<Value, String> {
    let invalid = |kind: &str| format!("value {text}: an invalid {kind}: invalid syntax");
    match shape.kind.as_deref() {
        Some("integer") => text.parse::<i64>().map(Value::from).map_err(|_| invalid("integer")),
        Some("number") => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            // `5` is an integer too, whichever of the two it was read as.
            let whole = text.parse::<i64>().map(Value::from).ok();
            whole.or_else(|| number.map(Value::from)).ok_or_else(|| invalid("number"))
        }
        Some("boolean") => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(invalid("boolean")),
        },
        _ => Ok(Value::from(text)),
    }
}

fn list<'t>(texts: impl Iterator<Item = &'t str>, shape: &Shape) -> Result<Value, String> {
    let items = Shape::default();
    let items = shape.items.as_deref().unwrap_or(&items);
    let values = texts
        .enumerate()
        .map(|(index, text)| primitive(text, items).map_err(|reason| format!("path {index}: {reason}")));
    values.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// An object of texts, each read as its property's schema asks.
pub(super) fn object<'t>(
    pairs: impl Iterator<Item = (&'t str, &'t str)>,
    shape: &Shape,
) -> Result<Value, String> {
    let mut map: Map<String, Value> = Map::new();
    for (name, text) in pairs {
        let property = shape.properties.iter().find(|(known, _)| known == name).map(|(_, shape)| shape);
        let is_list = property.is_some_and(|shape| shape.kind.as_deref() == Some("array"));
        let of = property.cloned().unwrap_or_default();
        let of_item = if is_list { of.items.map(|items| *items).unwrap_or_default() } else { of };
        let value = primitive(text, &of_item).map_err(|reason| format!("path {name}: {reason}"))?;
        match map.get_mut(name) {
            Some(Value::Array(list)) if is_list => list.push(value),
            _ if is_list => drop(map.insert(name.to_owned(), Value::Array(vec![value]))),
            _ => drop(map.insert(name.to_owned(), value)),
        }
    }
    Ok(Value::Object(map))
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}
