//! Counters by name, in shards with a lock each, so that callers do not wait for each other.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Shards; a power of two.
const SHARDS: usize = 128;
/// Entries of a shard below which it is not swept.
const SMALL: usize = 64;
/// Nanoseconds between two sweeps of a shard that is full.
const FULL_SWEEP: u64 = 1_000_000_000;

/// Something that may be forgotten when it is idle.
pub(super) trait Entry {
    /// Whether forgetting it changes nothing, at this time in nanoseconds.
    fn is_idle(&self, now: u64) -> bool;
}

/// Entries by name.
#[derive(Debug)]
pub(super) struct Sharded<T> {
    shards: Box<[Mutex<Shard<T>>]>,
    hasher: RandomState,
    /// Entries of a shard at the most.
    most: usize,
}

#[derive(Debug)]
struct Shard<T> {
    entries: HashMap<Box<str>, T>,
    /// Number of entries at which idle ones are looked for.
    sweep_at: usize,
    swept: u64,
}

/// There is no room for another entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl<T: Entry> Sharded<T> {
    /// Room for about `most` entries.
    pub(super) fn new(most: usize) -> Self {
        let shard = || Mutex::new(Shard { entries: HashMap::new(), sweep_at: SMALL, swept: 0 });
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: RandomState::new(),
            most: most.div_ceil(SHARDS),
        }
    }

    fn shard(&self, name: &str) -> MutexGuard<'_, Shard<T>> {
        #[allow(clippy::cast_possible_truncation, reason = "any bits of the hash will do")]
        let index = self.hasher.hash_one(name) as usize % SHARDS;
        lock(&self.shards[index])
    }

    /// Works on an entry; `None` when there is none of this name.
    pub(super) fn with<R>(&self, name: &str, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.shard(name).entries.get_mut(name).map(work)
    }

    /// Works on an entry, which is made if there is none of this name.
    pub(super) fn with_made<R>(
        &self,
        name: &str,
        now: u64,
        make: impl FnOnce() -> T,
        work: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Full> {
        let mut shard = self.shard(name);
        if let Some(entry) = shard.entries.get_mut(name) {
            return Ok(work(entry));
        }
        shard.make_room(now, self.most)?;
        Ok(work(shard.entries.entry(name.into()).or_insert_with(make)))
    }

    /// Forgets what is idle.
    pub(super) fn sweep(&self, now: u64) {
        for shard in &self.shards {
            lock(shard).sweep(now);
        }
    }

    /// Entries of all shards.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).entries.len()).sum()
    }
}

impl<T: Entry> Shard<T> {
    fn make_room(&mut self, now: u64, most: usize) -> Result<(), Full> {
        let full = self.entries.len() >= most;
        if full && now.saturating_sub(self.swept) < FULL_SWEEP {
            return Err(Full);
        }
        if full || self.entries.len() >= self.sweep_at {
            self.sweep(now);
        }
        if self.entries.len() < most { Ok(()) } else { Err(Full) }
    }

    fn sweep(&mut self, now: u64) {
        self.swept = now;
        self.entries.retain(|_, entry| !entry.is_idle(now));
        // With as many new ones as are left, looking again is worth it.
        self.sweep_at = (2 * self.entries.len()).max(SMALL);
        if self.entries.capacity() > 4 * self.sweep_at {
            self.entries.shrink_to(self.sweep_at);
        }
    }
}

fn lock<T>(shard: &Mutex<Shard<T>>) -> MutexGuard<'_, Shard<T>> {
    // Work on an entry does not panic half-way.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
