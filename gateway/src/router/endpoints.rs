//! Ordered lists of endpoint rules: the first entry whose method and pattern match wins.

use http::Method;

use super::{
    grams::Grams,
    pattern::{Pattern, PatternError},
};
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
    /// Of all forms.
    grams: Grams,
}

impl<'a> PathForms<'a> {
    /// The forms of a path: without listen path and version segment but with a leading slash; with the version segment,
    /// when it has one; and whole, with the bytes of it that are listen path.
    pub fn new(stripped: &'a str, versioned: Option<&'a str>, full: &'a str, listen_length: usize) -> Self {
        let stripped_at = full.ends_with(stripped).then(|| full.len() - stripped.len());
        let mut grams = Grams::of_path(full.as_bytes());
        if stripped_at.is_none() || versioned.is_some() {
            let forms = [stripped, versioned.unwrap_or_default()].map(|form| Grams::of_path(form.as_bytes()));
            grams = forms.into_iter().fold(grams, Grams::and);
        }
        Self { stripped, versioned, full, listen_length, stripped_at, grams }
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

/// A compiled list; a pointer, because an API has a dozen lists and most of them are empty.
#[derive(Debug)]
pub struct EndpointList<T>(Option<Box<Entries<T>>>);

/// The entries of a list that has some. What is looked through lies apart from the rest, so that a look-up among thousands of lists
/// touches little memory.
#[derive(Debug)]
struct Entries<T> {
    /// What a path has to have for each key.
    grams: Box<[Grams]>,
    keys: Box<[Key]>,
    /// One for each key.
    rules: Box<[T]>,
}

impl<T> Default for EndpointList<T> {
    fn default() -> Self {
        Self(None)
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
        if endpoints.is_empty() {
            return Ok(Self::default());
        }
        let mut grams = Vec::with_capacity(endpoints.len());
        let mut keys = Vec::with_capacity(endpoints.len());
        let mut rules = Vec::with_capacity(endpoints.len());
        for endpoint in endpoints {
            let pattern = Pattern::compile(&endpoint.path, matching)?;
            grams.push(pattern.grams());
            keys.push(Key { method: endpoint.method.clone(), pattern });
            rules.push(rule(endpoint)?);
        }
        Ok(Self(Some(Box::new(Entries { grams: grams.into(), keys: keys.into(), rules: rules.into() }))))
    }

    /// Whether there are no entries, so that a step can be left out.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The first entry for this method and path.
    #[inline]
    pub fn find(&self, method: &Method, path: PathForms<'_>) -> Option<&T> {
        self.0.as_ref()?.find(method, path)
    }

    /// Every entry for this path with the method it names, in order.
    pub fn entries_for<'a, 'p>(
        &'a self,
        path: PathForms<'p>,
    ) -> impl Iterator<Item = (Option<&'a Method>, &'a T)> + use<'a, 'p, T> {
        let entries = self.0.iter();
        entries.flat_map(move |entries| {
            let named =
                move |at: usize| Some((entries.keys.get(at)?.method.as_ref(), entries.rules.get(at)?));
            entries.for_path(path).filter_map(named)
        })
    }

    /// Whether an entry has this path, for whatever method.
    pub fn names_path(&self, path: PathForms<'_>) -> bool {
        self.0.as_ref().is_some_and(|entries| entries.for_path(path).next().is_some())
    }
}

impl<T> Entries<T> {
    fn find(&self, method: &Method, path: PathForms<'_>) -> Option<&T> {
        let is_for = |key: &Key| key.method.as_ref().is_none_or(|own| own == method);
        let mut keys = self.grams.iter().zip(&self.keys);
        let at = keys.position(|(grams, key)| {
            path.grams.may_have(*grams) && is_for(key) && path.matches(&key.pattern)
        })?;
        self.rules.get(at)
    }

    /// The places of the entries for this path.
    fn for_path<'a, 'p>(&'a self, path: PathForms<'p>) -> impl Iterator<Item = usize> + use<'a, 'p, T> {
        let keys = self.grams.iter().zip(&self.keys).enumerate();
        let matching =
            keys.filter(move |(_, (grams, key))| path.grams.may_have(**grams) && path.matches(&key.pattern));
        matching.map(|(at, _)| at)
    }
}
