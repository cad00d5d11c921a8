//! `middleware.operations.ID` as written.

use serde::Deserialize;

use super::{
    file::{Enabled, Header, Plugin, RateLimit, SizeLimit, Switch, TransformHeaders},
    period::Period,
};
use crate::apidef::budget::Gatehouse;

/// What Tyk does at one operation of the document.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Operation {
    pub(super) allow: Allowance,
    pub(super) block: Allowance,
    pub(super) ignore_authentication: Allowance,
    pub(super) internal: Enabled,
    pub(super) virtual_endpoint: VirtualEndpoint,
    pub(super) post_plugins: Vec<Plugin>,
    pub(super) mock_response: MockResponse,
    pub(super) transform_request_headers: TransformHeaders,
    pub(super) transform_response_headers: TransformHeaders,
    pub(super) transform_request_method: TransformMethod,
    pub(super) transform_request_body: Switch,
    pub(super) transform_response_body: Switch,
    pub(super) url_rewrite: UrlRewrite,
    pub(super) cache: CachePlugin,
    pub(super) enforce_timeout: EnforceTimeout,
    pub(super) request_size_limit: SizeLimit,
    pub(super) validate_request: ValidateRequest,
    pub(super) rate_limit: RateLimit,
    pub(super) circuit_breaker: Switch,
    pub(super) track_endpoint: Enabled,
    pub(super) do_not_track_endpoint: Enabled,
}

/// `validateRequest`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ValidateRequest {
    pub(super) enabled: bool,
    pub(super) error_response_code: i64,
}

/// `allow`, `block`, `ignoreAuthentication`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Allowance {
    pub(super) enabled: bool,
    pub(super) ignore_case: bool,
}

/// `cache` of an operation.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CachePlugin {
    pub(super) enabled: bool,
    pub(super) cache_by_regex: String,
    pub(super) cache_response_codes: Vec<i64>,
    /// Seconds.
    pub(super) timeout: i64,
}

/// `virtualEndpoint`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VirtualEndpoint {
    pub(super) enabled: bool,
    /// Tyk's older spelling of `functionName`.
    pub(super) name: String,
    pub(super) function_name: String,
    pub(super) path: String,
    pub(super) body: String,
    pub(super) require_session: bool,
    pub(super) proxy_on_error: bool,
    pub(super) gatehouse: Gatehouse,
}

/// `mockResponse`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MockResponse {
    pub(super) enabled: bool,
    pub(super) code: i64,
    pub(super) body: String,
    pub(super) headers: Vec<Header>,
    #[serde(rename = "fromOASExamples")]
    pub(super) from_oas_examples: FromExamples,
}

/// `mockResponse.fromOASExamples`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FromExamples {
    pub(super) enabled: bool,
    pub(super) code: i64,
    pub(super) content_type: String,
    pub(super) example_name: String,
}

/// `transformRequestMethod`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TransformMethod {
    pub(super) enabled: bool,
    pub(super) to_method: String,
}

/// `enforceTimeout`; seconds when it is a number.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EnforceTimeout {
    pub(super) enabled: bool,
    pub(super) value: Period,
}

/// `urlRewrite`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UrlRewrite {
    pub(super) enabled: bool,
    pub(super) pattern: String,
    pub(super) rewrite_to: String,
    pub(super) triggers: Vec<Trigger>,
}

/// A trigger of a rewrite.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Trigger {
    pub(super) condition: String,
    pub(super) rules: Vec<Rule>,
    pub(super) rewrite_to: String,
}

/// One condition of a trigger.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    #[serde(rename = "in")]
    pub(super) input: String,
    pub(super) name: String,
    pub(super) pattern: String,
    pub(super) negate: bool,
}
