//! A call without a client: what it gets in place of the world outside, and what is noted of it.
//!
//! Scripts and plugins run for a rehearsal exactly as for a request; only what they reach is another one. Outbound calls get
//! [`RecordedAnswer`]s, log lines and failures come here instead of into log and metrics, and the store is one of its own
//! in memory. `admin/plugin_test/` makes rehearsals and tells what came of them.

mod recorded;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use self::recorded::{RecordedAnswer, Recording};
use crate::{
    js::engine::{Position, ScriptError},
    plugins::{PluginStorage, storage::plugin_storage},
    session::{Store, StoreError, embedded::EmbeddedStore},
};

/// Log lines, outbound calls and uses of the store that are noted, each.
const MOST_NOTES: usize = 1_000;
/// Bytes of each text of a note.
const LONGEST_NOTE: usize = 4_096;
/// Time for one operation of its store, which is in memory.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// One call that is rehearsed.
#[derive(Debug)]
pub struct Rehearsal {
    recording: Recording,
    store: Store,
    notes: Mutex<Notes>,
}

/// What is noted of a call.
#[derive(Debug, Default)]
pub struct Notes {
    /// What the code wrote to the log.
    pub logs: Vec<LogLine>,
    /// The outbound calls it made.
    pub calls: Vec<OutboundCall>,
    /// How it used the store.
    pub storage: Vec<StorageUse>,
    /// Why it came to nothing.
    pub failure: Option<Failure>,
    /// The text that a script returned.
    pub returned: Option<String>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// The text.
    pub message: String,
    /// When it was written, by RFC 3339.
    pub time: String,
}

/// An outbound call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutboundCall {
    /// Method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Its answer is a recorded one, not the server's.
    pub recorded: bool,
    /// Status of the answer; 0 without one.
    pub code: u16,
    /// Bytes of the answer's body.
    pub bytes: usize,
    /// How long it took, in milliseconds.
    pub milliseconds: f64,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One use of keys or storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StorageUse {
    /// The function, such as `TykStorageSet`; for plugins the operation.
    pub function: String,
    /// What it was given.
    pub arguments: Vec<String>,
    /// What it gave, as text.
    pub gave: String,
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The reason.
    pub message: String,
    /// The word that logs and metrics have for it.
    pub class: &'static str,
    /// Where it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Place>,
    /// Frames of the script, innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
}

/// A place in a source, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The source.
    pub source: String,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl From<&ScriptError> for Failure {
    fn from(error: &ScriptError) -> Self {
        Self {
            message: error.message.clone(),
            class: error.class.as_str(),
            position: error.position.as_ref().map(Place::from),
            stack: error.stack.clone(),
        }
    }
}

impl From<&Position> for Place {
    fn from(position: &Position) -> Self {
        let Position { source, line, column } = position;
        Self { source: source.to_string(), line: *line, column: *column }
    }
}

impl Place {
    /// Reads `SOURCE:LINE:COLUMN`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, ':');
        let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { source: parts.next()?.to_owned(), line, column })
    }
}

impl Rehearsal {
    /// A rehearsal whose outbound calls get these answers, with an empty store.
    ///
    /// # Errors
    /// When the store in memory cannot be made.
    pub fn new(recording: Recording) -> Result<Arc<Self>, StoreError> {
        let store = Store::Embedded(Arc::new(EmbeddedStore::in_memory(STORE_TIMEOUT)?));
        Ok(Arc::new(Self { recording, store, notes: Mutex::default() }))
    }

    /// The store that the call has in place of the gateway's.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The same for plugins; its operations run on `runtime` and are noted.
    pub fn plugin_storage(self: &Arc<Self>, runtime: tokio::runtime::Handle) -> Arc<dyn PluginStorage> {
        let storage = plugin_storage(self.store.clone(), runtime);
        Arc::new(recorded::NotedStorage { storage, rehearsal: Arc::clone(self) })
    }

    /// What outbound calls get.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was noted; what a function that runs on notes later is nobody's.
    pub fn take_notes(&self) -> Notes {
        std::mem::take(&mut self.notes())
    }

    /// Notes a line of the log.
    pub fn log(&self, level: &'static str, message: &str) {
        let mut notes = self.notes();
        if notes.logs.len() < MOST_NOTES {
            let message = if notes.logs.len() + 1 == MOST_NOTES {
                format!("the code wrote {MOST_NOTES} lines or more; the rest is left out")
            } else {
                shortened(message)
            };
            let time = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
            notes.logs.push(LogLine { level, message, time });
        }
    }

    /// Notes an outbound call that is over.
    pub fn called(&self, call: OutboundCall) {
        let mut notes = self.notes();
        if notes.calls.len() < MOST_NOTES {
            notes.calls.push(call);
        }
    }

    /// Notes a use of the store.
    pub fn used_store(&self, function: &str, arguments: &[String], gave: &str) {
        let mut notes = self.notes();
        if notes.storage.len() < MOST_NOTES {
            let arguments = arguments.iter().map(|argument| shortened(argument)).collect();
            notes.storage.push(StorageUse {
                function: function.to_owned(),
                arguments,
                gave: shortened(gave),
            });
        }
    }

    /// Notes why the call came to nothing.
    pub fn failed(&self, failure: Failure) {
        self.notes().failure = Some(failure);
    }

    /// Notes what a script returned.
    pub fn returned(&self, text: &str) {
        self.notes().returned = Some(text.to_owned());
    }
}

/// Milliseconds since then.
pub fn milliseconds_since(start: Instant) -> f64 {
    // To the microsecond: more digits would be noise.
    (start.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_NOTE {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(LONGEST_NOTE)];
    format!("{kept}… ({} bytes)", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_from_their_end() {
        let place = |source: &str| Some(Place { source: source.to_owned(), line: 3, column: 9 });
        assert_eq!(Place::parse("src/lib.rs:3:9"), place("src/lib.rs"));
        assert_eq!(Place::parse("c:/lib.rs:3:9"), place("c:/lib.rs"));
        assert_eq!(Place::parse("lib.rs:3"), None);
        assert_eq!(Place::parse("lib.rs:x:3"), None);
    }

    #[test]
    fn notes_are_bounded_and_say_so() {
        let rehearsal = Rehearsal::new(Recording::default()).unwrap();
        for _ in 0..2 * MOST_NOTES {
            rehearsal.log("info", &"é".repeat(LONGEST_NOTE));
            rehearsal.used_store("TykStorageGet", &["a".to_owned()], "null");
        }
        let notes = rehearsal.take_notes();
        assert_eq!((notes.logs.len(), notes.storage.len()), (MOST_NOTES, MOST_NOTES));
        assert!(notes.logs[0].message.ends_with("… (8192 bytes)"), "{:?}", notes.logs[0]);
        assert!(notes.logs[MOST_NOTES - 1].message.contains("the rest is left out"));
    }
}
