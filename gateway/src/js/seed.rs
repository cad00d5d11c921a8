//! Where `Math.random` begins.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A seed that nothing else has.
pub fn fresh() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static STATE: OnceLock<RandomState> = OnceLock::new();
    STATE.get_or_init(RandomState::new).hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}
