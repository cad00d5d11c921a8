//! Parameters in the path of an operation.

use regex::Regex;

/// A path of `paths` with its parameters.
#[derive(Debug)]
pub struct PathPattern {
    pattern: Regex,
    names: Vec<String>,
}

impl PathPattern {
    /// `None` for a path without parameters, or one that is no template.
    pub fn new(template: &str, ignore_case: bool) -> Option<Self> {
        let mut expression = String::from(if ignore_case { "(?i)^" } else { "^" });
        let mut names = Vec::new();
        let mut rest = template;
        while let Some((before, from)) = rest.split_once('{') {
            let (name, after) = from.split_once('}')?;
            expression.push_str(&regex::escape(before));
            expression.push_str("([^/]+)");
            names.push(name.split(':').next().unwrap_or(name).to_owned());
            rest = after;
        }
        expression.push_str(&regex::escape(rest));
        if names.is_empty() {
            return None;
        }
        Some(Self { pattern: Regex::new(&expression).ok()?, names })
    }

    /// The names and texts of the parameters in a decoded path; nothing when it is another path.
    pub(super) fn texts<'a>(&'a self, path: &str) -> Vec<(&'a str, String)> {
        let Some(captures) = self.pattern.captures(path) else { return Vec::new() };
        let groups = captures.iter().skip(1).map(|group| group.map_or("", |group| group.as_str()).to_owned());
        self.names.iter().map(String::as_str).zip(groups).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::PathPattern;

    #[test]
    fn texts_are_found_by_name() {
        let pattern = PathPattern::new("/a.b/{one}/x-{two}/{three:[0-9]+}", false).unwrap();
        let texts = pattern.texts("/a.b/1/x-2 3/4/more");
        let texts: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        assert_eq!(texts, [("one", "1"), ("two", "2 3"), ("three", "4")]);
        assert!(pattern.texts("/aXb/1/x-2/4").is_empty());
        assert!(PathPattern::new("/plain", false).is_none());
        assert!(PathPattern::new("/a/{b", false).is_none());
    }
}
