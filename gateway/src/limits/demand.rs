//! What a request asks of counters, and what it is told.

use std::{borrow::Cow, time::Duration};

use crate::apidef::model::RateLimit;

/// All that limits one request, in the order it is asked.
#[derive(Debug, Clone, Default)]
pub struct Demand<'a> {
    /// Rate of the caller.
    pub rate: Option<RateDemand<'a>>,
    /// Quota of the caller.
    pub quota: Option<QuotaDemand<'a>>,
    /// Rate of the API or endpoint, for all callers together.
    pub api: Option<RateDemand<'a>>,
}

impl Demand<'_> {
    /// Whether nothing limits it.
    pub fn is_empty(&self) -> bool {
        self.rate.is_none() && self.quota.is_none() && self.api.is_none()
    }
}

/// One more request of a rate.
#[derive(Debug, Clone)]
pub struct RateDemand<'a> {
    /// The counter, without prefix.
    pub name: Cow<'a, str>,
    /// What it may count to.
    pub limit: RateLimit,
}

/// One more request of a quota.
#[derive(Debug, Clone)]
pub struct QuotaDemand<'a> {
    /// The counter, without prefix.
    pub name: Cow<'a, str>,
    /// What it may count to.
    pub limit: QuotaLimit,
}

/// So many requests in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLimit {
    /// Requests.
    pub max: u64,
    /// Length of a period, which begins with its first request; `None` is one period for ever.
    pub renewal: Option<Duration>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The request passes; how its quota is now, if it has one.
    Passed(Option<QuotaState>),
    /// It does not, and nothing was counted.
    Refused(Refusal),
}

/// What is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The caller's rate.
    Rate,
    /// The caller's quota.
    Quota,
    /// The rate of the API or endpoint.
    Api,
}

/// A quota after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaState {
    /// Requests left.
    pub remaining: u64,
    /// When its period ends, in seconds since 1970; 0 is never.
    pub renews: i64,
}
