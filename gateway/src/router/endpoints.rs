//! Ordered lists of endpoint rules: the first entry whose method and pattern match wins.

use http::Method;

use super::pattern::{Pattern, PatternError};
use crate::{apidef::model::Endpoint, config::settings::MatchingSettings};

/// The forms of a request's path that a pattern is tried on, decoded.
#[derive(Debug, Clone, Copy)]
pub struct PathForms<'a> {
    /// Without the listen path and the version segment, with a leading slash.
    pub stripped: &'a str,
    /// Without the listen path but with the version segment, when a version is named in the path.
    pub versioned: Option<&'a str>,
    /// With the listen path. A pattern that matches inside the listen path says nothing about the endpoint, so a
    /// match counts only when it ends beyond it.
    pub full: &'a str,
    /// Length of the listen path in `full`, in bytes.
    pub listen_length: usize,
}

impl PathForms<'_> {
    /// Whether a pattern matches one of them.
    pub fn matches(&self, pattern: &Pattern) -> bool {
        pattern.is_match(self.stripped)
            || self.versioned.is_some_and(|path| pattern.is_match(path))
            || pattern.reaches_beyond(self.full, self.listen_length)
    }
}

/// A compiled list.
#[derive(Debug)]
pub struct EndpointList<T> {
    entries: Vec<Entry<T>>,
}

impl<T> Default for EndpointList<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

#[derive(Debug)]
struct Entry<T> {
    method: Option<Method>,
    pattern: Pattern,
    rule: T,
}

impl<T> EndpointList<T> {
    /// Compiles the patterns of a list, and each entry's rule with `rule`.
    ///
    /// # Errors
    /// The first pattern or rule that does not compile.
    pub fn compile<S, E: From<PatternError>>(
        endpoints: &[Endpoint<S>],
        matching: MatchingSettings,
        mut rule: impl FnMut(&Endpoint<S>) -> Result<T, E>,
    ) -> Result<Self, E> {
        let compile = |endpoint: &Endpoint<S>| {
            let pattern = Pattern::compile(&endpoint.path, matching)?;
            Ok(Entry { method: endpoint.method.clone(), pattern, rule: rule(endpoint)? })
        };
        let entries = endpoints.iter().map(compile).collect::<Result<_, E>>()?;
        Ok(Self { entries })
    }

    /// Whether there are no entries, so that a step can be left out.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first entry for this method and path.
    pub fn find(&self, method: &Method, path: PathForms<'_>) -> Option<&T> {
        let is_for = |entry: &&Entry<T>| {
            entry.method.as_ref().is_none_or(|entry| entry == method) && path.matches(&entry.pattern)
        };
        self.entries.iter().find(is_for).map(|entry| &entry.rule)
    }

    /// Every entry for this path with the method it names, in order.
    pub fn entries_for<'a, 'p>(
        &'a self,
        path: PathForms<'p>,
    ) -> impl Iterator<Item = (Option<&'a Method>, &'a T)> + use<'a, 'p, T> {
        let matching = self.entries.iter().filter(move |entry| path.matches(&entry.pattern));
        matching.map(|entry| (entry.method.as_ref(), &entry.rule))
    }

    /// Whether an entry has this path, for whatever method.
    pub fn names_path(&self, path: PathForms<'_>) -> bool {
        self.entries.iter().any(|entry| path.matches(&entry.pattern))
    }
}
