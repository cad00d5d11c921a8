//! Endpoint patterns: Tyk's mixture of regular expressions, `{parameters}` and `/*`.
//!
//! A pattern without special characters, which most are, is searched as plain text.

use std::borrow::Cow;

use regex::Regex;

use super::{grams::Grams, literal::Literal};
use crate::config::settings::MatchingSettings;

/// What a pattern begins with that matches without regard to case, whatever the settings say.
pub const IGNORE_CASE: &str = "(?i)";

/// A pattern that is not a regular expression.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {reason}")]
pub struct PatternError {
    pattern: String,
    reason: String,
}

/// A compiled endpoint pattern.
#[derive(Debug)]
pub enum Pattern {
    /// Plain text, found anywhere.
    Contains(Text),
    /// Plain text and `{parameters}` that are whole segments.
    Template(Template),
    /// Anything else.
    Regex(Box<Regex>),
}

/// Plain text to look for.
#[derive(Debug)]
pub struct Text(Literal);

impl Text {
    /// Its bytes.
    pub(super) fn len(&self) -> usize {
        self.0.as_bytes().len()
    }

    /// Whether it is somewhere in `path`.
    pub(super) fn is_in(&self, path: &[u8]) -> bool {
        self.0.is_in(path)
    }
}

/// Texts with a path segment between each two of them.
///
/// Most patterns are of this form. A regular expression would do, but each keeps caches of its own that have to be
/// in the processor's at the right moment, and with thousands of endpoints they are not.
#[derive(Debug)]
pub struct Template {
    at_start: bool,
    at_end: bool,
    /// `/*` at the end: whatever follows.
    rest: bool,
    /// Up to the first segment; in place, because most patterns that do not match are found out here.
    first: Literal,
    /// After each segment.
    others: Box<[Literal]>,
}

impl Template {
    /// Whether it is found in the path with its end at `least_end` or later.
    fn is_found(&self, path: &[u8], least_end: usize) -> bool {
        let first = self.first.as_bytes();
        let from =
            |start: usize| self.end_from(path, start + first.len()).is_some_and(|end| end >= least_end);
        if self.at_start {
            return path.starts_with(first) && from(0);
        }
        self.first.places(path).any(from)
    }

    /// The furthest end of a match whose first text ends at `at`.
    fn end_from(&self, path: &[u8], mut at: usize) -> Option<usize> {
        for part in &self.others {
            let segment = path[at..].iter().position(|byte| *byte == b'/').unwrap_or(path.len() - at);
            // What follows a parameter begins with a slash or is the end, so the parameter is the whole segment.
            let end = at + segment;
            if segment == 0 || !path[end..].starts_with(part.as_bytes()) {
                return None;
            }
            at = end + part.as_bytes().len();
        }
        if self.rest {
            return Some(path.len());
        }
        (!self.at_end || at == path.len()).then_some(at)
    }

    /// Reads a pattern; `None` when it is of another form.
    fn parse(text: &str, at_start: bool, at_end: bool) -> Option<Self> {
        let (text, rest) = match text.strip_suffix("/*") {
            Some(before) => (format!("{before}/"), true),
            None => (text.to_owned(), false),
        };
        let text = text.replace("/*/", "/{}/");
        let mut texts = Vec::new();
        let mut left = text.as_str();
        while let Some((before, from)) = left.split_once('{') {
            let (name, after) = from.split_once('}')?;
            let is_segment_end = after.is_empty() || after.starts_with('/');
            if is_repetition(name) || !is_segment_end || before.contains(is_special) {
                return None;
            }
            texts.push(Literal::new(before.as_bytes()));
            left = after;
        }
        if left.contains(is_special) {
            return None;
        }
        texts.push(Literal::new(left.as_bytes()));
        let first = texts.remove(0);
        Some(Self { at_start, at_end, rest, first, others: texts.into() })
    }
}

impl Pattern {
    /// Compiles a pattern as a definition writes it.
    ///
    /// `{name}` stands for one path segment and `/*` for any rest; otherwise the pattern is a regular expression
    /// that may match anywhere, unless `matching` anchors it. `(?i)` at its begin ignores case.
    ///
    /// # Errors
    /// When what remains is not a regular expression.
    pub fn compile(pattern: &str, matching: MatchingSettings) -> Result<Self, PatternError> {
        let (pattern, matching) = match pattern.strip_prefix(IGNORE_CASE) {
            Some(pattern) => (pattern, MatchingSettings { ignore_case: true, ..matching }),
            None => (pattern, matching),
        };
        let anchored_start = pattern.starts_with('^') || (matching.prefix && pattern.starts_with('/'));
        let text = pattern.strip_prefix('^').unwrap_or(pattern);
        // An escaped dollar is a dollar.
        let own_end = text.strip_suffix('$').filter(|text| !text.ends_with('\\'));
        let anchored_end = own_end.is_some() || matching.suffix;
        let text = own_end.unwrap_or(text);
        if !matching.ignore_case {
            if !anchored_start && !anchored_end && !text.contains(is_special) {
                return Ok(Self::Contains(Text(Literal::new(text.as_bytes()))));
            }
            if let Some(template) = Template::parse(text, anchored_start, anchored_end) {
                return Ok(Self::Template(template));
            }
        }
        let mut expression = String::with_capacity(text.len() + 16);
        if matching.ignore_case {
            expression.push_str("(?i)");
        }
        if anchored_start {
            expression.push('^');
        }
        expression.push_str(&expand(text));
        if anchored_end {
            expression.push('$');
        }
        match Regex::new(&expression) {
            Ok(regex) => Ok(Self::Regex(Box::new(regex))),
            Err(error) => Err(PatternError { pattern: pattern.to_owned(), reason: error.to_string() }),
        }
    }

    /// What every path has that the pattern is found in.
    pub(super) fn grams(&self) -> Grams {
        let of = |text: &Literal| Grams::of_text(text.as_bytes());
        match self {
            Self::Contains(Text(text)) => of(text),
            Self::Template(template) => template.others.iter().map(of).fold(of(&template.first), Grams::and),
            Self::Regex(_) => Grams::NONE,
        }
    }

    /// Whether the pattern is found in the path.
    pub fn is_match(&self, path: &str) -> bool {
        match self {
            Self::Contains(text) => text.is_in(path.as_bytes()),
            Self::Template(template) => template.is_found(path.as_bytes(), 0),
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

impl Pattern {
    /// Whether the pattern is found in the path with its end beyond the first `length` bytes.
    pub fn reaches_beyond(&self, path: &str, length: usize) -> bool {
        match self {
            Self::Contains(Text(text)) => {
                text.places(path.as_bytes()).any(|at| at + text.as_bytes().len() > length)
            }
            Self::Template(template) => template.is_found(path.as_bytes(), length + 1),
            Self::Regex(regex) => regex.find_iter(path).any(|found| found.end() > length),
        }
    }
}

fn is_special(character: char) -> bool {
    matches!(character, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$')
}

/// Turns `{name}` and `/*` into regular expressions; repetition counts such as `{2,3}` stay.
fn expand(pattern: &str) -> Cow<'_, str> {
    if !pattern.contains(['{', '*']) {
        return Cow::Borrowed(pattern);
    }
    let mut expanded = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '*']) {
        let (before, from) = rest.split_at(at);
        expanded.push_str(before);
        if let Some(inside) = from.strip_prefix('{') {
            match inside.find('}') {
                Some(end) if end > 0 && !is_repetition(&inside[..end]) => {
                    expanded.push_str("([^/]+)");
                    rest = &inside[end + 1..];
                }
                _ => {
                    expanded.push('{');
                    rest = inside;
                }
            }
        } else {
            // A star right after a slash is a wildcard; elsewhere it belongs to the regular expression.
            let after = &from[1..];
            if !before.ends_with('/') {
                expanded.push('*');
            } else if after.starts_with('/') {
                expanded.push_str("[^/]+");
            } else {
                expanded.push_str(".*");
            }
            rest = after;
        }
    }
    expanded.push_str(rest);
    Cow::Owned(expanded)
}

fn is_repetition(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
        && text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use crate::config::settings::MatchingSettings;

    fn matches(pattern: &str, path: &str, matching: MatchingSettings) -> bool {
        Pattern::compile(pattern, matching).unwrap().is_match(path)
    }

    #[test]
    fn default_matching_finds_the_pattern_anywhere() {
        let cases = [
            ("/ve", "/ve", true),
            ("/ve", "/vet", true),
            ("/ve", "/a/ve/b", true),
            ("/ve", "/VE", false),
            ("/ve", "/v", false),
            ("/users/{id}/orders", "/users/7/orders/8", true),
            ("/users/{id}/orders", "/users/orders", false),
            ("/users/{id}", "/users/", false),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/b/", false),
            ("/a/*/z", "/a/b/z", true),
            ("/a/*/z", "/a/b/c/z", false),
            ("^/ve$", "/ve", true),
            ("^/ve$", "/ve/", false),
            (r"/v\d+", "/v12", true),
            ("/a{2,3}$", "/aaa", true),
            ("/ab*c", "/abbbc", true),
            ("/{a}/{b}", "/x", false),
            ("/{a}/{b}", "/x/y", true),
            ("/{a}/{b}$", "/w/x/y", true),
            ("^/{a}/{b}$", "/w/x/y", false),
            ("^/{a}$", "/x/", false),
            ("/users/{id}.json", "/users/7.json", true),
            ("/users/{id}.json", "/users/7xjson", true),
            ("/users/{id}-x", "/users/7-x", true),
            ("/users/{id}-x", "/users/-x", false),
            ("/a/*/z/{id}", "/a/b/z/7", true),
            ("^/a/*$", "/a/b/c", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(matches(pattern, path, MatchingSettings::default()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn options_anchor() {
        let both = MatchingSettings { prefix: true, suffix: true, ..Default::default() };
        for (path, expected) in [("/ve", true), ("/vet", false), ("/ve/more", false), ("/a/ve", false)] {
            assert_eq!(matches("/ve", path, both), expected, "{path}");
        }
        let prefix = MatchingSettings { prefix: true, ..Default::default() };
        assert!(matches("/ve", "/vet", prefix) && !matches("/ve", "/a/ve", prefix));
        assert!(matches("ve", "/a/ve", prefix), "only patterns that begin with a slash are anchored");
        let suffix = MatchingSettings { suffix: true, ..Default::default() };
        assert!(matches("/ve", "/a/ve", suffix) && !matches("/ve", "/vet", suffix));
        let ignore_case = MatchingSettings { ignore_case: true, ..Default::default() };
        assert!(matches("/Ve", "/vE", ignore_case));
        assert!(matches("(?i)/Ve", "/a/vE", MatchingSettings::default()));
        assert!(matches("(?i)/Ve", "/vE", both) && !matches("(?i)/Ve", "/a/vE", both));
    }

    #[test]
    fn a_match_can_be_asked_to_reach_beyond_the_listen_path() {
        let cases = [
            ("/ve", "/ve-api/users", "/ve-api/", false),
            ("/ve", "/ve-api/ve", "/ve-api/", true),
            ("/ve-api/ve", "/ve-api/ve", "/ve-api/", true),
            ("^/ve-api/ve$", "/ve-api/ve", "/ve-api/", true),
            ("^/ve", "/ve-api/x", "/ve-api/", false),
            ("api/{id}", "/ve-api/7", "/ve-api/", true),
            (r"/v\w", "/ve-api/ve", "/ve-api/", true),
            (r"/v\w", "/ve-api/x", "/ve-api/", false),
            ("x$", "/x/x", "/x/", true),
        ];
        for (pattern, path, listen_path, expected) in cases {
            let compiled = Pattern::compile(pattern, MatchingSettings::default()).unwrap();
            assert_eq!(compiled.reaches_beyond(path, listen_path.len()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_bad_pattern_says_so() {
        let error = Pattern::compile("/a(", MatchingSettings::default()).unwrap_err().to_string();
        assert!(error.starts_with("`/a(` is not a pattern: "), "{error}");
    }
}
