//! What crashed when, which endpoints are closed for it, and how long to wait before the next start.

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use super::PAUSES;
use crate::crash::CallSite;

/// A crash as the worker's handler reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crash {
    /// Where it was, when a plugin ran.
    pub(super) site: Option<Site>,
}

/// The endpoint and the plugin function that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) api_id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) plugin: String,
    pub(super) function: String,
}

impl Crash {
    /// Reads the handler's line after its first word: the signal's number, then the site.
    pub(super) fn parse(rest: &str) -> Self {
        let site = rest.split_once('\t').and_then(|(_signal, site)| CallSite::parse(site));
        let site = site.map(|parts| {
            let [api_id, method, path, plugin, function] = parts.map(str::to_owned);
            Site { api_id, method, path, plugin, function }
        });
        Self { site }
    }
}

/// Crashes of the last minute.
#[derive(Debug, Default)]
pub(super) struct History {
    crashes: VecDeque<(Instant, Crash)>,
    closed: BTreeSet<String>,
}

/// How long a crash counts.
const WINDOW: Duration = Duration::from_secs(60);

/// Crashes at one endpoint within the window that close it.
const CLOSES_AFTER: usize = 3;

impl History {
    /// Notes a crash and gives the time to wait before the next start.
    pub(super) fn note(&mut self, crash: Option<Crash>, now: Instant) -> Duration {
        let crash = crash.unwrap_or(Crash { site: None });
        self.crashes.retain(|(when, _)| now.saturating_duration_since(*when) < WINDOW);
        self.crashes.push_back((now, crash.clone()));
        if let Some(site) = &crash.site {
            let same = self.crashes.iter().filter(|(_, other)| {
                other.site.as_ref().is_some_and(|other| {
                    other.api_id == site.api_id && other.method == site.method && other.path == site.path
                })
            });
            if same.count() >= CLOSES_AFTER {
                tracing::error!(
                    api_id = site.api_id,
                    method = site.method,
                    endpoint = site.path,
                    "three crashes in a minute: this endpoint answers 503 until a reload"
                );
                self.closed.insert(closed_name(&site.api_id, &site.method, &site.path));
                // What is closed cannot crash again, so it must not slow down the next start either.
                self.crashes.retain(|(_, other)| other.site.as_ref() != Some(site));
            }
        }
        let in_a_row = self.crashes.len();
        PAUSES[in_a_row.min(PAUSES.len() - 1)]
    }

    /// Crashes that count at the moment.
    pub(super) fn crashes(&self) -> usize {
        self.crashes.len() + self.closed.len()
    }

    /// A reload starts with a clean record.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The closed endpoints, one on each line, for the worker's environment.
    pub(super) fn closed_endpoints(&self) -> String {
        self.closed.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}

/// An endpoint's name in the list of closed ones.
pub(crate) fn closed_name(api_id: &str, method: &str, path: &str) -> String {
    format!("{api_id}\t{method}\t{path}")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Crash, History};

    fn crash(path: &str) -> Option<Crash> {
        Some(Crash::parse(&format!("11\tapi\tGET\t{path}\tp.so\tboom")))
    }

    #[test]
    fn three_crashes_in_a_minute_close_that_endpoint_alone() {
        let mut history = History::default();
        let start = Instant::now();
        for second in [0, 20] {
            history.note(crash("/a"), start + Duration::from_secs(second));
        }
        history.note(crash("/b"), start + Duration::from_secs(30));
        assert_eq!(history.closed_endpoints(), "");
        history.note(crash("/a"), start + Duration::from_secs(40));
        assert_eq!(history.closed_endpoints(), "api\tGET\t/a");
        history.forget();
        assert_eq!(history.closed_endpoints(), "");
    }

    #[test]
    fn old_crashes_do_not_count() {
        let mut history = History::default();
        let start = Instant::now();
        for second in [0, 40, 70, 120] {
            history.note(crash("/a"), start + Duration::from_secs(second));
        }
        assert_eq!(history.closed_endpoints(), "");
    }

    #[test]
    fn the_wait_grows_with_crashes_in_a_row() {
        let mut history = History::default();
        let now = Instant::now();
        let pauses: Vec<u64> = (0..7).map(|_| history.note(None, now).as_millis() as u64).collect();
        assert_eq!(pauses, [0, 0, 250, 1_000, 5_000, 5_000, 5_000]);
    }

    #[test]
    fn a_crash_outside_of_plugins_has_no_site() {
        assert_eq!(Crash::parse("11"), Crash { site: None });
        assert!(crash("/a").is_some_and(|crash| crash.site.is_some_and(|site| site.function == "boom")));
    }
}
