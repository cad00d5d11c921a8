//! Query strings as Go's `url.Values` reads, changes and writes them.

use std::collections::BTreeMap;

use http::{Uri, uri::PathAndQuery};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// What `url.QueryEscape` escapes; a space becomes `+` besides.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A URI with another query, or none if that is empty; `None` when it cannot have it.
pub fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let path = uri.path();
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// Parameters by name; names and values are bytes, since an escape may stand for any.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub struct QueryValues(BTreeMap<Vec<u8>, Vec<Vec<u8>>>);

impl QueryValues {
    /// Reads a query. Go leaves out a field with a semicolon or with an escape that is none.
    pub fn parse(query: &str) -> Self {
        let mut values = Self::default();
        let fields = query.as_bytes().split(|byte| *byte == b'&').filter(|field| is_valid_field(field));
        for field in fields.filter(|field| !field.is_empty()) {
            let (name, value) = match memchr::memchr(b'=', field) {
                Some(at) => (&field[..at], &field[at + 1..]),
                None => (field, &[][..]),
            };
            values.0.entry(unescape(name)).or_default().push(unescape(value));
        }
        values
    }

    /// Takes out all values of a name.
    pub fn delete(&mut self, name: &str) {
        self.0.remove(name.as_bytes());
    }

    /// Sets a value in place of those that are there.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), vec![value.into()]);
    }

    /// Adds a value to those that are there.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.entry(name.into()).or_default().push(value.into());
    }

    /// The query, in the order of the names.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (name, values) in &self.0 {
            for value in values {
                if !text.is_empty() {
                    text.push('&');
                }
                escape(name, &mut text);
                text.push('=');
                escape(value, &mut text);
            }
        }
        text
    }

    /// Names and values as text, in the order of the names.
    pub fn texts(&self) -> Vec<(String, Vec<String>)> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        self.0.iter().map(|(name, values)| (text(name), values.iter().map(text).collect())).collect()
    }
}

/// Whether Go reads a field of a form or query.
pub fn is_valid_field(field: &[u8]) -> bool {
    if memchr::memchr(b';', field).is_some() {
        return false;
    }
    memchr::memchr_iter(b'%', field)
        .all(|at| field.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_encoding::percent_decode(&spaced).collect()
}

fn escape(bytes: &[u8], text: &mut String) {
    for (index, part) in bytes.split(|byte| *byte == b' ').enumerate() {
        if index > 0 {
            text.push('+');
        }
        text.extend(percent_encode(part, ESCAPED));
    }
}

#[cfg(test)]
mod tests {
    use super::QueryValues;

    #[test]
    fn queries_are_written_as_go_writes_them() {
        for (query, encoded) in [
            ("b=2&a=1&a=0", "a=1&a=0&b=2"),
            ("b=%20x&c", "b=+x&c="),
            ("a=~*'()!&%C3%A9=%ff", "a=~%2A%27%28%29%21&%C3%A9=%FF"),
            ("a=1;b=2&c=%zz&d=3&=v", "=v&d=3"),
            ("", ""),
        ] {
            assert_eq!(QueryValues::parse(query).encode(), encoded, "{query}");
        }
    }

    #[test]
    fn values_are_set_added_and_deleted() {
        let mut values = QueryValues::parse("a=1&a=2&z=9&gone=1");
        values.delete("gone");
        values.delete("never");
        values.set("a", "new");
        values.add("z", "a&b=c d");
        assert_eq!(values.encode(), "a=new&z=9&z=a%26b%3Dc+d");
        assert_eq!(values.texts()[1], ("z".to_owned(), vec!["9".to_owned(), "a&b=c d".to_owned()]));
    }
}
