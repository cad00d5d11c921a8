//! Compiled patterns of paths that come with sessions, kept so that not every request compiles them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{config::settings::MatchingSettings, router::pattern::Pattern};

/// Patterns that are kept; beyond, all are compiled anew.
const KEPT: usize = 10_000;

/// Patterns by their text, matched as those of endpoints are.
#[derive(Debug)]
pub struct SessionPatterns {
    matching: MatchingSettings,
    /// `None` for what is not a pattern.
    kept: RwLock<HashMap<Box<str>, Option<Arc<Pattern>>>>,
}

impl SessionPatterns {
    /// None yet.
    pub fn new(matching: MatchingSettings) -> Self {
        Self { matching, kept: RwLock::default() }
    }

    /// A pattern; `None` when the text is none.
    pub fn get(&self, text: &str) -> Option<Arc<Pattern>> {
        if let Some(known) = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return known.clone();
        }
        let pattern = Pattern::compile(text, self.matching).ok().map(Arc::new);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.into(), pattern.clone());
        pattern
    }
}
