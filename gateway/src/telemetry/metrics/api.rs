//! What the requests of one API count with.

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use super::{Failures, requests::RequestCounts};

/// Why an upstream gave no answer.
pub mod upstream {
    /// Its answer did not begin in time.
    pub const TIMEOUT: &str = "timeout";
    /// Its name is not known.
    pub const LOOKUP: &str = "lookup";
    /// It does not take connections.
    pub const CONNECT: &str = "connect";
    /// It broke off, or did not speak HTTP.
    pub const BROKEN: &str = "broken";

    /// All of them.
    pub const KINDS: [&str; 4] = [TIMEOUT, LOOKUP, CONNECT, BROKEN];
}

/// Counters of one API.
#[derive(Debug)]
pub struct ApiMetrics {
    pub(super) requests: Arc<RequestCounts>,
    /// By the words of [`upstream`].
    pub upstream_failures: Failures,
}

impl ApiMetrics {
    /// Counts a request with the status of its answer, and the time to the answer's head.
    pub fn served(&self, status: StatusCode, duration: Duration) {
        self.requests.count(status, duration);
    }
}
