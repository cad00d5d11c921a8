//! The URL that a script gave its request.

use http::{Uri, uri::PathAndQuery};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{looping, query::QueryValues};
use crate::{
    exchange::{Exchange, SentTo},
    js::hook_result::RequestChanges,
};

/// What cannot stand in a request line, and what Go escapes in a path.
pub(super) const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The request's URL as hooks see it: path and query with the listen path, or where an earlier hook sent it.
pub(super) fn shown(exchange: &Exchange) -> &str {
    match &exchange.sent_to {
        SentTo::Url(url) => url,
        _ => exchange.uri.path_and_query().map_or("/", PathAndQuery::as_str),
    }
}

/// Gives the request the URL and the parameters that a hook returned.
///
/// As in Tyk, a host in the URL is not looked at: the API's targets decide. `tyk://API/path` leads to another API.
///
/// # Errors
/// With what is wrong with the URL.
pub(super) fn change(changes: &RequestChanges, exchange: &mut Exchange) -> Result<(), String> {
    let url = changes.url.as_deref().filter(|url| *url != shown(exchange));
    let (deleted, added) = (&changes.delete_params, (&changes.add_params, &changes.extended_params));
    if url.is_none() && deleted.is_empty() && added.0.is_empty() && added.1.is_empty() {
        return Ok(());
    }
    let same_url = url.is_none();
    let url = url.unwrap_or_else(|| shown(exchange)).to_owned();
    if url.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(format!("a URL with a control character: {url:?}"));
    }
    let whole = url.split('#').next().unwrap_or("");
    let (before, query) =
        whole.split_once('?').map_or((whole, None), |(before, query)| (before, Some(query)));
    let old = QueryValues::parse(query.unwrap_or(""));
    let mut values = old.clone();
    deleted.iter().for_each(|name| values.delete(name));
    added.0.iter().for_each(|(name, value)| values.set(name, value));
    for (name, list) in added.1 {
        list.iter().for_each(|value| values.add(name, value));
    }
    let query = if values == old { query.map(str::to_owned) } else { Some(values.encode()) };
    let query = query.filter(|query| !query.is_empty()).map_or_else(String::new, |query| format!("?{query}"));
    // What a plugin chose stays chosen when a script changes parameters only.
    let stays_elsewhere = same_url && matches!(exchange.sent_to, SentTo::Url(_));
    if before.starts_with(looping::SCHEME) || stays_elsewhere {
        exchange.sent_to = SentTo::Url(format!("{before}{query}").into());
        return Ok(());
    }
    let path = path(before)?;
    let target = format!("{}{}", utf8_percent_encode(path, ESCAPED), utf8_percent_encode(&query, ESCAPED));
    let slash = if target.starts_with('/') { "" } else { "/" };
    let target = PathAndQuery::try_from(format!("{slash}{target}"));
    let target = target.map_err(|error| format!("the URL {url:?}, which is none: {error}"))?;
    if exchange.uri.path_and_query() == Some(&target) && !matches!(exchange.sent_to, SentTo::Url(_)) {
        return Ok(());
    }
    let mut parts = exchange.uri.clone().into_parts();
    parts.path_and_query = Some(target);
    exchange.uri =
        Uri::from_parts(parts).map_err(|error| format!("the URL {url:?}, which is none: {error}"))?;
    exchange.sent_to = SentTo::Target;
    Ok(())
}

/// The path of a URL without query and fragment.
fn path(url: &str) -> Result<&str, String> {
    let escapes = memchr::memchr_iter(b'%', url.as_bytes());
    let is_escape = |at: usize| {
        url.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !{ escapes }.all(is_escape) {
        return Err(format!("the URL {url:?} with `%` and no two hexadecimal digits after it"));
    }
    let after_scheme = match url.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => match rest.starts_with("//") {
            true => rest,
            false => return Err(format!("the URL {url:?}, which has a scheme and no host")),
        },
        _ => url,
    };
    Ok(match after_scheme.strip_prefix("//") {
        Some(with_host) => with_host.find('/').map_or("", |slash| &with_host[slash..]),
        None => after_scheme,
    })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn paths_of_urls() {
        for (url, expected) in [
            ("/a/b", "/a/b"),
            ("a/b", "a/b"),
            ("", ""),
            ("http://other:80/a", "/a"),
            ("https://other", ""),
            ("//other/a", "/a"),
            ("/a:b", "/a:b"),
            ("/%41 b", "/%41 b"),
        ] {
            assert_eq!(path(url), Ok(expected), "{url}");
        }
        for url in ["/%zz", "/%4", "mailto:someone", "a:b"] {
            assert!(path(url).is_err(), "{url}");
        }
    }
}
