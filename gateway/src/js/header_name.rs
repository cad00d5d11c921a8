//! Header names in the form that Go gives them and scripts look them up by.

use http::HeaderName;

/// The canonical form: `x-test` is `X-Test`.
pub fn canonical(name: &HeaderName) -> String {
    let mut upper = true;
    let canonical = name.as_str().bytes().map(|byte| {
        let byte = if upper { byte.to_ascii_uppercase() } else { byte };
        upper = byte == b'-';
        byte
    });
    // Names are ASCII.
    String::from_utf8(canonical.collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::canonical;

    #[test]
    fn words_begin_with_a_capital() {
        for (name, expected) in
            [("X-ONE-two", "X-One-Two"), ("accept", "Accept"), ("ETag", "Etag"), ("a--b", "A--B")]
        {
            assert_eq!(canonical(&HeaderName::from_bytes(name.as_bytes()).unwrap()), expected);
        }
    }
}
