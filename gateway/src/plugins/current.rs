//! Which plugin function this thread is in: for the message of a crash, which knows nothing but its thread.

use std::cell::Cell;

thread_local! {
    static CURRENT: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// The plugin and function that this thread runs at the moment, such as `libhello.so: hello`.
///
/// Reads one thread-local word and allocates nothing: a signal handler may call it.
pub fn current() -> Option<&'static str> {
    CURRENT.get()
}

/// Runs `call` as part of the function with this label.
#[inline]
pub(super) fn within<T>(label: &'static str, call: impl FnOnce() -> T) -> T {
    struct Restore(Option<&'static str>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(Some(label)));
    call()
}
