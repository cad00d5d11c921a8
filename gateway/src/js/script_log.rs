//! What scripts write to the log, bounded for each call.

use std::sync::Arc;

use crate::rehearsal::Rehearsal;

/// Lines of one call.
pub const MAX_LINES: usize = 200;
/// Bytes of all the lines of one call.
pub const MAX_BYTES: usize = 64 * 1024;

/// The log of one call.
#[derive(Debug)]
pub struct ScriptLog {
    api_id: Arc<str>,
    request_id: String,
    lines_left: usize,
    bytes_left: usize,
    /// Gets the lines instead.
    rehearsal: Option<Arc<Rehearsal>>,
}

impl ScriptLog {
    /// A log for one call.
    pub fn new(api_id: Arc<str>, request_id: String) -> Self {
        Self { api_id, request_id, lines_left: MAX_LINES, bytes_left: MAX_BYTES, rehearsal: None }
    }

    /// The same for a rehearsal.
    pub fn rehearsed(mut self, rehearsal: Option<Arc<Rehearsal>>) -> Self {
        self.rehearsal = rehearsal;
        self
    }

    /// A line of `log()`.
    pub fn line(&mut self, text: &str) {
        if let Some(text) = self.admit(text) {
            if let Some(rehearsal) = &self.rehearsal {
                return rehearsal.log("info", text);
            }
            tracing::info!(target: "gatehouse::script", api_id = %self.api_id, request_id = %self.request_id, "{text}");
        }
    }

    /// A line of `rawlog()`: the text alone.
    pub fn raw(&mut self, text: &str) {
        if let Some(text) = self.admit(text) {
            if let Some(rehearsal) = &self.rehearsal {
                return rehearsal.log("info", text);
            }
            tracing::info!(target: "gatehouse::script::raw", "{text}");
        }
    }

    /// Why a host function gave `undefined`, for whoever looks for it.
    pub fn note(&self, function: &str, reason: &str) {
        if let Some(rehearsal) = &self.rehearsal {
            return rehearsal.log("debug", &format!("{function} gave undefined: {reason}"));
        }
        tracing::debug!(
            target: "gatehouse::script", api_id = %self.api_id, request_id = %self.request_id, function, reason,
            "host function gave undefined"
        );
    }

    /// What of the text may still be written.
    fn admit<'text>(&mut self, text: &'text str) -> Option<&'text str> {
        if self.lines_left == 0 {
            return None;
        }
        self.lines_left -= 1;
        if self.lines_left == 0 || self.bytes_left < text.len() {
            let kept = &text[..text.floor_char_boundary(self.bytes_left)];
            self.lines_left = 0;
            let dropped = format!(
                "the script wrote more than {MAX_LINES} lines or {MAX_BYTES} bytes; the rest of this call is dropped"
            );
            match &self.rehearsal {
                Some(rehearsal) => rehearsal.log("info", &dropped),
                None => tracing::info!(
                    target: "gatehouse::script", api_id = %self.api_id, request_id = %self.request_id,
                    "{dropped}"
                ),
            }
            return (!kept.is_empty()).then_some(kept);
        }
        self.bytes_left -= text.len();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_bytes_are_bounded() {
        let mut log = ScriptLog::new(Arc::from("a"), String::new());
        let admitted = (0..MAX_LINES * 2).filter(|_| log.admit("x").is_some()).count();
        assert_eq!(admitted, MAX_LINES);

        let mut log = ScriptLog::new(Arc::from("a"), String::new());
        let long = "é".repeat(MAX_BYTES);
        assert_eq!(log.admit(&long).map(str::len), Some(MAX_BYTES));
        assert_eq!(log.admit("x"), None);
    }
}
