//! Programs that are in use, so that a reload loads only what changed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::{engine::Program, runtime::Script};

/// Loaded programs by API; they are kept by those who use them.
#[derive(Debug, Default)]
pub(super) struct KnownScripts {
    by_api: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    scripts: HashMap<Arc<str>, Vec<Weak<Script>>>,
    /// How many there may be before those are looked for that nobody uses any more.
    sweep_at: usize,
}

impl KnownScripts {
    /// The script of exactly this program under this driver.
    pub(super) fn find(&self, driver: &str, program: &Program) -> Option<Arc<Script>> {
        let known = self.by_api.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scripts = known.scripts.get(&program.api_id)?.iter().filter_map(Weak::upgrade);
        scripts.find(|script| script.driver_name() == driver && *script.loaded.program == *program)
    }

    /// Remembers a script for as long as somebody uses it.
    pub(super) fn add(&self, script: &Arc<Script>) {
        let mut known = self.by_api.lock().unwrap_or_else(PoisonError::into_inner);
        if known.scripts.len() >= known.sweep_at {
            known.scripts.retain(|_, scripts| scripts.iter().any(|script| script.strong_count() > 0));
            known.sweep_at = (2 * known.scripts.len()).max(64);
        }
        let scripts = known.scripts.entry(Arc::clone(script.api_id())).or_default();
        scripts.retain(|script| script.strong_count() > 0);
        scripts.push(Arc::downgrade(script));
    }
}
