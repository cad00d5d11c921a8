//! An API as it runs: compiled patterns, parsed targets, loaded scripts. Holds only what is true; made by
//! [`super::compile`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method};
use regex::Regex;
use time::OffsetDateTime;

use crate::{
    apidef::model::{
        ClientAddresses, Cors, FixedAnswer, HeaderChanges, KeyAuth, KeyLimits, MethodActions, Mock,
        VersionLocation,
    },
    chain::{
        hook::LiveHook, limits::SharedRate, plugin::LivePlugin, url_rewrite::Rewrite,
        virtual_endpoint::LiveVirtualEndpoint,
    },
    events::ApiEvents,
    proxy::target::Target,
    response_cache::{ApiCache, CacheRule},
    router::endpoints::{EndpointList, PathForms},
    telemetry::metrics::ApiMetrics,
    validation::Validation,
};

/// One API.
#[derive(Debug)]
pub struct LiveApi {
    /// Its id.
    pub id: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its organisation.
    pub org_id: Arc<str>,
    /// Prefix of its paths.
    pub listen_path: String,
    /// The upstream sees paths without the listen path.
    pub strip_listen_path: bool,
    /// Where requests go, in turn.
    pub targets: Vec<Target>,
    /// Index of the next target.
    pub turn: AtomicUsize,
    /// The upstream sees the client's `Host`.
    pub preserve_host_header: bool,
    /// See [`Target::join`].
    pub keep_trailing_slash: bool,
    /// Its versions.
    pub versions: LiveVersions,
    /// Versions that are APIs of their own, when it is their base.
    pub version_apis: Option<Box<LiveVersionApis>>,
    /// Cross-origin rules.
    pub cors: Option<Cors>,
    /// Client address rules.
    pub client_addresses: ClientAddresses,
    /// Where callers have their keys; `None` when it takes none.
    pub keys: Option<KeyAuth>,
    /// API-wide rate limit.
    pub rate_limit: Option<SharedRate>,
    /// What of keys' limits counts here.
    pub key_limits: KeyLimits,
    /// Header changes on every answer.
    pub response_headers: HeaderChanges,
    /// Scripts and functions of plugins around the whole API.
    pub hooks: LiveHooks,
    /// It has a batch endpoint.
    pub batch: bool,
    /// What answers are kept.
    pub cache: Option<Arc<ApiCache>>,
    /// What is done about events.
    pub events: ApiEvents,
    /// What its requests count with; the same counters in each snapshot.
    pub metrics: ApiMetrics,
}

/// See [`crate::apidef::model::Hooks`] for each.
#[derive(Debug, Default)]
pub struct LiveHooks {
    /// First.
    pub pre: Vec<LiveHook>,
    /// Authentication.
    pub auth_check: Option<LiveHook>,
    /// After it.
    pub post_key_auth: Vec<LiveHook>,
    /// Before the upstream.
    pub post: Vec<LiveHook>,
    /// On answers.
    pub response: Vec<LiveHook>,
    /// On records.
    pub analytics: Option<LivePlugin>,
    /// Whether any is in JavaScript.
    pub scripts: bool,
}

impl LiveApi {
    /// The target of the next request.
    pub fn next_target(&self) -> &Target {
        match self.targets.as_slice() {
            [only] => only,
            many => &many[self.turn.fetch_add(1, Ordering::Relaxed) % many.len()],
        }
    }

    /// Whether callers have to say who they are.
    pub fn asks_for_caller(&self) -> bool {
        self.keys.is_some() || self.hooks.auth_check.is_some()
    }

    /// The prefix that a loop's path is put behind.
    pub fn loop_prefix(&self) -> String {
        let mut prefix = self.listen_path.clone();
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        prefix
    }

    /// Whether a version named in the path is taken out before the request goes on.
    pub fn strips_version(&self) -> bool {
        matches!(&self.versions, LiveVersions::Many { naming, .. }
            if naming.strip && matches!(naming.location, VersionLocation::Url))
    }
}

impl LiveHooks {
    /// Whether any run before the limits.
    pub fn before_limits(&self) -> bool {
        !self.pre.is_empty() || self.auth_check.is_some() || !self.post_key_auth.is_empty()
    }
}

/// One version, or several by name.
#[derive(Debug)]
pub enum LiveVersions {
    /// One for all.
    Single(Box<LiveVersion>),
    /// Several.
    Many {
        /// How a request names one.
        naming: LiveVersionNaming,
        /// By name.
        versions: HashMap<String, LiveVersion>,
    },
}

/// See [`crate::apidef::model::VersionNaming`] for each.
#[derive(Debug)]
pub struct LiveVersionNaming {
    /// Where the name is.
    pub location: VersionLocation,
    /// It is taken out.
    pub strip: bool,
    /// What a path segment must match to be taken out.
    pub url_pattern: Option<Regex>,
    /// Used when none is named.
    pub default: Option<String>,
    /// Used when the named one is not there, too.
    pub fallback: bool,
}

/// See [`crate::apidef::model::VersionApis`] for each.
#[derive(Debug)]
pub struct LiveVersionApis {
    /// How a request names one.
    pub naming: LiveVersionNaming,
    /// The base's own name.
    pub own_name: String,
    /// Ids by name.
    pub apis: BTreeMap<String, String>,
}

/// One version.
#[derive(Debug)]
pub struct LiveVersion {
    /// Its name.
    pub name: String,
    /// When it ends.
    pub expires: Option<Expiry>,
    /// Where its requests go instead.
    pub override_target: Option<Target>,
    /// Header changes of requests.
    pub request_headers: HeaderChanges,
    /// Header changes of answers.
    pub response_headers: HeaderChanges,
    /// Bytes of a request body; 0 is no limit.
    pub size_limit: u64,
    /// Rules of single endpoints.
    pub endpoints: LiveEndpoints,
}

/// The end of a version and the header that tells of it.
#[derive(Debug)]
pub struct Expiry {
    /// When.
    pub when: OffsetDateTime,
    /// `x-tyk-api-expires`.
    pub header: HeaderValue,
}

/// Compiled endpoint rules.
#[derive(Debug)]
pub struct LiveEndpoints {
    /// See [`crate::apidef::model::Endpoints`] for each.
    pub ignored: EndpointList<MethodActions>,
    /// Allowed ones.
    pub allowed: EndpointList<MethodActions>,
    /// Blocked ones.
    pub blocked: EndpointList<MethodActions>,
    /// Internal ones.
    pub internal: EndpointList<()>,
    /// Virtual endpoints.
    pub virtual_endpoints: EndpointList<LiveVirtualEndpoint>,
    /// Endpoint plugins.
    pub plugins: EndpointList<Arc<LivePlugin>>,
    /// Endpoints whose answers are kept.
    pub cached: EndpointList<Arc<CacheRule>>,
    /// Request header changes.
    pub request_headers: EndpointList<HeaderChanges>,
    /// Response header changes.
    pub response_headers: EndpointList<HeaderChanges>,
    /// Time-outs.
    pub timeouts: EndpointList<Duration>,
    /// Size limits.
    pub size_limits: EndpointList<u64>,
    /// Method changes.
    pub methods: EndpointList<Method>,
    /// Rewrites.
    pub rewrites: EndpointList<Rewrite>,
    /// Fixed answers.
    pub mocks: EndpointList<FixedAnswer>,
    /// Rate limits, in place of the API's.
    pub rate_limits: EndpointList<SharedRate>,
    /// Answers in the upstream's place.
    pub upstream_mocks: EndpointList<Mock>,
    /// What requests must look like.
    pub validations: EndpointList<Validation>,
}

impl LiveEndpoints {
    /// Whether a rule other than the access lists names this path: such a path passes a white list, as in Tyk.
    pub fn names_path(&self, path: PathForms<'_>) -> bool {
        self.virtual_endpoints.names_path(path)
            || self.plugins.names_path(path)
            || self.cached.names_path(path)
            || self.request_headers.names_path(path)
            || self.response_headers.names_path(path)
            || self.timeouts.names_path(path)
            || self.size_limits.names_path(path)
            || self.methods.names_path(path)
            || self.rewrites.names_path(path)
            || self.mocks.names_path(path)
            || self.rate_limits.names_path(path)
            || self.upstream_mocks.names_path(path)
            || self.validations.names_path(path)
    }
}
