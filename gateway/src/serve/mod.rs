//! Joins the rooms: accepts connections, hands each request to the chain, turns what comes back into an answer.
//!
//! Start at [`Gateway`] for what a running gateway is made of and at [`request`] for what becomes of a request.

pub mod analytics;
pub mod connection;
pub mod framing;
pub mod health;
mod in_flight;
pub mod listener;
mod lookout;
pub mod metrics;
pub mod reload;
pub mod request;
pub mod stream;
pub mod tls;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use http::HeaderValue;

use self::{analytics::Analytics, framing::FramingWatch, in_flight::InFlightCount, reload::Reloads};
use crate::{
    admin::AdminState,
    apidef::{
        companions::{CompanionBundle, Companions},
        folder::{self, DefinitionFile},
    },
    bundle::{Bundle, Bundles},
    chain::{self, access_rights::AllowedUrls},
    config::Settings,
    events::queue::EventQueue,
    js::{outbound::outbound_client, runtime::JsRuntime, store::ScriptStore},
    limits::Limits,
    live::{
        compile::{Compiled, Compiler},
        kept,
        snapshot::Snapshot,
        trial::Trial,
    },
    plugins::{PluginRuntime, storage::plugin_storage},
    proxy::client::UpstreamClients,
    response_cache::ResponseCache,
    session::{Policies, Sessions, Store},
    supervisor::worker::{ClosedEndpoints, SupervisorPipe},
    telemetry::metrics::Metrics,
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
    in_flight: InFlightCount,
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
            in_flight: InFlightCount::default(),
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
        let (before, read_at) = (self.snapshot(), SystemTime::now());
        let files =
            self.with_companions(|companions| kept::read(&self.settings.app_path, companions, &before.kept));
        let files = files.map_err(|error| {
            let path = self.settings.app_path.clone();
            StartError::Definitions { path, error }
        })?;
        self.read_policies();
        let (mut snapshot, compiled) = self.compiler(&self.metrics).compile(files);
        snapshot.read_at = read_at;
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
        self.in_flight.total()
    }
}
