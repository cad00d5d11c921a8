//! Kept answers in memory, with a bound on their bytes: what is used least goes first.

use std::sync::Arc;

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::{answer::Kept, key::CacheKey};

/// Bytes that an entry takes besides its content, about.
const OVERHEAD: usize = 256;

/// Bytes of an answer when nobody knows better.
const TYPICAL_BYTES: u64 = 8 * 1024;

#[derive(Debug)]
pub(super) struct Memory(Cache<CacheKey, Slot, Bytes>);

#[derive(Debug, Clone)]
struct Slot {
    api_id: Arc<str>,
    generation: u64,
    kept: Arc<Kept>,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<CacheKey, Slot> for Bytes {
    fn weight(&self, _: &CacheKey, slot: &Slot) -> u64 {
        (slot.kept.bytes() + OVERHEAD) as u64
    }
}

impl Memory {
    pub(super) fn new(max_bytes: u64, max_entry_bytes: usize) -> Self {
        // Each shard has its part of the bytes, and the largest answer must find room in one.
        let shards = max_bytes / (4 * max_entry_bytes as u64).max(1);
        let shards = usize::try_from(shards).unwrap_or(usize::MAX).clamp(1, 16);
        let shards = if shards.is_power_of_two() { shards } else { shards.next_power_of_two() / 2 };
        let items = usize::try_from(max_bytes / TYPICAL_BYTES).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(items)
            .weight_capacity(max_bytes)
            .build()
            .expect("both capacities are given");
        Self(Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default()))
    }

    pub(super) fn get(&self, key: &CacheKey, generation: u64) -> Option<Arc<Kept>> {
        let slot = self.0.get(key)?;
        if slot.generation != generation || slot.kept.is_over() {
            self.0.remove(key);
            return None;
        }
        Some(slot.kept)
    }

    pub(super) fn put(&self, key: CacheKey, api_id: &Arc<str>, generation: u64, kept: Kept) {
        self.0.insert(key, Slot { api_id: Arc::clone(api_id), generation, kept: Arc::new(kept) });
    }

    pub(super) fn forget(&self, api_id: &str) {
        self.0.retain(|_, slot| &*slot.api_id != api_id);
    }

    pub(super) fn size(&self) -> (usize, u64) {
        (self.0.len(), self.0.weight())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use http::{HeaderMap, StatusCode};

    use super::{Kept, Memory};
    use crate::response_cache::answer::KeptAnswer;

    fn answer(bytes: usize, time: Duration) -> Kept {
        let body = vec![0; bytes].into();
        Kept::Answer(Arc::new(KeptAnswer::new(StatusCode::OK, HeaderMap::new(), body, time)))
    }

    fn key(number: u64) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
        key
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn bytes_are_bounded_and_the_largest_answer_finds_room() {
        let (most, largest) = (1 << 20, 64 * 1024);
        let memory = Memory::new(most, largest);
        let api: Arc<str> = "shop".into();
        for number in 0..200 {
            memory.put(key(number), &api, 0, answer(largest, HOUR));
            assert!(memory.size().1 <= most, "{:?}", memory.size());
        }
        memory.put(key(1_000), &api, 0, answer(largest, HOUR));
        assert!(memory.get(&key(1_000), 0).is_some());
        assert!(memory.size().0 >= 8, "{:?}", memory.size());
    }

    #[test]
    fn what_is_over_or_thrown_away_is_not_found() {
        let memory = Memory::new(1 << 20, 1024);
        let (shop, users): (Arc<str>, Arc<str>) = ("shop".into(), "users".into());
        memory.put(key(1), &shop, 0, answer(10, Duration::ZERO));
        memory.put(key(2), &shop, 0, answer(10, HOUR));
        memory.put(key(3), &users, 0, answer(10, HOUR));
        assert!(memory.get(&key(1), 0).is_none());
        assert!(memory.get(&key(2), 1).is_none());
        memory.put(key(2), &shop, 1, answer(10, HOUR));
        memory.forget("shop");
        assert!(memory.get(&key(2), 1).is_none());
        assert!(memory.get(&key(3), 0).is_some());
    }
}
