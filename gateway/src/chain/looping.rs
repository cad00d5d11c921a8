//! Loops: a request that goes on at `tyk://self/…` or at another API without leaving the process.

use http::{Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

use crate::{
    exchange::{Exchange, SentTo},
    live::{api::LiveApi, snapshot::Snapshot},
    reply::{Reply, error::GatewayError},
};

/// Loops of one request at the most, as in Tyk.
pub const MAX_LOOPS: u8 = 5;

/// Scheme of a URL that stays in the gateway.
pub const SCHEME: &str = "tyk://";

/// Where a loop goes.
#[derive(Debug, PartialEq, Eq)]
pub struct LoopTarget {
    /// `self`, or an API's id or name.
    api: String,
    /// Path there, listen path left out.
    path: String,
    /// Query there; `None` keeps the request's.
    query: Option<String>,
    controls: Controls,
}

/// What the target's own query says about the loop itself, in Tyk's words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Controls {
    /// `method`.
    method: Option<Method>,
    /// `loop_limit`, which can only make the limit smaller.
    limit: Option<u8>,
    /// `check_limits=true`: rates and quotas count there too.
    check_limits: bool,
}

impl LoopTarget {
    /// The target of an API whose `target_url` is here: path and query are the request's too, and say nothing about the loop;
    /// `own_query` is the definition's.
    pub fn of_api(api: &str, path_and_query: &str, own_query: Option<&str>) -> Self {
        let (path, query) = split(path_and_query);
        let (controls, _) = Controls::take(own_query.unwrap_or(""));
        Self { api: api.to_owned(), path: path.to_owned(), query: query.map(str::to_owned), controls }
    }

    /// Reads `tyk://API/path?query`.
    pub fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix(SCHEME)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (api, path_and_query) = rest.split_at(end);
        let (path, query) = split(path_and_query);
        let (controls, query) = Controls::take(query.unwrap_or(""));
        Some(Self { api: api.to_owned(), path: path.to_owned(), query, controls })
    }
}

fn split(path_and_query: &str) -> (&str, Option<&str>) {
    match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    }
}

impl Controls {
    /// Takes what is about the loop out of a query, and gives what is left of it.
    fn take(query: &str) -> (Self, Option<String>) {
        let mut controls = Self::default();
        let mut left = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "method" => {
                    let value: Vec<u8> = percent_decode_str(value).collect();
                    controls.method = Method::from_bytes(&value.to_ascii_uppercase()).ok();
                }
                "loop_limit" => controls.limit = value.parse().ok().filter(|limit| *limit > 0),
                "check_limits" => controls.check_limits = value == "true",
                _ => left.push(pair),
            }
        }
        (controls, (!left.is_empty()).then(|| left.join("&")))
    }
}

/// The target of an answer that redirects into the gateway.
pub fn redirect_target(reply: &Reply) -> Option<LoopTarget> {
    if !matches!(reply.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND) {
        return None;
    }
    LoopTarget::parse(reply.headers().get(header::LOCATION)?.to_str().ok()?)
}

/// Turns the exchange towards the loop's target and finds the API there. Method, headers and body stay as they are, and the query
/// unless the target has one of its own.
///
/// As in Tyk, rates and quotas are not counted again in a loop, unless the target says `check_limits=true`.
///
/// # Errors
/// When the loops go too deep, or the target is not there.
pub fn enter<'a>(
    target: LoopTarget,
    from: &'a LiveApi,
    snapshot: &'a Snapshot,
    exchange: &mut Exchange,
) -> Result<(&'a LiveApi, usize), GatewayError> {
    let LoopTarget { api: name, path, query, controls } = target;
    exchange.loops += 1;
    exchange.loop_limit = controls.limit.map_or(exchange.loop_limit, |limit| limit.min(exchange.loop_limit));
    if exchange.loops > exchange.loop_limit {
        return Err(GatewayError::LoopTooDeep { limit: exchange.loop_limit });
    }
    let api = if name.eq_ignore_ascii_case("self") { Some(from) } else { snapshot.find_api(&name) };
    let not_there = || GatewayError::LoopTarget { target: format!("{SCHEME}{name}{path}") };
    let api = api.ok_or_else(not_there)?;
    // A session is one API's; the other one authenticates for itself.
    if !std::ptr::eq(api, from) {
        exchange.outer_caller = exchange.caller().or(exchange.outer_caller.take());
        exchange.session = None;
        exchange.session_found = None;
        exchange.key = None;
        exchange.quota = None;
        exchange.let_in = false;
        exchange.version_name = None;
    }
    let listen_path = api.loop_prefix();
    let mut uri = format!("{listen_path}{}", path.trim_start_matches('/'));
    if let Some(query) = query.as_deref().or_else(|| exchange.uri.query()) {
        uri.push('?');
        uri.push_str(query);
    }
    exchange.note_client_uri();
    exchange.uri = uri.parse::<Uri>().map_err(|_| not_there())?;
    if let Some(method) = controls.method {
        exchange.method = method;
    }
    exchange.checks_limits = controls.check_limits;
    // Where a hook of this pass sent the request is not where the loop goes.
    exchange.sent_to = SentTo::Unchanged;
    Ok((api, listen_path.len()))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Controls, LoopTarget};

    fn target(api: &str, path: &str, query: Option<&str>) -> LoopTarget {
        let (api, path) = (api.to_owned(), path.to_owned());
        LoopTarget { api, path, query: query.map(str::to_owned), controls: Controls::default() }
    }

    #[test]
    fn targets_are_read() {
        assert_eq!(LoopTarget::parse("tyk://self/a?b"), Some(target("self", "/a", Some("b"))));
        assert_eq!(LoopTarget::parse("tyk://users"), Some(target("users", "", None)));
        assert_eq!(LoopTarget::parse("tyk://users?x=1&&y"), Some(target("users", "", Some("x=1&y"))));
        assert_eq!(LoopTarget::parse("http://users/"), None);
    }

    #[test]
    fn what_is_about_the_loop_does_not_go_on() {
        let read = LoopTarget::parse("tyk://self/a?method=post&x=1&loop_limit=2&check_limits=true").unwrap();
        let controls = Controls { method: Some(Method::POST), limit: Some(2), check_limits: true };
        assert_eq!(read, LoopTarget { controls, ..target("self", "/a", Some("x=1")) });
        let read = LoopTarget::parse("tyk://self/a?loop_limit=0&check_limits=1&method=a%20b").unwrap();
        assert_eq!(read, target("self", "/a", None));
    }

    #[test]
    fn what_a_client_asks_is_not_about_the_loop() {
        let read = LoopTarget::of_api("back", "/a?method=DELETE&x=1", Some("check_limits=true"));
        let controls = Controls { check_limits: true, ..Controls::default() };
        assert_eq!(read, LoopTarget { controls, ..target("back", "/a", Some("method=DELETE&x=1")) });
    }
}
