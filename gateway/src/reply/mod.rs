//! Answers: their bodies, the headers that every one gets, and how errors and fixed answers look.

pub mod body;
pub mod content_type;
pub mod error;
pub mod header_map;
pub mod heads;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use self::body::ReplyBody;

/// Headers that the gateway may add to an answer: with room for them from the beginning, a map does not have to grow.
pub const ADDED_HEADERS: usize = 8;

/// An answer on its way to the client.
pub type Reply = Response<ReplyBody>;

/// `X-RateLimit-Limit` and its neighbours, which Tyk puts on every answer that got past the limits.
pub static RATE_LIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
/// See [`RATE_LIMIT_LIMIT`].
pub static RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// See [`RATE_LIMIT_LIMIT`].
pub static RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Sets the rate limit headers of a request without a session: zeros, as Tyk does.
pub fn set_keyless_limits(headers: &mut HeaderMap) {
    const ZERO: HeaderValue = HeaderValue::from_static("0");
    for name in [&RATE_LIMIT_LIMIT, &RATE_LIMIT_REMAINING, &RATE_LIMIT_RESET] {
        headers.insert(name.clone(), ZERO);
    }
}

/// Gives an answer made by the gateway the content type that Go's server would find in its body.
///
/// Does nothing when there is one, when the body is empty or when the status has no body.
pub fn sniff_content_type(reply: &mut Reply) {
    if reply.headers().contains_key(header::CONTENT_TYPE) {
        return;
    }
    if let Some(body) = reply.body().full().cloned() {
        add_content_type(reply.status(), reply.headers_mut(), &body);
    }
}

/// As [`sniff_content_type`], for an answer in parts.
pub fn add_content_type(status: StatusCode, headers: &mut HeaderMap, body: &[u8]) {
    if !body.is_empty() && has_body(status) && !headers.contains_key(header::CONTENT_TYPE) {
        let content_type = HeaderValue::from_static(content_type::detect(body));
        headers.insert(header::CONTENT_TYPE, content_type);
    }
}

/// Takes out what an answer without a body must not say about one, as Go's server does.
pub fn drop_body_headers(reply: &mut Reply) {
    if reply.status() == StatusCode::NOT_MODIFIED {
        reply.headers_mut().remove(header::CONTENT_TYPE);
        reply.headers_mut().remove(header::CONTENT_LENGTH);
    }
}

/// The status of an answer with this code: from 200 to 999. One below would announce another answer, or another protocol.
pub fn final_status(code: u16) -> Option<StatusCode> {
    StatusCode::from_u16(code).ok().filter(|status| !status.is_informational())
}

/// The status of an answer to which a script gives this code. As a Tyk's clients see it, a code from 100 to 199 comes down to 200:
/// Go's server sends the body with that. But 101 would end HTTP on the connection, and is no status of a script's answer.
pub fn script_status(code: u16) -> Option<StatusCode> {
    match StatusCode::from_u16(code).ok()? {
        StatusCode::SWITCHING_PROTOCOLS => None,
        status if status.is_informational() => Some(StatusCode::OK),
        status => Some(status),
    }
}

/// Whether an answer with this status may have a body.
pub fn has_body(status: StatusCode) -> bool {
    !status.is_informational() && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}
