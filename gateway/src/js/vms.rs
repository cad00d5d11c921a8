//! The VMs that one thread keeps for its next calls.

use std::sync::{Arc, Weak};

use super::{
    engine::{ScriptError, Vm},
    runtime::Script,
};

/// Idle VMs, the least recently used first; none outlives its script for long.
#[derive(Default)]
pub struct VmCache {
    idle: Vec<IdleVm>,
}

struct IdleVm {
    script: Weak<Script>,
    vm: Box<dyn Vm>,
}

impl VmCache {
    /// A pristine VM of the script, kept or new; it goes back with [`VmCache::put`].
    ///
    /// # Errors
    /// When the engine cannot make one.
    pub fn take(&mut self, script: &Arc<Script>) -> Result<Box<dyn Vm>, ScriptError> {
        let kept = self.idle.iter().rposition(|idle| std::ptr::eq(idle.script.as_ptr(), Arc::as_ptr(script)));
        match kept {
            Some(place) => Ok(self.idle.remove(place).vm),
            None => script.make_vm(),
        }
    }

    /// Keeps a pristine VM.
    pub fn put(&mut self, script: &Arc<Script>, vm: Box<dyn Vm>) {
        self.drop_gone();
        self.idle.push(IdleVm { script: Arc::downgrade(script), vm });
        let over = self.idle.len().saturating_sub(script.idle_vms_per_thread());
        self.idle.drain(..over);
    }

    /// Drops the VMs of scripts that a reload replaced.
    pub fn drop_gone(&mut self) {
        self.idle.retain(|idle| idle.script.strong_count() > 0);
    }
}
