//! Rates and quotas: whether one more request may pass.
//!
//! A request asks for all that limits it at once, in a [`Demand`]; [`Limits`] answers with a [`Verdict`]. A request that
//! is refused costs nothing: what was taken for it is given back. Counters are known by name. They are in a Redis that gateways share ([`redis`]), or, with the embedded store, they are in memory ([`Memory`]), and quotas are written to the store now and then. Knows nothing of HTTP or
//! definitions, and of sessions only how their counters are named ([`of_key`]).

pub mod demand;
pub mod memory;
pub mod of_key;
pub mod quota;
pub mod redis;
mod sharded;
#[cfg(test)]
mod tests;
pub mod window;

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub use self::demand::{Demand, QuotaDemand, QuotaLimit, QuotaState, RateDemand, Refusal, Verdict};
use self::{
    memory::{Memory, Taken},
    redis::Shared,
};
use crate::{
    config::settings::Limits as Settings,
    session::{Store, StoreError},
};

/// Prefixes of the names of counters in the store, as in Tyk.
pub mod prefix {
    /// Quotas.
    pub const QUOTA: &str = "quota-";
    /// Rates.
    pub const RATE: &str = "rate-limit-";
}

/// The counters of a gateway.
#[derive(Debug)]
pub struct Limits {
    place: Place,
}

/// Where counters are.
#[derive(Debug)]
enum Place {
    /// Here, over the embedded store.
    Memory(Arc<Memory>),
    /// In a Redis, shared with other gateways.
    Redis(Shared),
}

/// Why it is not known whether a request may pass. It may not, then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LimitsError {
    /// The store, which has the quotas, did not tell.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No room for another counter.
    #[error(
        "{most} counters of rates and quotas are in use, and there is no room for another; raise \
         gatehouse.limits.max_counters"
    )]
    Full {
        /// The bound.
        most: usize,
    },
}

impl Limits {
    /// Counters over `store`, written to it by a task on `runtime`.
    pub fn new(settings: &Settings, store: Store, runtime: &tokio::runtime::Handle) -> Self {
        if let Store::Redis(redis) = store {
            return Self { place: Place::Redis(Shared::new(redis)) };
        }
        let memory = Arc::new(Memory::new(settings.counters, store));
        runtime.spawn(write_now_and_then(Arc::downgrade(&memory), settings.quota_write_interval));
        Self { place: Place::Memory(memory) }
    }

    /// Counters in memory that only write to the store when told to.
    pub fn of(store: Store) -> Self {
        Self { place: Place::Memory(Arc::new(Memory::new(1000, store))) }
    }

    /// Takes what a request asks for, if that needs no waiting; `None` means that nothing was taken and
    /// [`take`](Self::take) has to.
    ///
    /// # Errors
    /// When it cannot be known.
    pub fn take_now(&self, demand: &Demand<'_>) -> Option<Result<Verdict, LimitsError>> {
        let Place::Memory(memory) = &self.place else { return None };
        match memory.take(demand, Moment::now()) {
            Ok(Taken::Verdict(verdict)) => Some(Ok(verdict)),
            Ok(Taken::QuotaUnknown) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Takes what a request asks for.
    ///
    /// # Errors
    /// When it cannot be known.
    pub async fn take(&self, demand: &Demand<'_>) -> Result<Verdict, LimitsError> {
        let memory = match &self.place {
            Place::Memory(memory) => memory,
            Place::Redis(redis) => return redis.take(demand).await,
        };
        loop {
            if let Taken::Verdict(verdict) = memory.take(demand, Moment::now())? {
                return Ok(verdict);
            }
            if let Some(quota) = &demand.quota {
                memory.read_quota(&quota.name).await?;
            }
        }
    }

    /// How much of a quota has been used in its period; `None` when nothing has been.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn quota_used(&self, name: &str) -> Result<Option<u64>, LimitsError> {
        match &self.place {
            Place::Memory(memory) => {
                memory.read_quota(name).await?;
                Ok(memory.quota_used(name, Moment::now()))
            }
            Place::Redis(redis) => Ok(redis.quota_used(name).await?),
        }
    }

    /// Begins a quota anew, as when its key is written.
    ///
    /// # Errors
    /// When the store may still have the old count.
    pub async fn reset_quota(&self, name: &str) -> Result<(), LimitsError> {
        match &self.place {
            Place::Memory(memory) => memory.reset_quota(name).await?,
            Place::Redis(redis) => redis.reset_quota(name).await?,
        }
        Ok(())
    }

    /// Empties the window of a rate, as when its key is written.
    ///
    /// # Errors
    /// When the store may still have it.
    pub async fn reset_rate(&self, name: &str) -> Result<(), LimitsError> {
        match &self.place {
            Place::Memory(memory) => memory.reset_rate(name),
            Place::Redis(redis) => redis.reset_rate(name).await?,
        }
        Ok(())
    }

    /// Writes all quotas that changed to the store.
    ///
    /// # Errors
    /// The first failure; what was not written is tried again the next time.
    pub async fn write(&self) -> Result<(), StoreError> {
        match &self.place {
            Place::Memory(memory) => memory.write().await,
            Place::Redis(_) => Ok(()),
        }
    }
}

async fn write_now_and_then(memory: std::sync::Weak<Memory>, interval: Duration) {
    /// Idle counters are looked for this often; those in the way of new ones are found before.
    const SWEEP: Duration = Duration::from_secs(30);
    let (mut failing, mut swept) = (false, Instant::now());
    loop {
        tokio::time::sleep(interval).await;
        let Some(memory) = memory.upgrade() else { return };
        match memory.write().await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::error!(
                    "quotas cannot be written to the store and are in memory only: {error}; trying again"
                );
            }
            Err(_) => {}
        }
        if swept.elapsed() >= SWEEP {
            memory.forget_idle(Moment::now());
            swept = Instant::now();
        }
    }
}

/// A time, by a clock that never goes back and by the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since an instant before the first counter.
    pub nanos: u64,
    /// Seconds since 1970; `None` for the present, which only few ask for.
    calendar: Option<i64>,
}

impl Moment {
    /// The present.
    pub fn now() -> Self {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        Self { nanos: nanos(START.elapsed()), calendar: None }
    }

    /// Another time.
    #[cfg(test)]
    fn at(nanos: u64, unix: i64) -> Self {
        Self { nanos, calendar: Some(unix) }
    }

    /// Seconds since 1970.
    pub fn unix(self) -> i64 {
        self.calendar.unwrap_or_else(|| {
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(unix.as_secs()).unwrap_or(i64::MAX)
        })
    }
}

/// Nanoseconds, at the most as many as there can be: 584 years.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
