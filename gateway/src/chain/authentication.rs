//! Who the caller is: a key in a header, query parameter or cookie, a hook, or both; and what stands around it before
//! the limits.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Uri, header};

use super::{
    access_rights,
    hook::{self, HookAnswer},
    ip_access,
    query::with_query,
};
use crate::{
    apidef::model::KeyAuth,
    events::Happened,
    exchange::Exchange,
    live::api::LiveApi,
    reply::{Reply, error::GatewayError},
    router::endpoints::PathForms,
    serve::Gateway,
    session::Found,
};

/// The word that may stand before a key, in any case, with the space behind it.
const BEARER: &str = "bearer ";

/// What a pass knows of a request before its caller is known.
pub struct Arriving<'a> {
    /// Whether the endpoint asks who the caller is.
    pub authenticates: bool,
    /// The version that is called, when the API has several.
    pub version: Option<&'a str>,
    /// The path as the client sent it.
    pub forms: PathForms<'a>,
}

/// An answer that keeps a request out.
pub enum KeptOut {
    /// Of a hook before the caller is known, of authentication itself, or of a plugin.
    Before(Reply),
    /// Of a `post_key_auth` hook in JavaScript: as in Tyk it is an answer of the API, which its response hooks see.
    After(HookAnswer),
}

/// Runs what stands between a request and the limits of an API: `pre` hooks, client addresses, authentication,
/// `post_key_auth` hooks, taking out the key, and what the session allows. An answer keeps the request out.
///
/// # Errors
/// When the request is refused, a function failed, or the store cannot tell, in which case nobody is let in.
pub async fn let_in(
    gateway: &Gateway,
    api: &LiveApi,
    arriving: Arriving<'_>,
    exchange: &mut Exchange,
) -> Result<Option<KeptOut>, GatewayError> {
    let hooks = &api.hooks;
    if let Some(answer) = hook::requests(api, &hooks.pre, gateway, exchange, false).await? {
        return Ok(Some(KeptOut::Before(answer.reply)));
    }
    ip_access::check(&api.client_addresses, exchange.client.ip())?;
    // In a loop within the API, its first pass has let the caller in.
    if arriving.authenticates && !exchange.let_in && api.asks_for_caller() {
        if let Some(auth_check) = &hooks.auth_check
            && let Some(reply) = hook::authenticate(gateway, api, auth_check, exchange).await?
        {
            return Ok(Some(KeptOut::Before(reply)));
        }
        if let Some(keys) = &api.keys {
            by_key(gateway, api, keys, exchange).await?;
        }
        exchange.let_in = true;
    }
    // As in Tyk, an API without authentication has nothing that they could come after.
    if api.asks_for_caller()
        && let Some(answer) = hook::requests(api, &hooks.post_key_auth, gateway, exchange, true).await?
    {
        return Ok(Some(match answer.of_script {
            true => KeptOut::After(answer),
            // What a function of a plugin answers goes out as it is, as a Go plugin's does in Tyk.
            false => KeptOut::Before(answer.reply),
        }));
    }
    if let Some(keys) = api.keys.as_ref().filter(|keys| keys.strip) {
        strip(keys, exchange);
    }
    if arriving.authenticates && api.asks_for_caller() {
        access_rights::check(gateway, api, &arriving, exchange)?;
    }
    Ok(None)
}

/// Finds the session of the key that the request has.
async fn by_key(
    gateway: &Gateway,
    api: &LiveApi,
    keys: &KeyAuth,
    exchange: &mut Exchange,
) -> Result<(), GatewayError> {
    let sent = sent(keys, &exchange.headers, &exchange.uri).ok_or(GatewayError::KeyMissing)?;
    let Some(Found { key, session }) = gateway.sessions.find(&api.org_id, &sent).await? else {
        api.events.fire(exchange, Happened::AuthFailure { key: &sent });
        return Err(GatewayError::KeyRefused);
    };
    exchange.session_found = Some(Arc::clone(&session));
    exchange.session = Some(session);
    exchange.key = Some(key);
    Ok(())
}

/// The key as it was sent: a parameter's counts for more than a header's, and a cookie's for more than both.
fn sent(keys: &KeyAuth, headers: &HeaderMap, uri: &Uri) -> Option<String> {
    // What is not text is no key either, but it was sent.
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let header = || keys.header.as_ref().and_then(|name| headers.get(name)).map(text);
    let parameter = || {
        let name = keys.parameter.as_deref()?;
        let query = uri.query().unwrap_or("").as_bytes();
        let found = form_urlencoded::parse(query).find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned())
    };
    let cookie = || {
        let name = keys.cookie.as_deref()?;
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(known, _)| known.trim() == name)?;
        let value = value.trim();
        Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value).to_owned())
    };
    let filled = |value: Option<String>| value.filter(|value| !value.is_empty());
    let sent = filled(cookie()).or_else(|| filled(parameter())).or_else(|| filled(header()))?;
    Some(match sent.get(..BEARER.len()) {
        Some(word) if word.eq_ignore_ascii_case(BEARER) => sent[BEARER.len()..].to_owned(),
        _ => sent,
    })
}

/// Takes the key out, so that the upstream does not see it.
fn strip(keys: &KeyAuth, exchange: &mut Exchange) {
    if let Some(name) = &keys.header {
        exchange.headers.remove(name);
    }
    if let Some(name) = &keys.parameter
        && let Some(query) = exchange.uri.query()
        && let Some(query) = without_parameter(query, name)
        && let Some(uri) = with_query(&exchange.uri, &query)
    {
        exchange.uri = uri;
    }
    if let Some(name) = &keys.cookie {
        strip_cookie(&mut exchange.headers, name);
    }
}

/// The query without a parameter; `None` when it is not in it, so that nothing is written anew.
fn without_parameter(query: &str, name: &str) -> Option<String> {
    let pairs = || form_urlencoded::parse(query.as_bytes());
    if !pairs().any(|(known, _)| known == name) {
        return None;
    }
    // Sorted by name, as Go writes a query.
    let mut kept: Vec<_> = pairs().filter(|(known, _)| known != name).collect();
    kept.sort_by(|(one, _), (other, _)| one.cmp(other));
    Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish())
}

fn strip_cookie(headers: &mut HeaderMap, name: &str) {
    let is_other = |pair: &&str| pair.split_once('=').is_none_or(|(known, _)| known.trim() != name);
    let kept: Vec<String> = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';').filter(is_other).map(|pair| pair.trim().to_owned()))
        .filter(|pair| !pair.is_empty())
        .collect();
    headers.remove(header::COOKIE);
    if let Ok(value) = HeaderValue::from_str(&kept.join("; "))
        && !kept.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(parameter: Option<&str>, cookie: Option<&str>) -> KeyAuth {
        KeyAuth {
            header: Some(header::AUTHORIZATION),
            parameter: parameter.map(str::to_owned),
            cookie: cookie.map(str::to_owned),
            strip: false,
        }
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn keys_are_found_where_the_definition_says() {
        let find = |keys: &KeyAuth, lines: &[(&'static str, &str)], uri: &str| {
            sent(keys, &headers(lines), &uri.parse().unwrap())
        };
        let all = keys(Some("api_key"), Some("sid"));
        let header = ("authorization", "from-header");
        let cookie = ("cookie", "a=1; sid=\"from-cookie\"; b=2");
        assert_eq!(find(&all, &[header], "/x").as_deref(), Some("from-header"));
        assert_eq!(find(&all, &[header], "/x?api_key=a%20b").as_deref(), Some("a b"));
        assert_eq!(find(&all, &[header], "/x?api_key=").as_deref(), Some("from-header"));
        assert_eq!(find(&all, &[header, cookie], "/x?api_key=p").as_deref(), Some("from-cookie"));
        assert_eq!(find(&keys(None, None), &[cookie], "/x?api_key=p"), None);
        assert_eq!(find(&all, &[("authorization", "")], "/x"), None);
        for (line, expected) in
            [("Bearer k1", "k1"), ("BEARER k1", "k1"), ("bearer", "bearer"), ("Basic x", "Basic x")]
        {
            assert_eq!(find(&all, &[("authorization", line)], "/x").as_deref(), Some(expected));
        }
        let no_header = KeyAuth { header: None, ..keys(Some("k"), None) };
        assert_eq!(find(&no_header, &[header], "/x"), None);
    }

    #[test]
    fn what_is_stripped_leaves_the_rest() {
        assert_eq!(without_parameter("b=2&api_key=x&a=1&a=%20", "api_key").as_deref(), Some("a=1&a=+&b=2"));
        assert_eq!(without_parameter("b=2;x&a=%zz", "api_key"), None);
        let uri: Uri = "/x?api_key=1".parse().unwrap();
        let without = without_parameter("api_key=1", "api_key").unwrap();
        assert_eq!(with_query(&uri, &without).unwrap(), "/x");
        for (before, after) in
            [("a=1; sid=k; b=2", Some("a=1; b=2")), ("sid=k", None), ("sida=1", Some("sida=1"))]
        {
            let mut headers = headers(&[("cookie", before)]);
            strip_cookie(&mut headers, "sid");
            assert_eq!(headers.get("cookie").map(|value| value.to_str().unwrap()), after);
        }
    }
}
