//! Bodies: which content types an operation takes, and what is in them.

use http::{HeaderMap, header};
use serde_json::Value;

use super::{
    Schema,
    defaults::{Defaults, TooMuch, rewritten},
    multipart::Parts,
    parameter::{Shape, object},
    words,
};

/// What an operation says of its body.
#[derive(Debug)]
pub struct BodyRule {
    /// A request without one is refused.
    pub required: bool,
    /// What it may be; with nothing, anything.
    pub content: Vec<ContentRule>,
}

/// One content type.
#[derive(Debug)]
pub struct ContentRule {
    /// `application/json`, `text/*`, `*/*`; lower case.
    pub media_type: String,
    /// How bodies are read whose own type does not say.
    pub otherwise: Option<Kind>,
    /// The types in the schema, for forms.
    pub shape: Shape,
    /// What the schema says of the parts of multipart forms.
    pub parts: Parts,
    /// What it is called in messages: the reference or title of its schema, with a space before.
    pub schema_name: String,
    /// What is checked.
    pub schema: Option<Schema>,
    /// What is put into JSON that leaves it out.
    pub defaults: Option<Defaults>,
}

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As JSON.
    Json,
    /// As pairs of a form.
    Form,
    /// As the parts of a form.
    Multipart,
    /// As one text.
    Text,
}

impl Kind {
    /// Of a media type in lower case, without parameters; `None` for one that cannot be read.
    pub fn of(media_type: &str) -> Option<Self> {
        Some(match media_type {
            "application/json" => Self::Json,
            other if other.ends_with("+json") => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            "multipart/form-data" => Self::Multipart,
            "application/octet-stream" => Self::Text,
            other if other.starts_with("text/") => Self::Text,
            _ => return None,
        })
    }
}

/// A content type without its parameters, in lower case.
pub(super) fn media_type(written: &str) -> String {
    written.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

impl BodyRule {
    /// Checks a body, and gives the one to go on with when defaults were put in.
    ///
    /// # Errors
    /// What is wrong, in Tyk's words.
    pub(super) fn check(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Vec<u8>>, String> {
        self.checked(headers, body).map_err(|reason| format!("request body has an error: {reason}"))
    }

    fn checked(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Vec<u8>>, String> {
        if body.is_empty() {
            return if self.required { Err("value is required but missing".to_owned()) } else { Ok(None) };
        }
        if self.content.is_empty() {
            return Ok(None);
        }
        let written = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let Some(rule) = self.find(written) else {
            return Err(format!("header Content-Type has unexpected value {written:?}"));
        };
        let Some(schema) = &rule.schema else { return Ok(None) };
        let undecoded = |reason: String| format!("failed to decode request body: {reason}");
        let media_type = media_type(written);
        let kind = Kind::of(&media_type).or(rule.otherwise);
        let kind = kind.ok_or_else(|| undecoded(format!("unsupported content type {media_type:?}")))?;
        let value = rule.read(kind, headers, body).map_err(undecoded)?;
        let filled = match &rule.defaults {
            Some(defaults) if kind == Kind::Json => {
                let mut filled = value.clone();
                let set = defaults.apply(&mut filled);
                set.map_err(|TooMuch| "it has too many places for defaults".to_owned())?.then_some(filled)
            }
            _ => None,
        };
        if let Some(error) = schema.validator.iter_errors(filled.as_ref().unwrap_or(&value)).next() {
            return Err(format!("doesn't match schema{}: {}", rule.schema_name, words::openapi(&error)));
        }
        Ok(filled.map(|filled| rewritten(body, &value, &filled)))
    }

    /// The rule for a content type: for itself, for its kind, or for any.
    fn find(&self, written: &str) -> Option<&ContentRule> {
        let media_type = media_type(written);
        let kind = media_type.split('/').next().unwrap_or("");
        let any_of_kind = format!("{kind}/*");
        let find = |wanted: &str| self.content.iter().find(|rule| rule.media_type == wanted);
        if media_type.is_empty() {
            return find("*/*");
        }
        let whole = written.to_ascii_lowercase();
        find(&whole).or_else(|| find(&media_type)).or_else(|| find(&any_of_kind)).or_else(|| find("*/*"))
    }
}

impl ContentRule {
    fn read(&self, kind: Kind, headers: &HeaderMap, body: &[u8]) -> Result<Value, String> {
        match kind {
            Kind::Json => serde_json::from_slice(body).map_err(|error| format!("invalid JSON: {error}")),
            Kind::Form => {
                let pairs: Vec<_> = form_urlencoded::parse(body).collect();
                object(pairs.iter().map(|(name, text)| (&**name, &**text)), &self.shape)
            }
            Kind::Multipart => self.parts.read(headers, body),
            Kind::Text => Ok(Value::String(String::from_utf8_lossy(body).into_owned())),
        }
    }
}
