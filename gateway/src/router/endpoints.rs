//! Ordered lists of endpoint rules: the first entry whose method and pattern match wins.

use http::Method;

use super::pattern::{Pattern, PatternError};
use crate::{apidef::model::Endpoint, config::settings::MatchingSettings};

/// The forms of a request's path that a pattern is tried on, decoded.
#[derive(Debug, Clone, Copy)]
pub struct PathForms<'a> {
    /// Without the listen path and the version segment, with a leading slash.
    stripped: &'a str,
    /// Without the listen path but with the version segment, when a version is named in the path.
    versioned: Option<&'a str>,
    /// With the listen path. A pattern that matches inside the listen path says nothing about the endpoint, so a
    /// match counts only when it ends beyond it.
    full: &'a str,
    /// Length of the listen path in `full`, in bytes.
    listen_length: usize,
    /// Where `stripped` begins in `full`, when it is the end of it, as nearly always.
    stripped_at: Option<usize>,
}

impl<'a> PathForms<'a> {
    /// The forms of a path: without listen path and version segment but with a leading slash; with the version segment,
    /// when it has one; and whole, with the bytes of it that are listen path.
    pub fn new(stripped: &'a str, versioned: Option<&'a str>, full: &'a str, listen_length: usize) -> Self {
        let stripped_at = full.ends_with(stripped).then(|| full.len() - stripped.len());
        Self { stripped, versioned, full, listen_length, stripped_at }
    }

    /// Without listen path and version segment.
    pub fn stripped(&self) -> &'a str {
        self.stripped
    }

    /// Whether a pattern matches one of them.
    pub fn matches(&self, pattern: &Pattern) -> bool {
        // One search finds a text in both: inside `stripped`, and across the end of the listen path.
        if let (Pattern::Contains(text), Some(stripped_at), None) =
            (pattern, self.stripped_at, self.versioned)
        {
            let across = (self.listen_length + 1).saturating_sub(text.len());
            return text.is_in(&self.full.as_bytes()[across.min(stripped_at)..]);
        }
        pattern.is_match(self.stripped)
            || self.versioned.is_some_and(|path| pattern.is_match(path))
            || pattern.reaches_beyond(self.full, self.listen_length)
    }
}

/// A compiled list.
#[derive(Debug)]
pub struct EndpointList<T> {
    /// What is looked through; apart from the rules, so that a look-up among thousands of lists touches little memory.
    keys: Box<[Key]>,
    /// One for each key.
    rules: Box<[T]>,
}

impl<T> Default for EndpointList<T> {
    fn default() -> Self {
        Self { keys: Box::default(), rules: Box::default() }
    }
}

#[derive(Debug)]
struct Key {
    method: Option<Method>,
    pattern: Pattern,
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
        let mut keys = Vec::with_capacity(endpoints.len());
        let mut rules = Vec::with_capacity(endpoints.len());
        for endpoint in endpoints {
            let pattern = Pattern::compile(&endpoint.path, matching)?;
            keys.push(Key { method: endpoint.method.clone(), pattern });
            rules.push(rule(endpoint)?);
        }
        Ok(Self { keys: keys.into(), rules: rules.into() })
    }

    /// Whether there are no entries, so that a step can be left out.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The first entry for this method and path.
    #[inline]
    pub fn find(&self, method: &Method, path: PathForms<'_>) -> Option<&T> {
        if self.is_empty() {
            return None;
        }
        self.find_among(method, path)
    }

    fn find_among(&self, method: &Method, path: PathForms<'_>) -> Option<&T> {
        let is_for =
            |key: &Key| key.method.as_ref().is_none_or(|own| own == method) && path.matches(&key.pattern);
        self.rules.get(self.keys.iter().position(is_for)?)
    }

    /// Every entry for this path with the method it names, in order.
    pub fn entries_for<'a, 'p>(
        &'a self,
        path: PathForms<'p>,
    ) -> impl Iterator<Item = (Option<&'a Method>, &'a T)> + use<'a, 'p, T> {
        let entries = self.keys.iter().zip(&self.rules);
        let matching = entries.filter(move |(key, _)| path.matches(&key.pattern));
        matching.map(|(key, rule)| (key.method.as_ref(), rule))
    }

    /// Whether an entry has this path, for whatever method.
    pub fn names_path(&self, path: PathForms<'_>) -> bool {
        self.keys.iter().any(|key| path.matches(&key.pattern))
    }
}
