//! What the readers of all kinds of definitions check alike: patterns, headers, answers, scripts, plugins, targets.
//!
//! [`Reader`] has the checks; a kind's own `convert` knows where its fields are and passes their places on. What
//! this version does not have is said in [`unavailable`], so that each kind says it in the same words.

mod api;
mod cache;
mod events;
mod hook;
mod plugin;
pub(super) mod unavailable;
mod versions;

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

pub(super) use self::{
    api::with_default_lists,
    cache::whole_seconds,
    hook::WrittenHook,
    plugin::{PlaceNames, is_plugin_driver},
    versions::WrittenNaming,
};
use super::{
    Problems,
    model::{FixedAnswer, HeaderTemplate, ScriptSource},
};
use crate::reply;

/// Reads the parts that have many checks; a field rather than an argument keeps the calls short.
pub(super) struct Reader<'a> {
    pub(super) problems: &'a mut Problems,
    pub(super) api_id: Arc<str>,
}

impl Reader<'_> {
    /// The path of an endpoint.
    pub(super) fn check_pattern(&mut self, path: &str, field: &str) {
        if path.is_empty() {
            self.problems
                .refuse(field, "is missing; it is a path such as `/users/{id}` or a regular expression");
        } else if let Err(error) = crate::router::pattern::Pattern::compile(path, Default::default()) {
            self.problems.refuse(field, error.to_string());
        }
    }

    pub(super) fn check_regex(&mut self, pattern: &str, field: &str) {
        if let Err(error) = regex::Regex::new(pattern) {
            self.problems.refuse(field, format!("`{pattern}` is not a regular expression: {error}"));
        }
    }

    /// A status from 200 to 999 at `field`; 0 is 200, as in Go's zero value.
    pub(super) fn status(&mut self, code: i64, field: &str) -> Option<StatusCode> {
        let code = if code == 0 { 200 } else { code };
        let status =
            u16::try_from(code).ok().filter(|code| (200..=999).contains(code)).map(StatusCode::from_u16);
        let Some(Ok(status)) = status else {
            self.problems.refuse(field, format!("{code} is not a status between 200 and 999"));
            return None;
        };
        Some(status)
    }

    /// The status for a request that is not valid: 422 unless the definition says another.
    pub(super) fn refusal_status(&mut self, code: i64, field: &str) -> Option<StatusCode> {
        if code == 0 { Some(StatusCode::UNPROCESSABLE_ENTITY) } else { self.status(code, field) }
    }

    /// An answer that the definition gives itself; each header with the places of its name and its value.
    pub(super) fn fixed_answer<'h>(
        &mut self,
        status: StatusCode,
        body: &str,
        headers: impl Iterator<Item = WrittenHeader<'h>>,
    ) -> Option<FixedAnswer> {
        let mut map = HeaderMap::new();
        for header in headers {
            let name = self.header_name(header.name, &header.name_field)?;
            let value = self.header_value(header.value, &header.value_field)?;
            // As with Go's `Header.Set`, the last of one name counts.
            map.insert(name, value);
        }
        // What Go's server finds in the body; once, and not for each request.
        reply::add_content_type(status, &mut map, body.as_bytes());
        Some(FixedAnswer { status, headers: map, body: bytes::Bytes::copy_from_slice(body.as_bytes()) })
    }

    pub(super) fn header_name(&mut self, name: &str, field: &str) -> Option<HeaderName> {
        match HeaderName::from_bytes(name.trim().as_bytes()) {
            Ok(name) => Some(name),
            Err(_) => {
                self.problems.refuse(field, format!("`{name}` is not a header name"));
                None
            }
        }
    }

    pub(super) fn header_value(&mut self, value: &str, field: &str) -> Option<HeaderValue> {
        match HeaderValue::from_str(value) {
            Ok(value) => Some(value),
            Err(_) => {
                self.problems.refuse(field, "the value holds characters that a header may not have");
                None
            }
        }
    }

    /// A header value that may hold `$tyk_context.` and `$tyk_meta.` variables.
    pub(super) fn header_template(&mut self, text: &str, field: &str) -> Option<HeaderTemplate> {
        if !text.contains("$tyk_") {
            return Some(HeaderTemplate::Fixed(self.header_value(text, field)?));
        }
        Some(HeaderTemplate::Template(text.to_owned()))
    }

    pub(super) fn method(&mut self, method: &str, field: &str) -> Option<Method> {
        match Method::from_bytes(method.trim().to_ascii_uppercase().as_bytes()) {
            Ok(method) => Some(method),
            Err(_) => {
                self.problems.refuse(field, format!("`{method}` is not an HTTP method"));
                None
            }
        }
    }

    /// A time in seconds; `None` for 0.
    pub(super) fn seconds(&mut self, seconds: f64, field: &str) -> Option<Duration> {
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if duration.is_zero() => None,
            Ok(duration) => Some(duration),
            Err(_) => {
                self.problems.refuse(field, format!("{seconds} is not a number of seconds"));
                None
            }
        }
    }

    /// A script in the definition itself, as base64; `because` says why it has to be.
    pub(super) fn inline_script(
        &mut self,
        packed: &str,
        field: &str,
        because: &str,
        name: &str,
    ) -> Option<ScriptSource> {
        let packed: String = packed.split_whitespace().collect();
        match STANDARD.decode(packed) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into();
                let name = format!("{} {name} (inline)", self.api_id).into();
                Some(ScriptSource::Inline { text, name })
            }
            Err(error) => {
                self.problems.refuse(field, format!("is not base64 ({error}); {because}"));
                None
            }
        }
    }
}

/// A header as written, with the places of its two halves.
pub(super) struct WrittenHeader<'a> {
    pub(super) name: &'a str,
    pub(super) name_field: String,
    pub(super) value: &'a str,
    pub(super) value_field: String,
}
