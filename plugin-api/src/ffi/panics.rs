//! Catches panics at the boundary and remembers where they were. No unsafe code here.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::Once,
};

/// A panic that was caught.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Caught {
    /// `file:line:column`; empty when it is not known.
    pub place: String,
    /// What it said.
    pub message: String,
}

thread_local! {
    /// How many calls into this side are under way on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The last panic in one of them.
    static LAST: RefCell<Option<Caught>> = const { RefCell::new(None) };
}

/// Makes panics inside of calls silent, because the gateway logs them; others stay as they were.
///
/// A loaded plugin has a standard library, and so a hook, of its own.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                return before(info);
            }
            let caught = Caught {
                place: info.location().map(ToString::to_string).unwrap_or_default(),
                message: message(info),
            };
            LAST.with_borrow_mut(|last| *last = Some(caught));
        }));
    });
}

fn message(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("a panic without a message").to_owned()
}

/// Runs `call` and catches its panic.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, Caught> {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let inside = Inside;
    let result = catch_unwind(AssertUnwindSafe(call));
    drop(inside);
    result.map_err(|payload| {
        // Without the hook the payload still has the message.
        let message = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
        // A payload may panic when it is dropped, once more at most.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(std::mem::forget);
        let place = String::new();
        LAST.take().unwrap_or_else(|| Caught { place, message: message.unwrap_or_default() })
    })
}

/// Runs what has no way to tell of a panic, such as a release.
pub(crate) fn quietly(call: impl FnOnce()) {
    let _ = catch(call);
}

#[cfg(test)]
mod tests {
    use super::{Caught, catch, install_hook};

    #[test]
    fn a_panic_is_caught_with_its_place() {
        install_hook();
        let Caught { place, message } = catch(|| -> u32 { panic!("no such {}", "tenant") }).unwrap_err();
        assert_eq!(message, "no such tenant");
        assert!(place.contains("panics.rs:"), "{place}");
        assert_eq!(catch(|| 7), Ok(7));
    }

    #[test]
    fn a_payload_that_panics_is_caught_too() {
        struct Rude;
        impl Drop for Rude {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        install_hook();
        assert!(catch(|| std::panic::panic_any(Rude)).is_err());
        assert_eq!(catch(|| 7), Ok(7));
    }
}
