//! Makes the call as a gateway does, and keeps what was before it to tell what changed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle, Runtime};

use super::{super::CommandError, Given, memory_store::MemoryStore};
use crate::{
    config::settings::UpstreamSettings,
    crash::CallSite,
    exchange::{Arrived, Exchange, RequestBody, SentTo},
    js::outbound::outbound_client,
    plugins::{
        AuthOutcome, CallContext, Called, Effects, Kept, Kind, PluginFailure, PluginFunction, PluginOutcome,
        PluginServices, PluginSite,
        metrics::{PluginMetrics, Series, SeriesKey},
    },
    proxy::{direct::HostPools, hosts::Hosts, tls},
    session::{SeenSession, Session},
    telemetry::request_id::RequestId,
};

/// Bytes of a body in memory: a request's, or an outbound answer's.
const BODY_BYTES: usize = 64 << 20;
/// For an outbound call, unless the function sets less.
const OUTBOUND_TIMEOUT: Duration = Duration::from_secs(30);

/// What came of a call.
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) before: Request<Bytes>,
    /// The request as it is afterwards; `before` for analytics, which has none.
    pub(super) after: Request<Bytes>,
    /// Where the request goes instead of to the API's target.
    pub(super) sent_to: Option<Box<str>>,
    /// Headers for whatever answer goes out.
    pub(super) response_headers: HeaderMap,
    /// The session before, and afterwards when it was changed.
    pub(super) session: (Option<Arc<Session>>, Option<Session>),
    pub(super) metrics: Vec<(Arc<SeriesKey>, Series)>,
    pub(super) took: Duration,
}

/// What was decided.
pub(super) enum Outcome {
    Continued,
    Answered(Response<Bytes>),
    Allowed(Box<Session>),
    Denied {
        status: StatusCode,
        message: String,
    },
    /// The upstream's answer before and after.
    Changed {
        before: Response<Bytes>,
        after: Response<Bytes>,
    },
    /// The record before and after.
    Recorded {
        before: Value,
        after: Value,
    },
    Failed(PluginFailure),
}

impl Done {
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }
}

/// Calls the function.
///
/// # Errors
/// When the system gives no threads.
pub(super) fn call(kind: Kind, function: &PluginFunction, given: Given) -> Result<Done, CommandError> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::System { doing: "starting threads", error })?;
    let done = make(&runtime, kind, function, given);
    // A blocking function that went past its time still runs, and nobody waits for it.
    runtime.shutdown_background();
    done
}

fn make(
    runtime: &Runtime,
    kind: Kind,
    function: &PluginFunction,
    given: Given,
) -> Result<Done, CommandError> {
    let Given { request: before, scheme, config, session, api, mut response, record, timeout, .. } = given;
    let record = record.unwrap_or_else(|| default_record(&before, &api.id, &api.name));
    let crash_site = Box::leak(Box::new(crash_site(&before, &api.id, function)));
    let services = services(runtime.handle())?;
    let metrics = Arc::clone(&services.metrics);
    let site = PluginSite {
        services: Arc::new(services),
        api: Arc::new(api),
        config,
        crash_site,
        timeout,
        kept: Kept::default(),
    };
    let site = Arc::new(site);
    let mut context = CallContext::new(&site);
    context.session = session.clone().map(SeenSession::from);
    let mut exchange = exchange(&before, scheme, session.clone());
    let start = Instant::now();
    let (outcome, effects) = runtime.block_on(async {
        match kind {
            Kind::Request => flatten(function.call(&mut exchange, context).await, |outcome| match outcome {
                PluginOutcome::Continue => Outcome::Continued,
                PluginOutcome::Respond(response) => Outcome::Answered(*response),
            }),
            Kind::Auth => {
                flatten(function.authenticate(&mut exchange, context).await, |outcome| match outcome {
                    AuthOutcome::Allow(session) => Outcome::Allowed(session),
                    AuthOutcome::Deny { status, message } => Outcome::Denied { status, message },
                    AuthOutcome::Respond(response) => Outcome::Answered(*response),
                })
            }
            Kind::Response => {
                let before = response.clone();
                let result = function.change_response(&mut exchange, &mut response, context).await;
                flatten(result.map(|effects| Called { outcome: (), effects }), |()| Outcome::Changed {
                    before,
                    after: response,
                })
            }
            Kind::Analytics => {
                let mut after = record.clone();
                let result = function.record(&mut after, context).await;
                let called = result.map(|()| Called { outcome: (), effects: Effects::default() });
                flatten(called, |()| Outcome::Recorded { before: record, after })
            }
        }
    });
    let took = start.elapsed();
    let mut response_headers = HeaderMap::new();
    effects.response_headers.apply(&mut response_headers);
    let sent_to = match &exchange.sent_to {
        SentTo::Url(url) => Some(url.clone()),
        // A target is the request's URI by now.
        SentTo::Target | SentTo::Unchanged => None,
    };
    let after = runtime.block_on(request(exchange));
    let mut metrics = metrics.snapshot();
    metrics.sort_by(|(a, _), (b, _)| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
    Ok(Done {
        outcome,
        before,
        after,
        sent_to,
        response_headers,
        session: (session, effects.session.map(|session| *session)),
        metrics,
        took,
    })
}

fn flatten<T>(
    called: Result<Called<T>, PluginFailure>,
    outcome: impl FnOnce(T) -> Outcome,
) -> (Outcome, Effects) {
    match called {
        Ok(called) => (outcome(called.outcome), called.effects),
        Err(failure) => (Outcome::Failed(failure), Effects::default()),
    }
}

fn crash_site(request: &Request<Bytes>, api: &str, function: &PluginFunction) -> CallSite {
    let path: &Path = function.path();
    CallSite::new(
        api,
        request.method().as_str(),
        request.uri().path(),
        &path.to_string_lossy(),
        function.name(),
    )
}

fn exchange(request: &Request<Bytes>, scheme: &'static str, session: Option<Arc<Session>>) -> Exchange {
    let exchange = Exchange::from(Arrived {
        method: request.method().clone(),
        uri: request.uri().clone(),
        version: Version::HTTP_11,
        headers: request.headers().clone(),
        body: RequestBody::Full(request.body().clone()),
        client: SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)),
        scheme,
        request_id: RequestId::next(),
    });
    Exchange { session, ..exchange }
}

/// The request that an exchange has become.
async fn request(mut exchange: Exchange) -> Request<Bytes> {
    // In memory from the beginning, so there is nothing to go wrong.
    let body = exchange.buffer_body(usize::MAX).await.unwrap_or_default();
    let mut request = Request::new(body);
    *request.method_mut() = exchange.method;
    *request.uri_mut() = exchange.uri;
    *request.headers_mut() = exchange.headers;
    request
}

fn services(handle: &Handle) -> Result<PluginServices, CommandError> {
    let upstream = UpstreamSettings {
        idle_per_host: 500,
        idle_timeout: Duration::from_secs(30),
        timeout: OUTBOUND_TIMEOUT,
        connect_timeout: Duration::from_secs(5),
        insecure_skip_verify: false,
    };
    let tls = tls::client_config(false).map_err(|error| CommandError::System {
        doing: "preparing TLS for outbound calls",
        error: std::io::Error::other(error),
    })?;
    Ok(PluginServices {
        hosts: Arc::new(Hosts::new(Arc::new(HostPools::new(&upstream)))),
        client: outbound_client(&upstream, tls),
        handle: handle.clone(),
        outbound_timeout: OUTBOUND_TIMEOUT,
        outbound_body_bytes: BODY_BYTES,
        buffered_body_bytes: BODY_BYTES,
        metrics: Arc::new(PluginMetrics::default()),
        storage: Some(Arc::new(MemoryStore::default())),
        rehearsal: None,
    })
}

/// A record of the request with fields of Tyk's, as if the upstream had answered it with 200.
fn default_record(request: &Request<Bytes>, api_id: &str, api_name: &str) -> Value {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = request.uri().path();
    json!({
        "method": request.method().as_str(), "host": header("host"), "path": path, "raw_path": path,
        "user_agent": header("user-agent"), "content_length": request.body().len(), "response_code": 200,
        "api_id": api_id, "api_name": api_name, "ip_address": "127.0.0.1", "request_time": 1, "tags": [],
        "raw_request": "", "raw_response": "",
    })
}
