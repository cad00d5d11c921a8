//! Checks of what a definition says about keeping answers.

use std::time::Duration;

use http::{HeaderName, StatusCode};

use super::Reader;

/// Says how long an answer is kept, where the definition names no other header.
const TTL_HEADER: HeaderName = HeaderName::from_static("x-tyk-cache-action-set-ttl");

impl Reader<'_> {
    /// How long answers are kept, in seconds; that they are not is worth a warning.
    pub(in crate::apidef) fn cache_timeout(&mut self, seconds: i64, field: &str) -> Duration {
        let timeout = whole_seconds(seconds);
        if timeout.is_zero() {
            self.problems.warn(
                field,
                "is not a number of seconds above 0: answers are kept only where an endpoint or the upstream says for how long",
            );
        }
        timeout
    }

    /// The header with which upstreams have a say.
    pub(in crate::apidef) fn cache_control_header(&mut self, name: &str, field: &str) -> Option<HeaderName> {
        if name.trim().is_empty() { Some(TTL_HEADER) } else { self.header_name(name, field) }
    }

    /// Statuses of answers that are kept.
    pub(in crate::apidef) fn statuses(&mut self, codes: &[i64], field: &str) -> Vec<StatusCode> {
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

/// Seconds as definitions write them; none for what is below 0.
pub(in crate::apidef) fn whole_seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
