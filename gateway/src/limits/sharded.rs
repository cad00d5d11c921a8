//! Counters by name, in shards with a lock each, so that callers do not wait for each other.

use std::{
    hash::BuildHasher as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hashbrown::{DefaultHashBuilder, HashTable};

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
    hasher: DefaultHashBuilder,
    /// Entries of a shard at the most.
    most: usize,
}

#[derive(Debug)]
struct Shard<T> {
    /// By the hash of their names, which chose the shard, too: names are hashed once.
    entries: HashTable<(Box<str>, T)>,
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
        let shard = || Mutex::new(Shard { entries: HashTable::new(), sweep_at: SMALL, swept: 0 });
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: DefaultHashBuilder::default(),
            most: most.div_ceil(SHARDS),
        }
    }

    /// The shard of a hash: by bits that the table in it does not look at first.
    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<T>> {
        #[allow(clippy::cast_possible_truncation, reason = "less than the number of shards")]
        let index = (hash >> 32) as usize % SHARDS;
        lock(&self.shards[index])
    }

    /// Works on an entry; `None` when there is none of this name.
    pub(super) fn with<R>(&self, name: &str, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let hash = self.hasher.hash_one(name);
        let mut shard = self.shard(hash);
        shard.entries.find_mut(hash, |(known, _)| **known == *name).map(|(_, entry)| work(entry))
    }

    /// Works on an entry, which is made if there is none of this name.
    pub(super) fn with_made<R>(
        &self,
        name: &str,
        now: u64,
        make: impl FnOnce() -> T,
        work: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Full> {
        let hash = self.hasher.hash_one(name);
        let mut shard = self.shard(hash);
        if let Some((_, entry)) = shard.entries.find_mut(hash, |(known, _)| **known == *name) {
            return Ok(work(entry));
        }
        let hash_of = |(name, _): &(Box<str>, T)| self.hasher.hash_one(&**name);
        shard.make_room(now, self.most, hash_of)?;
        let made = shard.entries.insert_unique(hash, (name.into(), make()), hash_of);
        Ok(work(&mut made.into_mut().1))
    }

    /// Forgets what is idle.
    pub(super) fn sweep(&self, now: u64) {
        for shard in &self.shards {
            lock(shard).sweep(now, |(name, _)| self.hasher.hash_one(&**name));
        }
    }

    /// Entries of all shards.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).entries.len()).sum()
    }
}

impl<T: Entry> Shard<T> {
    fn make_room(
        &mut self,
        now: u64,
        most: usize,
        hash_of: impl Fn(&(Box<str>, T)) -> u64,
    ) -> Result<(), Full> {
        let full = self.entries.len() >= most;
        if full && now.saturating_sub(self.swept) < FULL_SWEEP {
            return Err(Full);
        }
        if full || self.entries.len() >= self.sweep_at {
            self.sweep(now, hash_of);
        }
        if self.entries.len() < most { Ok(()) } else { Err(Full) }
    }

    fn sweep(&mut self, now: u64, hash_of: impl Fn(&(Box<str>, T)) -> u64) {
        self.swept = now;
        self.entries.retain(|(_, entry)| !entry.is_idle(now));
        // With as many new ones as are left, looking again is worth it.
        self.sweep_at = (2 * self.entries.len()).max(SMALL);
        if self.entries.capacity() > 4 * self.sweep_at {
            self.entries.shrink_to(self.sweep_at, hash_of);
        }
    }
}

fn lock<T>(shard: &Mutex<Shard<T>>) -> MutexGuard<'_, Shard<T>> {
    // Work on an entry does not panic half-way.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
