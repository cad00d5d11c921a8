//! Things of which each thread has a part, so that threads do not write to one place in memory for each request.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A number that no other thread has; the first to ask has 0.
pub fn thread_number() -> usize {
    /// Not a number yet.
    const NONE: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(NONE) };
    }
    match OWN.get() {
        NONE => {
            let own = NEXT.fetch_add(1, Ordering::Relaxed);
            OWN.set(own);
            own
        }
        own => own,
    }
}

/// The part that is this thread's of something divided into `parts`. Threads that began to ask one after another have different ones, as long as
/// there are enough.
pub fn own(parts: usize) -> usize {
    thread_number() % parts
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::own;

    #[test]
    fn a_thread_keeps_its_part() {
        let of_thread = || thread::spawn(|| (own(4), own(4), own(1))).join().unwrap();
        for (first, second, only) in [of_thread(), of_thread()] {
            assert!(first == second && first < 4 && only == 0);
        }
    }
}
