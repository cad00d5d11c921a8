//! Writes to the terminal. A reader that has gone away (`… | head`) is no error of a command.

use std::io::{self, Write as _};

use serde_json::Value;

/// Writes a text to standard output as it is.
pub(super) fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// Writes a value over several lines.
pub(super) fn print_json(value: &Value) {
    print(&format!("{value:#}\n"));
}

/// Writes an error as all commands of this binary do.
pub(super) fn complain(error: &str) {
    let _ = writeln!(io::stderr(), "gatehouse: {error}");
}
