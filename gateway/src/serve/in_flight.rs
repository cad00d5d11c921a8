//! Requests that are being served, counted by the thread that each began on.

use std::sync::{
    Arc,
    atomic::{AtomicIsize, Ordering::SeqCst},
};

use super::{Gateway, lookout::Activity};
use crate::shard;

/// Parts of the count; more threads than that share some.
const PARTS: usize = 16;

/// A part up to this share of the bound is not worth a look at the others.
const SMALL_SHARE: usize = 4 * PARTS;

/// How many there are, in parts that threads write to for themselves.
#[derive(Debug, Default)]
pub(super) struct InFlightCount([Part; PARTS]);

/// Far enough from its neighbours to be in a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Part(AtomicIsize);

impl InFlightCount {
    /// All of them.
    pub(super) fn total(&self) -> usize {
        // A request ends in the part that it began in, so that none is below zero.
        self.0.iter().map(|part| part.0.load(SeqCst).unsigned_abs()).sum()
    }

    /// Whether there are more than `bound`, asked for a request that has been counted.
    ///
    /// A thread with few of them does not look at what others have: for each other thread that does so there may be a sixty-fourth
    /// of the bound more. Exact below 64.
    pub(super) fn is_over(&self, bound: usize) -> bool {
        let own = self.0[shard::own(PARTS)].0.load(SeqCst).unsigned_abs();
        own > bound / SMALL_SHARE && self.total() > bound
    }
}

/// A connection's hold on the gateway, and its activity. Requests hold this one: a count of references that every request of every
/// connection changes would be a place in memory that threads fight for.
pub struct Holder {
    gateway: Arc<Gateway>,
    pub(super) activity: Activity,
}

impl Holder {
    pub(super) fn new(gateway: &Arc<Gateway>) -> Arc<Self> {
        Arc::new(Self { gateway: Arc::clone(gateway), activity: Activity::default() })
    }
}

/// Counts a request for as long as it is served, also when its client goes away.
pub(super) struct InFlight {
    holder: Arc<Holder>,
    part: usize,
}

impl InFlight {
    pub(super) fn enter(holder: Arc<Holder>) -> Self {
        let part = shard::own(PARTS);
        holder.gateway.in_flight.0[part].0.fetch_add(1, SeqCst);
        holder.activity.begin();
        Self { holder, part }
    }

    /// The gateway that serves it.
    pub(super) fn gateway(&self) -> &Arc<Gateway> {
        &self.holder.gateway
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.holder.activity.end();
        self.gateway().in_flight.0[self.part].0.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use super::{InFlightCount, PARTS, shard};

    #[test]
    fn a_small_bound_is_exact_whichever_thread_asks() {
        for bound in [1, 5, 63] {
            let count = InFlightCount::default();
            let own = shard::own(PARTS);
            let others = (own + 1) % PARTS;
            count.0[others].0.store(bound, SeqCst);
            let bound = bound.unsigned_abs();
            assert!(!count.is_over(bound));
            count.0[own].0.store(1, SeqCst);
            assert!(count.is_over(bound), "{bound}");
            assert_eq!(count.total(), bound + 1);
        }
    }

    #[test]
    fn one_thread_alone_cannot_pass_a_large_bound() {
        let count = InFlightCount::default();
        let own = &count.0[shard::own(PARTS)].0;
        own.store(10_000, SeqCst);
        assert!(!count.is_over(10_000));
        own.store(10_001, SeqCst);
        assert!(count.is_over(10_000));
    }
}
