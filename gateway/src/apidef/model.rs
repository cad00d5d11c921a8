//! Our own definition of an API, whatever it was written as.
//!
//! Values are checked and typed: a [`url::Url`] parses, a method is a method. Patterns and scripts are still
//! text here; `live` compiles them.

mod answers;
mod hooks;
mod versions;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::{HeaderName, HeaderValue, Method};
use url::Url;

pub use self::{
    answers::{ExampleAnswers, ExampleBody, ExampleMedia, ExampleResponse, FixedAnswer, Mock},
    hooks::{HookUse, Hooks, ScriptHook},
    versions::{Version, VersionApis, VersionLocation, VersionNaming, Versioning},
};
use super::{
    cache::{CacheOptions, CachedEndpoint},
    events::{EventHandlerKind, EventHandlerUse, EventScript},
};
use crate::{config::settings::DriverName, validation::Validation};

/// One API.
#[derive(Debug, Clone)]
pub struct ApiDefinition {
    /// `api_id`.
    pub id: Arc<str>,
    /// `name`.
    pub name: Arc<str>,
    /// `org_id`.
    pub org_id: Arc<str>,
    /// Reachable through loops only.
    pub internal: bool,
    /// Custom domain, lower case, without a port.
    pub domain: Option<String>,
    /// Prefix of the paths it serves, with its leading slash.
    pub listen_path: String,
    /// Whether the upstream sees the path without the listen path.
    pub strip_listen_path: bool,
    /// Where requests go.
    pub upstream: Upstream,
    /// One version, or several and how to tell them apart.
    pub versioning: Versioning,
    /// Versions that are APIs of their own, when it is their base.
    pub version_apis: Option<VersionApis>,
    /// Of the third argument of scripts: `config_data`, `null` when there is none; `None` when it is disabled, as in Tyk.
    pub config_data: Option<serde_json::Value>,
    /// Cross-origin rules, when they are on.
    pub cors: Option<Cors>,
    /// Which client addresses may call.
    pub client_addresses: ClientAddresses,
    /// Where callers have their keys; `None` when it takes none.
    pub keys: Option<KeyAuth>,
    /// API-wide rate limit.
    pub rate_limit: Option<RateLimit>,
    /// What of keys' limits counts here.
    pub key_limits: KeyLimits,
    /// Driver that the definition asks for; `None` is the gateway's default.
    pub driver: Option<DriverName>,
    /// What a call of its scripts may use, where it is not what the gateway gives.
    pub script_budget: ScriptBudget,
    /// Header changes on every answer (`response_processors`, `header_injector`).
    pub response_headers: HeaderChanges,
    /// Functions of plugins around the whole API.
    pub hooks: Hooks,
    /// What is done about events.
    pub event_handlers: Vec<EventHandlerUse>,
    /// It has a batch endpoint.
    pub batch: bool,
    /// What answers are kept, when any are.
    pub cache: Option<CacheOptions>,
    /// The definition as it was written, kept for plugins; `None` when it names none.
    pub written: Option<Arc<str>>,
}

impl ApiDefinition {
    /// All its versions.
    pub fn versions(&self) -> &[Version] {
        match &self.versioning {
            Versioning::Single(version) => std::slice::from_ref(version),
            Versioning::Many { versions, .. } => versions,
        }
    }

    /// The scripts and plugins that it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let hooks = &self.hooks;
        let lists = [&hooks.pre, &hooks.post_key_auth, &hooks.post, &hooks.response].into_iter().flatten();
        let hooks = lists.chain(&hooks.auth_check).filter_map(HookUse::file);
        let analytics = self.hooks.analytics.iter().map(|place| place.file.as_path());
        let endpoints = self.versions().iter().flat_map(|version| {
            let plugins = version.endpoints.plugins.iter().map(|endpoint| endpoint.rule.file.as_path());
            let scripts = version.endpoints.virtual_endpoints.iter();
            plugins.chain(scripts.filter_map(|endpoint| endpoint.rule.source.file()))
        });
        let events = self.event_scripts().filter_map(|(script, _)| script.source.as_ref()?.file());
        hooks.chain(analytics).chain(events).chain(endpoints)
    }

    /// The folders that these are in.
    pub fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.files().filter_map(|file| Some(file.parent()?.to_owned()))
    }

    /// Event handlers in JavaScript, with their places.
    pub fn event_scripts(&self) -> impl Iterator<Item = (&EventScript, &EventHandlerUse)> {
        self.event_handlers.iter().filter_map(|place| match &place.handler {
            EventHandlerKind::Script(script) => Some((script, place)),
            _ => None,
        })
    }

    /// Whether any place in it names a function of a plugin.
    pub fn uses_plugins(&self) -> bool {
        self.hooks.uses_plugins()
            || self.versions().iter().any(|version| !version.endpoints.plugins.is_empty())
    }
}

/// Where a request has its key. With several, a cookie counts for more than a parameter, and that for more than a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAuth {
    /// In this header, with or without `Bearer` before it.
    pub header: Option<HeaderName>,
    /// In this query parameter.
    pub parameter: Option<String>,
    /// In this cookie.
    pub cookie: Option<String>,
    /// The upstream does not see it.
    pub strip: bool,
}

/// A place in a definition that names a function of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginUse {
    /// The library, relative to the working directory.
    pub file: PathBuf,
    /// The function.
    pub function: Arc<str>,
    /// `config` of this place as JSON text.
    pub config: Option<Arc<str>>,
    /// What happens here when the plugin cannot be loaded.
    pub on_load_failure: OnLoadFailure,
    /// How long a call may take; `None` is the gateway's setting.
    pub timeout: Option<Duration>,
    /// The place in the definition, for messages, such as `custom_middleware.pre[0]`.
    pub field: Arc<str>,
}

/// `on_load_failure`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnLoadFailure {
    /// Requests that get to the function are answered 500.
    #[default]
    Fail,
    /// The same, and the gateway says that it is not ready.
    Refuse,
    /// Requests go on as if nothing were there.
    Proxy,
}

/// Where requests of an API go.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Targets in turn; more than one with load balancing.
    pub targets: Vec<Url>,
    /// The upstream sees the client's `Host`.
    pub preserve_host_header: bool,
    /// A target's trailing slash stays when nothing follows it.
    pub keep_trailing_slash: bool,
    /// Certificates of the upstream are not checked.
    pub insecure_skip_verify: bool,
}

/// Lists of endpoint rules; the first entry that matches wins in each list.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// No authentication here.
    pub ignored: Vec<Endpoint<MethodActions>>,
    /// Only these are served, if there are any.
    pub allowed: Vec<Endpoint<MethodActions>>,
    /// These are refused.
    pub blocked: Vec<Endpoint<MethodActions>>,
    /// Reachable through loops only.
    pub internal: Vec<Endpoint<()>>,
    /// Virtual endpoints.
    pub virtual_endpoints: Vec<Endpoint<VirtualEndpoint>>,
    /// Endpoint plugins.
    pub plugins: Vec<Endpoint<PluginUse>>,
    /// Endpoints whose answers are kept.
    pub cached: Vec<Endpoint<CachedEndpoint>>,
    /// Request header changes.
    pub request_headers: Vec<Endpoint<HeaderChanges>>,
    /// Response header changes.
    pub response_headers: Vec<Endpoint<HeaderChanges>>,
    /// Upstream time-outs.
    pub timeouts: Vec<Endpoint<Duration>>,
    /// Request size limits in bytes.
    pub size_limits: Vec<Endpoint<u64>>,
    /// Method changes.
    pub methods: Vec<Endpoint<Method>>,
    /// URL rewrites.
    pub rewrites: Vec<Endpoint<UrlRewrite>>,
    /// Fixed answers, given before scripts and plugins are asked.
    pub mocks: Vec<Endpoint<FixedAnswer>>,
    /// Rate limits for all callers together, in place of the API's.
    pub rate_limits: Vec<Endpoint<RateLimit>>,
    /// Answers in the upstream's place.
    pub upstream_mocks: Vec<Endpoint<Mock>>,
    /// What requests must look like.
    pub validations: Vec<Endpoint<Validation>>,
}

/// One entry of a list.
#[derive(Debug, Clone)]
pub struct Endpoint<T> {
    /// Pattern as written.
    pub path: String,
    /// Method; `None` matches every method.
    pub method: Option<Method>,
    /// What it says.
    pub rule: T,
}

/// Legacy per-method answers of `ignored`, `white_list` and `black_list` entries.
#[derive(Debug, Clone, Default)]
pub struct MethodActions {
    /// Methods the entry is for, with a fixed answer where it gives one; empty: see the entry's own method.
    pub by_method: Vec<(Method, Option<FixedAnswer>)>,
}

/// Headers to take out, then headers to set.
#[derive(Debug, Clone, Default)]
pub struct HeaderChanges {
    /// Taken out.
    pub remove: Vec<HeaderName>,
    /// Set, replacing what is there; values may hold `$tyk_context.…` and `$tyk_meta.…` variables.
    pub set: Vec<(HeaderName, HeaderTemplate)>,
}

impl HeaderChanges {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty()
    }
}

/// A header value, fixed or with variables.
#[derive(Debug, Clone)]
pub enum HeaderTemplate {
    /// Ready.
    Fixed(HeaderValue),
    /// With `$tyk_context.` or `$tyk_meta.` variables to fill in for each request.
    Template(String),
}

/// JavaScript that answers at an endpoint.
#[derive(Debug, Clone)]
pub struct VirtualEndpoint {
    /// Function to call.
    pub function: Arc<str>,
    /// Where the source is.
    pub source: ScriptSource,
    /// The function gets the session.
    pub use_session: bool,
    /// A failure goes to the upstream instead of answering 500.
    pub proxy_on_error: bool,
    /// What a call may use, where it is not what the API's calls may.
    pub budget: ScriptBudget,
}

/// What one call of a script may use, as far as a definition says (`gatehouse.javascript` in it).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScriptBudget {
    /// Wall time (`timeout`).
    pub time: Option<Duration>,
    /// Bytes of memory (`max_memory_bytes`).
    pub memory_bytes: Option<usize>,
    /// Outbound calls (`max_outbound_calls`).
    pub outbound_calls: Option<u32>,
    /// Bytes of the text that it returns (`max_response_bytes`).
    pub response_bytes: Option<usize>,
}

/// Where a script's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptSource {
    /// A file, relative to the working directory.
    File(PathBuf),
    /// Text in the definition, and a name for error messages.
    Inline {
        /// The text.
        text: Arc<str>,
        /// Name in messages.
        name: Arc<str>,
    },
}

impl ScriptSource {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Inline { .. } => None,
        }
    }
}

/// `match_pattern` and what becomes of a URL that matches.
#[derive(Debug, Clone)]
pub struct UrlRewrite {
    /// Regular expression over path and query.
    pub pattern: String,
    /// New URL with `$1` groups.
    pub rewrite_to: String,
    /// Conditions that choose another target, first one that holds.
    pub triggers: Vec<RewriteTrigger>,
}

/// Conditions on a request and the URL for it.
#[derive(Debug, Clone)]
pub struct RewriteTrigger {
    /// One condition is enough (`any`) or all must hold (`all`).
    pub any: bool,
    /// New URL with `$1` groups and `$tyk_context.trigger-N-…` variables.
    pub rewrite_to: String,
    /// By header: name, pattern, reverse.
    pub headers: Vec<TriggerMatch>,
    /// By query parameter.
    pub query: Vec<TriggerMatch>,
    /// By path part.
    pub path_parts: Vec<TriggerMatch>,
    /// By an entry of the session's metadata.
    pub metadata: Vec<TriggerMatch>,
    /// By a `$tyk_context` variable.
    pub context: Vec<TriggerMatch>,
    /// By body.
    pub payload: Option<TriggerMatch>,
}

/// One condition: the value named `name` matches `pattern`.
#[derive(Debug, Clone)]
pub struct TriggerMatch {
    /// Header, parameter or label.
    pub name: String,
    /// Regular expression.
    pub pattern: String,
    /// Holds when the pattern does not match.
    pub reverse: bool,
}

/// Cross-origin resource sharing.
#[derive(Debug, Clone)]
pub struct Cors {
    /// Origins, `*` for all; one `*` inside stands for any text.
    pub allowed_origins: Vec<String>,
    /// Methods.
    pub allowed_methods: Vec<String>,
    /// Request headers, lower case; `*` for all.
    pub allowed_headers: Vec<String>,
    /// Response headers that pages may read.
    pub exposed_headers: Vec<String>,
    /// Cookies and credentials.
    pub allow_credentials: bool,
    /// Seconds a preflight answer may be kept.
    pub max_age: u64,
    /// Preflight requests go on to the upstream.
    pub options_passthrough: bool,
}

/// Client address rules.
#[derive(Debug, Clone, Default)]
pub struct ClientAddresses {
    /// Only these, when not empty.
    pub allowed: Vec<AddressRange>,
    /// Whether the allow list is on; as in Tyk, one without entries is not.
    pub allow_list: bool,
    /// Not these.
    pub blocked: Vec<AddressRange>,
}

/// An address or a network in CIDR form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    /// Network address.
    pub network: IpAddr,
    /// Length of the prefix in bits.
    pub prefix: u8,
}

impl AddressRange {
    /// Reads `10.0.0.1`, `10.0.0.0/8`, `::1` or `fd00::/8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr = address.trim().parse().ok()?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.trim().parse().ok().filter(|prefix| *prefix <= bits)?,
            None => bits,
        };
        Some(Self { network, prefix })
    }

    /// Whether an address is in the range; IPv4-mapped IPv6 addresses count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                (u32::from(network) ^ u32::from(address)) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                (u128::from(network) ^ u128::from(address)) & mask == 0
            }
            _ => false,
        }
    }
}

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests.
    pub requests: u64,
    /// Window.
    pub per: Duration,
}

impl RateLimit {
    /// `rate` requests in each `per` seconds, as Tyk writes it; `None` if either is not above zero, which is no limit.
    ///
    /// A fraction of a request is left out; less than one request in the window is one in a longer window.
    pub fn new(rate: f64, per: f64) -> Option<Self> {
        if rate.is_nan() || per.is_nan() || rate <= 0.0 || per <= 0.0 {
            return None;
        }
        let (rate, per) = if rate < 1.0 { (1.0, per / rate) } else { (rate, per) };
        let per = Duration::try_from_secs_f64(per).unwrap_or(Duration::MAX).max(Duration::from_nanos(1));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and saturates")]
        Some(Self { requests: rate as u64, per })
    }
}

/// What of the limits of keys and sessions counts in an API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyLimits {
    /// `disable_rate_limit`: rates do not.
    pub no_rates: bool,
    /// `disable_quota`: quotas do not.
    pub no_quotas: bool,
    /// `dont_set_quota_on_create`: what was counted goes on when a key is written.
    pub keeps_counts: bool,
    /// `session_lifetime`: time that a key is kept for after it is written, unless it says so itself; `None` is for ever.
    pub session_lifetime: Option<Duration>,
    /// `session_lifetime_respects_key_expiration`: a record is not removed before its key ends.
    pub lifetime_respects_expiration: bool,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{AddressRange, RateLimit};

    #[test]
    fn rates_are_numbers_of_requests_in_a_window() {
        let limit = |rate, per| RateLimit::new(rate, per).map(|limit| (limit.requests, limit.per));
        let millis = Duration::from_millis;
        assert_eq!(limit(100.0, 60.0), Some((100, millis(60_000))));
        assert_eq!(limit(2.9, 0.5), Some((2, millis(500))));
        assert_eq!(limit(0.5, 1.0), Some((1, millis(2_000))));
        assert_eq!(limit(f64::MAX, f64::MAX), Some((u64::MAX, Duration::MAX)));
        assert_eq!(limit(1.0, f64::MIN_POSITIVE), Some((1, Duration::from_nanos(1))));
        for (rate, per) in [(0.0, 1.0), (-1.0, 1.0), (5.0, 0.0), (5.0, -1.0), (f64::NAN, 1.0)] {
            assert_eq!(limit(rate, per), None, "{rate} {per}");
        }
    }

    #[test]
    fn ranges_contain_what_they_say() {
        let cases = [
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("fd00::/8", "fd12::1", true),
            ("::1", "::2", false),
        ];
        for (range, address, expected) in cases {
            let range_value = AddressRange::parse(range).unwrap();
            assert_eq!(range_value.contains(address.parse().unwrap()), expected, "{range} {address}");
        }
        for bad in ["10.0.0.0/33", "ten", "10.0.0", "::/129", "/8", ""] {
            assert!(AddressRange::parse(bad).is_none(), "{bad}");
        }
    }
}
