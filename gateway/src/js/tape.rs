//! The host calls that sources make while they load, so that they happen once.
//!
//! The first load runs with a [`Recorder`] around the real host; every later load of the same program, which a
//! pristine state needs, runs with a [`Replay`] of its [`Tape`].

use std::sync::{Arc, Mutex, PoisonError};

use super::{
    engine::{Host, HostReturn},
    host::{self, HostFunction},
};

/// The answers of outward host calls in the order in which they were made.
#[derive(Debug, Default)]
pub struct Tape {
    entries: Vec<Entry>,
}

impl Tape {
    /// Whether no source asked for anything while it was loaded.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[derive(Debug, Clone)]
struct Entry {
    function: HostFunction,
    arguments: Vec<String>,
    answer: HostReturn,
}

/// Where a [`Recorder`] writes; kept by whoever wants the tape after the load.
#[derive(Debug, Clone, Default)]
pub struct TapeWriter {
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl TapeWriter {
    /// What was recorded.
    pub fn into_tape(self) -> Tape {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Tape { entries: std::mem::take(&mut *entries) }
    }
}

/// A host that writes down the answers of another.
pub struct Recorder {
    inner: Box<dyn Host>,
    writer: TapeWriter,
}

impl Recorder {
    /// Records what `inner` answers.
    pub fn new(inner: Box<dyn Host>, writer: TapeWriter) -> Self {
        Self { inner, writer }
    }
}

impl Host for Recorder {
    fn call(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        let answer = self.inner.call(function, arguments);
        // Log lines need no answer, and text functions are cheaper to compute than to look up.
        if function.reaches_out() && !matches!(answer, HostReturn::Abort(_)) {
            let entry = Entry { function, arguments: arguments.to_vec(), answer: answer.clone() };
            self.writer.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        }
        answer
    }
}

/// A host without effects: log lines vanish and outward calls get their recorded answers.
pub struct Replay {
    tape: Arc<Tape>,
    next: usize,
}

impl Replay {
    /// Plays the tape from its start.
    pub fn new(tape: Arc<Tape>) -> Self {
        Self { tape, next: 0 }
    }
}

impl Host for Replay {
    fn call(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn {
        if let Some(text) = host::text_function(function, arguments) {
            return text;
        }
        // A source may ask otherwise than the first time (a random id in a URL): it then gets undefined, as for
        // a call that failed, and the tape stays where it is.
        let rest = self.tape.entries.get(self.next..).unwrap_or_default();
        let found = rest.iter().position(|entry| entry.function == function && entry.arguments == arguments);
        found.map_or(HostReturn::Undefined, |offset| {
            self.next += offset + 1;
            rest[offset].answer.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u32);

    impl Host for Counting {
        fn call(&mut self, _: HostFunction, _: &[String]) -> HostReturn {
            self.0 += 1;
            HostReturn::Text(self.0.to_string())
        }
    }

    fn text(answer: &HostReturn) -> Option<&str> {
        match answer {
            HostReturn::Text(text) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn outward_calls_get_their_answers_again() {
        let writer = TapeWriter::default();
        let mut recorder = Recorder::new(Box::new(Counting(0)), writer.clone());
        let (a, b) = (["a".to_owned()], ["b".to_owned()]);
        for arguments in [&a, &b, &a] {
            recorder.call(HostFunction::HttpRequest, arguments);
        }
        let tape = Arc::new(writer.into_tape());
        let mut replay = Replay::new(Arc::clone(&tape));
        assert_eq!(text(&replay.call(HostFunction::HttpRequest, &a)), Some("1"));
        assert_eq!(text(&replay.call(HostFunction::HttpRequest, &a)), Some("3"));
        assert_eq!(text(&replay.call(HostFunction::HttpRequest, &a)), None);
        assert_eq!(text(&Replay::new(tape).call(HostFunction::HttpRequest, &b)), Some("2"));
    }

    #[test]
    fn logs_vanish_and_text_functions_work_on_replay() {
        let mut replay = Replay::new(Arc::default());
        assert_eq!(text(&replay.call(HostFunction::Log, &["x".to_owned()])), None);
        assert_eq!(text(&replay.call(HostFunction::Base64Encode, &["abc".to_owned()])), Some("YWJj"));
    }
}
