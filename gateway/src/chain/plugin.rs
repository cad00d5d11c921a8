//! Functions of plugins: endpoints, hooks around the API, and authentication.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{
    hook::{self, LiveHook},
    ip_access,
    script_hook::{self, Authenticated},
};
use crate::{
    events::Happened,
    exchange::Exchange,
    live::api::LiveApi,
    plugins::{
        AuthOutcome, CallContext, Called, Effects, PluginFailure, PluginFunction, PluginOutcome, PluginSite,
    },
    reply::{Reply, body::ReplyBody, error::GatewayError},
    serve::Gateway,
    session::Session,
    telemetry::metrics::{self, Failures},
};

/// The key in events where a plugin decides and there is none to name, as in Tyk.
const NO_KEY: &str = "n/a";

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
        context.session = exchange.session.clone();
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

/// Runs what stands between a request and the limits of an API with hooks: `pre`, client addresses, authentication,
/// `post_key_auth`. An answer keeps the request out.
///
/// # Errors
/// When the request is refused or a function failed, in which case nobody is let in.
pub async fn let_in(
    gateway: &Gateway,
    api: &LiveApi,
    authenticates: bool,
    exchange: &mut Exchange,
) -> Result<Option<Reply>, GatewayError> {
    let hooks = &api.hooks;
    if let Some(reply) = hook::requests(api, &hooks.pre, gateway, exchange, false).await? {
        return Ok(Some(reply));
    }
    ip_access::check(&api.client_addresses, exchange.client.ip())?;
    // In a loop within the API, its first pass has let the caller in.
    if authenticates
        && !exchange.let_in
        && let Some(auth_check) = &hooks.auth_check
        && let Some(reply) = authenticate(api, auth_check, gateway, exchange).await?
    {
        return Ok(Some(reply));
    }
    hook::requests(api, &hooks.post_key_auth, gateway, exchange, true).await
}

/// Fires `AuthFailure` for a plugin that answers 403, as Tyk does.
pub fn note_denial(api: &LiveApi, exchange: &Exchange, reply: Option<&Reply>) {
    if reply.is_some_and(|reply| reply.status() == StatusCode::FORBIDDEN) {
        api.events.fire(exchange, Happened::AuthFailure { key: NO_KEY });
    }
}

/// Lets the caller in with a session, or gives the answer that keeps it out.
async fn authenticate(
    api: &LiveApi,
    hook: &LiveHook,
    gateway: &Gateway,
    exchange: &mut Exchange,
) -> Result<Option<Reply>, GatewayError> {
    let plugin = match hook {
        LiveHook::Plugin(plugin) => plugin,
        LiveHook::Script(script) => match script_hook::authenticate(script, gateway, exchange).await? {
            Authenticated::As(session) => return let_in_as(*session, api, exchange).map(|()| None),
            Authenticated::Answer(reply) => return Ok(Some(reply)),
        },
    };
    let function = plugin.function(exchange)?;
    let context = plugin.context(exchange);
    let called = function.authenticate(exchange, context).await;
    let Called { outcome, effects } = called.map_err(|failure| plugin.failed(failure))?;
    keep(effects, exchange);
    match outcome {
        AuthOutcome::Allow(session) => {
            let_in_as(session, api, exchange)?;
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

/// The caller has this session, unless it is no longer good.
fn let_in_as(session: Session, api: &LiveApi, exchange: &mut Exchange) -> Result<(), GatewayError> {
    check(api, exchange, &session)?;
    exchange.session = Some(Arc::new(session));
    exchange.let_in = true;
    Ok(())
}

/// A session that says itself that it is no longer good, as Tyk's checks have it.
fn check(api: &LiveApi, exchange: &Exchange, session: &Session) -> Result<(), GatewayError> {
    let key = if session.key_id.is_empty() { NO_KEY } else { &session.key_id };
    let refused = |status, message: &str| {
        Err(GatewayError::AuthenticationRefused { status, message: message.to_owned() })
    };
    if session.is_inactive {
        api.events.fire(exchange, Happened::KeyInactive { key });
        return refused(StatusCode::FORBIDDEN, "Key is inactive, please renew");
    }
    if session.has_expired(time::OffsetDateTime::now_utc().unix_timestamp()) {
        api.events.fire(exchange, Happened::KeyExpired { key });
        return refused(StatusCode::UNAUTHORIZED, "Key has expired, please renew");
    }
    Ok(())
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
    exchange.response_headers.extend(response_headers);
    if let Some(session) = session {
        exchange.session = Some(Arc::new(session));
    }
}
