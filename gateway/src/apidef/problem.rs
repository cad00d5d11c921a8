//! What is wrong with a definition, as values: which field, what was found, what to do.

use std::fmt;

/// One finding about a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the field, such as `proxy.listen_path`; empty for the whole file.
    pub field: String,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Findings while a definition is read: those that keep it from being served and those that do not.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    /// The API is not served because of these.
    pub refusals: Vec<Problem>,
    /// The API is served, but these settings have no effect.
    pub warnings: Vec<Problem>,
}

impl Problems {
    /// Notes a finding that keeps the API from being served.
    pub fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.refusals.push(Problem { field: field.into(), message: message.into() });
    }

    /// Notes a setting without effect.
    pub fn warn(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Problem { field: field.into(), message: message.into() });
    }
}
