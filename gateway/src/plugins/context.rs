//! The gateway's side of a plugin's context: facts of the call, and a record of what the function asked for.

use std::{
    borrow::Cow,
    future::ready,
    net::SocketAddr,
    str::FromStr as _,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use gatehouse_plugin::host::{
    Answer, ContextSide, ForeignBytes, HostCall, HostFuture, Kept, Level, Metric, Refusal, Status,
    StorageOperation, Stored, fact, item,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

use super::{
    heads,
    outbound::{self, OutboundReply},
    outcome::{Decided, Effects, PluginFailure, ResponseHeaders},
    site::PluginSite,
};
use crate::{
    reply::{self, heads::Head},
    session::{SeenSession, Session},
    telemetry::request_id::RequestId,
};

/// The target of the lines that plugins log.
pub const LOG_TARGET: &str = module_path!();

/// Who calls whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallFacts<'a> {
    pub plugin: &'static str,
    pub function: &'static str,
    pub client: Option<SocketAddr>,
    pub scheme: &'static str,
    pub request_id: Option<RequestId>,
    pub deadline: Option<Instant>,
    /// See [`CallContext::server`](super::CallContext::server).
    pub server: Option<&'a HeaderValue>,
}

impl CallFacts<'_> {
    /// For a thread that may outlive whoever waits for it; its answer is not completed.
    pub(super) fn detached(self) -> CallFacts<'static> {
        let Self { plugin, function, client, scheme, request_id, deadline, server: _ } = self;
        CallFacts { plugin, function, client, scheme, request_id, deadline, server: None }
    }
}

/// One call as the plugin's context sees it.
pub(super) struct CallState<'a> {
    facts: CallFacts<'a>,
    site: &'a PluginSite,
    session: Option<SeenSession>,
    /// Set when nobody waits any more; only blocking functions can see it.
    cancelled: Option<&'a AtomicBool>,
    client: OnceLock<String>,
    request_id: OnceLock<String>,
    changes: Mutex<Changes>,
}

/// What a function asked for. Boxed is what is rare: all of it is moved several times in each call.
#[derive(Default)]
struct Changes {
    response: Option<Box<Response<Bytes>>>,
    /// See [`Effects::is_complete`].
    is_complete: bool,
    response_headers: ResponseHeaders,
    session: Option<Box<Session>>,
    record: Option<Box<Value>>,
    denial: Option<Box<(StatusCode, String)>>,
    /// Message of an error, or place and message of a panic.
    failure: Option<Box<(String, String)>>,
}

impl<'a> CallState<'a> {
    #[inline(always)]
    pub(super) fn new(
        facts: CallFacts<'a>,
        site: &'a PluginSite,
        session: Option<SeenSession>,
        cancelled: Option<&'a AtomicBool>,
    ) -> Self {
        let (client, request_id) = (OnceLock::new(), OnceLock::new());
        Self { facts, site, session, cancelled, client, request_id, changes: Mutex::default() }
    }

    #[inline(always)]
    pub(super) fn with_record(mut self, record: Option<Box<Value>>) -> Self {
        self.changes.get_mut().unwrap_or_else(PoisonError::into_inner).record = record;
        self
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the call came to.
    #[inline]
    pub(super) fn finish(self, status: Status) -> Result<(Decided, Effects), PluginFailure> {
        let changes = self.changes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let missing = |what: &str| PluginFailure::Error { message: format!("it ended without {what}") };
        let (mut session, mut record) = (changes.session, changes.record);
        let decided = match status {
            Status::Continue => Decided::Continue { record: record.take() },
            Status::Responded => Decided::Respond(changes.response.ok_or_else(|| missing("an answer"))?),
            Status::Allowed => Decided::Allow(session.take().ok_or_else(|| missing("a session"))?),
            Status::Denied => {
                let (status, message) = *changes.denial.ok_or_else(|| missing("a reason"))?;
                Decided::Deny { status, message }
            }
            Status::Failed => {
                let (_, message) = *changes.failure.unwrap_or_default();
                return Err(PluginFailure::Error { message });
            }
            Status::Panicked => {
                let (place, message) = *changes.failure.unwrap_or_default();
                return Err(PluginFailure::Panic { message, place });
            }
        };
        let Changes { response_headers, is_complete, .. } = changes;
        Ok((decided, Effects { response_headers, session, is_complete }))
    }

    /// The session as it is now, for changing it.
    fn change_session(&self, change: impl FnOnce(&mut Session)) -> Result<(), Refusal> {
        let mut changes = self.changes();
        if changes.session.is_none() {
            changes.session = self.session.as_ref().map(|session| Box::new(session.whole().into_owned()));
        }
        change(changes.session.as_deref_mut().ok_or(Refusal::NoSession)?);
        Ok(())
    }
}

impl ContextSide for CallState<'_> {
    type Answer = OutboundReply;

    fn fact(&self, fact: u32) -> Option<&str> {
        let api = &self.site.api;
        Some(match fact {
            fact::REQUEST_ID => {
                let id = self.facts.request_id?;
                self.request_id.get_or_init(|| id.to_string())
            }
            fact::CLIENT => {
                let client = self.facts.client?;
                self.client.get_or_init(|| client.to_string())
            }
            fact::SCHEME => self.facts.scheme,
            fact::API_ID => &api.id,
            fact::API_NAME => &api.name,
            fact::ORGANISATION => &api.organisation,
            fact::LISTEN_PATH => &api.listen_path,
            fact::CONFIG => return self.site.config.as_deref(),
            fact::CONFIG_DATA => &api.config_data,
            fact::DEFINITION => return api.definition.as_deref(),
            _ => return None,
        })
    }

    fn kept(&self) -> Option<&Kept> {
        Some(&self.site.kept)
    }

    fn lookup(&self, item: u32, key: &str) -> Option<Vec<u8>> {
        let changes = self.changes();
        let (changed, before) = (changes.session.as_deref(), self.session.as_ref());
        let found = match item {
            item::SESSION => {
                let session = changed.map(Cow::Borrowed).or_else(|| before.map(SeenSession::whole))?;
                return Some(session.to_value().to_string().into_bytes());
            }
            item::METADATA => changed
                .map(|session| &session.meta_data)
                .or_else(|| before.map(SeenSession::metadata))
                .and_then(|metadata| metadata.get(key)),
            item::RECORD => changes.record.as_deref(),
            _ => None,
        };
        found.map(|value| value.to_string().into_bytes())
    }

    fn put(&self, item: u32, key: &str, value: Option<&[u8]>) -> Result<(), Refusal> {
        let bytes = value.unwrap_or_default();
        let json = || serde_json::from_slice::<Value>(bytes).map_err(|_| Refusal::BadValue);
        let text = || String::from_utf8_lossy(bytes).into_owned();
        match item {
            item::SESSION => {
                let session = Session::from_json(bytes).map_err(|_| Refusal::BadValue)?;
                self.changes().session = Some(Box::new(session));
            }
            item::RECORD => self.changes().record = Some(Box::new(json()?)),
            item::METADATA => {
                let value = value.map(|_| json()).transpose()?;
                self.change_session(|session| session.set_metadata(key, value))?;
            }
            item::SET_RESPONSE_HEADER | item::APPEND_RESPONSE_HEADER => {
                let name = HeaderName::from_str(key).map_err(|_| Refusal::BadName)?;
                let value = HeaderValue::from_bytes(bytes).map_err(|_| Refusal::BadValue)?;
                self.changes().response_headers.push(name, value, item == item::SET_RESPONSE_HEADER);
            }
            item::DENIAL => {
                let status = StatusCode::from_str(key).map_err(|_| Refusal::BadValue)?;
                if !status.is_client_error() && !status.is_server_error() {
                    return Err(Refusal::BadValue);
                }
                self.changes().denial = Some(Box::new((status, text())));
            }
            item::ERROR | item::PANIC => self.changes().failure = Some(Box::new((key.to_owned(), text()))),
            _ => return Err(Refusal::NotHere),
        }
        Ok(())
    }

    fn respond(&self, answer: Answer<'_>) -> Result<(), Refusal> {
        let status = reply::final_status(answer.status).ok_or(Refusal::BadValue)?;
        let server = self.facts.server.filter(|_| reply::has_body(status));
        let Head { headers, is_complete } = heads::of(answer.headers, server)?;
        let mut response = Box::new(Response::new(bytes(answer.body)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        let mut changes = self.changes();
        (changes.response, changes.is_complete) = (Some(response), is_complete);
        Ok(())
    }

    fn log(&self, level: Level, message: &str) {
        if let Some(rehearsal) = &self.site.services.rehearsal {
            return rehearsal.log(word(level), message);
        }
        let CallFacts { plugin, function, request_id, .. } = self.facts;
        let api_id = &*self.site.api.id;
        let request_id = request_id.map(|id| id.to_string()).unwrap_or_default();
        match level {
            Level::Trace => tracing::trace!(plugin, function, api_id, request_id, "{message}"),
            Level::Debug => tracing::debug!(plugin, function, api_id, request_id, "{message}"),
            Level::Info => tracing::info!(plugin, function, api_id, request_id, "{message}"),
            Level::Warn => tracing::warn!(plugin, function, api_id, request_id, "{message}"),
            Level::Error => tracing::error!(plugin, function, api_id, request_id, "{message}"),
        }
    }

    fn metric(&self, metric: Metric<'_>) {
        self.site.services.metrics.record(&metric);
    }

    fn time_left(&self) -> Option<Duration> {
        self.facts.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.is_some_and(|cancelled| cancelled.load(Ordering::Relaxed))
            || self.time_left() == Some(Duration::ZERO)
    }

    fn send(&self, call: HostCall) -> HostFuture<Result<OutboundReply, String>> {
        outbound::send(self.site, call, self.facts.deadline)
    }

    fn storage(&self, key: String, operation: StorageOperation) -> HostFuture<Result<Stored, String>> {
        match &self.site.services.storage {
            Some(storage) => storage.run(key, operation),
            None => Box::pin(ready(Err("this gateway has no store".to_owned()))),
        }
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// A plugin's bytes, without a copy.
pub(super) fn bytes(bytes: ForeignBytes) -> Bytes {
    bytes.into_static().map_or_else(Bytes::from_owner, Bytes::from_static)
}
