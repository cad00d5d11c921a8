//! What a definition says about keeping answers.

use std::time::Duration;

use http::{HeaderName, StatusCode};

/// `cache_options` of an API whose cache is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOptions {
    /// How long an answer is kept where an endpoint says nothing else; zero keeps none.
    pub timeout: Duration,
    /// Every GET, HEAD and OPTIONS request may be answered from the cache.
    pub all_safe_requests: bool,
    /// Only answers with these statuses are kept; empty is all that may be.
    pub statuses: Vec<StatusCode>,
    /// Request headers that make different answers.
    pub by_headers: Vec<HeaderName>,
    /// The answer has a say: `x-tyk-cache-action-set`, and how long in this header.
    pub upstream_control: Option<HeaderName>,
}

/// An endpoint of `advance_cache_config`, or one of `cache` with nothing of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CachedEndpoint {
    /// Part of the body that makes different answers, as a regular expression; `None` is all of it. Only for methods with a
    /// body.
    pub body_pattern: Option<String>,
    /// Statuses instead of the API's.
    pub statuses: Vec<StatusCode>,
    /// Time instead of the API's.
    pub timeout: Option<Duration>,
}
