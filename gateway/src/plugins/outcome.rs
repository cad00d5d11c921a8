//! What a call of a plugin function comes to.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::{
    rehearsal::{Failure, Place},
    reply::error::GatewayError,
    session::Session,
    telemetry::metrics::plugin,
};

/// What an endpoint or request hook decided.
#[derive(Debug)]
pub enum PluginOutcome {
    /// The request goes on.
    Continue,
    /// The client gets this answer, boxed because it is moved several times.
    Respond(Box<Response<Bytes>>),
}

/// What authentication decided.
#[derive(Debug)]
pub enum AuthOutcome {
    /// The caller is let in with this session.
    Allow(Box<Session>),
    /// The caller is refused, in the gateway's words for errors.
    Deny {
        /// From 400 to 599.
        status: StatusCode,
        /// For the caller.
        message: String,
    },
    /// The caller is refused with this answer.
    Respond(Box<Response<Bytes>>),
}

/// What any function decided.
pub(super) enum Decided {
    Continue { record: Option<Box<Value>> },
    Respond(Box<Response<Bytes>>),
    Allow(Box<Session>),
    Deny { status: StatusCode, message: String },
}

/// What a function asked for besides its decision.
#[derive(Debug, Default)]
pub struct Effects {
    /// For whatever answer goes out.
    pub response_headers: ResponseHeaders,
    /// The whole session, when the function changed it.
    pub session: Option<Box<Session>>,
    /// The function's answer has all headers: see [`Head::is_complete`](crate::reply::heads::Head::is_complete).
    pub is_complete: bool,
}

/// Headers that a function adds to whatever answer goes out.
#[derive(Debug, Default)]
pub struct ResponseHeaders(Vec<(HeaderName, HeaderValue, bool)>);

impl ResponseHeaders {
    /// Asks for one more header, which replaces those of its name or is added to them.
    pub fn push(&mut self, name: HeaderName, value: HeaderValue, replaces: bool) {
        self.0.push((name, value, replaces));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of a later function.
    pub fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Changes an answer's headers as those after the first `from` ask, and keeps them.
    pub fn apply_from(&self, from: usize, headers: &mut HeaderMap) {
        for (name, value, replaces) in self.0.iter().skip(from) {
            if *replaces {
                headers.insert(name.clone(), value.clone());
            } else {
                headers.append(name.clone(), value.clone());
            }
        }
    }

    /// Changes an answer's headers, in the order the function asked.
    pub fn apply(self, headers: &mut HeaderMap) {
        for (name, value, replaces) in self.0 {
            if replaces {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
    }
}

/// A call that is over.
#[derive(Debug)]
pub struct Called<T> {
    /// What was decided.
    pub outcome: T,
    /// What else was asked for.
    pub effects: Effects,
}

/// A call that came to nothing. Logged where it happened, but for [`Body`](Self::Body).
#[derive(Debug, thiserror::Error)]
pub enum PluginFailure {
    /// The function returned an error.
    #[error("{message}")]
    Error {
        /// The error's text.
        message: String,
    },
    /// The function panicked.
    #[error("panicked at {place}: {message}")]
    Panic {
        /// The panic's text.
        message: String,
        /// `file:line:column` in the plugin's source.
        place: String,
    },
    /// The call took too long. An async function has been cancelled, a blocking one goes on unheard.
    #[error("took longer than {limit:?}")]
    Timeout {
        /// The bound.
        limit: Duration,
    },
    /// A function of one kind was called as another; the registry does not give one out like that.
    #[error("was called as what it is not")]
    WrongKind,
    /// The thread of a blocking function was lost.
    #[error("its thread ended: {0}")]
    Thread(String),
    /// The request's body did not come; not the plugin's fault.
    #[error(transparent)]
    Body(GatewayError),
}

impl From<&PluginFailure> for Failure {
    fn from(failure: &PluginFailure) -> Self {
        let position = match failure {
            PluginFailure::Panic { place, .. } => Place::parse(place),
            _ => None,
        };
        let class = failure.reason().unwrap_or("body");
        Self { message: failure.to_string(), class, position, stack: Vec::new() }
    }
}

impl PluginFailure {
    /// The word for metrics; `None` when it was not the plugin that failed.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Error { .. } | Self::WrongKind | Self::Thread(_) => Some(plugin::ERROR),
            Self::Panic { .. } => Some(plugin::PANIC),
            Self::Timeout { .. } => Some(plugin::TIMEOUT),
            Self::Body(_) => None,
        }
    }
}
