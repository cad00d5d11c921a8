//! What was found a moment ago, so that not every request asks the store.
//!
//! An entry is good for a set time after its record was *asked* for, and only if no change of it was heard of since: a
//! change that comes while a record is on its way from the store is not forgotten.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quick_cache::{Equivalent, sync::Cache};

use super::sessions::Found;

/// Sessions by organisation and what was sent.
pub(super) struct Memory {
    found: Cache<Asked, Entry>,
    life: Duration,
    changes: RwLock<Changes>,
    /// Since when `newest_change` counts.
    began: Instant,
    /// When the newest of `changes` was, so that what was asked for later needs no look at them: nanoseconds since `began`,
    /// and one more; 0 is never.
    newest_change: AtomicU64,
}

#[derive(Clone)]
struct Entry {
    asked: Instant,
    found: Found,
}

/// What changed within `life`.
#[derive(Default)]
struct Changes {
    everything: Option<Instant>,
    /// By name or what it is stored under.
    keys: HashMap<Box<str>, Instant>,
}

#[derive(PartialEq, Eq)]
struct Asked {
    org: Box<str>,
    sent: Box<str>,
}

#[derive(PartialEq, Eq)]
struct AskedFor<'a> {
    org: &'a str,
    sent: &'a str,
}

impl Hash for Asked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        AskedFor { org: &self.org, sent: &self.sent }.hash(state);
    }
}

impl Hash for AskedFor<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.org.hash(state);
        self.sent.hash(state);
    }
}

impl Equivalent<Asked> for AskedFor<'_> {
    fn equivalent(&self, key: &Asked) -> bool {
        *self.org == *key.org && *self.sent == *key.sent
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("entries", &self.found.len()).finish_non_exhaustive()
    }
}

impl Memory {
    /// Room for so many sessions, each for so long; zero of either remembers nothing.
    pub(super) fn new(entries: usize, life: Duration) -> Self {
        let life = if entries == 0 { Duration::ZERO } else { life };
        Self {
            found: Cache::new(entries.max(1)),
            life,
            changes: RwLock::default(),
            began: Instant::now(),
            newest_change: AtomicU64::new(0),
        }
    }

    fn since_began(&self, when: Instant) -> u64 {
        u64::try_from(when.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes note of a change, while `changes` is locked and has it.
    fn changed(&self, now: Instant) {
        self.newest_change.fetch_max(self.since_began(now).saturating_add(1), Ordering::Release);
    }

    /// What was found for this, if that still holds.
    pub(super) fn get(&self, org: &str, sent: &str) -> Option<Found> {
        if self.life.is_zero() {
            return None;
        }
        let Entry { asked, found } = self.found.get(&AskedFor { org, sent })?;
        (asked.elapsed() < self.life && !self.has_changed(&found, asked)).then_some(found)
    }

    /// Remembers what the store had when it was asked.
    pub(super) fn put(&self, org: &str, sent: &str, asked: Instant, found: Found) {
        if !self.life.is_zero() {
            self.found.insert(Asked { org: org.into(), sent: sent.into() }, Entry { asked, found });
        }
    }

    fn has_changed(&self, found: &Found, since: Instant) -> bool {
        if self.newest_change.load(Ordering::Acquire) <= self.since_began(since) {
            return false;
        }
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        let later = |when: Option<&Instant>| when.is_some_and(|when| *when >= since);
        later(changes.everything.as_ref())
            || later(changes.keys.get(found.key.id.as_str()))
            || later(changes.keys.get(&*found.key.name))
    }

    /// Forgets a key, by its name or what it is stored under.
    pub(super) fn forget<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let now = Instant::now();
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        // What changed before the oldest entry was asked for does not matter any more.
        changes.keys.retain(|_, when| now.duration_since(*when) <= self.life);
        changes.keys.extend(names.map(|name| (name.into(), now)));
        self.changed(now);
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let now = Instant::now();
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        changes.everything = Some(now);
        self.changed(now);
        self.found.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::{Key, Session, StoredId};

    fn found() -> Found {
        let key = Key { name: "onea".into(), id: StoredId::known("hash") };
        Found { key: Arc::new(key), session: Arc::new(Session::default()) }
    }

    #[test]
    fn a_change_counts_from_when_the_record_was_asked_for() {
        let memory = Memory::new(10, Duration::from_secs(3600));
        for name in ["hash", "onea"] {
            let asked = Instant::now();
            memory.put("one", "a", asked, found());
            assert!(memory.get("one", "a").is_some());
            assert!(memory.get("two", "a").is_none());
            memory.forget(std::iter::once("other"));
            assert!(memory.get("one", "a").is_some());
            memory.forget(std::iter::once(name));
            // The answer of the store comes only now.
            memory.put("one", "a", asked, found());
            assert!(memory.get("one", "a").is_none());
            while Instant::now() == asked {}
            memory.put("one", "a", Instant::now() + Duration::from_millis(1), found());
            assert!(memory.get("one", "a").is_some());
            memory.clear();
            assert!(memory.get("one", "a").is_none());
        }
    }

    #[test]
    fn nothing_is_remembered_when_there_is_no_room_or_time() {
        for (entries, life) in [(0, 1), (10, 0)] {
            let memory = Memory::new(entries, Duration::from_secs(life));
            memory.put("one", "a", Instant::now(), found());
            assert!(memory.get("one", "a").is_none());
        }
    }
}
