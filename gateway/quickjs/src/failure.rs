//! Failures as the author of a script needs them.

use std::fmt;

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// A source does not parse.
    Syntax,
    /// The script threw.
    Exception,
    /// The arena was full.
    Memory,
    /// The function is not there.
    MissingFunction,
    /// The function returned something that is not text.
    NotText,
    /// The function returned more text than it may.
    TooLong,
    /// It did not end in time.
    Timeout,
    /// The host ended it.
    Ended,
    /// The engine failed.
    Engine,
}

/// One call on the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Name of the function; empty when it has none.
    pub function: String,
    /// Name of the source, line and column, counted from 1; not for native functions.
    pub place: Option<(String, u32, u32)>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.function.is_empty() { "<anonymous>" } else { &self.function };
        match &self.place {
            Some((source, line, column)) => write!(f, "at {name} ({source}:{line}:{column})"),
            None => write!(f, "at {name} (native)"),
        }
    }
}

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What is wrong, with the error's name (`TypeError: x is not a function`).
    pub message: String,
    /// The calls that led there, innermost first.
    pub frames: Vec<Frame>,
}

impl Failure {
    /// A failure without frames.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), frames: Vec::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The frames of a stack as the engine writes it, those of hidden sources left out.
pub(crate) fn frames(stack: &str, is_hidden: impl Fn(&str) -> bool) -> impl Iterator<Item = Frame> {
    let frames = stack.lines().filter_map(|line| frame(line.trim_start().strip_prefix("at ")?));
    frames.filter(move |frame| frame.place.as_ref().is_none_or(|(source, ..)| !is_hidden(source)))
}

/// `NAME (SOURCE:LINE:COLUMN)`, `NAME (native)`, or `SOURCE:LINE:COLUMN` where a source does not parse.
fn frame(text: &str) -> Option<Frame> {
    // A source's name may hold parentheses; a function's hardly does.
    let (function, place) = match text.strip_suffix(')').and_then(|text| text.split_once(" (")) {
        Some((function, place)) => (function, place),
        None => ("", text),
    };
    let function = if function == "<anonymous>" { "" } else { function };
    let mut parts = place.rsplitn(3, ':');
    let (column, line, source) = (parts.next(), parts.next(), parts.next());
    let place = match (column.map(str::parse), line.map(str::parse), source) {
        (Some(Ok(column)), Some(Ok(line)), Some(source)) => Some((source.to_owned(), line, column)),
        _ if function.is_empty() && place != "native" => return None,
        _ => None,
    };
    Some(Frame { function: function.to_owned(), place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_read() {
        let stack = "    at g (mw/a (1).js:2:9)\n    at map (native)\n    at <anonymous> (call:1:2)\n    at b.js:3:4\n";
        let shown: Vec<String> =
            frames(stack, |source| source == "call").map(|frame| frame.to_string()).collect();
        assert_eq!(shown, ["at g (mw/a (1).js:2:9)", "at map (native)", "at <anonymous> (b.js:3:4)"]);
        assert!(frames("nonsense\n    at \n", |_| false).next().is_none());
    }
}
