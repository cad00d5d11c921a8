//! Which functions take long, so that their calls go to a script thread at once.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// How many calls of a function begin on script threads after one that took long.
const CALLS: u32 = 64;

/// The functions of one program whose calls took long.
#[derive(Debug, Default)]
pub(super) struct SlowFunctions {
    /// How many there are; mostly none, which is all that is looked at then.
    count: AtomicUsize,
    /// Each with how many of its calls are still to begin on script threads.
    functions: Mutex<Vec<(Arc<str>, u32)>>,
}

impl SlowFunctions {
    /// Whether this call of a function is one that should begin on a script thread.
    pub(super) fn takes_long(&self, function: &Arc<str>) -> bool {
        if self.count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut functions = self.functions();
        let Some(place) = functions.iter().position(|(name, _)| name == function) else { return false };
        functions[place].1 -= 1;
        if functions[place].1 == 0 {
            functions.swap_remove(place);
            self.count.store(functions.len(), Ordering::Relaxed);
        }
        true
    }

    /// A call took long.
    pub(super) fn took_long(&self, function: &Arc<str>) {
        let mut functions = self.functions();
        match functions.iter_mut().find(|(name, _)| name == function) {
            Some((_, calls)) => *calls = CALLS,
            None => functions.push((Arc::clone(function), CALLS)),
        }
        self.count.store(functions.len(), Ordering::Relaxed);
    }

    fn functions(&self) -> MutexGuard<'_, Vec<(Arc<str>, u32)>> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_a_slow_function_are_tried_again_after_a_while() {
        let (slow, f, g) = (SlowFunctions::default(), Arc::from("f"), Arc::from("g"));
        assert!(!slow.takes_long(&f));
        slow.took_long(&f);
        assert!(!slow.takes_long(&g));
        assert!((0..CALLS).all(|_| slow.takes_long(&f)));
        assert!(!slow.takes_long(&f));
    }
}
