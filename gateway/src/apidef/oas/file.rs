//! The `x-tyk-api-gateway` object as written: field names and shapes are Tyk's, nothing is checked.
//!
//! Every field has Go's zero value as its default. Fields named here but not read elsewhere are listed so that they
//! do not count as unknown. What the OpenAPI document around it says is in `document`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub(super) use super::operation_file::Operation;
use super::period::Period;
use crate::apidef::budget::Gatehouse;

/// The whole object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extension {
    pub(super) info: Info,
    pub(super) upstream: Upstream,
    pub(super) server: Server,
    pub(super) middleware: Middleware,
    pub(super) gatehouse: Gatehouse,
}

/// `info`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Info {
    pub(super) id: String,
    pub(super) db_id: Value,
    pub(super) org_id: String,
    pub(super) name: String,
    pub(super) expiration: String,
    pub(super) state: State,
    pub(super) versioning: Versioning,
}

/// `info.state`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) active: bool,
    pub(super) internal: bool,
}

/// `info.versioning`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Versioning {
    pub(super) enabled: bool,
    pub(super) name: String,
    pub(super) default: String,
    pub(super) location: String,
    pub(super) key: String,
    pub(super) versions: Vec<VersionToId>,
    pub(super) strip_versioning_data: bool,
    pub(super) url_versioning_pattern: String,
    pub(super) fallback_to_default: bool,
}

/// An entry of `info.versioning.versions`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VersionToId {
    pub(super) name: String,
    pub(super) id: String,
}

/// What only has `enabled` for us.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Switch {
    pub(super) enabled: bool,
    /// What the section says otherwise: known to Tyk, without effect here.
    #[serde(flatten)]
    _rest: BTreeMap<String, Value>,
}

/// `upstream`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Upstream {
    pub(super) url: String,
    pub(super) load_balancing: LoadBalancing,
    pub(super) preserve_host_header: Enabled,
    pub(super) preserve_trailing_slash: Enabled,
    pub(super) tls_transport: TlsTransport,
    pub(super) rate_limit: RateLimit,
    pub(super) proxy: Switch,
    pub(super) service_discovery: Switch,
    #[serde(rename = "mutualTLS")]
    pub(super) mutual_tls: MutualTls,
    pub(super) certificate_pinning: CertificatePinning,
    pub(super) authentication: Switch,
}

/// `{"enabled": …}` and nothing else.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Enabled {
    pub(super) enabled: bool,
}

/// `upstream.loadBalancing`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LoadBalancing {
    pub(super) enabled: bool,
    pub(super) skip_unavailable_hosts: bool,
    pub(super) targets: Vec<Target>,
}

/// An entry of `upstream.loadBalancing.targets`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) weight: u32,
}

/// `upstream.tlsTransport`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TlsTransport {
    pub(super) insecure_skip_verify: bool,
    pub(super) ciphers: Vec<String>,
    pub(super) min_version: String,
    pub(super) max_version: String,
    pub(super) force_common_name_check: bool,
}

/// `upstream.rateLimit`, and that of an operation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RateLimit {
    pub(super) enabled: bool,
    pub(super) rate: f64,
    pub(super) per: Period,
}

/// `server.authentication.customKeyLifetime`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct KeyLifetime {
    pub(super) enabled: bool,
    pub(super) value: Period,
    pub(super) respect_validity: bool,
}

/// `upstream.mutualTLS`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct MutualTls {
    pub(super) enabled: bool,
    pub(super) domain_to_certificate_mapping: Vec<Value>,
}

/// `upstream.certificatePinning`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CertificatePinning {
    pub(super) enabled: bool,
    pub(super) domain_to_public_keys_mapping: Vec<Value>,
}

/// `server`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Server {
    pub(super) listen_path: ListenPath,
    pub(super) custom_domain: CustomDomain,
    pub(super) authentication: Authentication,
    pub(super) client_certificates: Switch,
    pub(super) gateway_tags: Switch,
    pub(super) detailed_activity_logs: Switch,
    pub(super) detailed_tracing: Switch,
    pub(super) event_handlers: Vec<EventHandler>,
    pub(super) ip_access_control: IpAccessControl,
    pub(super) batch_processing: Enabled,
    pub(super) port: u32,
    pub(super) protocol: String,
    pub(super) slug: String,
}

/// An entry of `server.eventHandlers`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EventHandler {
    pub(super) enabled: bool,
    pub(super) trigger: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) log_prefix: String,
    pub(super) url: String,
    pub(super) method: String,
    pub(super) headers: Vec<Header>,
    pub(super) body_template: String,
    pub(super) cooldown_period: Period,
    pub(super) function_name: String,
    pub(super) path: String,
}

/// `server.listenPath`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListenPath {
    pub(super) value: String,
    pub(super) strip: bool,
}

/// `server.customDomain`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomDomain {
    pub(super) enabled: bool,
    pub(super) name: String,
    pub(super) certificates: Vec<String>,
}

/// `server.ipAccessControl`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IpAccessControl {
    pub(super) enabled: bool,
    pub(super) allow: Vec<String>,
    pub(super) block: Vec<String>,
}

/// `server.authentication`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Authentication {
    pub(super) enabled: bool,
    pub(super) strip_authorization_data: bool,
    pub(super) base_identity_provider: String,
    pub(super) security_processing_mode: String,
    pub(super) security: Vec<Vec<String>>,
    pub(super) custom: CustomAuthentication,
    pub(super) security_schemes: BTreeMap<String, SecurityScheme>,
    pub(super) custom_key_lifetime: KeyLifetime,
    pub(super) hmac: Switch,
    pub(super) oidc: Switch,
    pub(super) go_plugin: Switch,
    pub(super) custom_plugin: Switch,
}

/// An entry of `server.authentication.securitySchemes`; what it is, is said by the scheme of the same name in
/// `components.securitySchemes`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SecurityScheme {
    pub(super) enabled: bool,
    pub(super) header: AuthSource,
    pub(super) query: AuthSource,
    pub(super) cookie: AuthSource,
    pub(super) enable_client_certificate: bool,
    pub(super) signature_validation: Switch,
    /// What schemes say that are refused when they are on.
    #[serde(flatten)]
    _rest: BTreeMap<String, Value>,
}

/// A place where a request carries its key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AuthSource {
    pub(super) enabled: bool,
    pub(super) name: String,
}

/// `server.authentication.custom`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomAuthentication {
    pub(super) enabled: bool,
    pub(super) config: Plugin,
    pub(super) header: AuthSource,
    pub(super) query: AuthSource,
    pub(super) cookie: AuthSource,
}

/// A function of a plugin: a hook, an entry of an operation's `postPlugins`, or `authentication.custom.config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Plugin {
    pub(super) enabled: bool,
    /// Tyk's older spelling of `functionName` in operations.
    pub(super) name: String,
    pub(super) function_name: String,
    pub(super) path: String,
    pub(super) raw_body_only: bool,
    pub(super) require_session: bool,
    pub(super) id_extractor: Value,
    /// Source in base64; wins over `path`.
    pub(super) code: String,
    /// Gatehouse's own: a driver for this hook alone.
    pub(super) driver: String,
    /// Gatehouse's own.
    pub(super) config: Option<Value>,
    /// Gatehouse's own.
    pub(super) on_load_failure: String,
    /// Gatehouse's own.
    pub(super) timeout: Period,
}

/// `middleware`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Middleware {
    pub(super) global: Global,
    pub(super) operations: BTreeMap<String, Operation>,
}

/// `middleware.global`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Global {
    pub(super) plugin_config: PluginConfig,
    pub(super) cors: Cors,
    pub(super) pre_plugins: Option<Vec<Plugin>>,
    pub(super) pre_plugin: Plugins,
    pub(super) post_authentication_plugins: Option<Vec<Plugin>>,
    pub(super) post_authentication_plugin: Plugins,
    pub(super) post_plugins: Option<Vec<Plugin>>,
    pub(super) post_plugin: Plugins,
    pub(super) response_plugins: Option<Vec<Plugin>>,
    pub(super) response_plugin: Plugins,
    pub(super) cache: Cache,
    pub(super) transform_request_headers: TransformHeaders,
    pub(super) transform_response_headers: TransformHeaders,
    pub(super) context_variables: Enabled,
    pub(super) traffic_logs: TrafficLogs,
    pub(super) request_size_limit: SizeLimit,
    pub(super) ignore_case: Enabled,
    pub(super) skip_rate_limit: bool,
    pub(super) skip_quota: bool,
    pub(super) skip_quota_reset: bool,
}

/// Tyk's older spelling of a list of plugins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Plugins {
    pub(super) plugins: Vec<Plugin>,
}

/// `middleware.global.pluginConfig`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PluginConfig {
    pub(super) driver: String,
    pub(super) bundle: Bundle,
    pub(super) data: PluginData,
}

/// `middleware.global.pluginConfig.bundle`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Bundle {
    pub(super) enabled: bool,
    pub(super) path: String,
}

/// `middleware.global.pluginConfig.data`; its `value` is taken out before, because nothing in it may change.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PluginData {
    pub(super) enabled: bool,
}

/// `middleware.global.cache`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Cache {
    pub(super) enabled: bool,
    /// Seconds.
    pub(super) timeout: i64,
    pub(super) cache_all_safe_requests: bool,
    pub(super) cache_response_codes: Vec<i64>,
    pub(super) cache_by_headers: Vec<String>,
    pub(super) enable_upstream_cache_control: bool,
    #[serde(rename = "controlTTLHeaderName")]
    pub(super) control_ttl_header_name: String,
}

/// `middleware.global.cors`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Cors {
    pub(super) enabled: bool,
    pub(super) max_age: i64,
    pub(super) allow_credentials: bool,
    pub(super) exposed_headers: Vec<String>,
    pub(super) allowed_headers: Vec<String>,
    pub(super) options_passthrough: bool,
    pub(super) debug: bool,
    pub(super) allowed_origins: Vec<String>,
    pub(super) allowed_methods: Vec<String>,
}

/// `middleware.global.trafficLogs`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TrafficLogs {
    pub(super) enabled: bool,
    pub(super) tag_headers: Vec<String>,
    pub(super) custom_retention_period: Value,
    pub(super) plugins: Vec<Plugin>,
}

/// Header changes of an API or an operation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TransformHeaders {
    pub(super) enabled: bool,
    pub(super) remove: Vec<String>,
    pub(super) add: Vec<Header>,
}

/// A header.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

/// `requestSizeLimit`, bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SizeLimit {
    pub(super) enabled: bool,
    pub(super) value: i64,
}
