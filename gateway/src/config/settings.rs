//! The settings as the gateway uses them: checked, with units, and nothing that cannot be true.
//!
//! Made only by `super::load` from the file as written (`super::file`) and the environment. No other
//! room parses configuration.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

/// Everything a start needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the listeners are and what they accept.
    pub server: ServerSettings,
    /// How endpoint paths of all APIs are matched.
    pub matching: MatchingSettings,
    /// Bounds that protect the process from its clients.
    pub limits: Limits,
    /// How upstreams are called.
    pub upstream: UpstreamSettings,
    /// Virtual endpoints and JavaScript hooks.
    pub javascript: JavaScriptSettings,
    /// Compiled plugins.
    pub plugins: PluginSettings,
    /// What a batch of requests may ask for.
    pub batch: BatchSettings,
    /// How much the response cache keeps.
    pub cache: CacheSettings,
    /// Handlers of events.
    pub events: EventSettings,
    /// Where metrics are published.
    pub metrics: MetricsSettings,
    /// `gatehouse.watch`: changed definitions, scripts and plugins are loaded at once; for development.
    pub watch: bool,
    /// What is logged and how.
    pub log: LogSettings,
    /// Folder with one JSON file for each API definition (`app_path`).
    pub app_path: PathBuf,
    /// Folder with middleware sources (`middleware_path`).
    pub middleware_path: PathBuf,
    /// Folder whose `default_webhook.json` is the body of web hooks without a template of their own (`template_path`).
    pub template_path: PathBuf,
    /// How bundles of hooks are fetched.
    pub bundles: BundleSettings,
    /// Policies (`policies`); `None` when none are configured.
    pub policies: Option<PoliciesSettings>,
    /// Where sessions and counters live (`storage`).
    pub storage: StorageSettings,
    /// How API keys are kept.
    pub keys: KeySettings,
    /// The admin API; `None` when it is off.
    pub admin: Option<AdminSettings>,
    /// Address of the listener that the admin API has for itself (`control_api_port`, `gatehouse.admin.listen_address`);
    /// `None` leaves it on the main one.
    pub control: Option<SocketAddr>,
    /// Keys of the file that Gatehouse does not act on, with the line each stands on; start-up lists them once.
    pub ignored_keys: Vec<IgnoredKey>,
    /// Variables that begin with `TYK_GW_` and that Gatehouse does not act on; start-up lists them with the keys.
    pub ignored_variables: Vec<IgnoredVariable>,
}

/// A key of `tyk.conf` that has a value but no effect here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredKey {
    /// Dotted path of the key.
    pub key: String,
    /// Line in the file, counted from 1.
    pub line: usize,
    /// A key with an effect that is nearly the same: probably what was meant.
    pub meant: Option<String>,
}

/// An environment variable for Tyk that has no effect here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredVariable {
    /// Its name.
    pub name: String,
    /// A variable with an effect that is nearly the same: probably what was meant.
    pub meant: Option<String>,
}

/// Who may use the admin API, and how much it reads.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminSettings {
    /// `secret`, resolved; never empty.
    pub secret: String,
    /// Bytes of a request's body (`gatehouse.admin.max_body_bytes`, 10 MiB); more is a 413.
    pub body_bytes: usize,
    /// `allow_master_keys`: keys without access rights may be made.
    pub master_keys: bool,
}

impl std::fmt::Debug for AdminSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Settings are printed in tests and traces; a secret must not be.
        f.debug_struct("AdminSettings").field("body_bytes", &self.body_bytes).finish_non_exhaustive()
    }
}

/// How bundles of hooks are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleSettings {
    /// `enable_bundle_downloader`.
    pub download: bool,
    /// `bundle_base_url`.
    pub base_url: Option<url::Url>,
    /// `bundle_insecure_skip_verify`.
    pub insecure_skip_verify: bool,
    /// The key that every bundle must be signed with (`public_key_path`).
    pub public_key: Option<PathBuf>,
    /// Bytes of a bundle, packed and unpacked (`gatehouse.limits.max_bundle_bytes`, 16 MiB).
    pub max_bytes: usize,
}

/// Where policies are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoliciesSettings {
    /// One JSON file (`policy_record_name`), or a folder with one policy in each file (`policy_path`).
    pub path: PathBuf,
}

/// Where sessions, keys and counters live, and how long they are waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSettings {
    /// Where.
    pub place: StoragePlace,
    /// Time for one operation (`gatehouse.storage.timeout_ms`, 5 s).
    pub timeout: Duration,
    /// Time to connect (`gatehouse.storage.connect_timeout_ms`, 2 s).
    pub connect_timeout: Duration,
    /// How long a session is remembered (`gatehouse.storage.session_cache_ms`, 1 s); zero with
    /// `local_session_cache.disable_cached_session_state`.
    pub session_cache: Duration,
    /// Sessions that are remembered at a time (`gatehouse.storage.max_cached_sessions`, 100,000).
    pub cached_sessions: usize,
}

/// A store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoragePlace {
    /// In this file, which only this gateway uses (`gatehouse.storage.path`).
    Embedded(PathBuf),
    /// In Redis or Valkey (`storage`).
    Redis(RedisSettings),
}

/// A Redis or Valkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// How many servers, and where.
    pub servers: RedisServers,
    /// `storage.username`, may be empty.
    pub username: String,
    /// `storage.password`, may be empty.
    pub password: String,
    /// `storage.database`; 0 in a cluster.
    pub database: u32,
    /// TLS; `None` is without.
    pub tls: Option<RedisTls>,
}

/// The servers of a Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisServers {
    /// One.
    One(RedisAddress),
    /// Some members of a cluster, which know the others (`storage.enable_cluster`).
    Cluster(Vec<RedisAddress>),
    /// Sentinels, which know the master of this name (`storage.master_name`).
    Sentinels {
        /// Where they are.
        addresses: Vec<RedisAddress>,
        /// The master's name.
        master: String,
        /// `storage.sentinel_password`, may be empty.
        password: String,
    },
}

/// Host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// Name or IP address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// TLS towards Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedisTls {
    /// `storage.ssl_insecure_skip_verify`: its certificate is not checked.
    pub insecure_skip_verify: bool,
    /// PEM file with the certificates of authorities to trust (`storage.ca_file`); `None` is the system's.
    pub authorities: Option<PathBuf>,
    /// PEM files with our own certificate and its key (`storage.cert_file`, `storage.key_file`).
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// How API keys are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeySettings {
    /// `hash_keys`: only hashes of keys are stored.
    pub hashed: bool,
    /// `hash_key_function`; `None` is murmur32 over Tyk's older form of keys (organisation and id).
    pub function: Option<HashFunction>,
    /// `enable_hashed_keys_listing`: the admin API lists keys although they are hashed.
    pub list_hashed: bool,
    /// `global_session_lifetime` with `force_global_session_lifetime`: what every record is kept for after it is written,
    /// whatever its key or API says; zero is for ever.
    pub forced_lifetime: Option<Duration>,
    /// `session_lifetime_respects_key_expiration`: no record is removed before its key ends.
    pub lifetime_respects_expiration: bool,
}

/// A hash for API keys, in Tyk's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashFunction {
    /// MurmurHash3, 32 bits.
    Murmur32,
    /// MurmurHash3, 64 bits.
    Murmur64,
    /// MurmurHash3, 128 bits.
    Murmur128,
    /// SHA-256.
    Sha256,
}

impl HashFunction {
    /// Tyk's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Murmur32 => "murmur32",
            Self::Murmur64 => "murmur64",
            Self::Murmur128 => "murmur128",
            Self::Sha256 => "sha256",
        }
    }

    /// The function that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Murmur32, Self::Murmur64, Self::Murmur128, Self::Sha256]
            .into_iter()
            .find(|function| function.word() == word)
    }
}

/// The listener.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Address of the main listener (`listen_address`, `listen_port`; port 0 lets the system choose).
    pub listen: SocketAddr,
    /// Name of the health check endpoint without its slash (`health_check_endpoint_name`, `hello`).
    pub health_check_name: String,
    /// TLS of the main listener; `None` is plain HTTP.
    pub tls: Option<TlsSettings>,
    /// `close_connections`: answer every request with `Connection: close`.
    pub close_connections: bool,
    /// Value of the `Server` header on answers that the gateway itself makes (`gatehouse.server_header`).
    pub server_header: String,
    /// `enable_custom_domains`: definitions with a `domain` are served only for that host.
    pub custom_domains: bool,
    /// Number of async worker threads (`gatehouse.workers`); `None` is one for each core.
    pub workers: Option<usize>,
    /// A parent process holds the listener and starts the worker again after a crash (`gatehouse.supervisor`, on).
    pub supervisor: bool,
}

/// Certificates of a TLS listener.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// Certificates in the order of the file; the first is the default one, the others are picked by SNI.
    pub certificates: Vec<CertificateFiles>,
    /// Oldest version that is spoken (`http_server_options.min_version`).
    pub oldest: TlsVersion,
}

/// A version of TLS; older ones are not spoken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// One certificate chain and its key, PEM.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// Host name it is for, empty for any (`domain_name`).
    pub domain: String,
    /// PEM file with the chain (`cert_file`).
    pub certificate: PathBuf,
    /// PEM file with the private key (`key_file`); the same file for an entry of `ssl_certificates`.
    pub key: PathBuf,
}

/// `http_server_options.enable_path_prefix_matching` and its neighbours.
#[derive(Debug, Clone, Copy, Default)]
pub struct MatchingSettings {
    /// An endpoint pattern that begins with `/` is anchored at the start of the path.
    pub prefix: bool,
    /// An endpoint pattern is anchored at the end of the path.
    pub suffix: bool,
    /// A listen path ends at a path segment: `/api` does not take `/apis`.
    pub strict_routes: bool,
    /// `ignore_endpoint_case`.
    pub ignore_case: bool,
}

/// Bounds; each has a default and a key under `gatehouse.limits` unless Tyk has one already.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request head; more is a 431 (`max_header_bytes`, 64 KiB).
    pub header_bytes: usize,
    /// Number of header fields; more is a 431 (`max_headers`, 100).
    pub headers: usize,
    /// Bytes of a request body, for every API (`http_server_options.max_request_body_size`); 0 is no bound for
    /// bodies that are streamed through.
    pub request_body_bytes: u64,
    /// Bytes of a body that a step must hold in memory (`max_buffered_body_bytes`, 10 MiB); more is a 413.
    pub buffered_body_bytes: usize,
    /// Time for a whole request head (`header_timeout_ms`, 10 s), then 408.
    pub header_timeout: Duration,
    /// Time between two reads of a request body (`http_server_options.read_timeout`, 120 s), then 408.
    pub body_timeout: Duration,
    /// Time for one write to the client (`http_server_options.write_timeout`, 120 s).
    pub write_timeout: Duration,
    /// Time a connection may wait for its next request (`idle_timeout_ms`, 75 s).
    pub idle_timeout: Duration,
    /// Requests in flight over all connections (`max_in_flight`, 10,000); more is a 503 with `Retry-After`.
    pub in_flight: usize,
    /// Open client connections (`max_connections`, 20,000); further ones wait in the backlog.
    pub connections: usize,
    /// Time that requests in flight get to end at a stop (`drain_timeout_ms`, 30 s).
    pub drain_timeout: Duration,
    /// Callers, APIs and endpoints whose rates and quotas are counted in memory at a time (`max_counters`, 1,000,000); a
    /// request that needs another one is a 503.
    pub counters: usize,
    /// Time between two writes of quotas to the embedded store (`quota_write_ms`, 1 s).
    pub quota_write_interval: Duration,
    /// Time that a request over its rate waits for further tries at the most (`max_throttle_ms`, 30 s).
    pub throttle: Duration,
}

/// How upstreams are called.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Idle connections kept for each host (`max_idle_connections_per_host`, 500 as in Tyk).
    pub idle_per_host: usize,
    /// Time an idle connection is kept (`gatehouse.upstream.idle_timeout_ms`, 30 s).
    pub idle_timeout: Duration,
    /// Time to the first byte of the answer (`proxy_default_timeout`, 30 s).
    pub timeout: Duration,
    /// Time to connect (`gatehouse.upstream.connect_timeout_ms`, 5 s).
    pub connect_timeout: Duration,
    /// `proxy_ssl_insecure_skip_verify`: certificates of upstreams are not checked.
    pub insecure_skip_verify: bool,
}

/// Where and how long scripts run.
#[derive(Debug, Clone)]
pub struct JavaScriptSettings {
    /// `enable_jsvm`: when false, virtual endpoints do not exist and requests are proxied.
    pub enabled: bool,
    /// `disable_virtual_path_blobs`: virtual endpoints with an inline source are not loaded.
    pub blobs_disabled: bool,
    /// Wall time of one call, host calls included (`jsvm_timeout`, 5 s).
    pub timeout: Duration,
    /// Source loaded before each API's own (`tyk_js_path`).
    pub extra_source: Option<PathBuf>,
    /// Driver of definitions that do not name one (`gatehouse.javascript.driver`).
    pub driver: DriverName,
    /// Scripts that run at the same time, not counting those that wait for a host call
    /// (`gatehouse.javascript.threads`); `None` is one for each core.
    pub threads: Option<usize>,
    /// Threads in all, with those that wait (`gatehouse.javascript.max_threads`, 2,048).
    pub max_threads: usize,
    /// Calls that may wait for a thread (`gatehouse.javascript.queue`, 4,096); more is a 503.
    pub queue: usize,
    /// Where scripts run (`gatehouse.javascript.isolation`); `None` is [`DriverName::isolation`].
    pub isolation: Option<Isolation>,
    /// Processes of scripts for each driver (`gatehouse.javascript.max_processes`, 64).
    pub max_processes: usize,
    /// Bytes of memory of one call (`gatehouse.javascript.max_memory_bytes`, 32 MiB).
    pub memory_bytes: usize,
    /// Outbound calls of one call (`gatehouse.javascript.max_outbound_calls`, 64).
    pub outbound_calls: u32,
    /// Calls of one `TykBatchRequest` that are under way at the same time (`gatehouse.javascript.batch_parallel`, 16).
    pub batch_parallel: usize,
    /// Bytes of the value a script returns (`gatehouse.javascript.max_response_bytes`, 16 MiB).
    pub response_bytes: usize,
    /// Bytes of one outbound answer that a script reads (`gatehouse.javascript.max_outbound_body_bytes`, 16 MiB).
    pub outbound_body_bytes: usize,
}

/// Where plugins are copied to and how long they run.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// Folder for copies of plugins (`gatehouse.plugins.cache_path`); `None` is a folder of this user's in the
    /// system's folder for temporary files.
    pub cache: Option<PathBuf>,
    /// Time for one call where a definition sets none (`gatehouse.plugins.timeout_ms`, 30 s); a sync function
    /// cannot be stopped.
    pub timeout: Duration,
    /// Bound on one outbound call (`gatehouse.plugins.outbound_timeout_ms`, 30 s).
    pub outbound_timeout: Duration,
    /// Bytes of one outbound answer (`gatehouse.plugins.max_outbound_body_bytes`, 16 MiB).
    pub outbound_body_bytes: usize,
    /// Records that are in analytics hooks at a time (`gatehouse.plugins.max_analytics_in_flight`, 1,024); further
    /// ones are left out, which is logged.
    pub analytics_in_flight: usize,
}

/// What a batch of requests may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSettings {
    /// Requests of one batch (`gatehouse.batch.max_requests`, 100).
    pub max_requests: usize,
    /// Those of one batch that are under way at the same time (`gatehouse.batch.parallel`, 16).
    pub parallel: usize,
    /// Bytes of all bodies of the answers (`gatehouse.batch.max_answer_bytes`, 16 MiB).
    pub max_answer_bytes: usize,
    /// Time for one of the requests, with its whole answer (`gatehouse.batch.timeout_ms`, 30 s).
    pub timeout: Duration,
}

/// How much the response cache keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// Bytes of all answers in memory (`gatehouse.cache.max_bytes`, 64 MiB); what is used least goes first.
    pub max_bytes: u64,
    /// Bytes of one answer's body (`gatehouse.cache.max_entry_bytes`, 1 MiB); a larger one is passed through.
    pub max_entry_bytes: usize,
    /// Time in which a body must have come whole to be kept (`gatehouse.cache.fill_timeout_ms`, 2 s); a slower one is passed
    /// through.
    pub fill_timeout: Duration,
}

/// How many event handlers run, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSettings {
    /// Handlers that run or wait (`gatehouse.events.queue`, 1,024); further events are left out, which is counted and
    /// logged.
    pub queue: u32,
    /// Handlers that run at the same time (`gatehouse.events.parallel`, 64).
    pub parallel: u32,
    /// Time for one handler (`gatehouse.events.timeout_ms`, 30 s as in Tyk).
    pub timeout: Duration,
}

/// Where metrics are published; they are kept in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Address of their listener (`gatehouse.metrics.listen`; port 0 lets the system choose); `None` is nowhere.
    pub listen: Option<SocketAddr>,
}

/// A JavaScript driver by its name in a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriverName {
    /// QuickJS, in C, with an arena for each script that runs.
    #[cfg(feature = "quickjs")]
    QuickJs,
    /// Boa, pure Rust.
    #[cfg(feature = "boa")]
    Boa,
}

impl DriverName {
    /// The names of the drivers in this build, the default one first.
    pub const WORDS: &'static [&'static str] = &[
        #[cfg(feature = "quickjs")]
        "quickjs",
        #[cfg(feature = "boa")]
        "boa",
    ];

    /// What runs definitions that do not name one.
    #[cfg(feature = "quickjs")]
    pub const DEFAULT: Self = Self::QuickJs;
    /// What runs definitions that do not name one.
    #[cfg(not(feature = "quickjs"))]
    pub const DEFAULT: Self = Self::Boa;

    /// Where its scripts run unless the settings say otherwise: Boa cannot be stopped or bounded from inside.
    pub fn isolation(self) -> Isolation {
        match self {
            #[cfg(feature = "quickjs")]
            Self::QuickJs => Isolation::Thread,
            #[cfg(feature = "boa")]
            Self::Boa => Isolation::Process,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            #[cfg(feature = "quickjs")]
            Self::QuickJs => "quickjs",
            #[cfg(feature = "boa")]
            Self::Boa => "boa",
        }
    }
}

/// Least and most of what one call of a script may use, in settings and definitions.
pub mod script_ranges {
    /// Bytes of memory.
    pub const MEMORY_BYTES: (u64, u64) = (4 << 20, 512 << 20);
    /// Outbound calls.
    pub const CALLS: (u64, u64) = (0, 100_000);
    /// Bytes of the value that it returns.
    pub const RESPONSE_BYTES: (u64, u64) = (1 << 10, 1 << 30);
}

/// Where scripts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// On threads of the gateway.
    Thread,
    /// In processes of their own, which can be ended and whose memory is bounded by the system.
    Process,
}

impl Isolation {
    /// The words for it.
    pub const WORDS: &'static [&'static str] = &["thread", "process"];
}

/// What is logged.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// Least severe level that is written (`log_level`, `info`).
    pub level: LogLevel,
    /// Form of the lines (`log_format`).
    pub format: LogFormat,
    /// One line for each request (`gatehouse.access_log`, off).
    pub access_log: bool,
    /// Levels of single targets (`gatehouse.log_targets`): module path to level.
    pub targets: BTreeMap<String, LogLevel>,
}

/// Severity of a log line, in Tyk's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What a developer of a definition wants to see.
    Debug,
    /// Start, stop, reloads.
    Info,
    /// Something is odd but served.
    #[serde(alias = "warning")]
    Warn,
    /// Something failed.
    #[serde(alias = "fatal", alias = "panic")]
    Error,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[serde(alias = "default")]
    Text,
    /// One JSON object on each line.
    Json,
}
