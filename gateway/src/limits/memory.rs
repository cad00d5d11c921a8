//! Counters in the memory of this gateway, and their quotas in its store.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

use super::{
    LimitsError, Moment,
    demand::{Demand, QuotaLimit, QuotaState, Refusal, Verdict},
    prefix,
    quota::{Quota, Written},
    sharded::{Entry, Full, Sharded},
    window::Window,
};
use crate::{
    apidef::model::RateLimit,
    session::{Life, Store, StoreError, store::TimeLeft},
};

/// Quotas that are written to the store at a time.
const AT_A_TIME: usize = 1024;

/// Windows and quotas by name.
#[derive(Debug)]
pub struct Memory {
    counters: Sharded<Counters>,
    /// Names of quotas that the store has less of than there is.
    unwritten: Mutex<Vec<Box<str>>>,
    store: Store,
    most: usize,
}

/// What is counted under one name: a caller's rate and quota have the same, and are counted under one lock.
#[derive(Debug, Default)]
struct Counters {
    window: Window,
    /// `None` until it has been read from the store.
    quota: Option<Quota>,
}

/// What [`Memory::take`] came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// A verdict.
    Verdict(Verdict),
    /// Nothing was taken: the quota has to be read from the store first, with [`Memory::read_quota`].
    QuotaUnknown,
}

/// What the counters of one name came to.
enum OfName {
    /// Counted.
    Passed {
        /// The time in the window.
        at: Option<u64>,
        /// The quota, afterwards.
        quota: Option<QuotaState>,
        /// The store has less of it than there is, since now.
        newly_unwritten: bool,
    },
    Refused(Refusal),
    QuotaUnknown,
}

impl Memory {
    /// Nothing counted yet; at most `most` rates and quotas at a time, those of one name together.
    pub fn new(most: usize, store: Store) -> Self {
        Self { counters: Sharded::new(most), unwritten: Mutex::default(), store, most }
    }

    /// Takes what a request asks for, or nothing.
    ///
    /// # Errors
    /// When there is no room for a counter.
    pub fn take(&self, demand: &Demand<'_>, now: Moment) -> Result<Taken, LimitsError> {
        let Demand { rate, quota, api } = demand;
        let mut taken_at = None;
        let mut state = None;
        let together = rate.as_ref().zip(quota.as_ref()).is_some_and(|(rate, quota)| rate.name == quota.name);
        if let Some(rate) = rate {
            let quota = quota.as_ref().filter(|_| together).map(|quota| quota.limit);
            match self.take_of(&rate.name, Some(rate.limit), quota, now)? {
                OfName::Passed { at, quota, newly_unwritten } => {
                    (taken_at, state) = (at, quota);
                    if newly_unwritten {
                        self.to_be_written(&rate.name);
                    }
                }
                OfName::Refused(refusal) => return Ok(Taken::Verdict(Verdict::Refused(refusal))),
                OfName::QuotaUnknown => return Ok(Taken::QuotaUnknown),
            }
        }
        let give_rate_back = || {
            if let (Some(rate), Some(at)) = (rate, taken_at) {
                self.counters.with(&rate.name, |counters| counters.window.give_back(at));
            }
        };
        if let Some(quota) = quota.as_ref().filter(|_| !together) {
            let taken = self.take_of(&quota.name, None, Some(quota.limit), now);
            if !matches!(taken, Ok(OfName::Passed { .. })) {
                give_rate_back();
            }
            match taken? {
                OfName::Passed { quota: after, newly_unwritten, .. } => {
                    state = after;
                    if newly_unwritten {
                        self.to_be_written(&quota.name);
                    }
                }
                OfName::Refused(refusal) => return Ok(Taken::Verdict(Verdict::Refused(refusal))),
                OfName::QuotaUnknown => return Ok(Taken::QuotaUnknown),
            }
        }
        if let Some(api) = api {
            let taken = self.take_of(&api.name, Some(api.limit), None, now);
            if !matches!(taken, Ok(OfName::Passed { .. })) {
                give_rate_back();
                if let Some(quota) = quota {
                    let give_back = |counters: &mut Counters| counters.quota.as_mut().map(Quota::give_back);
                    self.counters.with(&quota.name, give_back);
                }
                return taken.map(|_| Taken::Verdict(Verdict::Refused(Refusal::Api)));
            }
        }
        Ok(Taken::Verdict(Verdict::Passed(state)))
    }

    /// Counts a request under one name: all of it, or nothing.
    fn take_of(
        &self,
        name: &str,
        rate: Option<RateLimit>,
        quota: Option<QuotaLimit>,
        now: Moment,
    ) -> Result<OfName, LimitsError> {
        let take = |counters: &mut Counters| counters.take(rate, quota, now);
        match rate {
            Some(_) => {
                self.counters.with_made(name, now.nanos, Counters::default, take).map_err(|Full| self.full())
            }
            // A quota alone is there or has to be read.
            None => Ok(self.counters.with(name, take).unwrap_or(OfName::QuotaUnknown)),
        }
    }

    fn full(&self) -> LimitsError {
        LimitsError::Full { most: self.most }
    }

    fn to_be_written(&self, name: &str) {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).push(name.into());
    }

    /// Has a quota in memory, from the store if it is not there yet.
    ///
    /// # Errors
    /// When the store cannot tell, or there is no room.
    pub async fn read_quota(&self, name: &str) -> Result<(), LimitsError> {
        if self.counters.with(name, |counters| counters.quota.is_some()) == Some(true) {
            return Ok(());
        }
        let stored = format!("{}{name}", prefix::QUOTA);
        let (used, left) = match self.store.get(&stored).await? {
            None => (0, TimeLeft::NoValue),
            Some(value) => (parse(&stored, &value)?, self.store.time_left(&stored).await?),
        };
        let now = Moment::now();
        // Another request may have been faster: its quota counts already.
        let keep = |counters: &mut Counters| {
            counters.quota.get_or_insert_with(|| Quota::stored(used, left, now));
        };
        self.counters.with_made(name, now.nanos, Counters::default, keep).map_err(|Full| self.full())
    }

    /// See [`Limits::quota_used`](super::Limits::quota_used); only of what is in memory.
    pub fn quota_used(&self, name: &str, now: Moment) -> Option<u64> {
        self.counters.with(name, |counters| counters.quota.as_ref()?.used(now))?
    }

    /// Begins a quota anew, here and in the store.
    ///
    /// # Errors
    /// When the store may still have the old count.
    pub async fn reset_quota(&self, name: &str) -> Result<(), StoreError> {
        // It stays unwritten, so that a count on its way to the store is overwritten afterwards.
        let reset = |counters: &mut Counters| {
            let quota = counters.quota.as_mut()?;
            *quota = Quota::begun_anew();
            Some(())
        };
        if self.counters.with(name, reset).flatten().is_some() {
            self.to_be_written(name);
        }
        self.store.delete(&format!("{}{name}", prefix::QUOTA)).await.map(drop)
    }

    /// Empties a window.
    pub fn reset_rate(&self, name: &str) {
        self.counters.with(name, |counters| counters.window = Window::default());
    }

    /// Writes the quotas that changed since the last time.
    ///
    /// # Errors
    /// The first failure; what was not written will be tried again.
    pub async fn write(&self) -> Result<(), StoreError> {
        let names = mem::take(&mut *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner));
        let mut first = Ok(());
        for names in names.chunks(AT_A_TIME) {
            // At once: the store makes one transaction of what comes together.
            let writes = names.iter().map(|name| self.write_one(name));
            for (name, written) in names.iter().zip(futures_util::future::join_all(writes).await) {
                if let Err(error) = written {
                    let unwritten = |counters: &mut Counters| {
                        if let Some(quota) = &mut counters.quota {
                            quota.unwritten = true;
                        }
                    };
                    self.counters.with(name, unwritten);
                    self.to_be_written(name);
                    first = first.and(Err(error));
                }
            }
        }
        first
    }

    async fn write_one(&self, name: &str) -> Result<(), StoreError> {
        let written = self.counters.with(name, |counters| {
            let quota = counters.quota.as_mut()?;
            quota.unwritten = false;
            Some(quota.written(Moment::now()))
        });
        let stored = format!("{}{name}", prefix::QUOTA);
        match written.flatten() {
            None => Ok(()),
            Some(Written::Nothing) => self.store.delete(&stored).await.map(drop),
            Some(Written::Count { used, left }) => {
                self.store
                    .set(&stored, Bytes::from(used.to_string()), left.map_or(Life::Forever, Life::For))
                    .await
            }
        }
    }

    /// Forgets what can be told anew.
    pub fn forget_idle(&self, now: Moment) {
        self.counters.sweep(now.nanos);
    }

    /// Names in memory.
    #[cfg(test)]
    pub(super) fn names(&self) -> usize {
        self.counters.len()
    }
}

impl Counters {
    fn take(&mut self, rate: Option<RateLimit>, quota: Option<QuotaLimit>, now: Moment) -> OfName {
        let at = match rate.map(|limit| self.window.take(now.nanos, limit)) {
            Some(None) => return OfName::Refused(Refusal::Rate),
            taken => taken.flatten(),
        };
        let Some(limit) = quota else { return OfName::Passed { at, quota: None, newly_unwritten: false } };
        let refused = match &mut self.quota {
            None => OfName::QuotaUnknown,
            Some(quota) => {
                let was_unwritten = quota.unwritten;
                if let Some(state) = quota.take(limit, now) {
                    let newly_unwritten = !was_unwritten;
                    return OfName::Passed { at, quota: Some(state), newly_unwritten };
                }
                OfName::Refused(Refusal::Quota)
            }
        };
        if let Some(at) = at {
            self.window.give_back(at);
        }
        refused
    }
}

impl Entry for Counters {
    fn is_idle(&self, now: u64) -> bool {
        self.window.is_idle(now) && self.quota.as_ref().is_none_or(|quota| quota.is_idle(now))
    }
}

pub(super) fn parse(name: &str, value: &[u8]) -> Result<u64, StoreError> {
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| StoreError::BadValue {
        name: name.to_owned(),
        reason: "it is not a count of requests".to_owned(),
    })
}
