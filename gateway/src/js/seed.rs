//! Where `Math.random` begins.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::engine::Source;

/// The seed of a program with these sources: the same for the same ones, and different in each gateway.
pub fn of_sources(sources: &[Source]) -> u64 {
    let texts: Vec<(&str, &str)> = sources.iter().map(|source| (&*source.name, &*source.text)).collect();
    random_state().hash_one(texts)
}

/// A seed that no other call has.
pub(super) fn fresh() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    random_state().hash_one(("call", COUNT.fetch_add(1, Ordering::Relaxed)))
}

fn random_state() -> &'static RandomState {
    static STATE: OnceLock<RandomState> = OnceLock::new();
    STATE.get_or_init(RandomState::new)
}
