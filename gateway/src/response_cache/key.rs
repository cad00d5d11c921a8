//! What makes two questions the same: a digest over all that the answer may depend on.

use http::{HeaderMap, HeaderName};
use ring::digest::{Context, SHA256};

/// The digest of a question.
pub type CacheKey = [u8; 32];

/// Gathers what a question is made of. Each part counts with its length, so that no two lists of parts are the same text.
#[derive(Clone)]
pub struct KeyParts(Context);

impl Default for KeyParts {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl KeyParts {
    /// Adds a part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    /// Adds every value of a header, and how many there are.
    pub fn add_header(&mut self, headers: &HeaderMap, name: &HeaderName) -> &mut Self {
        let values = headers.get_all(name);
        self.add(values.iter().count().to_le_bytes());
        for value in values {
            self.add(value.as_bytes());
        }
        self
    }

    /// The digest.
    pub fn finish(self) -> CacheKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.finish().as_ref());
        key
    }
}

/// Where the answer to a question is that varies by these request headers.
pub fn varied(question: &CacheKey, names: &[HeaderName], headers: &HeaderMap) -> CacheKey {
    let mut parts = KeyParts::default();
    parts.add(question);
    for name in names {
        parts.add(name.as_str()).add_header(headers, name);
    }
    parts.finish()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{KeyParts, varied};

    fn key(parts: &[&str]) -> [u8; 32] {
        let mut key = KeyParts::default();
        for part in parts {
            key.add(part);
        }
        key.finish()
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["ab"]), key(&["ab", ""]));
    }

    #[test]
    fn every_value_of_a_header_counts() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ACCEPT, HeaderValue::from_static(value));
            }
            headers
        };
        let at = |values: &[&'static str]| varied(&[0; 32], &[header::ACCEPT], &headers(values));
        assert_eq!(at(&["a", "b"]), at(&["a", "b"]));
        assert_ne!(at(&["a", "b"]), at(&["a"]));
        assert_ne!(at(&["a, b"]), at(&["a", "b"]));
        assert_ne!(at(&[]), at(&[""]));
    }
}
