//! The lines that a gateway writes to standard error.

use std::{
    io::{BufRead, BufReader, Read},
    sync::Arc,
    thread::{self, JoinHandle},
};

use serde_json::Value;

use crate::watched::Watched;

/// Lines that the message of a failed test shows.
const SHOWN_LINES: usize = 40;

/// What was written so far, and whether more can come.
#[derive(Debug, Default)]
struct Written {
    lines: Vec<Value>,
    ended: bool,
}

/// Reads in a thread of its own, so that the gateway never waits for the test.
#[derive(Debug)]
pub struct Log {
    written: Arc<Watched<Written>>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    pub fn read(source: impl Read + Send + 'static) -> Self {
        let written = Arc::new(Watched::<Written>::default());
        let sink = Arc::clone(&written);
        let reader = thread::spawn(move || {
            for line in BufReader::new(source).split(b'\n') {
                let Ok(line) = line else { break };
                let text = String::from_utf8_lossy(&line).into_owned();
                // A line that is not JSON (an error before logging starts) is kept as text.
                let line = serde_json::from_str(&text).unwrap_or(Value::String(text));
                sink.change(|written| written.lines.push(line));
            }
            sink.change(|written| written.ended = true);
        });
        Self { written, reader: Some(reader) }
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<Value> {
        self.written.read(|written| written.lines.clone())
    }

    /// Waits for a line, from the start of the log on; `None` when the log ended or the deadline came without it.
    pub fn wait(&self, is_it: impl Fn(&Value) -> bool) -> Option<Value> {
        let looked = self.written.wait(|written| match written.lines.iter().find(|line| is_it(line)) {
            Some(line) => Some(Some(line.clone())),
            None => written.ended.then_some(None),
        });
        looked.flatten()
    }

    /// Waits until so many lines are of this kind; `false` when the deadline came first.
    pub fn wait_for_count(&self, count: usize, is_it: impl Fn(&Value) -> bool) -> bool {
        let has = |written: &Written| written.lines.iter().filter(|line| is_it(line)).count() >= count;
        self.written.wait(|written| has(written).then_some(())).is_some()
    }

    /// All lines, once the process has closed its end.
    pub fn to_end(&mut self) -> Vec<Value> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log was read to its end");
        }
        self.lines()
    }

    /// The text as it was written, as far as a person may want to read it.
    pub fn text(&self) -> String {
        let lines = self.lines();
        // What went wrong stands at the end.
        let left_out = lines.len().saturating_sub(SHOWN_LINES);
        let shown = lines[left_out..].iter().map(|line| match line {
            Value::String(text) => text.clone(),
            line => line.to_string(),
        });
        let before = (left_out > 0).then(|| format!("{left_out} lines before these"));
        before.into_iter().chain(shown).collect::<Vec<_>>().join("\n")
    }
}

/// The message of a line; empty when it has none.
pub fn message(line: &Value) -> &str {
    line["message"].as_str().unwrap_or("")
}
