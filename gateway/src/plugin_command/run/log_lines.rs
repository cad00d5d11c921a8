//! Takes the lines that a plugin logs, and shows them as they come: a plugin that hangs or crashes has still said them.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{Event, Level, Subscriber, field::Field, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, filter::Targets, layer::Context, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::super::output;
use crate::plugins::LOG_TARGET;

/// A line that a plugin logged.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) message: String,
}

/// The lines of this process.
#[derive(Debug, Clone, Default)]
pub(super) struct LogLines(Arc<Mutex<Vec<Line>>>);

impl LogLines {
    /// The lines so far.
    pub(super) fn taken(&self) -> Vec<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes lines of all levels from now on, on all threads.
pub(super) fn start(show: bool) -> LogLines {
    let lines = LogLines::default();
    let layer = Capture { lines: lines.clone(), show };
    let targets = Targets::new().with_target(LOG_TARGET, LevelFilter::TRACE);
    // The process has no other subscriber: this command starts none.
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
    lines
}

struct Capture {
    lines: LogLines,
    show: bool,
}

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let line = Line { level: *event.metadata().level(), message: message.0 };
        if self.show {
            output::print(&format!("log {:5}   {}\n", line.level, line.message));
        }
        self.lines.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// The text of an event; the other fields say what is known here.
struct Message(String);

impl tracing::field::Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
