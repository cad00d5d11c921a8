//! Which headers go on, which stay on their connection, and what the gateway adds.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Version, header, uri::Authority};

/// Headers that speak about one connection only (RFC 9110, 7.6.1, and those that servers meant that way).
static HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
];

static PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Takes out the hop-by-hop headers and those that `Connection` names.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP.iter().chain([&PROXY_CONNECTION]) {
        headers.remove(name);
    }
}

/// The protocol that a request asks to upgrade to, when it asks properly.
pub fn upgrade_protocol(headers: &HeaderMap) -> Option<&HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    let asks = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case("upgrade"));
    asks.then_some(protocol)
}

/// Makes a client's headers ready for the upstream.
///
/// `authority` is the host of an HTTP/2 request, which has no `Host` header.
pub fn for_upstream(
    headers: &mut HeaderMap,
    client: IpAddr,
    scheme: &'static str,
    version: Version,
    authority: Option<&Authority>,
) {
    remove_hop_by_hop(headers);
    // The gateway has answered it already, when it began to read the body.
    headers.remove(header::EXPECT);
    if version == Version::HTTP_2 {
        join_cookies(headers);
    }
    let forwarded_for = forwarded_for(headers, client);
    headers.insert(FORWARDED_FOR.clone(), forwarded_for);
    if !headers.contains_key(&FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO.clone(), HeaderValue::from_static(scheme));
    }
    if !headers.contains_key(&FORWARDED_HOST) {
        let of_authority = || HeaderValue::from_str(authority?.as_str()).ok();
        if let Some(host) = headers.get(header::HOST).cloned().or_else(of_authority) {
            headers.insert(FORWARDED_HOST.clone(), host);
        }
    }
}

/// The client's address after those that earlier proxies noted.
fn forwarded_for(headers: &HeaderMap, client: IpAddr) -> HeaderValue {
    use std::io::Write as _;
    let mut value = Vec::with_capacity(64);
    for before in headers.get_all(&FORWARDED_FOR) {
        value.extend_from_slice(before.as_bytes());
        value.extend_from_slice(b", ");
    }
    // Writing to a vector does not fail, and an address has only characters that a header may have.
    let _ = write!(value, "{}", client.to_canonical());
    HeaderValue::from_maybe_shared(bytes::Bytes::from(value))
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// HTTP/2 clients may split cookies over several fields; HTTP/1.1 has one (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Version, header};

    use super::{for_upstream, remove_hop_by_hop, upgrade_protocol};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn hop_by_hop_headers_stay() {
        let mut headers = headers(&[
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("x-other", "2"),
        ]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-other"], "2");
    }

    #[test]
    fn forwarded_headers_are_added() {
        let mut headers = headers(&[
            ("host", "api.example"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
        ]);
        for_upstream(&mut headers, "127.0.0.9".parse().unwrap(), "http", Version::HTTP_11, None);
        assert_eq!(headers["x-forwarded-for"], "10.0.0.1, 127.0.0.9");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "api.example");
    }

    #[test]
    fn cookies_of_http2_are_joined() {
        let mut headers = headers(&[("cookie", "a=1"), ("cookie", "b=2")]);
        for_upstream(&mut headers, "::ffff:1.2.3.4".parse().unwrap(), "http", Version::HTTP_2, None);
        assert_eq!(headers.get_all(header::COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4");
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        assert!(
            upgrade_protocol(&headers(&[("upgrade", "websocket"), ("connection", "keep-alive, Upgrade")]))
                .is_some()
        );
        assert!(upgrade_protocol(&headers(&[("upgrade", "websocket")])).is_none());
        assert!(upgrade_protocol(&headers(&[("connection", "upgrade")])).is_none());
    }
}
