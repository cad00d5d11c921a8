//! What a virtual endpoint's function returned, read with the rules of Go's `encoding/json`.

use std::{fmt, ops::Range};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    engine::{ErrorClass, ScriptError},
    go_base64::{self, Padding},
};

/// An answer that a script made.
#[derive(Debug, Clone, PartialEq)]
pub struct VirtualResponse {
    /// Status, 100 to 999.
    pub code: u16,
    /// Where `Headers` is in the text; empty when the script gave none.
    headers: Range<usize>,
    text: Bytes,
    /// Body.
    pub body: Bytes,
    /// `SessionMeta`; `None` when the script gave none.
    pub session_meta: Option<serde_json::Value>,
}

impl VirtualResponse {
    /// Reads the text that the function returned.
    ///
    /// The outer and inner names match without regard to case and unknown ones are ignored. `Body` is a string or
    /// `null`, `Headers` an object of strings (or, an addition of Gatehouse, of arrays of strings) or `null`,
    /// `Code` a whole number from 100 to 999. `BodyBase64`, an addition too, takes the place of `Body`.
    ///
    /// # Errors
    /// Class `bad_result`, with what is wrong with the text.
    pub fn parse(text: String) -> Result<Self, ScriptError> {
        // A body without escapes is a slice of this text, not a copy.
        let text = Bytes::from(text);
        match read(&text) {
            Ok(read) => Ok(read.of(text)),
            // JSON.stringify writes half a character as \udxxx, for which Go puts U+FFFD and serde_json fails.
            Err(_) if has_half_characters(&text) => {
                let text = whole_characters(&text);
                read(&text).map(|read| read.of(text))
            }
            Err(error) => Err(error),
        }
        .map_err(|message| ScriptError::new(ErrorClass::BadResult, message))
    }

    /// `Headers` as the script wrote it, in JSON. Nothing but [`headers`](Self::headers) has looked whether it is one.
    pub fn headers_text(&self) -> &[u8] {
        &self.text[self.headers.clone()]
    }

    /// Headers as the script named them; several values of one name are several fields.
    ///
    /// # Errors
    /// Class `bad_result` when `Headers` is not an object of strings or of arrays of strings.
    pub fn headers(&self) -> Result<Vec<(String, Vec<String>)>, ScriptError> {
        let text = self.headers_text();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let read = match serde_json::from_slice::<Headers>(text) {
            Err(_) if has_half_characters(text) => serde_json::from_slice(&whole_characters(text)),
            read => read,
        };
        read.map(|headers| headers.0).map_err(|error| {
            let message = format!("returned a response with `Headers` that are none: {error}");
            ScriptError::new(ErrorClass::BadResult, message)
        })
    }
}

fn has_half_characters(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"\\ud").is_some()
}

/// What was read of a text.
struct Read {
    code: u16,
    headers: Range<usize>,
    body: Bytes,
    session_meta: Option<serde_json::Value>,
}

impl Read {
    fn of(self, text: Bytes) -> VirtualResponse {
        let Self { code, headers, body, session_meta } = self;
        VirtualResponse { code, headers, text, body, session_meta }
    }
}

fn read(text: &Bytes) -> Result<Read, String> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = Outer::deserialize(&mut json).and_then(|outer| json.end().map(|()| outer));
    let outer = read.map_err(|error| format!("returned something that is not a response: {error}"))?;
    let response = outer.response.unwrap_or_default();
    let code = match response.code {
        Some(code @ 100..=999) => code as u16,
        Some(code) => {
            return Err(format!("returned a response with `Code` {code}; it must be from 100 to 999"));
        }
        None => return Err("returned a response without `Code`".to_owned()),
    };
    let body = match (response.body_base64, response.body) {
        (Some(encoded), _) => {
            let bytes = go_base64::decode(&encoded.into_string(), Padding::Required);
            Bytes::from(bytes.ok_or("returned a response whose `BodyBase64` is not base64")?)
        }
        (None, Some(Text::Slice(slice))) => text.slice_ref(slice.as_bytes()),
        (None, Some(Text::Copy(copy))) => Bytes::from(copy),
        (None, None) => Bytes::new(),
    };
    let headers = response.headers.map_or(0..0, |headers| {
        let start = headers.as_ptr().addr() - text.as_ptr().addr();
        start..start + headers.len()
    });
    Ok(Read { code, headers, body, session_meta: outer.session_meta })
}

/// Reads any JSON text of a script; halves of surrogate pairs in it become U+FFFD, as in Go.
pub(super) fn read_json(text: &[u8]) -> Result<serde_json::Value, serde_json::Error> {
    match serde_json::from_slice(text) {
        Err(_) if memchr::memmem::find(text, b"\\ud").is_some() => {
            serde_json::from_slice(&whole_characters(text))
        }
        read => read,
    }
}

/// Replaces escapes of halves of surrogate pairs by that of U+FFFD.
fn whole_characters(text: &[u8]) -> Bytes {
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut whole = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let length = match (text[at], unit(at)) {
            (b'\\', Some(0xd800..=0xdbff)) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => 12,
            (b'\\', Some(0xd800..=0xdfff)) => {
                whole.extend_from_slice(b"\\ufffd");
                at += 6;
                continue;
            }
            (b'\\', _) => 2,
            _ => 1,
        };
        let end = (at + length).min(text.len());
        whole.extend_from_slice(&text[at..end]);
        at = end;
    }
    Bytes::from(whole)
}

#[derive(Default)]
struct Outer<'text> {
    response: Option<Inner<'text>>,
    session_meta: Option<serde_json::Value>,
}

impl<'de> Deserialize<'de> for Outer<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OuterVisitor)
    }
}

struct OuterVisitor;

impl<'de> Visitor<'de> for OuterVisitor {
    type Value = Outer<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `Response`, which TykJsResponse(...) makes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outer<'de>, A::Error> {
        let mut outer = Outer::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match &name {
                name if name.is("Response") => outer.response = map.next_value()?,
                name if name.is("SessionMeta") => outer.session_meta = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(outer)
    }
}

#[derive(Default)]
struct Inner<'text> {
    code: Option<i64>,
    /// As it is in the text.
    headers: Option<&'text str>,
    body: Option<Text<'text>>,
    body_base64: Option<Text<'text>>,
}

impl<'de> Deserialize<'de> for Inner<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InnerVisitor)
    }
}

struct InnerVisitor;

impl<'de> Visitor<'de> for InnerVisitor {
    type Value = Inner<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `Body`, `Headers` and `Code`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inner<'de>, A::Error> {
        let mut inner = Inner::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match &name {
                name if name.is("Code") => inner.code = map.next_value()?,
                name if name.is("Body") => inner.body = map.next_value()?,
                name if name.is("BodyBase64") => inner.body_base64 = map.next_value()?,
                name if name.is("Headers") => {
                    inner.headers = map.next_value::<Option<&RawValue>>()?.map(RawValue::get);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(inner)
    }
}

/// A string of the text, or an unescaped copy of one.
enum Text<'text> {
    Slice(&'text str),
    Copy(String),
}

impl Text<'_> {
    fn is(&self, name: &str) -> bool {
        match self {
            Self::Slice(text) => text.eq_ignore_ascii_case(name),
            Self::Copy(text) => text.eq_ignore_ascii_case(name),
        }
    }

    fn into_string(self) -> String {
        match self {
            Self::Slice(text) => text.to_owned(),
            Self::Copy(text) => text,
        }
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::Slice(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text::Copy(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
        Ok(Text::Copy(text))
    }
}

#[derive(Default)]
struct Headers(Vec<(String, Vec<String>)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeadersVisitor;
        impl<'de> Visitor<'de> for HeadersVisitor {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of header values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::with_capacity(map.size_hint().unwrap_or(8));
                while let Some(name) = map.next_key::<String>()? {
                    headers.push((name, map.next_value_seed(ValuesSeed)?));
                }
                Ok(Headers(headers))
            }
        }
        deserializer.deserialize_map(HeadersVisitor)
    }
}

/// A header's value: a string, an array of strings, or `null`, which is Go's empty string.
struct ValuesSeed;

impl<'de> DeserializeSeed<'de> for ValuesSeed {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValuesSeed {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header value, which is a string or an array of strings")
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_unit<E>(self) -> Result<Vec<String>, E> {
        Ok(vec![String::new()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Vec<String>, A::Error> {
        let mut texts = Vec::with_capacity(values.size_hint().unwrap_or(2));
        while let Some(text) = values.next_element().map_err(A::Error::custom)? {
            texts.push(text);
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<VirtualResponse, String> {
        let parsed = VirtualResponse::parse(text.to_owned());
        parsed.and_then(|response| response.headers().map(|_| response)).map_err(|error| {
            assert_eq!(error.class, ErrorClass::BadResult);
            error.message
        })
    }

    #[test]
    fn names_match_in_any_case() {
        let response =
            parse(r#"{"response": {"body": "by hand", "CODE": 202, "headers": {"x-a": "1"}, "z": [{}]}}"#);
        let response = response.unwrap();
        assert_eq!((response.code, &response.body[..]), (202, &b"by hand"[..]));
        assert_eq!(response.headers().unwrap(), [("x-a".to_owned(), vec!["1".to_owned()])]);
        assert_eq!(response.session_meta, None);
    }

    #[test]
    fn a_body_may_be_missing_null_or_base64() {
        for text in
            [r#"{"Response":{"Code":200}}"#, r#"{"Response":{"Code":200,"Body":null,"Headers":null}}"#]
        {
            assert_eq!(parse(text).unwrap().body, "");
        }
        let binary = parse(r#"{"Response":{"Code":200,"Body":"x","BodyBase64":"/wA="}}"#).unwrap();
        assert_eq!(&binary.body[..], [0xff, 0]);
        assert_eq!(parse(r#"{"Response":{"Code":200,"Body":"a\"\u00e9"}}"#).unwrap().body, "a\"é");
    }

    #[test]
    fn a_header_may_have_several_values() {
        let response =
            parse(r#"{"Response":{"Code":200,"Headers":{"Set-Cookie":["a=1","b=2"],"n":null}}}"#).unwrap();
        let headers = response.headers().unwrap();
        assert_eq!(headers[0].1, ["a=1", "b=2"]);
        assert_eq!(headers[1].1, [""]);
        let response = parse(r#"{"Response":{"Code":200,"Headers":{"x-a":"\ud83d"}}}"#).unwrap();
        assert_eq!(response.headers().unwrap()[0].1, ["\u{fffd}"]);
    }

    #[test]
    fn session_meta_has_any_shape() {
        let response = parse(r#"{"Response":{"Code":200},"SessionMeta":{"a":[1,{"b":null}]}}"#).unwrap();
        assert_eq!(response.session_meta, Some(json!({"a": [1, {"b": null}]})));
    }

    #[test]
    fn what_is_no_response_is_refused() {
        for text in [
            "",
            "plain text",
            "7",
            "null",
            "{}",
            "[]",
            r#"{"Response":null}"#,
            r#"{"Response":7}"#,
            r#"{"Response":{"Body":"x"}}"#,
            r#"{"Response":{"Code":0}}"#,
            r#"{"Response":{"Code":99}}"#,
            r#"{"Response":{"Code":1000}}"#,
            r#"{"Response":{"Code":200.5}}"#,
            r#"{"Response":{"Code":"200"}}"#,
            r#"{"Response":{"Code":null}}"#,
            r#"{"Response":{"Code":200,"Body":{"a":1}}}"#,
            r#"{"Response":{"Code":200,"Body":1}}"#,
            r#"{"Response":{"Code":200,"Headers":{"x-n":7}}}"#,
            r#"{"Response":{"Code":200,"Headers":[]}}"#,
            r#"{"Response":{"Code":200,"BodyBase64":"?"}}"#,
            r#"{"Response":{"Code":200}} trailing"#,
            r#"{"Response":{"Code":200,"Headers":{"a":[1]}}}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn half_a_character_is_replaced() {
        let response = parse(r#"{"Response":{"Code":200,"Body":"\ud83d \ud83d\ude00 \\ud83d"}}"#).unwrap();
        assert_eq!(response.body, "\u{fffd} 😀 \\ud83d");
    }
}
