//! Where native code runs: noted for each thread while it does.

use std::{cell::Cell, fmt::Write as _, marker::PhantomData};

/// An endpoint and the plugin function behind it, as one line of the supervisor's pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    line: Box<str>,
}

impl CallSite {
    /// A site from its parts; tabs and line ends in them become spaces.
    pub fn new(api_id: &str, method: &str, path: &str, plugin: &str, function: &str) -> Self {
        let mut line = String::new();
        for part in [api_id, method, path, plugin, function] {
            let part = part.replace(['\t', '\n', '\r'], " ");
            // Writing to a string does not fail.
            let _ = write!(line, "\t{part}");
        }
        Self { line: line.into() }
    }

    /// Reads what the handler wrote: the parts after the signal's number.
    pub fn parse(fields: &str) -> Option<[&str; 5]> {
        let mut parts = fields.split('\t');
        let mut next = || parts.next();
        Some([next()?, next()?, next()?, next()?, next()?])
    }
}

thread_local! {
    /// The line of the site that runs on this thread. A constant cell without a destructor: the handler may read it
    /// at any moment.
    static CURRENT: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Notes a site for as long as the guard lives; sites nest.
///
/// The site must outlive the process's use of it, which a leaked one does: sites are made once for each endpoint of a
/// loaded plugin, and plugins are never unloaded.
pub fn enter(site: &'static CallSite) -> Entered {
    Entered { before: CURRENT.replace(Some(&site.line)), on_this_thread: PhantomData }
}

/// Takes the note back when dropped.
#[derive(Debug)]
pub struct Entered {
    before: Option<&'static str>,
    /// The note is the thread's, so the guard must not leave it.
    on_this_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// The line of this thread, for the handler.
pub(super) fn current() -> &'static [u8] {
    CURRENT.get().map_or(b"", str::as_bytes)
}

#[cfg(test)]
mod tests {
    use super::{CallSite, current, enter};

    #[test]
    fn sites_nest_and_end() {
        let outer: &'static CallSite =
            Box::leak(Box::new(CallSite::new("api", "GET", "/a\tb", "p.so", "one")));
        let inner: &'static CallSite = Box::leak(Box::new(CallSite::new("api", "GET", "/c", "p.so", "two")));
        let first = enter(outer);
        assert_eq!(current(), b"\tapi\tGET\t/a b\tp.so\tone");
        let second = enter(inner);
        assert_eq!(current(), b"\tapi\tGET\t/c\tp.so\ttwo");
        drop(second);
        assert_eq!(current(), b"\tapi\tGET\t/a b\tp.so\tone");
        drop(first);
        assert_eq!(current(), b"");
    }

    #[test]
    fn a_line_is_read_back() {
        let site = CallSite::new("api", "GET", "/a", "p.so", "one");
        assert_eq!(
            CallSite::parse(site.line.trim_start_matches('\t')),
            Some(["api", "GET", "/a", "p.so", "one"])
        );
        assert_eq!(CallSite::parse("api\tGET"), None);
    }
}
