//! Joins the rooms: accepts connections, hands each request to the chain, turns what comes back into an answer.
//!
//! Start at [`Gateway`] for what a running gateway is made of and at [`handle`](Gateway::handle) for a request.

pub mod analytics;
pub mod connection;
pub mod framing;
pub mod health;
pub mod listener;
pub mod metrics;
pub mod reload;
pub mod stream;
pub mod tls;

use std::{
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use self::{
    analytics::{Analytics, Begun},
    framing::FramingWatch,
    reload::Reloads,
};
use crate::{
    admin::{self, AdminState},
    apidef::{
        companions::{CompanionBundle, Companions},
        folder::{self, DefinitionFile},
    },
    bundle::{Bundle, Bundles},
    chain::{self, access_rights::AllowedUrls},
    config::Settings,
    events::queue::EventQueue,
    exchange::{ClientBody, Exchange, RequestBody, SentTo, UpgradeRequest},
    js::{outbound::outbound_client, runtime::JsRuntime, store::ScriptStore},
    limits::Limits,
    live::{
        api::LiveApi,
        compile::{Compiled, Compiler},
        snapshot::Snapshot,
        trial::Trial,
    },
    plugins::{PluginRuntime, ResponseHeaders, storage::plugin_storage},
    proxy::{client::UpstreamClients, headers},
    reply::{Reply, body::ReplyBody, error::GatewayError},
    response_cache::ResponseCache,
    session::{Policies, Sessions, Store},
    supervisor::worker::{ClosedEndpoints, SupervisorPipe},
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
    /// Rates and quotas.
    pub limits: Arc<Limits>,
    /// Where event handlers run.
    pub events: Arc<EventQueue>,
    /// What is counted.
    pub metrics: Metrics,
    /// `Server` of answers made here.
    pub server_header: HeaderValue,
    /// Reloads asked for and done.
    pub reloads: Reloads,
    /// What the admin API keeps.
    pub admin: AdminState,
    /// Where what outlives a request runs.
    runtime: tokio::runtime::Handle,
    /// The parent process, once it knows that this one serves.
    pub supervisor: OnceLock<SupervisorPipe>,
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
    /// Which listener it came to.
    pub entry: Entry,
    /// The guard of an HTTP/1 connection, which an upgrade has to be told.
    pub watch: Option<Arc<FramingWatch>>,
}

/// A listener, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Clients of the APIs, and of the admin API where that has no listener for itself.
    Main,
    /// The admin API alone.
    Control,
}

/// A gateway that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder of definitions cannot be read.
    #[error("app_path: {} cannot be read: {error}", path.display())]
    Definitions {
        /// The folder.
        path: PathBuf,
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
    /// The listener of the admin API cannot be opened.
    #[error("control_api_port, gatehouse.admin.listen_address: {address}: {error}")]
    ControlListen {
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
        let limits = Arc::new(Limits::new(&settings.limits, sessions.store().clone(), &runtime));
        let js = Arc::new(js.with_store(ScriptStore::new(Arc::clone(&sessions), Arc::clone(&limits))));
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
            limits,
            runtime,
            allowed_urls: AllowedUrls::new(settings.matching),
            sessions,
            server_header: chain::server_header(&settings.server.server_header),
            analytics: Analytics::new(
                settings.plugins.analytics_in_flight,
                metrics.analytics_left_out.clone(),
            ),
            metrics,
            reloads: Reloads::default(),
            admin: AdminState::default(),
            supervisor: OnceLock::new(),
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
        let files = self.read_definitions().map_err(|error| {
            let path = self.settings.app_path.clone();
            StartError::Definitions { path, error }
        })?;
        self.read_policies();
        let (snapshot, compiled) = self.compiler(&self.metrics).compile(files);
        self.metrics.levels.loaded(compiled.refused, compiled.failed_sources, compiled.failed_plugins);
        self.sessions.set_apis(snapshot.keyed_apis());
        self.live.store(Arc::new(snapshot));
        Ok(compiled)
    }

    /// The definitions in `app_path` as a reload reads them.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn read_definitions(&self) -> std::io::Result<Vec<DefinitionFile>> {
        self.with_companions(|companions| folder::read(&self.settings.app_path, Some(companions)))
    }

    /// A definition that is not in `app_path` yet, as a reload would read it.
    pub fn read_definition(&self, path: PathBuf, text: String) -> DefinitionFile {
        self.with_companions(|companions| folder::parse(path, text, Some(companions)))
    }

    /// Gives what belongs to definitions besides their files to whoever reads them.
    fn with_companions<T>(&self, read: impl FnOnce(&Companions<'_>) -> T) -> T {
        let bundle = |name: &str| match self.bundles.load(name) {
            Ok(Bundle { folder, custom_middleware }) => Ok(CompanionBundle { folder, custom_middleware }),
            Err(error) => Err(error.to_string()),
        };
        read(&Companions { middleware_path: &self.settings.middleware_path, bundle: &bundle })
    }

    /// What a reload would make of one definition beside `others`. Nothing of it is served.
    ///
    /// Blocks: not for an async thread.
    pub fn try_definition(&self, file: DefinitionFile, others: &[DefinitionFile]) -> Trial {
        // What is only tried must not appear among the counters.
        self.compiler(&Metrics::new()).try_one(file, others)
    }

    fn compiler<'a>(&'a self, metrics: &'a Metrics) -> Compiler<'a> {
        Compiler {
            settings: &self.settings,
            js: &self.js,
            pools: &self.clients.direct,
            plugins: &self.plugins,
            cache: &self.cache,
            events: &self.events,
            metrics,
        }
    }

    /// How long it has been running.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
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
        let mut access = self
            .settings
            .log
            .access_log
            .then(|| AccessEntry::new(request.method(), request.uri(), origin.client, request_id, start));
        let in_flight = InFlight::enter(Arc::clone(&self));
        let mut work = match health::answer(&self, &request) {
            Some(reply) => Work::Done(Some(reply)),
            None if admin::is_for(&self, &request, origin.entry) => {
                access.iter_mut().for_each(AccessEntry::hide_path);
                Work::Admin(admin::answer(Arc::clone(&self), request, origin, request_id))
            }
            None => Work::Serve(self.exchange(request, origin, request_id)),
        };
        async move {
            let (mut reply, api_id) = match &mut work {
                Work::Serve(exchange) => self.answer(exchange, start).await,
                Work::Done(reply) => (reply.take().unwrap_or_default(), None),
                Work::Admin(answer) => (answer.await, None),
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
            self.reply_of(&error, exchange, content_type.as_ref())
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
            quota: None,
            let_in: false,
            response_headers: ResponseHeaders::default(),
            sent_to: SentTo::default(),
            client_uri: None,
            sent: None,
            cache_fill: None,
            outer_caller: None,
            loop_limit: chain::looping::MAX_LOOPS,
            version_name: None,
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
        self.reply_of(error, exchange, exchange.headers.get(header::CONTENT_TYPE))
    }

    fn reply_of(
        &self,
        error: &GatewayError,
        exchange: &Exchange,
        content_type: Option<&HeaderValue>,
    ) -> Reply {
        let mut reply = error.reply(content_type, &self.server_header);
        if exchange.in_batch {
            chain::batch::mark_error(reply.headers_mut());
        }
        reply
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
    /// What the admin API is asked for.
    Admin(Pin<Box<dyn Future<Output = Reply> + Send>>),
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
