//! Versions that are APIs of their own: which of them serves a request that came in at their base.

use http::Uri;

use super::version::{self, Named};
use crate::{
    exchange::Exchange,
    live::{
        api::{LiveApi, LiveVersionApis},
        snapshot::Snapshot,
    },
    reply::error::GatewayError,
};

/// What the base is called in every list of versions.
const BASE: &str = "self";

/// The API that serves the request, and how much of the path its listen path takes.
///
/// As in Tyk, that is before anything else of the base, which gives the other API no more than its own place: a base that
/// strips its listen path hands over the path without it.
///
/// # Errors
/// When no version is named and there is no default, or the one that is named is not served.
pub fn choose<'a>(
    base: &'a LiveApi,
    versions: &LiveVersionApis,
    listen_length: usize,
    snapshot: &'a Snapshot,
    exchange: &mut Exchange,
) -> Result<(&'a LiveApi, usize), GatewayError> {
    let uri = exchange.uri.clone();
    let Named { name, segment } = version::named(&versions.naming, &uri, listen_length, exchange);
    let default = versions.naming.default.as_deref().unwrap_or("");
    let wanted = name.as_deref().unwrap_or(default);
    let segment = segment.filter(|_| versions.naming.strip);
    let api = match find(base, versions, snapshot, wanted) {
        Some(api) => api,
        None if wanted.is_empty() => return Err(GatewayError::VersionMissing),
        None if !versions.naming.fallback => return Err(GatewayError::VersionApiUnknown),
        None => find(base, versions, snapshot, default).ok_or_else(|| {
            tracing::error!(
                api_id = &*base.id,
                request_id = %exchange.request_id,
                "the default version `{default}` is not there to fall back to"
            );
            GatewayError::VersionFallback
        })?,
    };
    let (listen_path, rest) = uri.path().split_at(listen_length.min(uri.path().len()));
    let rest = rest.get(segment.unwrap_or(0)..).unwrap_or("");
    if std::ptr::eq(api, base) {
        if segment.is_some() {
            let path = joined(listen_path, rest);
            turn(exchange, &uri, &path);
        }
        return Ok((base, listen_length));
    }
    let path = if base.strip_listen_path { joined("", rest) } else { joined(listen_path, rest) };
    let taken = if path.starts_with(&api.listen_path) { api.listen_path.len() } else { 0 };
    turn(exchange, &uri, &path);
    Ok((api, taken))
}

fn find<'a>(
    base: &'a LiveApi,
    versions: &LiveVersionApis,
    snapshot: &'a Snapshot,
    name: &str,
) -> Option<&'a LiveApi> {
    if name.is_empty() {
        return None;
    }
    if name == BASE || name == versions.own_name {
        return Some(base);
    }
    snapshot.find_api(versions.apis.get(name)?)
}

/// Two parts of a path with one slash between them.
fn joined(before: &str, rest: &str) -> String {
    let rest = if before.ends_with('/') { rest.strip_prefix('/').unwrap_or(rest) } else { rest };
    let slash = if before.ends_with('/') || rest.starts_with('/') { "" } else { "/" };
    format!("{before}{slash}{rest}")
}

fn turn(exchange: &mut Exchange, from: &Uri, path: &str) {
    if path == from.path() {
        return;
    }
    exchange.note_client_uri();
    let query = exchange.uri.query().unwrap_or("").to_owned();
    version::set_path_and_query(exchange, path, &query);
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn parts_are_joined_by_one_slash() {
        for (before, rest, whole) in [
            ("", "x", "/x"),
            ("", "/x", "/x"),
            ("", "", "/"),
            ("/a/", "x", "/a/x"),
            ("/a/", "/x", "/a/x"),
            ("/a", "/x", "/a/x"),
            ("/a", "", "/a/"),
        ] {
            assert_eq!(joined(before, rest), whole, "{before} {rest}");
        }
    }
}
