//! `cache_options`, `extended_paths.cache` and `.advance_cache_config` of a Classic definition.

use http::Method;

use super::file::{CacheEntry, CacheOptions};
use crate::apidef::{
    cache::{self, CachedEndpoint},
    model::Endpoint,
    reader::{Reader, whole_seconds},
};

/// Methods of the simple list.
const SAFE_METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::OPTIONS];

impl Reader<'_> {
    /// The options, when the cache is on.
    pub(super) fn cache_options(&mut self, written: &CacheOptions) -> Option<cache::CacheOptions> {
        if !written.enable_cache {
            return None;
        }
        let names = written.cache_by_headers.iter();
        let by_headers = names.filter_map(|name| self.header_name(name, "cache_options.cache_by_headers"));
        let by_headers = by_headers.collect();
        let upstream_control = written.enable_upstream_cache_control.then(|| {
            let field = "cache_options.cache_control_ttl_header";
            self.cache_control_header(&written.cache_control_ttl_header, field)
        });
        Some(cache::CacheOptions {
            timeout: self.cache_timeout(written.cache_timeout, "cache_options.cache_timeout"),
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
                timeout: Some(whole_seconds(entry.timeout)).filter(|timeout| !timeout.is_zero()),
            })
        }));
        endpoints
    }
}
