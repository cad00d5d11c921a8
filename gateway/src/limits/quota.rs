//! A quota: requests in a period that begins with the first of them.

use std::time::Duration;

use super::{
    Moment,
    demand::{QuotaLimit, QuotaState},
    nanos,
    sharded::Entry,
};
use crate::session::store::TimeLeft;

/// How long a quota that is written stays in memory without being used.
const IDLE: u64 = 60_000_000_000;

/// A count and its period.
#[derive(Debug, Clone, Default)]
pub struct Quota {
    used: u64,
    period: Period,
    /// By the clock that never goes back.
    touched: u64,
    /// Whether the store has less than this.
    pub(super) unwritten: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Period {
    /// Nothing has been used.
    #[default]
    NotBegun,
    /// Ends then: by the clock that never goes back, and for people.
    Ends { nanos: u64, unix: i64 },
    /// One for ever.
    Endless,
}

/// What the store is to have of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing.
    Nothing,
    /// A count, until it ends if it does.
    Count {
        /// Requests used.
        used: u64,
        /// Time left of the period.
        left: Option<Duration>,
    },
}

impl Quota {
    /// A quota as the store has it.
    pub fn stored(used: u64, left: TimeLeft, now: Moment) -> Self {
        let period = match left {
            TimeLeft::NoValue => return Self { touched: now.nanos, ..Self::default() },
            TimeLeft::Forever => Period::Endless,
            TimeLeft::For(left) => Period::lasting(left, now),
        };
        Self { used, period, touched: now.nanos, unwritten: false }
    }

    /// A quota of which nothing is used, which the store does not know yet.
    pub fn begun_anew() -> Self {
        Self { unwritten: true, ..Self::default() }
    }

    /// Takes one request, or `None` when there is none left.
    pub fn take(&mut self, limit: QuotaLimit, now: Moment) -> Option<QuotaState> {
        self.touched = now.nanos;
        let over = match self.period {
            Period::NotBegun => true,
            Period::Ends { nanos, .. } => nanos <= now.nanos,
            // A counter without an end that should have one begins anew, as in Tyk.
            Period::Endless => limit.renewal.is_some(),
        };
        if over {
            self.used = 0;
            self.period = limit.renewal.map_or(Period::Endless, |length| Period::lasting(length, now));
        }
        if self.used >= limit.max {
            return None;
        }
        self.used += 1;
        self.unwritten = true;
        Some(QuotaState { remaining: limit.max - self.used, renews: self.renews() })
    }

    /// Gives back a request that was taken.
    pub fn give_back(&mut self) {
        self.used = self.used.saturating_sub(1);
        self.unwritten = true;
    }

    /// What has been used; `None` when no period runs.
    pub fn used(&self, now: Moment) -> Option<u64> {
        match self.period {
            Period::NotBegun => None,
            Period::Ends { nanos, .. } if nanos <= now.nanos => None,
            Period::Ends { .. } | Period::Endless => Some(self.used),
        }
    }

    /// What the store is to have.
    pub fn written(&self, now: Moment) -> Written {
        match (self.used(now), self.period) {
            (None, _) => Written::Nothing,
            (Some(used), Period::Ends { nanos, .. }) => {
                Written::Count { used, left: Some(Duration::from_nanos(nanos - now.nanos)) }
            }
            (Some(used), _) => Written::Count { used, left: None },
        }
    }

    fn renews(&self) -> i64 {
        match self.period {
            Period::Ends { unix, .. } => unix,
            Period::NotBegun | Period::Endless => 0,
        }
    }
}

impl Period {
    fn lasting(length: Duration, now: Moment) -> Self {
        let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
        Self::Ends {
            nanos: now.nanos.saturating_add(nanos(length)),
            unix: now.unix().saturating_add(seconds),
        }
    }
}

impl Entry for Quota {
    fn is_idle(&self, now: u64) -> bool {
        !self.unwritten && self.touched.saturating_add(IDLE) <= now
    }
}
