//! Where `Math.random` begins.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::engine::Program;

/// The seed of a program's sources: every load of the same program draws the same numbers, so that what they computed
/// is as it was after the first one.
pub(super) fn of_program(program: &Arc<Program>) -> u64 {
    random_state().hash_one(Arc::as_ptr(program) as usize)
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
