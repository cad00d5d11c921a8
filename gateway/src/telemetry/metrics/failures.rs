//! Counters of one place by the word for what went wrong there.

use std::sync::Arc;

use prometheus::IntCounter;

/// One counter for each word. There from the start, so that the first failure shows as an increase.
#[derive(Debug, Clone)]
pub struct Failures(Arc<[(&'static str, IntCounter)]>);

impl Failures {
    pub(super) fn new(
        words: impl IntoIterator<Item = &'static str>,
        counter: impl Fn(&'static str) -> IntCounter,
    ) -> Self {
        Self(words.into_iter().map(|word| (word, counter(word))).collect())
    }

    /// No counters, for calls that are not counted.
    pub fn none() -> Self {
        Self(Arc::from([]))
    }

    /// Counts one failure. A word that the place does not have is not counted.
    pub fn count(&self, word: &str) {
        let known = self.0.iter().find(|(known, _)| *known == word);
        debug_assert!(known.is_some(), "{word} is none of {:?}", self.0);
        if let Some((_, counter)) = known {
            counter.inc();
        }
    }
}
