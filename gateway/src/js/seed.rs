//! Where `Math.random` begins.

use std::{
    cell::Cell,
    hash::{BuildHasher as _, RandomState},
    sync::OnceLock,
};

use super::engine::Source;
use crate::shard::thread_number;

/// The seed of a program with these sources: the same for the same ones, and different in each gateway.
pub fn of_sources(sources: &[Source]) -> u64 {
    let texts: Vec<(&str, &str)> = sources.iter().map(|source| (&*source.name, &*source.text)).collect();
    random_state().hash_one(texts)
}

/// A seed that no other call has.
pub(super) fn fresh() -> u64 {
    thread_local! {
        /// Calls of this thread, so that threads do not write to one place in memory for each call.
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let count = COUNT.replace(COUNT.get() + 1);
    random_state().hash_one(("call", thread_number(), count))
}

fn random_state() -> &'static RandomState {
    static STATE: OnceLock<RandomState> = OnceLock::new();
    STATE.get_or_init(RandomState::new)
}
