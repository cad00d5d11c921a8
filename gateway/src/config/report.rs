//! Collects what is wrong, and knows where each setting was written: a place in the file, or a variable.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use super::{
    locate::{Segment, locate, locate_key, locate_nearest},
    problem::{Complaint, Place, Problem},
    reference::{self, Kind},
};

/// The problems of one load.
pub(super) struct Report<'a> {
    file: &'a Path,
    text: &'a str,
    /// Row keys that a variable set, with its name.
    variables: BTreeMap<&'static str, String>,
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, variables: BTreeMap::new(), problems: Vec::new() }
    }

    /// Notes that the value of `key` is not the file's.
    pub(super) fn set_by_variable(&mut self, key: &'static str, name: String) {
        self.variables.insert(key, name);
    }

    /// A value that cannot be; what was expected is in the reference.
    pub(super) fn wrong_value(&mut self, path: &[Segment<'_>], found: &Value) {
        let secret = matches!(reference::setting(&reference::row_key(path)), Some(row) if row.kind == Kind::Secret)
            || path.first() == Some(&Segment::Key("secrets"));
        let found = if secret { nature(found).to_owned() } else { shown(found) };
        self.add(path, Complaint::Value { expected: reference::expectation(path), found }, None);
    }

    /// Anything else about the value of a key.
    pub(super) fn complain(&mut self, key: &str, complaint: Complaint, advice: Option<String>) {
        self.add(&Segment::from_dotted(key), complaint, advice);
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// A key that does not exist.
    pub(super) fn unknown_key(&mut self, path: &[Segment<'_>], meant: Option<String>) {
        let position = locate_key(self.text, path);
        let place = Place::File { path: self.file.to_owned(), position };
        let complaint = Complaint::UnknownKey { meant };
        self.problems.push(Problem { place, key: Segment::to_dotted(path), complaint, advice: None });
    }

    fn add(&mut self, path: &[Segment<'_>], complaint: Complaint, advice: Option<String>) {
        let key = Segment::to_dotted(path);
        // A value that was set aside for its type must not be called missing as well.
        if self.problems.iter().any(|problem| problem.key == key) {
            return;
        }
        let place = self.place(path);
        self.problems.push(Problem { place, key, complaint, advice });
    }

    fn place(&self, path: &[Segment<'_>]) -> Place {
        for length in (1..=path.len()).rev() {
            if let Some(name) = self.variables.get(reference::row_key(&path[..length]).as_str()) {
                return Place::Variable(name.clone());
            }
        }
        let position = locate(self.text, path).or_else(|| locate_nearest(self.text, path));
        Place::File { path: self.file.to_owned(), position }
    }

    /// All problems, in the order of the file, then by variable.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by(|left, right| left.place.cmp(&right.place));
        self.problems
    }
}

/// A value as it was written, cut to what fits a line.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) | Value::Array(_) => nature(value).to_owned(),
        _ => {
            let text = value.to_string();
            match text.char_indices().nth(80) {
                Some((cut, _)) => format!("{}…", &text[..cut]),
                None => text,
            }
        }
    }
}

fn nature(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_no_secrets_and_no_novels() {
        let mut report = Report::new(Path::new("f"), "{}");
        for (key, found) in [
            ("secret", json!(1234)),
            ("secrets.a", json!([1234])),
            ("storage.password", json!({"a": 1234})),
            ("listen_port", json!("ä".repeat(500))),
        ] {
            report.wrong_value(&Segment::from_dotted(key), &found);
        }
        for problem in report.into_problems() {
            let line = problem.to_string();
            assert!(!line.contains("1234") && line.chars().count() < 160, "{line}");
        }
    }

    #[test]
    fn one_complaint_for_a_key_and_the_file_first() {
        let mut report = Report::new(Path::new("f"), "{\"jsvm_timeout\": \"x\",\n \"listen_port\": -1}");
        report.set_by_variable("app_path", "TYK_GW_APPPATH".into());
        report.wrong_value(&[Segment::Key("app_path")], &json!(1));
        report.wrong_value(&[Segment::Key("listen_port")], &json!(-1));
        report.wrong_value(&[Segment::Key("jsvm_timeout")], &json!("x"));
        report.complain("app_path", Complaint::Required { because: "again".into() }, None);
        let keys: Vec<_> = report.into_problems().into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["jsvm_timeout", "listen_port", "app_path"]);
    }
}
