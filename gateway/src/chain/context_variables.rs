//! `$tyk_context.NAME` variables in header values and rewrite targets.

use std::borrow::Cow;

use http::header;

use crate::exchange::Exchange;

const PREFIX: &str = "$tyk_context.";

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
    while let Some((before, from)) = rest.split_once(PREFIX) {
        filled.push_str(before);
        let end = from
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'))
            .unwrap_or(from.len());
        // A full stop at the end is the sentence's, not the name's.
        let name = from[..end].trim_end_matches('.');
        let from_trigger =
            trigger.iter().find(|(variable, _)| variable == name).map(|(_, value)| value.clone());
        if let Some(value) = from_trigger.or_else(|| value(name, exchange)) {
            filled.push_str(&escape(value));
        }
        rest = &from[name.len()..];
    }
    filled.push_str(rest);
    Cow::Owned(filled)
}

/// The value of a variable, as Tyk names them.
fn value(name: &str, exchange: &Exchange) -> Option<String> {
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
