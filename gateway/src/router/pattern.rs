//! Endpoint patterns: Tyk's mixture of regular expressions, `{parameters}` and `/*`.
//!
//! A pattern without special characters, which most are, is searched as plain text.

use std::borrow::Cow;

use memchr::memmem::Finder;
use regex::Regex;

use crate::config::settings::MatchingSettings;

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
    /// Found anywhere.
    Contains(Box<Finder<'static>>),
    /// At the start.
    Prefix(Box<str>),
    /// At the end.
    Suffix(Box<str>),
    /// The whole path.
    Exact(Box<str>),
    /// Anything else.
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles a pattern as a definition writes it.
    ///
    /// `{name}` stands for one path segment and `/*` for any rest; otherwise the pattern is a regular expression
    /// that may match anywhere, unless `matching` anchors it.
    ///
    /// # Errors
    /// When what remains is not a regular expression.
    pub fn compile(pattern: &str, matching: MatchingSettings) -> Result<Self, PatternError> {
        let anchored_start = pattern.starts_with('^') || (matching.prefix && pattern.starts_with('/'));
        let anchored_end = pattern.ends_with('$') || matching.suffix;
        let text = pattern.strip_prefix('^').unwrap_or(pattern);
        let text = text.strip_suffix('$').unwrap_or(text);
        if !matching.ignore_case && !text.contains(is_special) {
            return Ok(match (anchored_start, anchored_end) {
                (true, true) => Self::Exact(text.into()),
                (true, false) => Self::Prefix(text.into()),
                (false, true) => Self::Suffix(text.into()),
                (false, false) => Self::Contains(Box::new(Finder::new(text).into_owned())),
            });
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

    /// Whether the pattern is found in the path.
    pub fn is_match(&self, path: &str) -> bool {
        match self {
            Self::Contains(finder) => finder.find(path.as_bytes()).is_some(),
            Self::Prefix(prefix) => path.starts_with(&**prefix),
            Self::Suffix(suffix) => path.ends_with(&**suffix),
            Self::Exact(exact) => path == &**exact,
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

impl Pattern {
    /// Whether the pattern is found in the path with its end beyond the first `length` bytes.
    pub fn reaches_beyond(&self, path: &str, length: usize) -> bool {
        let text = path.as_bytes();
        match self {
            Self::Contains(finder) => {
                // The last place where it could begin and still end too early is before this one.
                let from = (length + 1).saturating_sub(finder.needle().len());
                text.get(from..).is_some_and(|rest| finder.find(rest).is_some())
            }
            Self::Prefix(prefix) => prefix.len() > length && path.starts_with(&**prefix),
            Self::Suffix(suffix) => path.len() > length && path.ends_with(&**suffix),
            Self::Exact(exact) => exact.len() > length && path == &**exact,
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
