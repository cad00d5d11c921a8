//! The API-wide rate limit: never more than so many requests in any window.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use crate::{
    apidef::model::RateLimit, events::Happened, exchange::Exchange, live::api::LiveApi,
    reply::error::GatewayError,
};

/// A sliding window over the times of the requests that passed.
///
/// Exact: a ring holds the last `requests` times, and a request passes when the oldest of them is out of the
/// window. One short lock for each API, not held across anything.
#[derive(Debug)]
pub struct RateWindow {
    /// As the definition has it.
    asked: RateLimit,
    /// As it is kept.
    limit: RateLimit,
    passed: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    times: Vec<Instant>,
    oldest: usize,
}

/// Fires `RatelimitExceeded` for an API as a whole.
pub fn exceeded(api: &LiveApi, exchange: &Exchange) {
    if !api.events.is_empty() {
        let limiter = format!("apilimiter-{}{}", api.org_id, api.id);
        api.events.fire(exchange, Happened::ApiRateLimitExceeded { limiter: &limiter });
    }
}

/// Times that are kept at most (16 bytes each); a higher limit is met on average instead of exactly.
const MAX_TIMES: u64 = 1 << 16;

impl RateWindow {
    /// A window in which nothing has passed yet.
    pub fn new(asked: RateLimit) -> Self {
        // Scaling rate and window down together keeps the rate and bounds the memory.
        let scale = asked.requests.div_ceil(MAX_TIMES).max(1);
        let per = asked.per / u32::try_from(scale).unwrap_or(u32::MAX);
        let limit = RateLimit { requests: asked.requests / scale, per };
        Self { asked, limit, passed: Mutex::default() }
    }

    /// Whether this window is for exactly this limit, so that it can go on over a reload.
    pub fn is_for(&self, limit: RateLimit) -> bool {
        self.asked == limit
    }

    /// Takes one request, if there is room.
    ///
    /// # Errors
    /// [`GatewayError::ApiRateLimit`].
    pub fn check(&self) -> Result<(), GatewayError> {
        if self.take(Instant::now()) { Ok(()) } else { Err(GatewayError::ApiRateLimit) }
    }

    fn take(&self, now: Instant) -> bool {
        // A panic while the lock was held cannot have left the ring half changed.
        let mut ring = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if (ring.times.len() as u64) < self.limit.requests {
            ring.times.push(now);
            return true;
        }
        let oldest = ring.oldest;
        let Some(time) = ring.times.get_mut(oldest) else { return false };
        if now.saturating_duration_since(*time) < self.limit.per {
            return false;
        }
        *time = now;
        ring.oldest = (oldest + 1) % ring.times.len();
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::RateWindow;
    use crate::apidef::model::RateLimit;

    #[test]
    fn no_window_holds_more_than_the_limit() {
        let window = RateWindow::new(RateLimit { requests: 3, per: Duration::from_secs(10) });
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let passed: Vec<u64> =
            (0..40).map(|step| step * 1_000).filter(|millis| window.take(at(*millis))).collect();
        assert_eq!(&passed[..7], [0, 1_000, 2_000, 10_000, 11_000, 12_000, 20_000]);
        for (index, first) in passed.iter().enumerate() {
            let inside = passed[index..].iter().filter(|time| **time < first + 10_000).count();
            assert!(inside <= 3, "{passed:?}");
        }
    }

    #[test]
    fn threads_share_the_window() {
        let window = RateWindow::new(RateLimit { requests: 1_000, per: Duration::from_secs(3_600) });
        let passed: usize = std::thread::scope(|scope| {
            let run = || (0..1_000).filter(|_| window.check().is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 1_000);
    }

    #[test]
    fn a_high_limit_keeps_its_rate_in_bounded_memory() {
        let window = RateWindow::new(RateLimit { requests: 1_000_000, per: Duration::from_secs(16) });
        let start = Instant::now();
        let passed = (0..2_000_000).filter(|_| window.take(start)).count();
        assert_eq!(passed, 62_500);
    }
}
