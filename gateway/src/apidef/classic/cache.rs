//! `cache_options`, `extended_paths.cache` and `.advance_cache_config` of a Classic definition.

use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

use super::{
    convert::Reader,
    file::{CacheEntry, CacheOptions},
};
use crate::apidef::{
    cache::{self, CachedEndpoint},
    model::Endpoint,
};

/// Says how long an answer is kept, where the definition names no other header.
const TTL_HEADER: HeaderName = HeaderName::from_static("x-tyk-cache-action-set-ttl");

/// Methods of the simple list.
const SAFE_METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::OPTIONS];

impl Reader<'_> {
    /// The options, when the cache is on.
    pub(super) fn cache_options(&mut self, written: &CacheOptions) -> Option<cache::CacheOptions> {
        if !written.enable_cache {
            return None;
        }
        if written.cache_timeout <= 0 {
            self.problems.warn(
                "cache_options.cache_timeout",
                "is not a number of seconds above 0: answers are kept only where an endpoint or the upstream says for how long",
            );
        }
        let by_headers = written.cache_by_headers.iter().filter_map(|name| {
            let read = name.trim().parse().ok();
            if read.is_none() {
                self.problems
                    .refuse("cache_options.cache_by_headers", format!("`{name}` is not a header name"));
            }
            read
        });
        let by_headers = by_headers.collect();
        let upstream_control =
            written.enable_upstream_cache_control.then(|| match written.cache_control_ttl_header.trim() {
                "" => Some(TTL_HEADER),
                name => name.parse().ok().or_else(|| {
                    let message = format!("`{name}` is not a header name");
                    self.problems.refuse("cache_options.cache_control_ttl_header", message);
                    None
                }),
            });
        Some(cache::CacheOptions {
            timeout: seconds(written.cache_timeout),
            all_safe_requests: written.cache_all_safe_requests,
            statuses: self.statuses(&written.cache_response_codes, "cache_options.cache_response_codes"),
            by_headers,
            upstream_control: upstream_control.flatten(),
        })
    }

    /// Both lists; paths of the simple one are for methods that change nothing.
    pub(super) fn cached_endpoints(
        &mut self,
        simple: &[String],
        advanced: &[CacheEntry],
        field: &str,
    ) -> Vec<Endpoint<CachedEndpoint>> {
        let mut endpoints = Vec::new();
        for (index, path) in simple.iter().enumerate() {
            self.check_pattern(path, &format!("{field}.cache[{index}]"));
            endpoints.extend(SAFE_METHODS.map(|method| Endpoint {
                path: path.clone(),
                method: Some(method),
                rule: CachedEndpoint::default(),
            }));
        }
        let field = format!("{field}.advance_cache_config");
        endpoints.extend(self.list(advanced, &field, |reader, entry, field| {
            if !entry.cache_key_regex.is_empty() {
                reader.check_regex(&entry.cache_key_regex, &format!("{field}.cache_key_regex"));
            }
            let codes = &entry.cache_response_codes;
            Some(CachedEndpoint {
                body_pattern: Some(entry.cache_key_regex.clone()).filter(|pattern| !pattern.is_empty()),
                statuses: reader.statuses(codes, &format!("{field}.cache_response_codes")),
                timeout: Some(seconds(entry.timeout)).filter(|timeout| !timeout.is_zero()),
            })
        }));
        endpoints
    }

    fn statuses(&mut self, codes: &[i64], field: &str) -> Vec<StatusCode> {
        let read = codes.iter().filter_map(|code| {
            let status = u16::try_from(*code).ok().and_then(|code| StatusCode::from_u16(code).ok());
            if status.is_none() {
                self.problems.refuse(field, format!("{code} is not a status"));
            }
            status
        });
        read.collect()
    }
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
