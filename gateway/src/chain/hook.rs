//! Hooks of an API, in JavaScript or in a plugin, in the order of the definition.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};

use super::{
    plugin::{self, LivePlugin},
    script_hook::{self, LiveScriptHook},
};
use crate::{
    exchange::Exchange,
    live::api::LiveApi,
    reply::{Reply, body::ReplyBody, error::GatewayError},
    serve::Gateway,
    session::Session,
};

/// One hook.
#[derive(Debug)]
pub enum LiveHook {
    /// A function of a plugin.
    Plugin(LivePlugin),
    /// An object of the API's program.
    Script(LiveScriptHook),
}

/// The answer of a hook.
pub struct HookAnswer {
    /// It.
    pub reply: Reply,
    /// The hook saw the caller's session, whose quota is on its answer then; otherwise it says zero, as in Tyk.
    pub sees_session: bool,
    /// The hook is in JavaScript.
    pub of_script: bool,
}

/// Calls hooks one after the other until one answers. `after_authentication` says whether there can be a session.
///
/// # Errors
/// When a hook refuses the request or fails.
pub async fn requests(
    api: &LiveApi,
    hooks: &[LiveHook],
    gateway: &Gateway,
    exchange: &mut Exchange,
    after_authentication: bool,
) -> Result<Option<HookAnswer>, GatewayError> {
    for hook in hooks {
        let reply = match hook {
            LiveHook::Plugin(plugin) => {
                let reply = plugin::request(plugin, exchange).await?;
                plugin::note_denial(api, exchange, reply.as_ref());
                reply
            }
            LiveHook::Script(script) => {
                script_hook::request(script, gateway, exchange, after_authentication).await?
            }
        };
        if let Some(reply) = reply {
            let (sees_session, of_script) = match hook {
                LiveHook::Plugin(_) => (true, false),
                LiveHook::Script(script) => (script.use_session && after_authentication, true),
            };
            return Ok(Some(HookAnswer { reply, sees_session, of_script }));
        }
    }
    Ok(None)
}

/// What authentication by a hook came to.
pub enum Authenticated {
    /// The caller comes in with this session.
    As(Box<Session>),
    /// An answer that keeps the caller out.
    Answer(Reply),
}

/// Takes the session that an `auth_check` hook gives, with its policies applied, or gives the answer that keeps the caller
/// out.
///
/// # Errors
/// When the caller is refused or the hook failed.
pub async fn authenticate(
    gateway: &Gateway,
    api: &LiveApi,
    hook: &LiveHook,
    exchange: &mut Exchange,
) -> Result<Option<Reply>, GatewayError> {
    let authenticated = match hook {
        LiveHook::Plugin(plugin) => plugin::authenticate(api, plugin, exchange).await?,
        LiveHook::Script(script) => script_hook::authenticate(script, gateway, exchange).await?,
    };
    let mut session = match authenticated {
        Authenticated::As(session) => *session,
        Authenticated::Answer(reply) => return Ok(Some(reply)),
    };
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

/// Calls response hooks, each on what the one before it made of the answer.
///
/// The answer is held in memory, for hooks see its body. It must come whole within the time that an upstream has for its head.
///
/// # Errors
/// When a hook failed, or the answer is larger than the gateway buffers or did not come whole, or not in time.
pub async fn responses(
    hooks: &[LiveHook],
    gateway: &Gateway,
    exchange: &mut Exchange,
    reply: Reply,
) -> Result<Reply, GatewayError> {
    if hooks.is_empty() || reply.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(reply);
    }
    let (head, body) = reply.into_parts();
    let body =
        buffer(body, gateway.settings.limits.buffered_body_bytes, gateway.settings.upstream.timeout).await?;
    let length = body.len();
    let mut response = Response::from_parts(head, body);
    for hook in hooks {
        match hook {
            LiveHook::Plugin(plugin) => plugin::response(plugin, exchange, &mut response).await?,
            LiveHook::Script(script) => {
                script_hook::response(script, gateway, exchange, &mut response).await?
            }
        }
    }
    // The answer to a HEAD says how long the body would be.
    if exchange.method != Method::HEAD || response.body().len() != length {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    Ok(response.map(ReplyBody::from))
}

async fn buffer(body: ReplyBody, limit: usize, timeout: Duration) -> Result<Bytes, GatewayError> {
    match body {
        ReplyBody::Empty => Ok(Bytes::new()),
        ReplyBody::Full(bytes) => Ok(bytes),
        streamed => {
            let whole = tokio::time::timeout(timeout, Limited::new(streamed, limit).collect()).await;
            let whole = whole.map_err(|_elapsed| GatewayError::UpstreamTimeout)?.map_err(|error| {
                GatewayError::Upstream {
                    cause: format!(
                        "its answer could not be read for the response hooks (at most {limit} bytes): {error}"
                    ),
                    unreachable: false,
                }
            })?;
            Ok(whole.to_bytes())
        }
    }
}
