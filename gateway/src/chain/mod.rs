//! The chain that a request runs through, in the order of SPEC's section 4, one file for each step.
//!
//! [`serve`] is the whole life of a request inside the gateway, loops included. Steps know the exchange and
//! their own rule; none knows another. What a version does not use costs a check for an empty list.

pub mod access_rights;
pub mod authentication;
pub mod batch;
pub mod context_variables;
pub mod cors;
pub mod header_transform;
pub mod hook;
mod hook_url;
pub mod ip_access;
pub mod limits;
pub mod looping;
pub mod mock_response;
pub mod path_access;
pub mod plugin;
pub mod query;
mod request_path;
pub mod response_cache;
mod script_heads;
pub mod script_hook;
pub mod size_limit;
pub mod url_rewrite;
pub mod validate;
pub mod version;
pub mod version_api;
pub mod virtual_endpoint;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header, uri::PathAndQuery};

use self::{
    authentication::{Arriving, KeptOut},
    hook::HookAnswer,
    limits::{Checked, Rules},
    looping::LoopTarget,
    path_access::Access,
    plugin::{LivePlugin, Went},
    request_path::RequestPath,
    response_cache::Question,
    version::Selected,
    virtual_endpoint::LiveVirtualEndpoint,
};
use crate::{
    exchange::{Exchange, SentTo},
    live::{
        api::{LiveApi, LiveVersion},
        snapshot::Snapshot,
    },
    proxy::{
        forward::{UpstreamCall, forward, sniff_streaming},
        target::Target,
    },
    reply::{self, Reply, body::ReplyBody, error::GatewayError},
    router::endpoints::PathForms,
    serve::Gateway,
};

/// What became of one pass through an API.
enum Flow {
    /// The client's answer is where it is wanted.
    Replied,
    /// Goes on inside the gateway.
    Loop(LoopTarget),
}

/// Serves a request, and tells which API did. The answer goes right where it is wanted, because it is large: handed from future to
/// future, it would be copied each time.
///
/// # Errors
/// As the steps say; the caller turns them into answers.
pub async fn serve<'a>(
    gateway: &Arc<Gateway>,
    snapshot: &'a Snapshot,
    exchange: &mut Exchange,
    served_by: &mut Option<&'a LiveApi>,
    reply: &mut Reply,
) -> Result<(), GatewayError> {
    // Most gateways serve all hosts alike, and need not look for it.
    let host = if snapshot.tells_hosts_apart() { exchange.host() } else { "" };
    let (mut api, mut listen_length) =
        snapshot.route(host, exchange.uri.path()).ok_or(GatewayError::NoRoute)?;
    *served_by = Some(api);
    let cors = match &api.cors {
        Some(rules) => match cors::begin(rules, exchange) {
            cors::Cors::Preflight(answer) => {
                *reply = answer;
                return Ok(());
            }
            cors::Cors::Headers(headers) => Some(headers),
        },
        None => None,
    };
    let batch = batch::is_for(api, listen_length, exchange);
    let answer = loop {
        if batch {
            let answer = Box::pin(batch::answer(gateway, listen_length, exchange)).await;
            break answer.map(|answer| *reply = answer);
        }
        if let Some(versions) = &api.version_apis {
            match version_api::choose(api, versions, listen_length, snapshot, exchange) {
                Ok(chosen) => (api, listen_length) = chosen,
                Err(error) => break Err(error),
            }
        }
        let flow = pass(gateway, api, listen_length, exchange, reply).await;
        if let Some(fill) = exchange.cache_fill.take() {
            fill.give_up();
        }
        match flow {
            Ok(Flow::Replied) => break Ok(()),
            Ok(Flow::Loop(target)) => {
                if let Err(error) = keep_session(gateway, exchange).await {
                    break Err(error);
                }
                match looping::enter(target, api, snapshot, exchange) {
                    Ok(next) => (api, listen_length) = next,
                    Err(error) => break Err(error),
                }
            }
            Err(error) => {
                if let Some(kind) = error.upstream_failure() {
                    api.metrics.upstream_failures.count(kind);
                }
                break Err(error);
            }
        }
    };
    // What a script or plugin wrote is kept before the client can ask for it.
    let answer = match (keep_session(gateway, exchange).await, answer) {
        (Err(error), Ok(())) => Err(error),
        (_, answer) => answer,
    };
    if cors.is_none() && exchange.response_headers.is_empty() {
        return answer;
    }
    // A page must be able to read an error, so these headers go on every answer.
    if let Err(error) = answer {
        *reply = gateway.error_reply(&error, exchange, Some(api));
    }
    std::mem::take(&mut exchange.response_headers).apply(reply.headers_mut());
    if let Some(cors) = cors {
        cors.apply(reply);
    }
    Ok(())
}

/// Writes back what scripts and plugins changed of the session of a key.
async fn keep_session(gateway: &Gateway, exchange: &mut Exchange) -> Result<(), GatewayError> {
    let Exchange { key: Some(key), session: Some(session), session_found: Some(found), .. } = exchange else {
        return Ok(());
    };
    if Arc::ptr_eq(session, found) {
        return Ok(());
    }
    Box::pin(gateway.sessions.write_changes(key, found, session)).await?;
    exchange.session_found.clone_from(&exchange.session);
    Ok(())
}

/// One pass through the chain of one API.
async fn pass(
    gateway: &Gateway,
    api: &LiveApi,
    listen_length: usize,
    exchange: &mut Exchange,
    answer: &mut Reply,
) -> Result<Flow, GatewayError> {
    let uri = exchange.uri.clone();
    let changed_uri;
    let Selected { version, name: version_name, segment } =
        version::select(api, &uri, listen_length, exchange)?;
    let endpoints = &version.endpoints;
    let hooks = &api.hooks;

    let mut path = RequestPath::new(&uri, listen_length, segment);
    let mut forms = path.forms();
    size_limit::check(version, forms, exchange)?;
    let access = path_access::check(endpoints, &exchange.method, forms, exchange.loops)
        .inspect_err(|error| version::refused(api, exchange, error))?;
    if let Access::Answer(fixed) = access {
        *answer = mock_response::fixed(fixed);
        return Ok(Flow::Replied);
    }
    if hooks.scripts {
        exchange.note_client_uri();
    }
    if hooks.before_limits() || api.asks_for_caller() {
        let authenticates = !matches!(access, Access::Ignored);
        let arriving = Arriving { authenticates, version: version_name, forms };
        if let Some(kept_out) = Box::pin(authentication::let_in(gateway, api, arriving, exchange)).await? {
            let answering = Answering { gateway, api, version, forms };
            return Box::pin(answering.kept_out(kept_out, exchange, answer)).await;
        }
        if exchange.sent_to == SentTo::Target {
            // What follows sees the new path as if the client had sent it.
            exchange.sent_to = SentTo::Unchanged;
            changed_uri = exchange.uri.clone();
            path = path.changed(&changed_uri);
            forms = path.forms();
        }
    } else {
        ip_access::check(&api.client_addresses, exchange.client.ip())?;
    }
    let rules = Rules { api, endpoints, of_caller: !matches!(access, Access::Ignored), forms };
    if limits::check_now(gateway, rules, exchange)? == Checked::Waits {
        Box::pin(limits::check(gateway, rules, exchange)).await?;
    }
    if let Some(rule) = endpoints.validations.find(&exchange.method, forms) {
        Box::pin(validate::check(gateway, rule, forms, exchange)).await?;
    }
    header_transform::request(version, forms, exchange);
    let mut rewritten = match endpoints.rewrites.find(&exchange.method, forms) {
        Some(rewrite) => {
            let body_limit = gateway.settings.limits.buffered_body_bytes;
            Box::pin(rewrite.apply(exchange, body_limit, &gateway.clients.direct)).await?
        }
        None => None,
    };
    let client_method = exchange.method.clone();
    let transformed = endpoints.methods.find(&client_method, forms);
    if let Some(fixed) = endpoints.mocks.find(&client_method, forms) {
        *answer = mock_response::fixed(fixed);
        return Ok(Flow::Replied);
    }
    if let Some(cache) = &api.cache
        && let Some(rule) = cache.rule(&endpoints.cached, transformed.unwrap_or(&client_method), forms)
    {
        let method = transformed.unwrap_or(&client_method);
        let question = Question { api, version, cache, rule, method, rewritten: rewritten.as_ref() };
        if let Some(kept) = Box::pin(response_cache::find(gateway, question, exchange)).await? {
            *answer = kept;
            finish(api, version, exchange, answer.headers_mut(), true);
            return Ok(Flow::Replied);
        }
    }
    let (mut sees_session, mut is_complete) = (true, false);
    let server = may_be_completed(api, version, exchange).then_some(&gateway.server_header);
    let mut answered = match endpoints.virtual_endpoints.find(&client_method, forms) {
        Some(endpoint) => match Box::pin(virtual_endpoint::answer(gateway, endpoint, server, exchange)).await
        {
            Ok(made) => {
                sees_session = endpoint.use_session;
                (*answer, is_complete) = (made.reply, made.is_complete);
                true
            }
            // Only the script's own failure: a body that did not come whole must not go on as if it had.
            Err(GatewayError::VirtualEndpoint { .. }) if endpoint.proxy_on_error => false,
            Err(error) => return Err(error),
        },
        None => false,
    };
    if !answered && let Some(endpoint) = endpoints.plugins.find(&client_method, forms) {
        let went = match plugin::endpoint_now(endpoint, server, exchange, answer)? {
            Some(went) => went,
            None => Box::pin(plugin::endpoint(endpoint, server, exchange, answer)).await?,
        };
        if let Went::Replied { is_complete: by_plugin } = went {
            (is_complete, answered) = (by_plugin, true);
            plugin::note_denial(api, exchange, Some(answer));
        }
    }
    if !answered
        && !hooks.post.is_empty()
        && let Some(by_hook) = Box::pin(hook::requests(api, &hooks.post, gateway, exchange, true)).await?
    {
        (*answer, answered, sees_session) = (by_hook.reply, true, by_hook.sees_session);
    }
    let from_upstream = !answered;
    if from_upstream && let Some(mock) = endpoints.upstream_mocks.find(&client_method, forms) {
        *answer = mock_response::answer(mock, &exchange.headers)?;
        answered = true;
    }
    if !answered {
        // What a plugin changed counts for more than what the definition says.
        let method = match transformed {
            Some(method) if exchange.method == client_method => method.clone(),
            _ => exchange.method.clone(),
        };
        match std::mem::take(&mut exchange.sent_to) {
            SentTo::Unchanged => {}
            SentTo::Target => {
                let to = path.changed(&exchange.uri).for_upstream(api).to_owned();
                let query = exchange.uri.query().map(str::to_owned);
                rewritten = Some(url_rewrite::Rewritten::Path { path: to, query });
            }
            SentTo::Url(url) => {
                rewritten = Some(url_rewrite::interpret(url.into(), &gateway.clients.direct)?)
            }
        }
        let path = &path;
        let upstream = Upstream { version, forms, client_method: &client_method, method: &method, path };
        if let looped @ Flow::Loop(_) = upstream.call(gateway, api, rewritten, exchange, answer).await? {
            return Ok(looped);
        }
    }
    if is_complete {
        return Ok(looping::redirect_target(answer).map_or(Flow::Replied, Flow::Loop));
    }
    header_transform::response(api, version, &client_method, forms, exchange, answer.headers_mut());
    if !hooks.response.is_empty() {
        let reply = std::mem::take(answer);
        *answer = Box::pin(hook::responses(&hooks.response, gateway, exchange, reply)).await?;
    }
    if from_upstream {
        sniff_streaming(answer, &client_method).await?;
        reply::drop_body_headers(answer);
    } else {
        made_here(gateway, answer);
        if let Some(target) = looping::redirect_target(answer) {
            return Ok(Flow::Loop(target));
        }
    }
    if exchange.cache_fill.is_some() {
        let reply = std::mem::take(answer);
        *answer = Box::pin(response_cache::keep(exchange, reply)).await?;
    }
    finish(api, version, exchange, answer.headers_mut(), sees_session);
    Ok(Flow::Replied)
}

/// What the answer of a hook before the limits goes through.
struct Answering<'a> {
    gateway: &'a Gateway,
    api: &'a LiveApi,
    version: &'a LiveVersion,
    forms: PathForms<'a>,
}

impl Answering<'_> {
    async fn kept_out(
        self,
        kept_out: KeptOut,
        exchange: &mut Exchange,
        answer: &mut Reply,
    ) -> Result<Flow, GatewayError> {
        let Self { gateway, api, version, forms } = self;
        let (mut reply, sees_session) = match kept_out {
            KeptOut::Before(reply) => (reply, None),
            KeptOut::After(HookAnswer { reply, sees_session, .. }) => (reply, Some(sees_session)),
        };
        if sees_session.is_some() {
            let method = exchange.method.clone();
            header_transform::response(api, version, &method, forms, exchange, reply.headers_mut());
            reply = hook::responses(&api.hooks.response, gateway, exchange, reply).await?;
        }
        made_here(gateway, &mut reply);
        if let Some(target) = looping::redirect_target(&reply) {
            return Ok(Flow::Loop(target));
        }
        if sees_session == Some(true) {
            limits::set_headers(api, exchange, reply.headers_mut());
        }
        *answer = reply;
        Ok(Flow::Replied)
    }
}

/// The code at an endpoint of an API.
#[derive(Debug)]
pub struct CodeAt<'a> {
    /// Its virtual endpoint.
    pub virtual_endpoint: Option<&'a LiveVirtualEndpoint>,
    /// Its endpoint plugin.
    pub plugin: Option<&'a LivePlugin>,
}

/// Finds the code at the endpoint that a request is for, as a pass does.
///
/// # Errors
/// When the request is for no version of the API.
pub fn code_at<'a>(
    api: &'a LiveApi,
    listen_length: usize,
    exchange: &mut Exchange,
) -> Result<CodeAt<'a>, GatewayError> {
    let uri = exchange.uri.clone();
    let Selected { version, segment, .. } = version::find(api, &uri, listen_length, exchange)?;
    let path = RequestPath::new(&uri, listen_length, segment);
    let (endpoints, method) = (&version.endpoints, &exchange.method);
    Ok(CodeAt {
        virtual_endpoint: endpoints.virtual_endpoints.find(method, path.forms()),
        plugin: endpoints.plugins.find(method, path.forms()).map(|plugin| &**plugin),
    })
}

/// Whether nothing is done to the head of an answer of code but what [`Head::complete`](reply::heads::Head::complete) does.
fn may_be_completed(api: &LiveApi, version: &LiveVersion, exchange: &Exchange) -> bool {
    exchange.session.is_none()
        && exchange.cache_fill.is_none()
        && version.expires.is_none()
        && api.hooks.response.is_empty()
        && api.response_headers.is_empty()
        && version.response_headers.is_empty()
        && version.endpoints.response_headers.is_empty()
}

/// What every answer gets that comes from behind the limits.
///
/// `sees_session`: whatever made it knows the caller's session, and so its quota; else the quota is zero, as in Tyk.
fn finish(
    api: &LiveApi,
    version: &LiveVersion,
    exchange: &Exchange,
    headers: &mut HeaderMap,
    sees_session: bool,
) {
    match sees_session {
        true => limits::set_headers(api, exchange, headers),
        false => reply::set_keyless_limits(headers),
    }
    if let Some(expires) = &version.expires {
        headers.insert("x-tyk-api-expires", expires.header.clone());
    }
}

/// Finishes the answer of a script or plugin.
pub fn made_here(gateway: &Gateway, reply: &mut Reply) {
    reply.headers_mut().insert(header::SERVER, gateway.server_header.clone());
    if !reply::has_body(reply.status()) {
        *reply.body_mut() = ReplyBody::Empty;
    }
    reply::sniff_content_type(reply);
}

/// The last step of a pass: the call of the upstream.
struct Upstream<'a> {
    version: &'a LiveVersion,
    forms: PathForms<'a>,
    /// What the endpoint was found by.
    client_method: &'a Method,
    /// What the upstream gets.
    method: &'a Method,
    path: &'a RequestPath<'a>,
}

impl Upstream<'_> {
    async fn call(
        &self,
        gateway: &Gateway,
        api: &LiveApi,
        rewritten: Option<url_rewrite::Rewritten>,
        exchange: &mut Exchange,
        answer: &mut Reply,
    ) -> Result<Flow, GatewayError> {
        let rewritten_target;
        let (target, path_and_query): (&Target, PathAndQuery) = match rewritten {
            Some(url_rewrite::Rewritten::Loop(target)) => {
                exchange.method = self.method.clone();
                return Ok(Flow::Loop(target));
            }
            Some(url_rewrite::Rewritten::Absolute(target, path_and_query)) => {
                rewritten_target = target;
                (&rewritten_target, path_and_query)
            }
            Some(url_rewrite::Rewritten::Path { path, query }) => {
                let target = self.target(api);
                (target, join(api, target, &path, query.as_deref())?)
            }
            None => {
                let target = self.target(api);
                let path = self.path.for_upstream(api);
                (target, join(api, target, path, exchange.uri.query())?)
            }
        };
        if let Some(name) = &target.loops_to {
            let path = path_and_query.to_string();
            return Ok(Flow::Loop(LoopTarget::of_api(name, &path, target.own_query())));
        }
        let timeout = self.version.endpoints.timeouts.find(self.client_method, self.forms);
        let call = UpstreamCall {
            target,
            path_and_query,
            method: self.method.clone(),
            preserve_host: api.preserve_host_header,
            keeps_request: !api.hooks.response.is_empty(),
            timeout: timeout.copied().unwrap_or(gateway.settings.upstream.timeout),
        };
        *answer = forward(&gateway.clients, exchange, call).await?;
        Ok(Flow::Replied)
    }

    fn target<'a>(&'a self, api: &'a LiveApi) -> &'a Target {
        self.version.override_target.as_ref().unwrap_or_else(|| api.next_target())
    }
}

fn join(
    api: &LiveApi,
    target: &Target,
    path: &str,
    query: Option<&str>,
) -> Result<PathAndQuery, GatewayError> {
    target
        .join(path, query, api.keep_trailing_slash)
        .map_err(|_| GatewayError::RewriteFailed { url: path.to_owned() })
}

/// `Server` of answers that the gateway makes.
pub fn server_header(text: &str) -> HeaderValue {
    // It lives as long as the gateway: with a count of references, all threads would change that with each answer.
    HeaderValue::from_maybe_shared(Bytes::from_static(text.to_owned().leak().as_bytes()))
        .unwrap_or_else(|_| HeaderValue::from_static("gatehouse"))
}
