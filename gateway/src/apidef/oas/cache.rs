//! `middleware.global.cache`, and `cache` of operations.

use super::{at, file::Cache, operation_file::CachePlugin};
use crate::apidef::{
    cache::{CacheOptions, CachedEndpoint},
    reader::{Reader, whole_seconds},
};

/// The options, when the cache is on.
pub(super) fn options(reader: &mut Reader<'_>, written: &Cache) -> Option<CacheOptions> {
    if !written.enabled {
        return None;
    }
    let field = |name: &str| at(&format!("middleware.global.cache.{name}"));
    let names = written.cache_by_headers.iter().enumerate();
    let by_headers = names
        .filter_map(|(i, name)| reader.header_name(name, &format!("{}[{i}]", field("cacheByHeaders"))))
        .collect();
    let upstream_control = written.enable_upstream_cache_control.then(|| {
        reader.cache_control_header(&written.control_ttl_header_name, &field("controlTTLHeaderName"))
    });
    Some(CacheOptions {
        timeout: reader.cache_timeout(written.timeout, &field("timeout")),
        all_safe_requests: written.cache_all_safe_requests,
        statuses: reader.statuses(&written.cache_response_codes, &field("cacheResponseCodes")),
        by_headers,
        upstream_control: upstream_control.flatten(),
    })
}

/// What one operation says.
pub(super) fn endpoint(reader: &mut Reader<'_>, written: &CachePlugin, field: &str) -> CachedEndpoint {
    let pattern = Some(written.cache_by_regex.clone()).filter(|pattern| !pattern.is_empty());
    if let Some(pattern) = &pattern {
        reader.check_regex(pattern, &format!("{field}.cacheByRegex"));
    }
    CachedEndpoint {
        body_pattern: pattern,
        statuses: reader.statuses(&written.cache_response_codes, &format!("{field}.cacheResponseCodes")),
        timeout: Some(whole_seconds(written.timeout)).filter(|timeout| !timeout.is_zero()),
    }
}
