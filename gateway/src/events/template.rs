//! Bodies of web hooks: the part of Go's templates that puts fields of the event into a text.
//!
//! `{{.Type}}`, `{{.TimeStamp}}`, `{{.Meta.FIELD}}`, comments and the trim markers `{{-` and `-}}`. Anything else is refused
//! when the template is read: a body that comes out differently from what its author meant is worse than none. Values are
//! escaped for HTML, as in Tyk.

use std::borrow::Cow;

use super::message::{EventMessage, EventMeta};
use crate::apidef::events::EventName;

/// Used where a web hook names no template and `template_path` has no `default_webhook.json`.
pub const DEFAULT: &str = r#"{
  "event": "{{.Type}}",
  "message": "{{.Meta.Message}}",
  "path": "{{.Meta.Path}}",
  "origin": "{{.Meta.Origin}}",
  "key": "{{.Meta.Key}}"
}
"#;

/// As [`DEFAULT`], for events of keys, which have no request.
pub const DEFAULT_OF_KEYS: &str = r#"{
  "event": "{{.Type}}",
  "message": "{{.Meta.Message}}",
  "org": "{{.Meta.Org}}",
  "key": "{{.Meta.Key}}"
}
"#;

/// A template that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Type,
    TimeStamp,
    Meta(&'static str),
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An action without its end.
    #[error("line {line}: `{{{{` without `}}}}`")]
    Unclosed {
        /// Counted from 1.
        line: usize,
    },
    /// Something of Go's templates that is not available.
    #[error(
        "line {line}: `{{{{{action}}}}}` is not available: a template may use .Type, .TimeStamp, .Meta.FIELD and comments"
    )]
    Action {
        /// Counted from 1.
        line: usize,
        /// What stands between the braces.
        action: String,
    },
    /// A field that the event does not have.
    #[error("line {line}: {event} has no `.Meta.{field}`; it has {}", known.join(", "))]
    Field {
        /// Counted from 1.
        line: usize,
        /// The event.
        event: &'static str,
        /// What was named.
        field: String,
        /// What there is.
        known: &'static [&'static str],
    },
}

impl Template {
    /// Reads a template for the messages of one event.
    ///
    /// # Errors
    /// When it uses what is not available.
    pub fn parse(text: &str, event: EventName) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut trims_next = false;
        loop {
            let start = rest.find("{{");
            let mut literal = &rest[..start.unwrap_or(rest.len())];
            if trims_next {
                literal = literal.trim_start();
            }
            let Some(start) = start else {
                pieces.push(Piece::Text(literal.to_owned()));
                break;
            };
            let line = text[..text.len() - rest.len() + start].matches('\n').count() + 1;
            let inside = &rest[start + 2..];
            // A comment may hold anything but its own end.
            let comment = inside.trim_start_matches("- ").starts_with("/*");
            let end = match comment {
                true => inside.find("*/").and_then(|at| Some(at + inside[at..].find("}}")?)),
                false => inside.find("}}"),
            };
            let end = end.ok_or(TemplateError::Unclosed { line })?;
            let mut action = &inside[..end];
            if let Some(trimmed) = action.strip_prefix('-').filter(|rest| rest.starts_with([' ', '\n', '\t']))
            {
                literal = literal.trim_end();
                action = trimmed;
            }
            trims_next = false;
            if let Some(trimmed) = action.strip_suffix('-').filter(|rest| rest.ends_with([' ', '\n', '\t'])) {
                trims_next = true;
                action = trimmed;
            }
            pieces.push(Piece::Text(literal.to_owned()));
            if !comment {
                pieces.push(Piece::of(action.trim(), line, event)?);
            }
            rest = &inside[end + 2..];
        }
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    /// Whether it shows the request that an event came from.
    pub fn wants_request(&self) -> bool {
        self.0.contains(&Piece::Meta("OriginatingRequest"))
    }

    /// The text for a message. In JSON, what a value could break it with is escaped.
    pub fn fill(&self, message: &EventMessage, json: bool) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            let value = match piece {
                Piece::Text(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Piece::Type => message.name.as_str(),
                Piece::TimeStamp => &message.time_stamp,
                Piece::Meta(field) => message.meta.field(field),
            };
            push_escaped(&mut text, value, json);
        }
        text
    }
}

impl Piece {
    fn of(action: &str, line: usize, event: EventName) -> Result<Self, TemplateError> {
        match action {
            ".Type" => return Ok(Self::Type),
            ".TimeStamp" => return Ok(Self::TimeStamp),
            _ => {}
        }
        let refused = || TemplateError::Action { line, action: action.to_owned() };
        let field = action.strip_prefix(".Meta.").ok_or_else(refused)?;
        if field.is_empty() || !field.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return Err(refused());
        }
        let known = EventMeta::fields(event);
        match known.iter().find(|known| **known == field) {
            Some(known) => Ok(Self::Meta(known)),
            None => Err(TemplateError::Field { line, event: event.as_str(), field: field.to_owned(), known }),
        }
    }
}

/// The characters that Go's `html/template` escapes in a text; in JSON also those that a string may not hold.
fn push_escaped(text: &mut String, value: &str, json: bool) {
    for character in value.chars() {
        let escaped: Cow<'static, str> = match character {
            '"' => "&#34;".into(),
            '\'' => "&#39;".into(),
            '&' => "&amp;".into(),
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            '+' => "&#43;".into(),
            '\0' => "\u{fffd}".into(),
            '\\' if json => "\\\\".into(),
            control if json && control < ' ' => format!("\\u{:04x}", u32::from(control)).into(),
            other => {
                text.push(other);
                continue;
            }
        };
        text.push_str(&escaped);
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT, DEFAULT_OF_KEYS, Template, TemplateError};
    use crate::{
        apidef::events::EventName,
        events::message::{EventMessage, EventMeta},
    };

    fn message(key: &str) -> EventMessage {
        let meta = EventMeta {
            message: "Auth Failure",
            path: Some("/a".into()),
            origin: Some("127.0.0.1".into()),
            key: key.into(),
            ..EventMeta::default()
        };
        EventMessage { name: EventName::AuthFailure, meta, time_stamp: "now".into() }
    }

    fn filled(template: &str) -> String {
        Template::parse(template, EventName::AuthFailure).unwrap().fill(&message("a+b"), true)
    }

    #[test]
    fn fields_are_filled_in() {
        assert_eq!(
            filled("{{.Type}} at {{ .TimeStamp }}: {{.Meta.Message}}"),
            "AuthFailure at now: Auth Failure"
        );
        assert_eq!(filled("a {{- /* gone }} */ -}} b {{.Meta.Key}}"), "ab a&#43;b");
        assert_eq!(filled("{{/* c */}}x"), "x");
        assert_eq!(filled(""), "");
    }

    #[test]
    fn the_default_is_json_whatever_a_client_sends() {
        let template = Template::parse(DEFAULT, EventName::AuthFailure).unwrap();
        for key in ["plain", "\"quoted\"", "back\\slash", "line\nfeed\u{1}", "<b>&'"] {
            let text = template.fill(&message(key), true);
            let json: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(json["event"], "AuthFailure");
        }
        for event in [EventName::TokenCreated, EventName::TokenUpdated, EventName::TokenDeleted] {
            Template::parse(DEFAULT_OF_KEYS, event).unwrap();
        }
    }

    #[test]
    fn what_is_not_available_is_refused_with_its_line() {
        let error = |text: &str| Template::parse(text, EventName::AuthFailure).unwrap_err();
        for action in
            ["if .Meta.Key", "range .Meta", ".Meta", ".Meta.Key | js", ".EventType", "", ".Meta.Key.X"]
        {
            let text = format!("one\n{{{{{action}}}}}");
            assert_eq!(error(&text), TemplateError::Action { line: 2, action: action.to_owned() });
        }
        assert_eq!(error("a {{.Type"), TemplateError::Unclosed { line: 1 });
        assert_eq!(
            error("{{.Meta.Reason}}").to_string(),
            "line 1: AuthFailure has no `.Meta.Reason`; it has Message, OriginatingRequest, Path, Origin, Key"
        );
        Template::parse("{{.Meta.Reason}}", EventName::VersionFailure).unwrap();
    }

    #[test]
    fn the_request_is_wanted_where_it_is_shown() {
        let wants = |text: &str| Template::parse(text, EventName::AuthFailure).unwrap().wants_request();
        assert!(wants("{{.Meta.OriginatingRequest}}"));
        assert!(!wants(DEFAULT));
    }
}
