//! Joins the rooms: accepts connections, hands each request to the chain, turns what comes back into an answer.
//!
//! Start at [`Gateway`] for what a running gateway is made of and at [`handle`](Gateway::handle) for a request.

pub mod analytics;
pub mod connection;
pub mod framing;
pub mod health;
pub mod listener;
pub mod metrics;
pub mod stream;
mod threads;
pub mod tls;

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use self::{
    analytics::{Analytics, Begun},
    framing::FramingWatch,
};
use crate::{
    apidef::companions::{CompanionBundle, Companions},
    bundle::{Bundle, Bundles},
    chain::{self, access_rights::AllowedUrls},
    config::Settings,
    events::queue::EventQueue,
    exchange::{ClientBody, Exchange, RequestBody, SentTo, UpgradeRequest},
    js::{outbound::outbound_client, runtime::JsRuntime, store::ScriptStore},
    live::{
        api::LiveApi,
        compile::{Compiled, Compiler},
        snapshot::Snapshot,
    },
    plugins::{PluginRuntime, ResponseHeaders, storage::plugin_storage},
    proxy::{client::UpstreamClients, headers},
    reply::{Reply, body::ReplyBody, error::GatewayError},
    response_cache::ResponseCache,
    session::{Policies, Sessions, Store},
    supervisor::worker::ClosedEndpoints,
    telemetry::{access_log::AccessEntry, metrics::Metrics, request_id::RequestId},
};

/// A running gateway: what all requests share.
pub struct Gateway {
    /// Settings of the process.
    pub settings: Settings,
    /// Clients for upstreams.
    pub clients: UpstreamClients,
    /// Where scripts run.
    pub js: Arc<JsRuntime>,
    /// Hooks that come in zip files.
    pub bundles: Bundles,
    /// What plugins there are.
    pub plugins: PluginRuntime,
    /// Where answers are kept.
    pub cache: Arc<ResponseCache>,
    /// Keys and their sessions.
    pub sessions: Arc<Sessions>,
    /// Where event handlers run.
    pub events: Arc<EventQueue>,
    /// What is counted.
    pub metrics: Metrics,
    /// `Server` of answers made here.
    pub server_header: HeaderValue,
    /// Patterns of paths that come with sessions.
    pub allowed_urls: AllowedUrls,
    analytics: Analytics,
    live: ArcSwap<Snapshot>,
    in_flight: AtomicUsize,
    started: Instant,
}

/// Where a request came in.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The client's socket address.
    pub client: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The guard of an HTTP/1 connection, which an upgrade has to be told.
    pub watch: Option<Arc<FramingWatch>>,
}

/// A gateway that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder of definitions cannot be read.
    #[error("app_path: {} cannot be read: {error}", path.display())]
    Definitions {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// TLS towards upstreams cannot be set up.
    #[error("TLS towards upstreams: {0}")]
    UpstreamTls(#[from] rustls::Error),
    /// A listener cannot be opened.
    #[error("listen_address, listen_port: {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The listener for metrics cannot be opened.
    #[error(
        "gatehouse.metrics.listen: {address}: {error}; give it an address of this machine and a free port"
    )]
    MetricsListen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The threads that serve connections cannot be started.
    #[error("starting the threads that serve connections: {0}")]
    Threads(#[source] std::io::Error),
    /// Certificates of the listener.
    #[error(transparent)]
    Certificates(#[from] tls::CertificateError),
}

impl Gateway {
    /// Makes a gateway without any API; [`reload`](Self::reload) loads them.
    ///
    /// # Errors
    /// When a client cannot be set up.
    pub fn new(settings: Settings, runtime: tokio::runtime::Handle) -> Result<Self, StartError> {
        let tls = crate::proxy::tls::client_config(settings.upstream.insecure_skip_verify)?;
        let outbound = outbound_client(&settings.upstream, tls);
        let clients = UpstreamClients::new(&settings.upstream)?;
        let metrics = Metrics::new();
        let sessions = Arc::new(Sessions::new(Store::new(&settings.storage, &runtime), &settings));
        let scripts = Arc::clone(&clients.scripts);
        let js = JsRuntime::new(&settings.javascript, outbound.clone(), scripts, runtime.clone());
        let js = Arc::new(js.with_store(ScriptStore::new(Arc::clone(&sessions))));
        let events = EventQueue::new(
            &settings.events,
            outbound.clone(),
            Arc::clone(&js),
            runtime.clone(),
            metrics.events.clone(),
        );
        let bundle_client = match settings.bundles.insecure_skip_verify {
            true => outbound_client(&settings.upstream, crate::proxy::tls::client_config(true)?),
            false => outbound.clone(),
        };
        let bundles =
            Bundles::new(&settings.middleware_path, &settings.bundles, bundle_client, runtime.clone());
        Ok(Self {
            cache: ResponseCache::new(&settings.cache, sessions.store().shared().cloned()),
            events,
            plugins: PluginRuntime::new(
                &settings,
                outbound.clone(),
                Arc::clone(&clients.direct),
                runtime.clone(),
                ClosedEndpoints::inherited(),
                Some(plugin_storage(sessions.store().clone(), runtime.clone())),
            ),
            js,
            clients,
            bundles,
            allowed_urls: AllowedUrls::new(settings.matching),
            sessions,
            server_header: chain::server_header(&settings.server.server_header),
            analytics: Analytics::new(
                settings.plugins.analytics_in_flight,
                metrics.analytics_left_out.clone(),
            ),
            metrics,
            live: ArcSwap::from_pointee(Snapshot::new(Vec::new(), false).0),
            in_flight: AtomicUsize::new(0),
            started: Instant::now(),
            settings,
        })
    }

    /// Reads all definitions and publishes them in one step; requests in flight end on the snapshot they began with.
    ///
    /// Blocks: not for an async thread. Tells how it went.
    ///
    /// # Errors
    /// When the folder cannot be read; then everything stays as it was.
    pub fn reload(&self) -> Result<Compiled, StartError> {
        let path = &self.settings.app_path;
        let bundle = |name: &str| match self.bundles.load(name) {
            Ok(Bundle { folder, custom_middleware }) => Ok(CompanionBundle { folder, custom_middleware }),
            Err(error) => Err(error.to_string()),
        };
        let companions = Companions { middleware_path: &self.settings.middleware_path, bundle: &bundle };
        let files = crate::apidef::folder::read(path, &companions)
            .map_err(|error| StartError::Definitions { path: path.clone(), error })?;
        self.read_policies();
        let before = self.live.load_full();
        let compiler = Compiler {
            settings: &self.settings,
            js: &self.js,
            pools: &self.clients.direct,
            plugins: &self.plugins,
            cache: &self.cache,
            events: &self.events,
            metrics: &self.metrics,
            before: Some(&before),
        };
        let (snapshot, compiled) = compiler.compile(files);
        self.metrics.levels.loaded(compiled.refused, compiled.failed_sources, compiled.failed_plugins);
        let organisations = snapshot.apis().map(|api| (Arc::clone(&api.id), Arc::clone(&api.org_id)));
        self.sessions.set_organisations(organisations.collect());
        self.live.store(Arc::new(snapshot));
        Ok(compiled)
    }

    /// Takes the policies as they are now; those before stay when they cannot be read.
    fn read_policies(&self) {
        let Some(settings) = &self.settings.policies else { return };
        match Policies::read(&settings.path) {
            Ok(policies) => self.sessions.set_policies(policies),
            Err(error) => {
                tracing::error!(
                    "policies: {error}; keys with policies are refused where theirs is not known"
                );
            }
        }
    }

    /// What is served at the moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.live.load_full()
    }

    /// Requests that are being served.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Serves one request. Always gives an answer; the request is in flight until its body has gone out.
    #[inline(always)]
    pub fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        origin: Origin,
    ) -> impl Future<Output = Response<ServedBody>> {
        // All that needs no waiting is done here: what the future holds is copied once for each request.
        let start = Instant::now();
        let request_id = RequestId::next();
        let access = self
            .settings
            .log
            .access_log
            .then(|| AccessEntry::new(request.method(), request.uri(), origin.client, request_id, start));
        let in_flight = InFlight::enter(Arc::clone(&self));
        let mut work = match health::answer(&self, &request) {
            Some(reply) => Work::Done(Some(reply)),
            None => Work::Serve(self.exchange(request, origin, request_id)),
        };
        async move {
            let (mut reply, api_id) = match &mut work {
                Work::Serve(exchange) => self.answer(exchange, start).await,
                Work::Done(reply) => (reply.take().unwrap_or_default(), None),
            };
            if self.settings.server.close_connections {
                reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            if let Some(access) = access {
                access.write(reply.status(), api_id.as_deref());
            }
            reply.map(|body| ServedBody { body, _in_flight: in_flight })
        }
    }

    async fn answer(self: &Arc<Self>, exchange: &mut Exchange, start: Instant) -> (Reply, Option<Arc<str>>) {
        let content_type = exchange.headers.get(header::CONTENT_TYPE).cloned();
        let snapshot = self.live.load_full();
        let begun = snapshot.keeps_records.then(|| Box::new(Begun::new(exchange)));
        let mut served_by = None;
        let answer = match self.admit(exchange) {
            Ok(()) => chain::serve(self, &snapshot, exchange, &mut served_by).await,
            Err(error) => Err(error),
        };
        let reply = answer.unwrap_or_else(|error| {
            if served_by.is_none() {
                self.metrics.unserved.count(error.unserved());
            }
            self.log_error(&error, exchange, served_by);
            error.reply(content_type.as_ref(), &self.server_header)
        });
        if let Some(api) = served_by {
            api.metrics.served(reply.status(), start.elapsed());
        }
        if let Some(begun) = begun
            && let Some(api) = served_by
            && let Some(hook) = &api.hooks.analytics
        {
            let in_flight = InFlight::enter(Arc::clone(self));
            self.analytics.record(hook, &begun, api, exchange, reply.status(), in_flight);
        }
        (reply, served_by.map(|api| Arc::clone(&api.id)))
    }

    /// The answer to a request that came up inside the gateway; it counts and is recorded as one from outside.
    pub async fn answer_inside(self: &Arc<Self>, exchange: &mut Exchange, start: Instant) -> Reply {
        let in_flight = InFlight::enter(Arc::clone(self));
        let (reply, _) = self.answer(exchange, start).await;
        drop(in_flight);
        reply
    }

    fn exchange(&self, request: Request<Incoming>, origin: Origin, request_id: RequestId) -> Exchange {
        let limits = &self.settings.limits;
        let (mut parts, body) = request.into_parts();
        let wants_upgrade = origin.watch.is_some() && headers::upgrade_protocol(&parts.headers).is_some();
        let connection =
            wants_upgrade.then(|| parts.extensions.remove::<hyper::upgrade::OnUpgrade>()).flatten();
        let upgrade =
            connection.zip(origin.watch).map(|(connection, watch)| UpgradeRequest { connection, watch });
        let body = if body.is_end_stream() {
            RequestBody::Empty
        } else {
            RequestBody::Streaming(ClientBody::new(body, limits.request_body_bytes, limits.body_timeout))
        };
        Exchange {
            method: parts.method,
            uri: parts.uri,
            version: parts.version,
            headers: parts.headers,
            body,
            client: origin.client,
            scheme: origin.scheme,
            request_id,
            upgrade,
            loops: 0,
            session: None,
            session_found: None,
            key: None,
            let_in: false,
            response_headers: ResponseHeaders::default(),
            sent_to: SentTo::default(),
            client_uri: None,
            sent: None,
            cache_fill: None,
            outer_caller: None,
            loop_limit: chain::looping::MAX_LOOPS,
            checks_limits: true,
            in_batch: false,
        }
    }

    /// Refuses at once what is over a bound of the gateway itself.
    fn admit(&self, exchange: &Exchange) -> Result<(), GatewayError> {
        let limits = &self.settings.limits;
        if self.in_flight() > limits.in_flight {
            return Err(GatewayError::Overloaded);
        }
        let limit = limits.request_body_bytes;
        if limit > 0 && exchange.content_length().is_some_and(|length| length > limit) {
            return Err(GatewayError::BodyTooLarge);
        }
        Ok(())
    }

    /// The answer for an error, logged.
    pub fn error_reply(&self, error: &GatewayError, exchange: &Exchange, api: Option<&LiveApi>) -> Reply {
        self.log_error(error, exchange, api);
        error.reply(exchange.headers.get(header::CONTENT_TYPE), &self.server_header)
    }

    /// Server-side failures are errors, a client's are for debugging; scripts and plugins have logged their
    /// own.
    fn log_error(&self, error: &GatewayError, exchange: &Exchange, api: Option<&LiveApi>) {
        let api_id = api.map_or("-", |api| &*api.id);
        let cause = error.cause();
        let cause = cause.as_deref().unwrap_or("");
        let (request_id, method, path) = (exchange.request_id, &exchange.method, exchange.uri.path());
        let status = error.status();
        if matches!(
            error,
            GatewayError::VirtualEndpoint { .. }
                | GatewayError::Hook { .. }
                | GatewayError::Middleware { .. }
                | GatewayError::Plugin
        ) {
            return;
        }
        if status.is_server_error() {
            tracing::error!(api_id, %request_id, %method, path, status = status.as_u16(), cause, "{error}");
        } else {
            tracing::debug!(api_id, %request_id, %method, path, status = status.as_u16(), cause, "{error}");
        }
    }
}

/// What is to be done for a request.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all requests are the large one, and it is not to be allocated"
)]
enum Work {
    Serve(Exchange),
    /// Nothing: this is the answer.
    Done(Option<Reply>),
}

/// Counts a request for as long as it is served, also when its client goes away.
struct InFlight(Arc<Gateway>);

impl InFlight {
    fn enter(gateway: Arc<Gateway>) -> Self {
        gateway.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(gateway)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body, which keeps its request in flight.
pub struct ServedBody {
    body: ReplyBody,
    _in_flight: InFlight,
}

impl Body for ServedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::Gateway;

    fn future_size<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_request_s_future_is_small() {
        // hyper moves it into a box for each request, so each byte is written and copied once.
        let size = future_size(Gateway::handle);
        assert!(size <= 6 * 1024, "{size} bytes");
    }
}
