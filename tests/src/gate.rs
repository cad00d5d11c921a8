//! A gate that holds threads until the test opens it: how a test makes an upstream slow without a clock.

use std::sync::Arc;

use crate::watched::Watched;

/// Shared by the test and those who wait; closed at first.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    open: Arc<Watched<bool>>,
}

impl Gate {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn open(&self) {
        self.open.change(|open| *open = true);
    }

    /// Waits for the gate to open; `false` when it never did.
    pub fn pass(&self) -> bool {
        self.open.wait(|open| open.then_some(())).is_some()
    }
}
