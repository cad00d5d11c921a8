//! Answers of outbound calls as the JSON text that scripts get.

use std::collections::BTreeMap;

use base64::Engine as _;
use http::{HeaderMap, header};
use serde::Serialize;

use super::{CallFailure, arguments::OutboundRequest, exchange::Answer};
use crate::js::header_name;

/// The object of `TykMakeHttpRequest`: every field under both of the names that scripts use.
///
/// A body that is not UTF-8 has U+FFFD in it, and then `BodyBase64` is there too with the exact bytes; other
/// answers have exactly Tyk's six keys.
pub(super) fn single(answer: &Answer) -> String {
    let code = answer.status.as_u16();
    let headers = json(&canonical(&answer.headers));
    let body = Body::of(answer);
    let text = json(&body.text);
    let exact = body.base64.map(|exact| format!(",\"BodyBase64\":\"{exact}\"")).unwrap_or_default();
    format!(
        "{{\"Code\":{code},\"Body\":{text},\"Headers\":{headers},\
         \"code\":{code},\"body\":{text},\"headers\":{headers}{exact}}}"
    )
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
    Ok(json(&units))
}

#[derive(Serialize, Default)]
struct BatchUnit<'answer> {
    relative_url: &'answer str,
    code: u16,
    headers: Option<BTreeMap<String, Vec<String>>>,
    body: std::borrow::Cow<'answer, str>,
    #[serde(rename = "BodyBase64", skip_serializing_if = "Option::is_none")]
    exact: Option<String>,
}

struct Body<'answer> {
    text: std::borrow::Cow<'answer, str>,
    base64: Option<String>,
}

impl<'answer> Body<'answer> {
    fn of(answer: &'answer Answer) -> Self {
        let text = String::from_utf8_lossy(&answer.body);
        let replaced = matches!(text, std::borrow::Cow::Owned(_));
        let base64 = replaced.then(|| base64::engine::general_purpose::STANDARD.encode(&answer.body));
        Self { text, base64 }
    }
}

fn canonical(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut canonical: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        // Go's client keeps how the body was sent to itself.
        if name != header::TRANSFER_ENCODING && name != header::TRAILER {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            canonical.entry(header_name::canonical(name.as_str())).or_default().push(value);
        }
    }
    canonical
}

fn json(value: &impl Serialize) -> String {
    // Texts and maps with text keys cannot fail to be JSON.
    serde_json::to_string(value).unwrap_or_default()
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
        headers.append("x-one", "2".parse().unwrap());
        headers.append("transfer-encoding", "chunked".parse().unwrap());
        Answer { status: StatusCode::OK, headers, body: Bytes::from_static(body) }
    }

    #[test]
    fn text_answers_have_six_keys() {
        let value: Value = serde_json::from_str(&single(&answer(b"a\"b"))).unwrap();
        let headers = json!({"X-One": ["1", "2"]});
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
