//! `$tyk_context.NAME` and `$tyk_meta.NAME` variables in header values and rewrite targets.

use std::borrow::Cow;

use http::header;
use serde_json::Value;

use crate::exchange::Exchange;

/// What stands before the name of a variable of the request.
const CONTEXT: &str = "$tyk_context.";

/// What stands before the name of an entry of the session's metadata.
const METADATA: &str = "$tyk_meta.";

/// What both begin with.
const PREFIX: &str = "$tyk_";

/// Replaces each variable by its value (nothing when it has none), passed through `escape`.
///
/// `trigger` holds the `trigger-…` variables of a URL rewrite.
pub fn fill<'a>(
    text: &'a str,
    exchange: &Exchange,
    trigger: &[(String, String)],
    escape: impl Fn(String) -> String,
) -> Cow<'a, str> {
    if !text.contains(PREFIX) {
        return Cow::Borrowed(text);
    }
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(start) = rest.find(PREFIX) {
        filled.push_str(&rest[..start]);
        let from = &rest[start..];
        let Some((of_session, from)) = from
            .strip_prefix(CONTEXT)
            .map(|from| (false, from))
            .or_else(|| from.strip_prefix(METADATA).map(|from| (true, from)))
        else {
            filled.push_str(PREFIX);
            rest = &from[PREFIX.len()..];
            continue;
        };
        let end = from
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'))
            .unwrap_or(from.len());
        // A full stop at the end is the sentence's, not the name's.
        let name = from[..end].trim_end_matches('.');
        let found = if of_session {
            metadata(name, exchange)
        } else {
            let from_trigger = trigger.iter().rev().find(|(variable, _)| variable == name);
            from_trigger.map(|(_, value)| value.clone()).or_else(|| value(name, exchange))
        };
        if let Some(value) = found {
            filled.push_str(&escape(value));
        }
        rest = &from[name.len()..];
    }
    filled.push_str(rest);
    Cow::Owned(filled)
}

/// An entry of the session's metadata as text.
fn metadata(name: &str, exchange: &Exchange) -> Option<String> {
    exchange.session.as_ref()?.meta_data.get(name).map(as_text)
}

/// An entry of the session's metadata that is a text.
pub(super) fn metadata_text<'a>(name: &str, exchange: &'a Exchange) -> Option<&'a str> {
    exchange.session.as_ref()?.meta_data.get(name)?.as_str()
}

/// As Tyk writes values: numbers without an exponent, elements of a list escaped and with commas between them, and nothing for
/// what is neither of these nor a text.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        Value::Number(number) => number.to_string(),
        Value::Array(values) => {
            let texts = values.iter().map(as_text).filter(|text| !text.is_empty());
            let escaped: Vec<String> =
                texts.map(|text| form_urlencoded::byte_serialize(text.as_bytes()).collect()).collect();
            escaped.join(",")
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => String::new(),
    }
}

/// The value of a variable, as Tyk names them.
pub(super) fn value(name: &str, exchange: &Exchange) -> Option<String> {
    let canonical = |name: &str| name.replace('_', "-");
    match name {
        "request_id" => Some(exchange.request_id.to_string()),
        "path" => Some(exchange.uri.path().to_owned()),
        "path_parts" => Some(exchange.uri.path().trim_start_matches('/').replace('/', ",")),
        "remote_addr" => Some(exchange.client.ip().to_canonical().to_string()),
        _ => {
            if let Some(wanted) = name.strip_prefix("headers_") {
                let wanted = canonical(wanted);
                let values =
                    exchange.headers.iter().filter(|(name, _)| name.as_str().eq_ignore_ascii_case(&wanted));
                let values: Vec<&str> = values.filter_map(|(_, value)| value.to_str().ok()).collect();
                return (!values.is_empty()).then(|| values.join(","));
            }
            let wanted = name.strip_prefix("cookies_")?;
            let cookies =
                exchange.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
            let mut pairs = cookies
                .flat_map(|cookies| cookies.split(';'))
                .filter_map(|cookie| cookie.trim().split_once('='));
            pairs
                .find(|(name, _)| *name == wanted || canonical(name) == canonical(wanted))
                .map(|(_, value)| value.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::as_text;

    #[test]
    fn values_are_written_as_in_tyk() {
        for (value, text) in [
            (json!("a b"), "a b"),
            (json!(12345678901_i64), "12345678901"),
            (json!(1.5), "1.5"),
            (json!(1e21), "1000000000000000000000"),
            (json!(["a b", 1, {"x": 1}, ["c", "d"]]), "a+b,1,c%2Cd"),
            (json!(true), ""),
            (json!(null), ""),
            (json!({"a": "b"}), ""),
        ] {
            assert_eq!(as_text(&value), text, "{value}");
        }
    }
}
