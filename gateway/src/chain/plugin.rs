//! Functions of plugins: endpoints, hooks around the API, and authentication.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

use super::hook::Authenticated;
use crate::{
    events::Happened,
    exchange::Exchange,
    live::api::LiveApi,
    plugins::{
        AuthOutcome, CallContext, Called, Effects, PluginFailure, PluginFunction, PluginOutcome, PluginSite,
    },
    reply::{Reply, body::ReplyBody, error::GatewayError},
    telemetry::metrics::{self, Failures},
};

/// The key in events where a plugin decides and there is none to name, as in Tyk.
pub const NO_KEY: &str = "n/a";

/// A place in a definition that names a function of a plugin, ready to be called.
#[derive(Debug)]
pub struct LivePlugin {
    /// What there is to call.
    pub state: PluginState,
    /// What calls are given.
    pub site: Arc<PluginSite>,
    /// By the words of [`metrics::plugin`].
    pub failures: Failures,
}

/// What there is to call at a place.
#[derive(Debug)]
pub enum PluginState {
    /// The function.
    Ready(Arc<PluginFunction>),
    /// Nothing: it did not load, for this reason.
    Failed(Arc<str>),
    /// Nothing: it crashed the gateway too often.
    Closed,
}

impl LivePlugin {
    fn function(&self, exchange: &Exchange) -> Result<&PluginFunction, GatewayError> {
        match &self.state {
            PluginState::Ready(function) => Ok(function),
            PluginState::Failed(why) => {
                self.failures.count(metrics::plugin::NOT_LOADED);
                let (api_id, request_id) = (&*self.site.api.id, exchange.request_id);
                tracing::error!(api_id, %request_id, "plugin not loaded: {why}");
                Err(GatewayError::Plugin)
            }
            PluginState::Closed => {
                self.failures.count(metrics::plugin::CLOSED);
                Err(GatewayError::PluginClosed)
            }
        }
    }

    /// A call of the function that came to nothing.
    fn failed(&self, failure: PluginFailure) -> GatewayError {
        if let Some(reason) = failure.reason().filter(|_| self.site.services.rehearsal.is_none()) {
            self.failures.count(reason);
        }
        match failure {
            PluginFailure::Body(error) => error,
            _ => GatewayError::Plugin,
        }
    }

    fn context<'a>(&'a self, exchange: &Exchange, server: Option<&'a HeaderValue>) -> CallContext<'a> {
        CallContext { site: &self.site, session: exchange.session_seen(), server }
    }
}

/// What became of a request at a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// It goes on.
    On,
    /// The client's answer is where it is wanted.
    Replied {
        /// See [`Head::is_complete`](crate::reply::heads::Head::is_complete).
        is_complete: bool,
    },
}

/// Calls a hook of a plugin; `None` when the request goes on.
///
/// # Errors
/// [`GatewayError::Plugin`] for whatever the function does wrong, which has been logged.
pub async fn request(plugin: &LivePlugin, exchange: &mut Exchange) -> Result<Option<Reply>, GatewayError> {
    let mut reply = Reply::default();
    let went = match endpoint_now(plugin, None, exchange, &mut reply)? {
        Some(went) => went,
        None => endpoint(plugin, None, exchange, &mut reply).await?,
    };
    Ok((went != Went::On).then_some(reply))
}

/// Calls an endpoint plugin. With a `server`, the head of its answer may be
/// [completed](crate::reply::heads::Head::complete).
///
/// # Errors
/// As for [`request`].
pub async fn endpoint(
    plugin: &LivePlugin,
    server: Option<&HeaderValue>,
    exchange: &mut Exchange,
    answer: &mut Reply,
) -> Result<Went, GatewayError> {
    let function = plugin.function(exchange)?;
    let context = plugin.context(exchange, server);
    let called = function.call(exchange, context).await.map_err(|failure| plugin.failed(failure))?;
    Ok(outcome(called, exchange, answer))
}

/// As [`endpoint`], for a function that needs no waiting; `None` when it does, and has not been called.
///
/// # Errors
/// As for [`request`].
pub fn endpoint_now(
    plugin: &LivePlugin,
    server: Option<&HeaderValue>,
    exchange: &mut Exchange,
    answer: &mut Reply,
) -> Result<Option<Went>, GatewayError> {
    let function = plugin.function(exchange)?;
    let context = plugin.context(exchange, server);
    let Some(called) = function.call_now(exchange, &context) else { return Ok(None) };
    let called = called.map_err(|failure| plugin.failed(failure))?;
    Ok(Some(outcome(called, exchange, answer)))
}

#[inline]
fn outcome(called: Called<PluginOutcome>, exchange: &mut Exchange, answer: &mut Reply) -> Went {
    let Called { outcome, effects } = called;
    // A session that the function gave is one whose limits the answer shows.
    let is_complete = effects.is_complete && effects.session.is_none();
    keep(effects, exchange);
    match outcome {
        PluginOutcome::Continue => Went::On,
        PluginOutcome::Respond(response) => {
            *answer = response.map(ReplyBody::from);
            Went::Replied { is_complete }
        }
    }
}

/// The caller's key as events show it.
pub fn key_shown(exchange: &Exchange) -> &str {
    match (&exchange.key, &exchange.session) {
        (Some(key), _) => &key.name,
        (None, Some(session)) if !session.key_id.is_empty() => &session.key_id,
        _ => NO_KEY,
    }
}

/// Fires `AuthFailure` for a plugin that answers 403, as Tyk does.
pub fn note_denial(api: &LiveApi, exchange: &Exchange, reply: Option<&Reply>) {
    if reply.is_some_and(|reply| reply.status() == StatusCode::FORBIDDEN) {
        api.events.fire(exchange, Happened::AuthFailure { key: NO_KEY });
    }
}

/// Asks an `auth_check` function who the caller is, for itself.
///
/// # Errors
/// When the function failed.
pub async fn ask(plugin: &LivePlugin, exchange: &mut Exchange) -> Result<AuthOutcome, GatewayError> {
    let function = plugin.function(exchange)?;
    let context = plugin.context(exchange, None);
    let called = function.authenticate(exchange, context).await;
    let Called { outcome, effects } = called.map_err(|failure| plugin.failed(failure))?;
    keep(effects, exchange);
    Ok(outcome)
}

/// Asks an `auth_check` function who the caller is, and lets the API's event handlers know when it lets nobody in.
///
/// # Errors
/// When the caller is refused or the function failed.
pub async fn authenticate(
    api: &LiveApi,
    plugin: &LivePlugin,
    exchange: &mut Exchange,
) -> Result<Authenticated, GatewayError> {
    match ask(plugin, exchange).await? {
        AuthOutcome::Allow(session) => Ok(Authenticated::As(session)),
        AuthOutcome::Deny { status, message } => {
            api.events.fire(exchange, Happened::AuthFailure { key: NO_KEY });
            Err(GatewayError::AuthenticationRefused { status, message })
        }
        AuthOutcome::Respond(response) => {
            let reply = response.map(ReplyBody::from);
            note_denial(api, exchange, Some(&reply));
            Ok(Authenticated::Answer(reply))
        }
    }
}

/// Calls an analytics function on a record, for itself.
///
/// # Errors
/// When the function failed.
pub async fn record(plugin: &LivePlugin, record: &mut Value) -> Result<(), GatewayError> {
    let PluginState::Ready(function) = &plugin.state else { return Err(GatewayError::Plugin) };
    let recorded = function.record(record, CallContext::new(&plugin.site)).await;
    recorded.map_err(|failure| plugin.failed(failure))
}

/// Calls a response hook on an answer in memory.
///
/// # Errors
/// When the function failed.
pub async fn response(
    plugin: &LivePlugin,
    exchange: &mut Exchange,
    answer: &mut Response<Bytes>,
) -> Result<(), GatewayError> {
    let function = plugin.function(exchange)?;
    let context = plugin.context(exchange, None);
    let effects = function.change_response(exchange, answer, context).await;
    keep(effects.map_err(|failure| plugin.failed(failure))?, exchange);
    Ok(())
}

fn keep(effects: Effects, exchange: &mut Exchange) {
    let Effects { response_headers, session, is_complete: _ } = effects;
    if !response_headers.is_empty() {
        exchange.response_headers.extend(response_headers);
    }
    if let Some(session) = session {
        exchange.session = Some(Arc::new(*session));
    }
}
