//! What the requests of one API count with.

use std::time::Duration;

use http::StatusCode;
use prometheus::{Histogram, IntCounter};

use super::Failures;

/// Values of `status_class`; a status outside of HTTP's classes, which a script may give, is `other`.
pub(super) const STATUS_CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];

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
    /// In the order of [`STATUS_CLASSES`].
    pub(super) requests: [IntCounter; STATUS_CLASSES.len()],
    pub(super) durations: Histogram,
    /// By the words of [`upstream`].
    pub upstream_failures: Failures,
}

impl ApiMetrics {
    /// Counts a request with the status of its answer, and the time to the answer's head.
    pub fn served(&self, status: StatusCode, duration: Duration) {
        self.requests[class(status)].inc();
        self.durations.observe(duration.as_secs_f64());
    }
}

fn class(status: StatusCode) -> usize {
    let hundreds = usize::from(status.as_u16() / 100);
    hundreds.wrapping_sub(1).min(STATUS_CLASSES.len() - 1)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{STATUS_CLASSES, class};

    #[test]
    fn each_status_has_a_class() {
        for (status, expected) in [
            (101, "1xx"),
            (200, "2xx"),
            (302, "3xx"),
            (499, "4xx"),
            (504, "5xx"),
            (600, "other"),
            (999, "other"),
        ] {
            assert_eq!(STATUS_CLASSES[class(StatusCode::from_u16(status).unwrap())], expected);
        }
    }
}
