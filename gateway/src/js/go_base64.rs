//! Base64 as Go's `encoding/base64` reads and writes it, which scripts were written against.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Whether the text ends with `=` signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Go's `StdEncoding`.
    Required,
    /// Go's `RawStdEncoding`.
    None,
}

// Go does not check that unused bits of the last character are zero.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
const PADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    CONFIG.with_encode_padding(true).with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);
const RAW: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    CONFIG.with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Base64 of the bytes.
pub fn encode(bytes: &[u8], padding: Padding) -> String {
    match padding {
        Padding::Required => PADDED.encode(bytes),
        Padding::None => RAW.encode(bytes),
    }
}

/// The bytes of a base64 text; `None` when it is none. Line ends are ignored wherever they stand.
pub fn decode(text: &str, padding: Padding) -> Option<Vec<u8>> {
    let engine = match padding {
        Padding::Required => &PADDED,
        Padding::None => &RAW,
    };
    if memchr::memchr2(b'\r', b'\n', text.as_bytes()).is_none() {
        return engine.decode(text).ok();
    }
    let joined: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    engine.decode(joined).ok()
}

/// The decoded bytes as text, with U+FFFD for what is not UTF-8.
pub fn decode_text(text: &str, padding: Padding) -> Option<String> {
    decode(text, padding).map(text_of)
}

/// Bytes as text, with U+FFFD for what is not UTF-8, without a copy where they are text already.
pub fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_required_or_forbidden() {
        assert_eq!(encode(b"hello?>", Padding::Required), "aGVsbG8/Pg==");
        assert_eq!(encode(b"hello?>", Padding::None), "aGVsbG8/Pg");
        assert_eq!(decode_text("aGVsbG8/Pg==", Padding::Required).as_deref(), Some("hello?>"));
        assert_eq!(decode("aGVsbG8/Pg", Padding::Required), None);
        assert_eq!(decode("YQ==", Padding::None), None);
        assert_eq!(decode_text("YQ", Padding::None).as_deref(), Some("a"));
    }

    #[test]
    fn line_ends_and_odd_last_bits_are_as_in_go() {
        assert_eq!(decode_text("aGVs\r\nbG8/\nPg==", Padding::Required).as_deref(), Some("hello?>"));
        assert_eq!(decode_text("YR==", Padding::Required).as_deref(), Some("a"));
        assert_eq!(decode("a b=", Padding::Required), None);
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced() {
        assert_eq!(decode_text("/w==", Padding::Required).as_deref(), Some("\u{fffd}"));
    }
}
