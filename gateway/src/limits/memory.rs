//! Counters in the memory of this gateway, and their quotas in its store.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

use super::{
    LimitsError, Moment,
    demand::{Demand, QuotaDemand, QuotaState, RateDemand, Refusal, Verdict},
    prefix,
    quota::{Quota, Written},
    sharded::{Full, Sharded},
    window::Window,
};
use crate::session::{Life, Store, StoreError, store::TimeLeft};

/// Quotas that are written to the store at a time.
const AT_A_TIME: usize = 1024;

/// Windows and quotas by name.
#[derive(Debug)]
pub struct Memory {
    windows: Sharded<Window>,
    quotas: Sharded<Quota>,
    /// Names of quotas that the store has less of than there is.
    unwritten: Mutex<Vec<Box<str>>>,
    store: Store,
    most: usize,
}

/// What [`Memory::take`] came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// A verdict.
    Verdict(Verdict),
    /// Nothing was taken: the quota has to be read from the store first, with [`Memory::read_quota`].
    QuotaUnknown,
}

impl Memory {
    /// Nothing counted yet; at most `most` rates and `most` quotas at a time.
    pub fn new(most: usize, store: Store) -> Self {
        Self {
            windows: Sharded::new(most),
            quotas: Sharded::new(most),
            unwritten: Mutex::default(),
            store,
            most,
        }
    }

    /// Takes what a request asks for, or nothing.
    ///
    /// # Errors
    /// When there is no room for a counter.
    pub fn take(&self, demand: &Demand<'_>, now: Moment) -> Result<Taken, LimitsError> {
        let refused = |refusal| Ok(Taken::Verdict(Verdict::Refused(refusal)));
        let rate = match &demand.rate {
            None => None,
            Some(rate) => match self.take_rate(rate, now)? {
                None => return refused(Refusal::Rate),
                taken => taken,
            },
        };
        let give_rate_back = || {
            if let (Some(rate), Some(taken)) = (&demand.rate, rate) {
                self.windows.with(&rate.name, |window| window.give_back(taken));
            }
        };
        let mut state = None;
        if let Some(quota) = &demand.quota {
            match self.take_quota(quota, now) {
                None => {
                    give_rate_back();
                    return Ok(Taken::QuotaUnknown);
                }
                Some(None) => {
                    give_rate_back();
                    return refused(Refusal::Quota);
                }
                Some(taken) => state = taken,
            }
        }
        if let Some(api) = &demand.api {
            let taken = self.take_rate(api, now);
            if !matches!(taken, Ok(Some(_))) {
                give_rate_back();
                if let Some(quota) = &demand.quota {
                    self.quotas.with(&quota.name, Quota::give_back);
                }
            }
            if taken?.is_none() {
                return refused(Refusal::Api);
            }
        }
        Ok(Taken::Verdict(Verdict::Passed(state)))
    }

    fn take_rate(&self, rate: &RateDemand<'_>, now: Moment) -> Result<Option<u64>, LimitsError> {
        let take = |window: &mut Window| window.take(now.nanos, rate.limit);
        self.windows
            .with_made(&rate.name, now.nanos, Window::default, take)
            .map_err(|Full| LimitsError::Full { most: self.most })
    }

    /// The state after the request, `Some(None)` when there is nothing left, `None` when the quota is not in memory.
    fn take_quota(&self, quota: &QuotaDemand<'_>, now: Moment) -> Option<Option<QuotaState>> {
        let (state, newly) = self.quotas.with(&quota.name, |kept| {
            let before = kept.unwritten;
            (kept.take(quota.limit, now), kept.unwritten && !before)
        })?;
        if newly {
            self.to_be_written(&quota.name);
        }
        Some(state)
    }

    fn to_be_written(&self, name: &str) {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).push(name.into());
    }

    /// Has a quota in memory, from the store if it is not there yet.
    ///
    /// # Errors
    /// When the store cannot tell, or there is no room.
    pub async fn read_quota(&self, name: &str) -> Result<(), LimitsError> {
        if self.quotas.with(name, |_| ()).is_some() {
            return Ok(());
        }
        let stored = format!("{}{name}", prefix::QUOTA);
        let (used, left) = match self.store.get(&stored).await? {
            None => (0, TimeLeft::NoValue),
            Some(value) => (parse(&stored, &value)?, self.store.time_left(&stored).await?),
        };
        let now = Moment::now();
        // Another request may have been faster: its quota counts already.
        self.quotas
            .with_made(name, now.nanos, || Quota::stored(used, left, now), |_| ())
            .map_err(|Full| LimitsError::Full { most: self.most })
    }

    /// See [`Limits::quota_used`](super::Limits::quota_used); only of what is in memory.
    pub fn quota_used(&self, name: &str, now: Moment) -> Option<u64> {
        self.quotas.with(name, |quota| quota.used(now))?
    }

    /// Begins a quota anew, here and in the store.
    ///
    /// # Errors
    /// When the store may still have the old count.
    pub async fn reset_quota(&self, name: &str) -> Result<(), StoreError> {
        // It stays unwritten, so that a count on its way to the store is overwritten afterwards.
        let reset = |quota: &mut Quota| *quota = Quota::begun_anew();
        if self.quotas.with(name, reset).is_some() {
            self.to_be_written(name);
        }
        self.store.delete(&format!("{}{name}", prefix::QUOTA)).await.map(drop)
    }

    /// Empties a window.
    pub fn reset_rate(&self, name: &str) {
        self.windows.with(name, |window| *window = Window::default());
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
                    self.quotas.with(name, |quota| quota.unwritten = true);
                    self.to_be_written(name);
                    first = first.and(Err(error));
                }
            }
        }
        first
    }

    async fn write_one(&self, name: &str) -> Result<(), StoreError> {
        let written = self.quotas.with(name, |quota| {
            quota.unwritten = false;
            quota.written(Moment::now())
        });
        let stored = format!("{}{name}", prefix::QUOTA);
        match written {
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
        self.windows.sweep(now.nanos);
        self.quotas.sweep(now.nanos);
    }

    /// Counters in memory.
    #[cfg(test)]
    pub(super) fn counters(&self) -> (usize, usize) {
        (self.windows.len(), self.quotas.len())
    }
}

pub(super) fn parse(name: &str, value: &[u8]) -> Result<u64, StoreError> {
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| StoreError::BadValue {
        name: name.to_owned(),
        reason: "it is not a count of requests".to_owned(),
    })
}
