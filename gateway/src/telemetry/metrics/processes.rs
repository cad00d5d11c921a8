//! Processes of scripts: those who start them keep the counts, which are taken over when somebody asks.

use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::registered;

/// The counters.
#[derive(Debug)]
pub(super) struct ScriptProcesses {
    started: IntCounter,
    ended: IntCounterVec,
    /// One at a time: a counter is looked at, then raised by the difference.
    noting: Mutex<()>,
}

impl ScriptProcesses {
    pub(super) fn new(registry: &Registry) -> Self {
        let started = IntCounter::new(
            "gatehouse_script_processes_started_total",
            "Processes of scripts that were started.",
        );
        let ended = Opts::new(
            "gatehouse_script_processes_ended_total",
            "Processes of scripts that ended, by `reason`: `timeout`, `memory`, `signal`, `exit`, `protocol`, `size`, `idle`.",
        );
        Self {
            started: registered(registry, started),
            ended: registered(registry, IntCounterVec::new(ended, &["reason"])),
            noting: Mutex::new(()),
        }
    }

    pub(super) fn note(&self, started: u64, ended: impl IntoIterator<Item = (&'static str, u64)>) {
        let _noting = self.noting.lock().unwrap_or_else(PoisonError::into_inner);
        let raise = |counter: &IntCounter, to: u64| counter.inc_by(to.saturating_sub(counter.get()));
        raise(&self.started, started);
        for (reason, count) in ended {
            raise(&self.ended.with_label_values(&[reason]), count);
        }
    }
}
