//! What handlers are told: Tyk's event message, with the metadata that Tyk has for each event.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde::{Serialize, Serializer};
use time::{OffsetDateTime, macros::format_description};

use crate::{
    apidef::events::EventName,
    exchange::{Exchange, RequestBody},
};

/// Bytes of a body that are kept with the request; a longer body is left out.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Something that happened to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened<'a> {
    /// Authentication did not let somebody in who showed this key; `n/a` without one.
    AuthFailure {
        /// As it was sent.
        key: &'a str,
    },
    /// A key was used that has expired.
    KeyExpired {
        /// As it was sent.
        key: &'a str,
    },
    /// A key was used that is inactive; fires `KeyExpired`, as in Tyk.
    KeyInactive {
        /// As it was sent.
        key: &'a str,
    },
    /// A key's quota is used up.
    QuotaExceeded {
        /// As it was sent.
        key: &'a str,
    },
    /// A key was used more often than its rate allows.
    KeyRateLimitExceeded {
        /// As it was sent.
        key: &'a str,
    },
    /// The API got more requests than its own rate allows; fires `RatelimitExceeded`.
    ApiRateLimitExceeded {
        /// Tyk's name for the API's limiter: `apilimiter-`, organisation and API id.
        limiter: &'a str,
    },
    /// A version or endpoint was asked for that is not there or not open.
    VersionFailure {
        /// Why, as the client is told.
        reason: &'a str,
    },
}

impl Happened<'_> {
    /// Which event this is.
    pub fn name(self) -> EventName {
        match self {
            Self::AuthFailure { .. } => EventName::AuthFailure,
            Self::KeyExpired { .. } | Self::KeyInactive { .. } => EventName::KeyExpired,
            Self::QuotaExceeded { .. } => EventName::QuotaExceeded,
            Self::KeyRateLimitExceeded { .. } | Self::ApiRateLimitExceeded { .. } => {
                EventName::RatelimitExceeded
            }
            Self::VersionFailure { .. } => EventName::VersionFailure,
        }
    }

    /// Tyk's words for it.
    fn message(self) -> &'static str {
        match self {
            Self::AuthFailure { .. } => "Auth Failure",
            Self::KeyExpired { .. } => "Attempted access from expired key.",
            Self::KeyInactive { .. } => "Attempted access from inactive key.",
            Self::QuotaExceeded { .. } => "Key Quota Limit Exceeded",
            Self::KeyRateLimitExceeded { .. } => "Key Rate Limit Exceeded",
            Self::ApiRateLimitExceeded { .. } => "API Rate Limit Exceeded",
            Self::VersionFailure { .. } => "Attempted access to disallowed version / path.",
        }
    }

    fn key(&self) -> &str {
        match self {
            Self::AuthFailure { key }
            | Self::KeyExpired { key }
            | Self::KeyInactive { key }
            | Self::QuotaExceeded { key }
            | Self::KeyRateLimitExceeded { key } => key,
            Self::ApiRateLimitExceeded { limiter } => limiter,
            Self::VersionFailure { .. } => "",
        }
    }
}

/// Something that became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChange<'a> {
    /// It was made.
    Created {
        /// Its organisation.
        org: &'a str,
        /// The key.
        key: &'a str,
        /// Its id was chosen, and not made here.
        named: bool,
    },
    /// It was changed.
    Updated {
        /// Its organisation.
        org: &'a str,
        /// The key.
        key: &'a str,
    },
    /// It was deleted.
    Deleted {
        /// Its organisation.
        org: &'a str,
        /// The key.
        key: &'a str,
    },
}

impl<'a> KeyChange<'a> {
    /// Which event this is.
    pub fn name(self) -> EventName {
        match self {
            Self::Created { .. } => EventName::TokenCreated,
            Self::Updated { .. } => EventName::TokenUpdated,
            Self::Deleted { .. } => EventName::TokenDeleted,
        }
    }

    fn org_and_key(self) -> (&'a str, &'a str) {
        match self {
            Self::Created { org, key, .. } | Self::Updated { org, key } | Self::Deleted { org, key } => {
                (org, key)
            }
        }
    }

    /// Tyk's words for it, the same for a key with a chosen id and for a change.
    fn message(self) -> &'static str {
        match self {
            Self::Created { named: false, .. } => "Key generated.",
            Self::Created { .. } | Self::Updated { .. } => "Key modified.",
            Self::Deleted { .. } => "Key deleted.",
        }
    }
}

/// An event as handlers see it; serialised in the form of Tyk's JSON.
#[derive(Debug, Serialize)]
pub struct EventMessage {
    /// Which event.
    #[serde(rename = "Type", serialize_with = "name")]
    pub name: EventName,
    /// Its facts.
    #[serde(rename = "Meta")]
    pub meta: EventMeta,
    /// When, as Go writes a time.
    #[serde(rename = "TimeStamp")]
    pub time_stamp: String,
}

/// The facts of an event. A field that its event does not have is not there.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventMeta {
    /// What happened, in Tyk's words.
    pub message: &'static str,
    /// The request as HTTP/1.1 sends it, in base64; empty unless a handler wants it.
    pub originating_request: String,
    /// Path of the request, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Address of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Organisation of a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// The key.
    pub key: String,
    /// Why a version was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl EventMessage {
    pub(super) fn of_request(exchange: &Exchange, happened: Happened<'_>, with_request: bool) -> Self {
        let reason = match happened {
            Happened::VersionFailure { reason } => Some(reason.to_owned()),
            _ => None,
        };
        let meta = EventMeta {
            message: happened.message(),
            originating_request: if with_request { encoded(exchange) } else { String::new() },
            path: Some(percent_decode_str(exchange.uri.path()).decode_utf8_lossy().into_owned()),
            origin: Some(exchange.client.ip().to_canonical().to_string()),
            org: None,
            key: happened.key().to_owned(),
            reason,
        };
        Self { name: happened.name(), meta, time_stamp: now() }
    }

    pub(crate) fn of_key(change: KeyChange<'_>) -> Self {
        let (org, key) = change.org_and_key();
        let meta = EventMeta {
            message: change.message(),
            org: Some(org.to_owned()),
            key: key.to_owned(),
            ..EventMeta::default()
        };
        Self { name: change.name(), meta, time_stamp: now() }
    }

    /// The whole message in Tyk's JSON.
    pub fn json(&self) -> String {
        // Texts under fixed names cannot fail to be JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl EventMeta {
    /// Names of the fields that the metadata of an event has.
    pub fn fields(event: EventName) -> &'static [&'static str] {
        match event {
            EventName::TokenCreated | EventName::TokenUpdated | EventName::TokenDeleted => {
                &["Message", "OriginatingRequest", "Org", "Key"]
            }
            EventName::VersionFailure => {
                &["Message", "OriginatingRequest", "Path", "Origin", "Key", "Reason"]
            }
            EventName::AuthFailure
            | EventName::KeyExpired
            | EventName::QuotaExceeded
            | EventName::RatelimitExceeded => &["Message", "OriginatingRequest", "Path", "Origin", "Key"],
        }
    }

    /// A field by its name; empty when it is not there.
    pub fn field(&self, name: &str) -> &str {
        match name {
            "Message" => self.message,
            "OriginatingRequest" => &self.originating_request,
            "Path" => self.path.as_deref().unwrap_or(""),
            "Origin" => self.origin.as_deref().unwrap_or(""),
            "Org" => self.org.as_deref().unwrap_or(""),
            "Key" => &self.key,
            "Reason" => self.reason.as_deref().unwrap_or(""),
            _ => "",
        }
    }
}

fn name<S: Serializer>(name: &EventName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name.as_str())
}

/// As Go writes a time in UTC.
fn now() -> String {
    let format =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:9] +0000 UTC");
    OffsetDateTime::now_utc().format(format).unwrap_or_default()
}

/// The request in the form of HTTP/1.1; its body only as far as a step has read it into memory.
fn encoded(exchange: &Exchange) -> String {
    let mut wire = Vec::with_capacity(512);
    let target = exchange.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut head = String::new();
    // Writing to a string cannot fail.
    let _ = write!(head, "{} {target} HTTP/1.1\r\nHost: {}\r\n", exchange.method, exchange.host());
    wire.extend_from_slice(head.as_bytes());
    for (name, value) in exchange.headers.iter().filter(|(name, _)| *name != http::header::HOST) {
        wire.extend_from_slice(crate::js::header_name::canonical(name).as_bytes());
        wire.extend_from_slice(b": ");
        wire.extend_from_slice(value.as_bytes());
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"\r\n");
    if let RequestBody::Full(body) = &exchange.body
        && body.len() <= MAX_BODY_BYTES
    {
        wire.extend_from_slice(body);
    }
    STANDARD.encode(wire)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{EventMessage, EventMeta, KeyChange};
    use crate::apidef::events::EventName;

    #[test]
    fn messages_have_tyks_form() {
        let created = |named| EventMessage::of_key(KeyChange::Created { org: "default", key: "abc", named });
        let message = created(false);
        let json: Value = serde_json::from_str(&message.json()).unwrap();
        assert_eq!(json["Type"], "TokenCreated");
        let meta =
            json!({"Message": "Key generated.", "OriginatingRequest": "", "Org": "default", "Key": "abc"});
        assert_eq!(json["Meta"], meta);
        assert_eq!(created(true).meta.message, "Key modified.");
        assert!(message.time_stamp.ends_with(" +0000 UTC"), "{}", message.time_stamp);
    }

    #[test]
    fn every_field_of_an_event_can_be_read() {
        for event in EventName::ALL {
            let fields = EventMeta::fields(event);
            let meta = EventMeta {
                message: "m",
                originating_request: "o".into(),
                path: Some("p".into()),
                origin: Some("i".into()),
                org: Some("g".into()),
                key: "k".into(),
                reason: Some("r".into()),
            };
            assert!(fields.iter().all(|field| !meta.field(field).is_empty()), "{event:?}");
        }
    }
}
