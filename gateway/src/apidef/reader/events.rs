//! Checks of event handlers. As in Tyk, one that cannot be used does not keep the API from being served: it is left
//! out, with a warning.

use http::{HeaderMap, Method};
use url::Url;

use super::Reader;
use crate::apidef::{
    events::{EventName, EventScript},
    model::ScriptSource,
};

impl Reader<'_> {
    /// An event by Tyk's name for it; `None` for one that never happens here.
    pub(in crate::apidef) fn event_name(&mut self, name: &str, field: &str) -> Option<EventName> {
        let event = EventName::parse(name);
        if event.is_none() {
            let why = if EventName::NEVER_FIRED.contains(&name) {
                "does not happen in this gateway: its handlers never run".to_owned()
            } else {
                let names: Vec<&str> = EventName::ALL.into_iter().map(EventName::as_str).collect();
                format!("is not an event; the names are {}", names.join(", "))
            };
            self.problems.warn(field, why);
        }
        event
    }

    /// A handler in JavaScript: its object with the place of that, and its file.
    pub(in crate::apidef) fn event_script(
        &mut self,
        (object, field): (&str, String),
        path: &str,
    ) -> Option<EventScript> {
        let (object, path) = (object.trim(), path.trim());
        if object.is_empty() {
            self.problems.warn(
                field,
                "is missing; it names the object that `new TykJS.TykEventHandlers.NewEventHandler({})` made: this \
                 handler does nothing",
            );
            return None;
        }
        let source = (!path.is_empty()).then(|| ScriptSource::File(path.into()));
        Some(EventScript { object: object.into(), source })
    }

    /// Where a web hook goes.
    pub(in crate::apidef) fn web_hook_target(&mut self, text: &str, field: &str) -> Option<Url> {
        match Url::parse(text.trim()) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
            _ => {
                self.problems
                    .warn(field, format!("`{text}` is not an http or https URL: this web hook is not sent"));
                None
            }
        }
    }

    /// Its method; `GET` for one that Tyk does not know.
    pub(in crate::apidef) fn web_hook_method(&mut self, method: &str, field: &str) -> Method {
        match method.to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "PUT" => Method::PUT,
            "POST" => Method::POST,
            "DELETE" => Method::DELETE,
            "PATCH" => Method::PATCH,
            _ => {
                self.problems.warn(
                    field,
                    format!("`{method}` is not one of GET, PUT, POST, DELETE, PATCH: GET is used"),
                );
                Method::GET
            }
        }
    }

    /// Its headers, each with its place.
    pub(in crate::apidef) fn web_hook_headers<'h>(
        &mut self,
        written: impl Iterator<Item = (&'h str, &'h str, String)>,
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value, field) in written {
            match (name.parse::<http::HeaderName>(), value.parse()) {
                (Ok(name), Ok(value)) => {
                    headers.insert(name, value);
                }
                _ => self.problems.warn(field, "is not a header: the web hook is sent without it"),
            }
        }
        headers
    }
}
