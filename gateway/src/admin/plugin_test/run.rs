//! Calls the subject of a test with the functions that the chain calls it with.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use super::{
    given::HookType,
    message::{self, Messages},
    subject::Subject,
};
use crate::{
    chain::{
        hook::{Authenticated, LiveHook},
        made_here, plugin, script_hook, virtual_endpoint,
    },
    exchange::Exchange,
    plugins::AuthOutcome,
    rehearsal::milliseconds_since,
    reply::{Reply, body::ReplyBody, error::GatewayError},
    serve::Gateway,
    session::Session,
};

/// What came of a call.
pub(super) struct Ran {
    /// `request_before` and its like.
    pub(super) before: Map<String, Value>,
    pub(super) outcome: Outcome,
    /// Request, answer and record afterwards.
    pub(super) messages: Messages,
    /// The caller's session before and after.
    pub(super) session: (Option<Arc<Session>>, Option<Arc<Session>>),
    pub(super) milliseconds: f64,
}

/// What the code decided.
pub(super) enum Outcome {
    /// The request, or the changed answer or record, goes on.
    Continue,
    /// The client gets this answer.
    Respond(Response<Bytes>),
    /// The caller comes in.
    Allow,
    /// The client gets this error.
    Deny(Response<Bytes>),
    /// It failed; the client gets this error, or the request goes on for all that.
    Fail(Option<Response<Bytes>>),
}

/// Calls it.
pub(super) async fn run(
    gateway: &Gateway,
    hook: HookType,
    subject: Subject,
    mut messages: Messages,
    session: Option<Arc<Session>>,
) -> Ran {
    let before = messages.before(hook);
    messages.exchange.session.clone_from(&session);
    let Messages { exchange, response, record } = &mut messages;
    exchange.note_client_uri();
    let start = Instant::now();
    let mut goes_on_all_the_same = false;
    let ran = match &subject {
        Subject::Request(hook) => {
            let replied = match &**hook {
                LiveHook::Plugin(plugin) => plugin::request(plugin, exchange).await,
                LiveHook::Script(hook) => script_hook::request(hook, gateway, exchange, true).await,
            };
            replied.map(|reply| reply.map_or(Outcome::Continue, |reply| answered(gateway, reply)))
        }
        Subject::Auth(hook) => authenticate(gateway, hook, exchange).await,
        Subject::Response(hook) => {
            let changed = match &**hook {
                LiveHook::Plugin(plugin) => plugin::response(plugin, exchange, response).await,
                LiveHook::Script(hook) => script_hook::response(hook, gateway, exchange, response).await,
            };
            changed.map(|()| Outcome::Continue)
        }
        Subject::Virtual(endpoint) => {
            goes_on_all_the_same = endpoint.proxy_on_error;
            let reply = virtual_endpoint::answer(gateway, endpoint, None, exchange).await;
            reply.map(|made| answered(gateway, made.reply))
        }
        Subject::Analytics(plugin) => plugin::record(plugin, record).await.map(|()| Outcome::Continue),
    };
    let milliseconds = milliseconds_since(start);
    let outcome = ran.unwrap_or_else(|error| {
        let denied =
            matches!(error, GatewayError::HookRefused { .. } | GatewayError::AuthenticationRefused { .. });
        let reply = error.reply(exchange.headers.get(http::header::CONTENT_TYPE), &gateway.server_header);
        match (denied, goes_on_all_the_same) {
            (true, _) => Outcome::Deny(whole(reply)),
            (false, true) => Outcome::Fail(None),
            (false, false) => Outcome::Fail(Some(whole(reply))),
        }
    });
    let after = messages.exchange.session.clone();
    Ran { before, outcome, messages, session: (session, after), milliseconds }
}

async fn authenticate(
    gateway: &Gateway,
    hook: &LiveHook,
    exchange: &mut Exchange,
) -> Result<Outcome, GatewayError> {
    let session = match hook {
        LiveHook::Script(hook) => match script_hook::authenticate(hook, gateway, exchange).await? {
            Authenticated::As(session) => session,
            Authenticated::Answer(reply) => return Ok(answered(gateway, reply)),
        },
        LiveHook::Plugin(plugin) => match plugin::ask(plugin, exchange).await? {
            AuthOutcome::Allow(session) => session,
            AuthOutcome::Deny { status, message } => {
                return Err(GatewayError::AuthenticationRefused { status, message });
            }
            AuthOutcome::Respond(response) => {
                return Ok(answered(gateway, response.map(ReplyBody::from)));
            }
        },
    };
    exchange.session = Some(session.into());
    Ok(Outcome::Allow)
}

fn answered(gateway: &Gateway, mut reply: Reply) -> Outcome {
    made_here(gateway, &mut reply);
    Outcome::Respond(whole(reply))
}

/// Answers of code are in memory.
fn whole(reply: Reply) -> Response<Bytes> {
    reply.map(|body| body.full().cloned().unwrap_or_default())
}

/// An answer as it is shown.
pub(super) fn shown(outcome: &Outcome) -> (&'static str, Option<Value>) {
    let (word, answer) = match outcome {
        Outcome::Continue => ("continue", None),
        Outcome::Respond(answer) => ("respond", Some(answer)),
        Outcome::Allow => ("allow", None),
        Outcome::Deny(answer) => ("deny", Some(answer)),
        Outcome::Fail(answer) => ("fail", answer.as_ref()),
    };
    (word, answer.map(message::shown_response))
}
