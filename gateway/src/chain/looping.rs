//! Loops: a request that goes on at `tyk://self/…` or at another API without leaving the process.

use http::{Method, StatusCode, Uri, header};

use crate::{
    exchange::Exchange,
    live::{api::LiveApi, snapshot::Snapshot},
    reply::{Reply, error::GatewayError},
};

/// Loops of one request at the most, as in Tyk.
pub const MAX_LOOPS: u8 = 5;

/// Scheme of a URL that stays in the gateway.
const SCHEME: &str = "tyk://";

/// Where a loop goes.
#[derive(Debug, PartialEq, Eq)]
pub struct LoopTarget {
    /// `self`, or an API's id or name.
    api: String,
    /// Path and query there, listen path left out.
    path: String,
}

impl LoopTarget {
    /// A target from its parts.
    pub fn new(api: &str, path: &str) -> Self {
        Self { api: api.to_owned(), path: path.to_owned() }
    }

    /// Reads `tyk://API/path?query`.
    pub fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix(SCHEME)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (api, path) = rest.split_at(end);
        Some(Self::new(api, path))
    }
}

/// The target of an answer that redirects into the gateway.
pub fn redirect_target(reply: &Reply) -> Option<LoopTarget> {
    if !matches!(reply.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND) {
        return None;
    }
    LoopTarget::parse(reply.headers().get(header::LOCATION)?.to_str().ok()?)
}

/// Turns the exchange towards the loop's target and finds the API there.
///
/// As in Tyk, a `method` parameter in the target's query changes the method, and rates and quotas count again only with
/// `check_limits=true`.
///
/// # Errors
/// When the loops go too deep, or the target is not there.
pub fn enter<'a>(
    target: LoopTarget,
    from: &'a LiveApi,
    snapshot: &'a Snapshot,
    exchange: &mut Exchange,
) -> Result<(&'a LiveApi, usize), GatewayError> {
    exchange.loops += 1;
    if exchange.loops > MAX_LOOPS {
        return Err(GatewayError::LoopTooDeep { limit: MAX_LOOPS });
    }
    let api =
        if target.api.eq_ignore_ascii_case("self") { Some(from) } else { snapshot.find_api(&target.api) };
    let not_there = || GatewayError::LoopTarget { target: format!("{SCHEME}{}{}", target.api, target.path) };
    let api = api.ok_or_else(not_there)?;
    // A session is one API's; the other one authenticates for itself.
    if !std::ptr::eq(api, from) {
        exchange.session = None;
        exchange.session_found = None;
        exchange.key = None;
        exchange.quota = None;
        exchange.let_in = false;
    }
    let listen_path = api.loop_prefix();
    let path = target.path.trim_start_matches('/');
    let uri: Uri = format!("{listen_path}{path}").parse().map_err(|_| not_there())?;
    let query = uri.query().unwrap_or("").as_bytes();
    let asks = |(name, value): (_, _)| name == "check_limits" && value == "true";
    exchange.checks_limits = form_urlencoded::parse(query).any(asks);
    if let Some((_, method)) = form_urlencoded::parse(query).find(|(name, _)| name == "method")
        && let Ok(method) = Method::from_bytes(method.as_bytes())
    {
        exchange.method = method;
    }
    exchange.uri = uri;
    Ok((api, listen_path.len()))
}

#[cfg(test)]
mod tests {
    use super::LoopTarget;

    #[test]
    fn targets_are_read() {
        assert_eq!(LoopTarget::parse("tyk://self/a?b"), Some(LoopTarget::new("self", "/a?b")));
        assert_eq!(LoopTarget::parse("tyk://users"), Some(LoopTarget::new("users", "")));
        assert_eq!(LoopTarget::parse("tyk://users?x=1"), Some(LoopTarget::new("users", "?x=1")));
        assert_eq!(LoopTarget::parse("http://users/"), None);
    }
}
