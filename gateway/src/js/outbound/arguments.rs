//! The JSON argument of an outbound call, read as Go's `encoding/json` reads it into Tyk's structs: field names
//! match without regard to case, `null` is the zero value, anything else of a wrong type is an error.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Map, Value};
use url::Url;

use crate::js::go_base64::{self, Padding};

/// Headers of one call; a map of headers holds no more than some 30,000 and panics.
const MOST_HEADERS: usize = 4_096;

/// One call, checked.
#[derive(Debug, Clone)]
pub(super) struct OutboundRequest {
    /// Method, `GET` when none was given.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// The address as the script wrote it.
    pub written_url: String,
    /// Headers without those that the connection sets.
    pub headers: HeaderMap,
    /// Exact bytes of the body.
    pub body: Bytes,
    /// Time for this call, the script's deadline apart.
    pub timeout: Option<Duration>,
}

/// The argument of `TykBatchRequest`.
#[derive(Debug)]
pub(super) struct Batch {
    /// Its calls.
    pub requests: Vec<OutboundRequest>,
    /// One after the other (`suppress_parallel_execution`).
    pub sequential: bool,
}

/// Reads the argument of `TykMakeHttpRequest`.
pub(super) fn single(text: &str) -> Result<OutboundRequest, String> {
    let fields = Fields::parse(text)?;
    let form = fields.texts("FormData")?;
    let mut body = fields.body("Body")?;
    if body.is_empty() && !form.is_empty() {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        body = Bytes::from(encoded.extend_pairs(&form).finish());
    }
    let address = format!("{}{}", fields.text("Domain")?, fields.text("Resource")?);
    let timeout = fields.milliseconds("TimeoutMs")?;
    checked(fields.text("Method")?, address, &fields.texts("Headers")?, body, timeout)
}

/// Reads the argument of `TykBatchRequest`; `None` when it has more calls than `most`, which may be very many.
pub(super) fn batch(text: &str, most: u32) -> Result<Option<Batch>, String> {
    let fields = Fields::parse(text)?;
    if let Some(Value::Array(requests)) = fields.find("requests")
        && requests.len() > most as usize
    {
        return Ok(None);
    }
    let requests = fields.objects("requests")?.into_iter().map(|fields| {
        let address = fields.text("relative_url")?.to_owned();
        let timeout = fields.milliseconds("TimeoutMs")?;
        checked(fields.text("method")?, address, &fields.texts("headers")?, fields.body("body")?, timeout)
    });
    Ok(Some(Batch {
        requests: requests.collect::<Result<_, String>>()?,
        sequential: fields.flag("suppress_parallel_execution")?,
    }))
}

fn checked(
    method: &str,
    address: String,
    headers: &BTreeMap<String, String>,
    body: Bytes,
    timeout: Option<Duration>,
) -> Result<OutboundRequest, String> {
    let url = Url::parse(&address).map_err(|error| format!("`{address}` is not an absolute URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{address}` is not an http or https URL"));
    }
    let method = if method.is_empty() { "GET" } else { method };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is not a method"))?;
    let headers = header_map(headers)?;
    Ok(OutboundRequest { method, url, written_url: address, headers, body, timeout })
}

fn header_map(written: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    // Go's client sets these itself and leaves out what the caller wrote.
    const OF_THE_CONNECTION: [HeaderName; 4] =
        [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER];
    if written.len() > MOST_HEADERS {
        return Err(format!("{} headers; {MOST_HEADERS} are the most", written.len()));
    }
    let mut headers = HeaderMap::with_capacity(written.len() + 1);
    for (name, value) in written {
        let header =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header name"))?;
        let value = value.trim_matches([' ', '\t', '\r', '\n']);
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| format!("the value of header `{name}` has characters that HTTP does not allow"))?;
        if !OF_THE_CONNECTION.contains(&header) {
            headers.insert(header, value);
        }
    }
    headers
        .entry(header::USER_AGENT)
        .or_insert(HeaderValue::from_static(concat!("gatehouse/", env!("CARGO_PKG_VERSION"))));
    Ok(headers)
}

/// A JSON object with Go's way of finding fields.
struct Fields(Map<String, Value>);

impl Fields {
    fn parse(text: &str) -> Result<Self, String> {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(Value::Null) => Ok(Self(Map::new())),
            Ok(_) => Err("the argument is not a JSON object".to_owned()),
            Err(error) => Err(format!("the argument is not JSON: {error}")),
        }
    }

    /// The field with exactly this name, else one with its letters in another case; `null` counts as none.
    fn find(&self, name: &str) -> Option<&Value> {
        let other_case =
            || self.0.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|found| found.1);
        self.0.get(name).or_else(other_case).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        match self.find(name) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(format!("`{name}` is not a string")),
        }
    }

    /// `BODYBase64`, an addition of Gatehouse, or the text of the body.
    fn body(&self, name: &str) -> Result<Bytes, String> {
        match self.text("BodyBase64")? {
            "" => Ok(Bytes::copy_from_slice(self.text(name)?.as_bytes())),
            encoded => go_base64::decode(encoded, Padding::Required)
                .map(Bytes::from)
                .ok_or_else(|| "`BodyBase64` is not base64".to_owned()),
        }
    }

    fn texts(&self, name: &str) -> Result<BTreeMap<String, String>, String> {
        let fields = match self.find(name) {
            None => return Ok(BTreeMap::new()),
            Some(Value::Object(fields)) => fields,
            Some(_) => return Err(format!("`{name}` is not an object")),
        };
        let texts = fields.iter().map(|(key, value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Null => Ok((key.clone(), String::new())),
            _ => Err(format!("`{name}.{key}` is not a string")),
        });
        texts.collect()
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.find(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(format!("`{name}` is not true or false")),
        }
    }

    fn milliseconds(&self, name: &str) -> Result<Option<Duration>, String> {
        match self.find(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(milliseconds) if milliseconds > 0 => Ok(Some(Duration::from_millis(milliseconds))),
                _ => Err(format!("`{name}` is not a positive whole number")),
            },
        }
    }

    fn objects(&self, name: &str) -> Result<Vec<Self>, String> {
        let values = match self.find(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => return Err(format!("`{name}` is not an array")),
        };
        let objects = values.iter().map(|value| match value {
            Value::Object(fields) => Ok(Self(fields.clone())),
            Value::Null => Ok(Self(Map::new())),
            _ => Err(format!("`{name}` holds something that is not an object")),
        });
        objects.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_any_case_and_null_is_nothing() {
        let request = single(
            r#"{"mEthod":"POST","DOMAIN":"http://a.example","resource":"/x?y=1","body":"b","headers":null}"#,
        );
        let request = request.unwrap();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "http://a.example/x?y=1"));
        assert_eq!(request.body, "b");
    }

    #[test]
    fn form_fields_are_a_body_sorted_by_name() {
        let request = single(r#"{"Domain":"http://a.example","FormData":{"b":"2 &","a":"ä"}}"#).unwrap();
        assert_eq!(request.body, "a=%C3%A4&b=2+%26");
        assert!(!request.headers.contains_key(header::CONTENT_TYPE));
    }

    #[test]
    fn wrong_types_and_addresses_are_refused() {
        for argument in [
            "",
            "undefined",
            "[]",
            "{}",
            r#"{"Domain":7}"#,
            r#"{"Domain":"a.example"}"#,
            r#"{"Domain":"ftp://a.example"}"#,
            r#"{"Domain":"http://a.example","Headers":{"a":1}}"#,
            r#"{"Domain":"http://a.example","Headers":{"a b":"1"}}"#,
            r#"{"Domain":"http://a.example","Headers":{"a":"\u0000"}}"#,
            r#"{"Domain":"http://a.example","Method":"B AD"}"#,
            r#"{"Domain":"http://a.example","TimeoutMs":0}"#,
            r#"{"Domain":"http://a.example","BodyBase64":"?"}"#,
        ] {
            assert!(single(argument).is_err(), "{argument}");
        }
    }

    #[test]
    fn a_host_header_does_not_change_the_host() {
        let request =
            single(r#"{"Domain":"http://a.example","Headers":{"host":"b.example","X-A":" 1 "}}"#).unwrap();
        assert!(!request.headers.contains_key(header::HOST));
        assert_eq!(request.headers["x-a"], "1");
    }

    #[test]
    fn a_batch_has_its_requests() {
        let read = batch(r#"{"requests":[{"relative_url":"http://a.example/"},{"method":"PUT","relative_url":"http://b.example/x"}],"suppress_parallel_execution":true}"#, 2).unwrap().unwrap();
        assert!(read.sequential);
        assert_eq!(read.requests[1].method, Method::PUT);
        assert!(
            batch(r#"{"requests":[{"relative_url":"/here"}]}"#, 1).is_err(),
            "relative to the gateway itself"
        );
    }

    #[test]
    fn what_is_read_is_declared() {
        use crate::js::types::{declared::Declarations, tests::read_names};
        let declared = Declarations::read();
        type Reader = fn(&str) -> bool;
        let readers: [(&str, Reader); 3] = [
            ("TykHttpRequest", |fields| {
                single(&format!("{{\"Domain\":\"http://a.example\",{fields}}}")).is_err()
            }),
            ("TykBatch", |fields| batch(&format!("{{{fields}}}"), 9).is_err()),
            ("TykBatchUnit", |fields| {
                let unit = format!("{{\"relative_url\":\"http://a.example\",{fields}}}");
                batch(&format!("{{\"requests\":[{unit}]}}"), 9).is_err()
            }),
        ];
        for (interface, refuses) in readers {
            let is_read =
                |name: &str| ["7", "\"x\""].iter().any(|wrong| refuses(&format!("\"{name}\":{wrong}")));
            for name in declared.names(interface) {
                assert!(is_read(&name), "{interface}.{name} is not read");
            }
            assert!(!is_read("NoSuchMember"), "{interface}");
        }
        let read = read_names(
            include_str!("arguments.rs"),
            &["text", "texts", "body", "flag", "milliseconds", "objects"],
        );
        let known = readers.iter().flat_map(|(interface, _)| declared.names(interface)).collect();
        assert_eq!(read, known);
    }
}
