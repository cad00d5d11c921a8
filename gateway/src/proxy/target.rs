//! Where a request goes: the target's URL joined with the request's path, as Tyk joins them.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::{
    Uri,
    uri::{Authority, InvalidUri, PathAndQuery, Scheme},
};
use url::Url;

use super::{
    client::Protocol,
    direct::{HostPool, HostPools},
};

/// A target, taken apart once so that a request only has to add its path.
#[derive(Debug, Clone)]
pub struct Target {
    scheme: Scheme,
    authority: Authority,
    /// Path without a slash at its end.
    base: String,
    /// Whether the target was written with a slash at its end.
    slash_at_end: bool,
    query: Option<String>,
    /// How it is reached.
    pub route: Route,
    /// Goes to another API in this gateway instead (`tyk://`); the API's name or id.
    pub loops_to: Option<String>,
}

/// How a target is reached.
#[derive(Debug, Clone)]
pub enum Route {
    /// Plain HTTP/1.1, through the pool of its host.
    Direct(Arc<HostPool>),
    /// TLS or HTTP/2, through the shared client.
    Pooled(Protocol),
}

impl Target {
    /// Takes a URL apart; plain hosts get their pool from `pools`.
    ///
    /// # Errors
    /// When its host cannot be in a request.
    pub fn new(url: &Url, insecure: bool, pools: &HostPools) -> Result<Self, InvalidUri> {
        let scheme = if matches!(url.scheme(), "https" | "wss") { Scheme::HTTPS } else { Scheme::HTTP };
        let host = url.host_str().unwrap_or("");
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let authority = Authority::try_from(authority)?;
        let route = match url.scheme() {
            "http" | "ws" => Route::Direct(pools.pool(&authority)),
            scheme => Route::Pooled(Protocol { h2c: scheme == "h2c", insecure }),
        };
        Ok(Self {
            scheme,
            authority,
            base: url.path().trim_end_matches('/').to_owned(),
            slash_at_end: url.path().ends_with('/'),
            query: url.query().map(str::to_owned),
            route,
            loops_to: (url.scheme() == "tyk").then(|| host.to_owned()),
        })
    }

    /// The query that it was written with.
    pub fn own_query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Path and query of this target with a request's path and query added.
    ///
    /// One slash joins the two; a target's own slash at the end goes when nothing follows, unless
    /// `keep_trailing_slash`. A target's own query comes first.
    ///
    /// # Errors
    /// When the path cannot be in a request.
    pub fn join(
        &self,
        path: &str,
        query: Option<&str>,
        keep_trailing_slash: bool,
    ) -> Result<PathAndQuery, InvalidUri> {
        let mut joined =
            BytesMut::with_capacity(self.base.len() + path.len() + query.map_or(0, str::len) + 3);
        joined.put_slice(self.base.as_bytes());
        let path = path.trim_start_matches('/');
        let nothing_follows = path.is_empty();
        if !nothing_follows || joined.is_empty() || (keep_trailing_slash && self.slash_at_end) {
            joined.put_u8(b'/');
        }
        joined.put_slice(path.as_bytes());
        let mut separator = b'?';
        for query in [self.query.as_deref(), query].into_iter().flatten().filter(|query| !query.is_empty()) {
            joined.put_u8(separator);
            joined.put_slice(query.as_bytes());
            separator = b'&';
        }
        PathAndQuery::from_maybe_shared::<Bytes>(joined.freeze())
    }

    /// The whole URI for a path and query that [`join`](Self::join) made.
    pub fn uri(&self, path_and_query: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query);
        // All three parts are there, which is the only thing this can fail for.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{HostPools, Target};
    use crate::config::settings::UpstreamSettings;

    fn join(target: &str, path: &str, query: Option<&str>, keep: bool) -> String {
        let second = std::time::Duration::from_secs(1);
        let pools = HostPools::new(&UpstreamSettings {
            idle_per_host: 1,
            idle_timeout: second,
            timeout: second,
            connect_timeout: second,
            insecure_skip_verify: false,
        });
        let target = Target::new(&Url::parse(target).unwrap(), false, &pools).unwrap();
        target.uri(target.join(path, query, keep).unwrap()).to_string()
    }

    #[test]
    fn one_slash_joins() {
        let cases = [
            ("http://h/echo/", "a/b", "http://h/echo/a/b"),
            ("http://h/echo", "/a/", "http://h/echo/a/"),
            ("http://h/echo/", "", "http://h/echo"),
            ("http://h/echo/", "/", "http://h/echo"),
            ("http://h", "", "http://h/"),
            ("http://h/", "x", "http://h/x"),
            ("https://h:8443/a//", "//x", "https://h:8443/a/x"),
            ("ws://h:1/s", "x", "http://h:1/s/x"),
        ];
        for (target, path, expected) in cases {
            assert_eq!(join(target, path, None, false), expected, "{target} {path}");
        }
        assert_eq!(join("http://h/echo/", "", None, true), "http://h/echo/");
    }

    #[test]
    fn queries_are_kept_as_they_are() {
        assert_eq!(join("http://h/a", "b", Some("x=%zz&y"), false), "http://h/a/b?x=%zz&y");
        assert_eq!(join("http://h/a?k=1", "b", Some("x=2"), false), "http://h/a/b?k=1&x=2");
        assert_eq!(join("http://h/a?k=1", "b", None, false), "http://h/a/b?k=1");
        assert_eq!(join("http://h/a", "b", Some(""), false), "http://h/a/b");
    }
}
