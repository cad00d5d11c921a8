//! Bodies: which content types an operation takes, and what is in them.

use http::{HeaderMap, header};
use serde_json::Value;

use super::{
    Schema,
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
    /// How it is read.
    pub content: Content,
    /// What it is called in messages: the reference or title of its schema, with a space before.
    pub schema_name: String,
    /// What is checked.
    pub schema: Option<Schema>,
}

/// How a body is read.
#[derive(Debug)]
pub enum Content {
    /// As JSON.
    Json,
    /// As pairs of a form.
    Form(Shape),
    /// As one text.
    Text,
}

impl BodyRule {
    /// Checks a body.
    ///
    /// # Errors
    /// What is wrong, in Tyk's words.
    pub(super) fn check(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
        self.checked(headers, body).map_err(|reason| format!("request body has an error: {reason}"))
    }

    fn checked(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
        if body.is_empty() {
            return if self.required { Err("value is required but missing".to_owned()) } else { Ok(()) };
        }
        if self.content.is_empty() {
            return Ok(());
        }
        let written = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let Some(rule) = self.find(written) else {
            return Err(format!("header Content-Type has unexpected value {written:?}"));
        };
        let Some(schema) = &rule.schema else { return Ok(()) };
        let undecoded = |reason: String| format!("failed to decode request body: {reason}");
        let value = match &rule.content {
            Content::Json => {
                serde_json::from_slice(body).map_err(|error| undecoded(format!("invalid JSON: {error}")))?
            }
            Content::Form(shape) => {
                let pairs: Vec<_> = form_urlencoded::parse(body).collect();
                object(pairs.iter().map(|(name, text)| (&**name, &**text)), shape).map_err(undecoded)?
            }
            Content::Text => Value::String(String::from_utf8_lossy(body).into_owned()),
        };
        match schema.validator.iter_errors(&value).next() {
            Some(error) => {
                Err(format!("doesn't match schema{}: {}", rule.schema_name, words::openapi(&error)))
            }
            None => Ok(()),
        }
    }

    /// The rule for a content type: for itself, for its kind, or for any.
    fn find(&self, written: &str) -> Option<&ContentRule> {
        let media_type = written.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
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
