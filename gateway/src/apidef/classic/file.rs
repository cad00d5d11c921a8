//! A Tyk Classic definition as written: field names and shapes are Tyk's, nothing is checked.
//!
//! Every field has Go's zero value as its default, because Tyk's own files leave out or write out zero values
//! at will. Fields named here but not read elsewhere are listed so that they do not count as unknown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::events::EventHandlers;
use crate::apidef::budget::Gatehouse;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClassicFile {
    pub(super) name: String,
    pub(super) api_id: String,
    pub(super) org_id: String,
    pub(super) active: bool,
    pub(super) internal: bool,
    pub(super) domain: String,
    pub(super) domain_disabled: bool,
    pub(super) use_keyless: bool,
    pub(super) definition: VersionDefinition,
    pub(super) version_data: VersionData,
    pub(super) proxy: Proxy,
    pub(super) config_data: Option<Value>,
    pub(super) config_data_disabled: bool,
    pub(super) custom_middleware: CustomMiddleware,
    #[serde(rename = "CORS")]
    pub(super) cors: Cors,
    pub(super) enable_ip_whitelisting: bool,
    pub(super) allowed_ips: Vec<String>,
    pub(super) enable_ip_blacklisting: bool,
    pub(super) blacklisted_ips: Vec<String>,
    pub(super) global_rate_limit: RateLimit,
    pub(super) response_processors: Vec<ResponseProcessor>,
    pub(super) expire_analytics_after: Value,
    pub(super) id: Value,
    pub(super) slug: String,
    pub(super) tags: Vec<String>,
    pub(super) tags_disabled: bool,
    pub(super) do_not_track: bool,
    pub(super) disable_rate_limit: bool,
    pub(super) disable_quota: bool,
    pub(super) dont_set_quota_on_create: bool,
    pub(super) session_lifetime: i64,
    pub(super) session_lifetime_respects_key_expiration: bool,
    pub(super) is_oas: bool,
    pub(super) enable_context_vars: bool,
    pub(super) auth: AuthConfig,
    pub(super) auth_configs: BTreeMap<String, AuthConfig>,
    pub(super) use_standard_auth: bool,
    pub(super) strip_auth_data: bool,
    pub(super) enable_coprocess_auth: bool,
    pub(super) use_go_plugin_auth: bool,
    pub(super) custom_plugin_auth_enabled: bool,
    pub(super) base_identity_provided_by: String,
    pub(super) event_handlers: EventHandlers,
    pub(super) cache_options: CacheOptions,
    pub(super) enable_batch_request_support: bool,
    pub(super) custom_middleware_bundle: String,
    pub(super) custom_middleware_bundle_disabled: bool,
    pub(super) enable_detailed_recording: bool,
    pub(super) certificate_pinning_disabled: bool,
    pub(super) pinned_public_keys: BTreeMap<String, String>,
    pub(super) upstream_certificates: BTreeMap<String, String>,
    pub(super) graphql: Graphql,
    pub(super) analytics_plugin: AnalyticsPlugin,
    pub(super) gatehouse: Gatehouse,
}

/// `auth` and the entries of `auth_configs`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AuthConfig {
    pub(super) name: String,
    pub(super) disable_header: bool,
    pub(super) auth_header_name: String,
    pub(super) use_param: bool,
    pub(super) param_name: String,
    pub(super) use_cookie: bool,
    pub(super) cookie_name: String,
    pub(super) use_certificate: bool,
    pub(super) validate_signature: bool,
    pub(super) signature: Value,
}

/// `definition`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VersionDefinition {
    pub(super) location: String,
    pub(super) key: String,
    pub(super) strip_path: bool,
    pub(super) strip_versioning_data: bool,
    pub(super) enabled: bool,
    pub(super) name: String,
    pub(super) versions: BTreeMap<String, String>,
    pub(super) default: String,
    pub(super) fallback_to_default: bool,
    pub(super) url_versioning_pattern: String,
}

/// `version_data`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VersionData {
    pub(super) not_versioned: bool,
    pub(super) default_version: String,
    pub(super) versions: BTreeMap<String, Version>,
}

/// One entry of `version_data.versions`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Version {
    pub(super) name: String,
    pub(super) expires: String,
    pub(super) paths: Paths,
    pub(super) use_extended_paths: bool,
    pub(super) extended_paths: ExtendedPaths,
    pub(super) global_headers: BTreeMap<String, String>,
    pub(super) global_headers_disabled: bool,
    pub(super) global_headers_remove: Vec<String>,
    pub(super) global_response_headers: BTreeMap<String, String>,
    pub(super) global_response_headers_disabled: bool,
    pub(super) global_response_headers_remove: Vec<String>,
    pub(super) ignore_endpoint_case: bool,
    pub(super) global_size_limit: i64,
    pub(super) global_size_limit_disabled: bool,
    pub(super) override_target: String,
}

/// `paths`, the simple lists.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Paths {
    pub(super) ignored: Vec<String>,
    pub(super) white_list: Vec<String>,
    pub(super) black_list: Vec<String>,
}

/// `extended_paths`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExtendedPaths {
    pub(super) ignored: Vec<AccessEntry>,
    pub(super) white_list: Vec<AccessEntry>,
    pub(super) black_list: Vec<AccessEntry>,
    #[serde(rename = "virtual")]
    pub(super) virtual_endpoints: Vec<VirtualEntry>,
    pub(super) go_plugin: Vec<PluginEntry>,
    pub(super) rust_plugin: Vec<PluginEntry>,
    pub(super) transform_headers: Vec<HeaderEntry>,
    pub(super) transform_response_headers: Vec<HeaderEntry>,
    pub(super) hard_timeouts: Vec<TimeoutEntry>,
    pub(super) size_limits: Vec<SizeEntry>,
    pub(super) method_transforms: Vec<MethodEntry>,
    pub(super) url_rewrites: Vec<RewriteEntry>,
    pub(super) mock_response: Vec<MockEntry>,
    pub(super) internal: Vec<InternalEntry>,
    pub(super) cache: Vec<String>,
    pub(super) advance_cache_config: Vec<CacheEntry>,
    pub(super) validate_json: Vec<ValidateJsonEntry>,
    pub(super) validate_request: Vec<Value>,
    pub(super) rate_limit: Vec<RateLimitEntry>,
}

/// An entry of `ignored`, `white_list` or `black_list`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AccessEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) ignore_case: bool,
    pub(super) method_actions: BTreeMap<String, MethodAction>,
}

/// A legacy answer of an access entry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MethodAction {
    pub(super) action: String,
    pub(super) code: i64,
    pub(super) data: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// An entry of `virtual`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VirtualEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) response_function_name: String,
    pub(super) function_source_type: String,
    pub(super) function_source_uri: String,
    pub(super) use_session: bool,
    pub(super) proxy_on_error: bool,
    pub(super) gatehouse: Gatehouse,
}

/// An entry of `validate_json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ValidateJsonEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) schema: Option<Value>,
    /// The schema in base64, for stores that do not take its keys.
    pub(super) schema_b64: String,
    pub(super) error_response_code: i64,
}

/// An entry of `go_plugin` or `rust_plugin`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PluginEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) plugin_path: String,
    pub(super) func_name: String,
    pub(super) config: Option<Value>,
    pub(super) on_load_failure: String,
    /// Seconds.
    pub(super) timeout: f64,
}

/// `analytics_plugin`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnalyticsPlugin {
    pub(super) enable: bool,
    pub(super) plugin_path: String,
    pub(super) func_name: String,
    pub(super) config: Option<Value>,
    pub(super) on_load_failure: String,
    pub(super) timeout: f64,
}

/// An entry of `transform_headers` or `transform_response_headers`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HeaderEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) add_headers: BTreeMap<String, String>,
    pub(super) delete_headers: Vec<String>,
    pub(super) act_on: bool,
}

/// An entry of `hard_timeouts`; seconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TimeoutEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) timeout: f64,
}

/// An entry of `rate_limit`; `disabled` in Tyk's files, `enabled` in its documentation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RateLimitEntry {
    pub(super) disabled: bool,
    pub(super) enabled: Option<bool>,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) rate: f64,
    pub(super) per: f64,
}

/// An entry of `size_limits`; bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SizeEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) size_limit: i64,
}

/// An entry of `method_transforms`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MethodEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) to_method: String,
}

/// An entry of `url_rewrites`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RewriteEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) match_pattern: String,
    pub(super) rewrite_to: String,
    pub(super) triggers: Vec<Trigger>,
}

/// A trigger of a rewrite.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Trigger {
    pub(super) on: String,
    pub(super) rewrite_to: String,
    pub(super) options: TriggerOptions,
}

/// Conditions of a trigger.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TriggerOptions {
    pub(super) header_matches: BTreeMap<String, Match>,
    pub(super) query_val_matches: BTreeMap<String, Match>,
    pub(super) path_part_matches: BTreeMap<String, Match>,
    pub(super) session_meta_matches: BTreeMap<String, Match>,
    pub(super) request_context_matches: BTreeMap<String, Match>,
    pub(super) payload_matches: Match,
}

/// One condition.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Match {
    pub(super) match_rx: String,
    pub(super) reverse: bool,
}

/// An entry of `mock_response`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MockEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) ignore_case: bool,
    pub(super) code: i64,
    pub(super) body: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// An entry of `internal`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InternalEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
}

/// `proxy`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Proxy {
    pub(super) listen_path: String,
    pub(super) target_url: String,
    pub(super) strip_listen_path: bool,
    pub(super) preserve_host_header: bool,
    pub(super) disable_strip_slash: bool,
    pub(super) enable_load_balancing: bool,
    pub(super) target_list: Vec<String>,
    pub(super) check_host_against_uptime_tests: bool,
    pub(super) service_discovery: ServiceDiscovery,
    pub(super) transport: Transport,
}

/// `proxy.service_discovery`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServiceDiscovery {
    pub(super) use_discovery_service: bool,
}

/// `proxy.transport`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Transport {
    pub(super) ssl_insecure_skip_verify: bool,
    pub(super) ssl_force_common_name_check: bool,
    pub(super) proxy_url: String,
    pub(super) ssl_ciphers: Vec<String>,
    pub(super) ssl_min_version: u64,
    pub(super) ssl_max_version: u64,
}

/// `custom_middleware`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomMiddleware {
    pub(super) pre: Vec<Hook>,
    pub(super) post: Vec<Hook>,
    pub(super) post_key_auth: Vec<Hook>,
    pub(super) auth_check: Hook,
    pub(super) response: Vec<Hook>,
    pub(super) driver: String,
    pub(super) id_extractor: Value,
}

/// One hook.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Hook {
    pub(super) disabled: bool,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) require_session: bool,
    pub(super) raw_body_only: bool,
    /// Source in base64; wins over `path`.
    pub(super) code: String,
    /// Gatehouse's own: a driver for this hook alone.
    pub(super) driver: String,
    pub(super) config: Option<Value>,
    pub(super) on_load_failure: String,
    /// Seconds.
    pub(super) timeout: f64,
}

/// `CORS`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cors {
    pub(super) enable: bool,
    pub(super) allowed_origins: Vec<String>,
    pub(super) allowed_methods: Vec<String>,
    pub(super) allowed_headers: Vec<String>,
    pub(super) exposed_headers: Vec<String>,
    pub(super) allow_credentials: bool,
    pub(super) max_age: i64,
    pub(super) options_passthrough: bool,
    pub(super) debug: bool,
}

/// `global_rate_limit`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RateLimit {
    pub(super) disabled: bool,
    pub(super) rate: f64,
    pub(super) per: f64,
}

/// An entry of `response_processors`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ResponseProcessor {
    pub(super) name: String,
    pub(super) options: Value,
}

/// `cache_options`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CacheOptions {
    pub(super) enable_cache: bool,
    /// Seconds.
    pub(super) cache_timeout: i64,
    pub(super) cache_all_safe_requests: bool,
    pub(super) cache_response_codes: Vec<i64>,
    pub(super) enable_upstream_cache_control: bool,
    pub(super) cache_control_ttl_header: String,
    pub(super) cache_by_headers: Vec<String>,
}

/// An entry of `advance_cache_config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CacheEntry {
    pub(super) disabled: bool,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) cache_key_regex: String,
    pub(super) cache_response_codes: Vec<i64>,
    /// Seconds.
    pub(super) timeout: i64,
}

/// `graphql`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Graphql {
    pub(super) enabled: bool,
    /// What the section says otherwise: known to Tyk, without effect here.
    #[serde(flatten)]
    _rest: BTreeMap<String, Value>,
}
