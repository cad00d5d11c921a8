//! Functions of plugins: endpoints, hooks around the API, and authentication.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
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

    fn context(&self, exchange: &Exchange) -> CallContext<'_> {
        let mut context = CallContext::new(&self.site);
        context.session = exchange.session_seen();
        context
    }
}

/// Calls an endpoint plugin or a hook of a plugin; `None` when the request goes on.
///
/// # Errors
/// [`GatewayError::Plugin`] for whatever the function does wrong, which has been logged.
pub async fn request(plugin: &LivePlugin, exchange: &mut Exchange) -> Result<Option<Reply>, GatewayError> {
    match request_now(plugin, exchange)? {
        Now::Done(reply) => return Ok(reply),
        Now::Waits => {}
    }
    let function = plugin.function(exchange)?;
    let context = plugin.context(exchange);
    let called = function.call(exchange, context).await.map_err(|failure| plugin.failed(failure))?;
    Ok(outcome(called, exchange))
}

/// What [`request_now`] came to.
pub enum Now {
    /// The call is over: an answer, or `None` when the request goes on.
    Done(Option<Reply>),
    /// Nothing has been called: this one has to be waited for, with [`request`].
    Waits,
}

/// As [`request`], for a function that needs no waiting.
///
/// # Errors
/// As for [`request`].
pub fn request_now(plugin: &LivePlugin, exchange: &mut Exchange) -> Result<Now, GatewayError> {
    let function = plugin.function(exchange)?;
    let context = plugin.context(exchange);
    match function.call_now(exchange, &context) {
        Some(called) => {
            let called = called.map_err(|failure| plugin.failed(failure))?;
            Ok(Now::Done(outcome(called, exchange)))
        }
        None => Ok(Now::Waits),
    }
}

fn outcome(called: Called<PluginOutcome>, exchange: &mut Exchange) -> Option<Reply> {
    let Called { outcome, effects } = called;
    keep(effects, exchange);
    match outcome {
        PluginOutcome::Continue => None,
        PluginOutcome::Respond(response) => Some(response.map(ReplyBody::from)),
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
    let context = plugin.context(exchange);
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
    let context = plugin.context(exchange);
    let effects = function.change_response(exchange, answer, context).await;
    keep(effects.map_err(|failure| plugin.failed(failure))?, exchange);
    Ok(())
}

fn keep(effects: Effects, exchange: &mut Exchange) {
    let Effects { response_headers, session } = effects;
    if !response_headers.is_empty() {
        exchange.response_headers.extend(response_headers);
    }
    if let Some(session) = session {
        exchange.session = Some(Arc::new(*session));
    }
}
