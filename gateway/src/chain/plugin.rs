//! Functions of plugins: endpoints, hooks around the API, and authentication.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};

use crate::{
    events::Happened,
    exchange::Exchange,
    live::api::LiveApi,
    plugins::{
        AuthOutcome, CallContext, Called, Effects, PluginFailure, PluginFunction, PluginOutcome, PluginSite,
    },
    reply::{Reply, body::ReplyBody, error::GatewayError},
    serve::Gateway,
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
        if let Some(reason) = failure.reason() {
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

/// Calls an endpoint plugin or a request hook; `None` when the request goes on.
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

/// Calls hooks one after the other until one answers.
///
/// # Errors
/// As for [`request`].
pub async fn requests(
    api: &LiveApi,
    hooks: &[LivePlugin],
    exchange: &mut Exchange,
) -> Result<Option<Reply>, GatewayError> {
    for hook in hooks {
        if let Some(reply) = request(hook, exchange).await? {
            note_denial(api, exchange, Some(&reply));
            return Ok(Some(reply));
        }
    }
    Ok(None)
}

/// Takes the session that an `auth_check` hook gives, or gives the answer that keeps the caller out.
///
/// # Errors
/// When the caller is refused or the function failed.
pub async fn authenticate(
    gateway: &Gateway,
    api: &LiveApi,
    plugin: &LivePlugin,
    exchange: &mut Exchange,
) -> Result<Option<Reply>, GatewayError> {
    let function = plugin.function(exchange)?;
    let context = plugin.context(exchange);
    let called = function.authenticate(exchange, context).await;
    let Called { outcome, effects } = called.map_err(|failure| plugin.failed(failure))?;
    keep(effects, exchange);
    match outcome {
        AuthOutcome::Allow(mut session) => {
            if let Err(error) = gateway.sessions.policies().apply(&mut session, &api.org_id) {
                let (api_id, request_id) = (&*api.id, exchange.request_id);
                tracing::error!(api_id, %request_id, "a session is refused because of its policies: {error}");
                return Err(GatewayError::KeyRefused);
            }
            exchange.session = Some(Arc::new(session));
            exchange.session_found = None;
            exchange.key = None;
            Ok(None)
        }
        AuthOutcome::Deny { status, message } => {
            api.events.fire(exchange, Happened::AuthFailure { key: NO_KEY });
            Err(GatewayError::AuthenticationRefused { status, message })
        }
        AuthOutcome::Respond(response) => {
            let reply = response.map(ReplyBody::from);
            note_denial(api, exchange, Some(&reply));
            Ok(Some(reply))
        }
    }
}

/// Calls response hooks, each on what the one before it made of the answer.
///
/// The answer is held in memory when a hook wants its body.
///
/// # Errors
/// When a hook failed, or the answer is larger than `limit` bytes or did not come whole.
pub async fn responses(
    hooks: &[LivePlugin],
    exchange: &mut Exchange,
    reply: Reply,
    limit: usize,
) -> Result<Reply, GatewayError> {
    if hooks.is_empty() || reply.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(reply);
    }
    let (head, body) = reply.into_parts();
    let body = buffer(body, limit).await?;
    let length = body.len();
    let mut response = Response::from_parts(head, body);
    for hook in hooks {
        let function = hook.function(exchange)?;
        let context = hook.context(exchange);
        let effects = function.change_response(exchange, &mut response, context).await;
        keep(effects.map_err(|failure| hook.failed(failure))?, exchange);
    }
    // The answer to a HEAD says how long the body would be.
    if exchange.method != Method::HEAD || response.body().len() != length {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    Ok(response.map(ReplyBody::from))
}

async fn buffer(body: ReplyBody, limit: usize) -> Result<Bytes, GatewayError> {
    match body {
        ReplyBody::Empty => Ok(Bytes::new()),
        ReplyBody::Full(bytes) => Ok(bytes),
        streamed => {
            let whole = Limited::new(streamed, limit).collect().await;
            let whole = whole.map_err(|error| GatewayError::Upstream {
                cause: format!(
                    "its answer could not be read for the response hooks (at most {limit} bytes): {error}"
                ),
                unreachable: false,
            })?;
            Ok(whole.to_bytes())
        }
    }
}

fn keep(effects: Effects, exchange: &mut Exchange) {
    let Effects { response_headers, session } = effects;
    exchange.response_headers.extend(response_headers);
    if let Some(session) = session {
        exchange.session = Some(Arc::new(session));
    }
}
