//! Answers of outbound calls as the JSON text that scripts get.

use std::{borrow::Cow, ops::Range};

use base64::Engine as _;
use http::{HeaderMap, HeaderValue, header};
use serde::{Serialize, Serializer};

use super::{CallFailure, arguments::OutboundRequest, exchange::Answer};
use crate::js::header_name;

/// Bytes of JSON that the headers of most answers are, and what stands around them.
const ROOM_FOR_HEADERS: usize = 384;

/// The object of `TykMakeHttpRequest`: every field under both of the names that scripts use.
///
/// A body that is not UTF-8 has U+FFFD in it, and then `BodyBase64` is there too with the exact bytes; other
/// answers have exactly Tyk's six keys.
pub(super) fn single(answer: &Answer) -> String {
    let code = answer.status.as_u16();
    let body = Body::of(answer);
    let mut text = Vec::with_capacity(2 * (body.text.len() + ROOM_FOR_HEADERS));
    // What has two names is written once and copied.
    let mut digits = itoa::Buffer::new();
    let code = digits.format(code).as_bytes();
    text.extend_from_slice(b"{\"Code\":");
    text.extend_from_slice(code);
    text.extend_from_slice(b",\"Body\":");
    let of_body = write_json(&mut text, &body.text);
    text.extend_from_slice(b",\"Headers\":");
    let of_headers = write_json(&mut text, &canonical(&answer.headers));
    text.extend_from_slice(b",\"code\":");
    text.extend_from_slice(code);
    text.extend_from_slice(b",\"body\":");
    text.extend_from_within(of_body);
    text.extend_from_slice(b",\"headers\":");
    text.extend_from_within(of_headers);
    if let Some(exact) = body.base64 {
        text.extend_from_slice(b",\"BodyBase64\":");
        write_json(&mut text, &exact);
    }
    text.push(b'}');
    // JSON text is UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

/// The array of `TykBatchRequest`.
pub(super) fn batch(
    answers: Vec<(&OutboundRequest, Result<Answer, CallFailure>)>,
) -> Result<String, CallFailure> {
    let mut units = Vec::with_capacity(answers.len());
    for (request, answer) in &answers {
        units.push(match answer {
            Ok(answer) => {
                let body = Body::of(answer);
                BatchUnit {
                    relative_url: &request.written_url,
                    code: answer.status.as_u16(),
                    headers: Some(canonical(&answer.headers)),
                    body: body.text,
                    exact: body.base64,
                }
            }
            Err(CallFailure::Deadline) => return Err(CallFailure::Deadline),
            Err(CallFailure::TooMany) => return Err(CallFailure::TooMany),
            Err(CallFailure::NotRecorded(reason)) => return Err(CallFailure::NotRecorded(reason.clone())),
            Err(CallFailure::Undefined(reason)) => {
                tracing::debug!(target: "gatehouse::script", url = request.written_url, reason, "call of a batch failed");
                // As in Tyk, nothing but zero values.
                BatchUnit::default()
            }
        });
    }
    let mut text = Vec::new();
    write_json(&mut text, &units);
    Ok(String::from_utf8(text).unwrap_or_default())
}

#[derive(Serialize, Default)]
struct BatchUnit<'answer> {
    relative_url: &'answer str,
    code: u16,
    headers: Option<Headers<'answer>>,
    body: Cow<'answer, str>,
    #[serde(rename = "BodyBase64", skip_serializing_if = "Option::is_none")]
    exact: Option<String>,
}

struct Body<'answer> {
    text: Cow<'answer, str>,
    base64: Option<String>,
}

impl<'answer> Body<'answer> {
    fn of(answer: &'answer Answer) -> Self {
        let text = String::from_utf8_lossy(&answer.body);
        let replaced = matches!(text, Cow::Owned(_));
        let base64 = replaced.then(|| base64::engine::general_purpose::STANDARD.encode(&answer.body));
        Self { text, base64 }
    }
}

/// By canonical names, sorted; values of one name are in their order.
struct Headers<'answer>(Vec<(String, &'answer HeaderValue)>);

fn canonical(headers: &HeaderMap) -> Headers<'_> {
    // Go's client keeps how the body was sent to itself.
    let kept = headers
        .iter()
        .filter(|(name, _)| **name != header::TRANSFER_ENCODING && **name != header::TRAILER)
        .map(|(name, value)| (header_name::canonical(name), value));
    let mut kept: Vec<_> = kept.collect();
    kept.sort_by(|one, other| one.0.cmp(&other.0));
    Headers(kept)
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of_one_name = self.0.chunk_by(|one, other| one.0 == other.0);
        serializer.collect_map(of_one_name.filter_map(|same| Some((&same.first()?.0, Values(same)))))
    }
}

/// The values of one name, as texts.
struct Values<'answer>(&'answer [(String, &'answer HeaderValue)]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(_, value)| String::from_utf8_lossy(value.as_bytes())))
    }
}

/// Writes a value to the end of a text, and tells where.
fn write_json(text: &mut Vec<u8>, value: &impl Serialize) -> Range<usize> {
    let start = text.len();
    // Texts and maps with text keys cannot fail to be JSON, and memory takes all that is written.
    let _ = serde_json::to_writer(&mut *text, value);
    start..text.len()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::*;

    fn answer(body: &'static [u8]) -> Answer {
        let mut headers = HeaderMap::new();
        headers.append("x-one", "1".parse().unwrap());
        headers.append("a-one", "3".parse().unwrap());
        headers.append("x-one", "2".parse().unwrap());
        headers.append("transfer-encoding", "chunked".parse().unwrap());
        Answer { status: StatusCode::OK, headers, body: Bytes::from_static(body) }
    }

    #[test]
    fn text_answers_have_six_keys() {
        let text = single(&answer(b"a\"b"));
        assert!(text.contains(r#"{"A-One":["3"],"X-One":["1","2"]}"#), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        let headers = json!({"A-One": ["3"], "X-One": ["1", "2"]});
        assert_eq!(
            value,
            json!({"Code": 200, "Body": "a\"b", "Headers": headers, "code": 200, "body": "a\"b", "headers": headers})
        );
    }

    #[test]
    fn binary_answers_have_their_bytes_too() {
        let value: Value = serde_json::from_str(&single(&answer(b"\xff"))).unwrap();
        assert_eq!((&value["Body"], &value["BodyBase64"]), (&json!("\u{fffd}"), &json!("/w==")));
    }

    #[test]
    fn what_is_written_is_declared() {
        let declared = crate::js::types::declared::Declarations::read();
        let request = super::super::arguments::single(r#"{"Domain":"http://a.example"}"#).unwrap();
        let single: Value = serde_json::from_str(&single(&answer(b"\xff"))).unwrap();
        let batch = batch(vec![(&request, Ok(answer(b"\xff")))]).ok().unwrap();
        let batch: Value = serde_json::from_str(&batch).unwrap();
        for (interface, written) in [("TykHttpResponse", &single), ("TykBatchAnswer", &batch[0])] {
            let names = written.as_object().unwrap().keys().cloned().collect();
            assert_eq!(declared.names(interface), names);
        }
    }
}
