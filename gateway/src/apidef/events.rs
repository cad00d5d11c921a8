//! Event handlers of a definition: which event, and what is done about it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderMap, Method};
use url::Url;

use super::model::ScriptSource;

/// An event that can happen here, by Tyk's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventName {
    /// Authentication did not let somebody in.
    AuthFailure,
    /// A key was used that has expired or is inactive.
    KeyExpired,
    /// A key's quota is used up.
    QuotaExceeded,
    /// A key or an API got more requests than its rate limit lets through.
    RatelimitExceeded,
    /// A version or endpoint was asked for that is not there or not open.
    VersionFailure,
    /// A key was made.
    TokenCreated,
    /// A key was changed.
    TokenUpdated,
    /// A key was deleted.
    TokenDeleted,
}

impl EventName {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AuthFailure,
        Self::KeyExpired,
        Self::QuotaExceeded,
        Self::RatelimitExceeded,
        Self::VersionFailure,
        Self::TokenCreated,
        Self::TokenUpdated,
        Self::TokenDeleted,
    ];

    /// Events of Tyk whose cause does not exist here.
    pub const NEVER_FIRED: [&'static str; 10] = [
        "OrgQuotaExceeded",
        "OrgRateLimitExceeded",
        "TriggerExceeded",
        "BreakerTriggered",
        "BreakerTripped",
        "BreakerReset",
        "HostDown",
        "HostUp",
        "RateLimitSmoothingUp",
        "RateLimitSmoothingDown",
    ];

    /// The name in definitions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthFailure => "AuthFailure",
            Self::KeyExpired => "KeyExpired",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::RatelimitExceeded => "RatelimitExceeded",
            Self::VersionFailure => "VersionFailure",
            Self::TokenCreated => "TokenCreated",
            Self::TokenUpdated => "TokenUpdated",
            Self::TokenDeleted => "TokenDeleted",
        }
    }

    /// Reads the name in definitions.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }
}

/// One entry of `event_handlers.events.NAME`.
#[derive(Debug, Clone)]
pub struct EventHandlerUse {
    /// When it runs.
    pub event: EventName,
    /// What it does.
    pub handler: EventHandlerKind,
    /// The place in the definition, for messages.
    pub field: Arc<str>,
}

/// What a handler does.
#[derive(Debug, Clone)]
pub enum EventHandlerKind {
    /// `eh_log_handler`: a line in the log.
    Log {
        /// What the line begins with.
        prefix: String,
    },
    /// `eh_web_hook_handler`: a request.
    WebHook(Box<WebHook>),
    /// `eh_dynamic_handler`: JavaScript.
    Script(EventScript),
}

/// `handler_meta` of `eh_dynamic_handler`.
#[derive(Debug, Clone)]
pub struct EventScript {
    /// The global that `NewEventHandler` made, or any expression for one.
    pub object: Arc<str>,
    /// Where its source is; `None` when another source of the API defines it.
    pub source: Option<ScriptSource>,
}

/// `handler_meta` of `eh_web_hook_handler`.
#[derive(Debug, Clone)]
pub struct WebHook {
    /// Its name, for messages.
    pub name: String,
    /// Method of the request.
    pub method: Method,
    /// Where it goes; `http` or `https`.
    pub target: Url,
    /// Headers of the request.
    pub headers: HeaderMap,
    /// Where the body's template is.
    pub template: BodyTemplate,
    /// Time in which the same request is sent once; zero is no such time.
    pub cooldown: Duration,
}

/// Where the template of a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyTemplate {
    /// The gateway's default one.
    Default,
    /// In a file, relative to the working directory.
    File(PathBuf),
    /// This is its text.
    Text(String),
}
