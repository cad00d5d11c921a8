//! The one place that gives an error its status and its words for the client.
//!
//! Rooms below have errors of their own; [`GatewayError`] gathers them. The client gets Tyk's message, the log
//! gets the cause.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::{Reply, body::ReplyBody};
use crate::{
    js::engine::ErrorClass,
    limits::LimitsError,
    session::StoreError,
    telemetry::metrics::{unserved, upstream},
};

/// Why a request was not served as asked.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// No API has this path.
    #[error("no API serves this path")]
    NoRoute,
    /// A version is needed and was not named.
    #[error("Version information not found")]
    VersionMissing,
    /// The named version is not there.
    #[error("This API version does not seem to exist")]
    VersionUnknown,
    /// The named version is an API of its own which is not there.
    #[error("This API version does not seem to exist")]
    VersionApiUnknown,
    /// The version to fall back to is not there.
    #[error("Internal Server Error")]
    VersionFallback,
    /// The version has ended.
    #[error("Api Version has expired, please check documentation or contact administrator")]
    VersionExpired,
    /// An endpoint that is blocked, not allowed or internal.
    #[error("Requested endpoint is forbidden")]
    EndpointForbidden,
    /// The client's address may not call.
    #[error("Access from this IP has been disallowed")]
    AddressForbidden,
    /// The rate of the caller.
    #[error("Rate Limit Exceeded")]
    RateLimit,
    /// The quota of the caller.
    #[error("Quota exceeded")]
    QuotaExceeded,
    /// Rates and quotas cannot be checked, so nobody gets past them.
    #[error("Rate limits and quotas cannot be checked at the moment")]
    Limits(#[from] LimitsError),
    /// What a session says cannot be applied.
    #[error("The record of this key cannot be used")]
    SessionUnusable {
        /// Why.
        cause: String,
    },
    /// The API-wide rate limit.
    #[error("API Rate Limit Exceeded")]
    ApiRateLimit,
    /// Larger than the endpoint's, version's or API's limit.
    #[error("Request is too large")]
    SizeLimit,
    /// A size limit needs to know the length first.
    #[error("Content length is required for this request")]
    LengthRequired,
    /// Larger than the gateway takes.
    #[error("Request Entity Too Large")]
    BodyTooLarge,
    /// The client was too slow.
    #[error("Request Timeout")]
    BodyTimeout,
    /// The client broke off or sent something that is not a body.
    #[error("Bad Request")]
    BodyBroken,
    /// More requests than the gateway takes at a time.
    #[error("Service Unavailable")]
    Overloaded,
    /// Loops inside the gateway do not end.
    #[error("Loop level too deep. Found more than {limit} loops in single request")]
    LoopTooDeep {
        /// The limit.
        limit: u8,
    },
    /// A loop goes to an API that is not there.
    #[error("Can't detect loop target")]
    LoopTarget {
        /// What it named.
        target: String,
    },
    /// A rewrite gave something that is not a URL.
    #[error("There was a problem proxying the request")]
    RewriteFailed {
        /// The URL.
        url: String,
    },
    /// The upstream did not answer in time.
    #[error("Upstream service reached hard timeout.")]
    UpstreamTimeout,
    /// The upstream's name is not known.
    #[error("Upstream host lookup failed")]
    UpstreamLookup {
        /// What the resolver said.
        cause: String,
    },
    /// The upstream cannot be reached or broke off.
    #[error("There was a problem proxying the request")]
    Upstream {
        /// What happened.
        cause: String,
        /// No connection came about at all.
        unreachable: bool,
    },
    /// A virtual endpoint failed; the cause has been logged where it is known.
    #[error("Error during virtual endpoint execution. Contact Administrator for more details.")]
    VirtualEndpoint {
        /// The class of the failure.
        class: ErrorClass,
    },
    /// A hook in JavaScript failed; the cause has been logged where it is known.
    #[error("Internal Server Error")]
    Hook {
        /// The class of the failure.
        class: ErrorClass,
    },
    /// The same for hooks that see the answer, and for those that cannot be called because scripts are off.
    #[error("Middleware error")]
    Middleware {
        /// The class of the failure.
        class: ErrorClass,
    },
    /// A hook refused the request.
    #[error("{message}")]
    HookRefused {
        /// From 400 to 999.
        status: StatusCode,
        /// For the caller.
        message: String,
    },
    /// A plugin failed or is not loaded; the cause has been logged where it is known.
    #[error("Internal Server Error")]
    Plugin,
    /// A plugin crashed the gateway too often at this endpoint.
    #[error("Service Unavailable")]
    PluginClosed,
    /// The request has no key.
    #[error("Authorization field missing")]
    KeyMissing,
    /// There is no such key, or it is not for this API.
    #[error("Access to this API has been disallowed")]
    KeyRefused,
    /// The key is not for this path.
    #[error("Access to this resource has been disallowed")]
    PathRefused,
    /// The key is switched off.
    #[error("Key is inactive, please renew")]
    KeyInactive,
    /// The key has ended.
    #[error("Key has expired, please renew")]
    KeyExpired,
    /// The store of keys could not be asked; whoever it is, nobody is let in.
    #[error("{}", store_message(.0))]
    Store(#[from] StoreError),
    /// It is not as the definition says that requests are.
    #[error("{message}")]
    RequestInvalid {
        /// As the definition says.
        status: StatusCode,
        /// What is wrong.
        message: String,
    },
    /// A mock response has no example as the request or the definition asks for.
    #[error("mock: {message}")]
    NoExample {
        /// 400 or 404.
        status: StatusCode,
        /// What is not there.
        message: String,
    },
    /// Authentication did not let the caller in.
    #[error("{message}")]
    AuthenticationRefused {
        /// From 400 to 599.
        status: StatusCode,
        /// For the caller.
        message: String,
    },
}

impl GatewayError {
    /// The status for the client.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoRoute | Self::VersionApiUnknown => StatusCode::NOT_FOUND,
            Self::VersionMissing
            | Self::VersionUnknown
            | Self::VersionExpired
            | Self::EndpointForbidden
            | Self::QuotaExceeded
            | Self::AddressForbidden
            | Self::KeyRefused
            | Self::PathRefused
            | Self::KeyInactive => StatusCode::FORBIDDEN,
            Self::KeyMissing | Self::KeyExpired => StatusCode::UNAUTHORIZED,
            // Another try cannot help when it is the record that is wrong.
            Self::Store(StoreError::BadValue { .. })
            | Self::Limits(LimitsError::Store(StoreError::BadValue { .. })) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Store(_) | Self::Limits(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::RateLimit | Self::ApiRateLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::SizeLimit | Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded | Self::PluginClosed => StatusCode::SERVICE_UNAVAILABLE,
            Self::AuthenticationRefused { status, .. }
            | Self::HookRefused { status, .. }
            | Self::NoExample { status, .. }
            | Self::RequestInvalid { status, .. } => *status,
            // A full queue is the gateway's trouble, not the script's: the client may try again.
            Self::VirtualEndpoint { class: ErrorClass::Overload }
            | Self::Hook { class: ErrorClass::Overload }
            | Self::Middleware { class: ErrorClass::Overload } => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::LoopTooDeep { .. }
            | Self::LoopTarget { .. }
            | Self::RewriteFailed { .. }
            | Self::UpstreamLookup { .. }
            | Self::Upstream { .. }
            | Self::Plugin
            | Self::Hook { .. }
            | Self::Middleware { .. }
            | Self::SessionUnusable { .. }
            | Self::VersionFallback
            | Self::VirtualEndpoint { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is behind it, for the log; `None` when the message says all.
    pub fn cause(&self) -> Option<Cow<'_, str>> {
        let cause: &str = match self {
            Self::Upstream { cause, .. } | Self::UpstreamLookup { cause } => cause,
            Self::LoopTarget { target } => target,
            Self::RewriteFailed { url } => url,
            Self::SessionUnusable { cause } => cause,
            Self::Limits(error) => return Some(error.to_string().into()),
            Self::Store(error) => return Some(error.to_string().into()),
            _ => return None,
        };
        Some(cause.into())
    }

    /// How the upstream failed, in the word of metrics; `None` when it was something else that did.
    pub fn upstream_failure(&self) -> Option<&'static str> {
        match self {
            Self::UpstreamTimeout => Some(upstream::TIMEOUT),
            Self::UpstreamLookup { .. } => Some(upstream::LOOKUP),
            Self::Upstream { unreachable: true, .. } => Some(upstream::CONNECT),
            Self::Upstream { unreachable: false, .. } => Some(upstream::BROKEN),
            _ => None,
        }
    }

    /// Why no API served the request, in the word of metrics; only for what happens before there is one.
    pub fn unserved(&self) -> &'static str {
        match self {
            Self::Overloaded => unserved::OVERLOADED,
            Self::BodyTooLarge => unserved::BODY_TOO_LARGE,
            _ => unserved::NO_ROUTE,
        }
    }

    /// Whether the connection cannot be used again, because the rest of the body was not read.
    fn closes_connection(&self) -> bool {
        matches!(
            self,
            Self::SizeLimit
                | Self::LengthRequired
                | Self::BodyTooLarge
                | Self::BodyTimeout
                | Self::BodyBroken
        )
    }

    /// The answer, as JSON, or as XML when the request's content type is XML (Tyk decides by that header).
    pub fn reply(&self, request_content_type: Option<&HeaderValue>, server: &HeaderValue) -> Reply {
        let mut reply = Response::new(ReplyBody::Empty);
        *reply.status_mut() = self.status();
        let headers = reply.headers_mut();
        headers.insert(header::SERVER, server.clone());
        if matches!(self, Self::NoRoute) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            *reply.body_mut() = ReplyBody::Full(Bytes::from_static(b"Not Found"));
            return reply;
        }
        if reply_status_is_unavailable(self) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.closes_connection() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let (content_type, body) = body(&self.to_string(), request_content_type);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        *reply.body_mut() = ReplyBody::Full(body.into());
        reply
    }
}

/// What a caller may know about it; the log has the rest.
fn store_message(error: &StoreError) -> &'static str {
    match error {
        StoreError::BadValue { .. } => "The record of this key cannot be used",
        _ => "The store of keys is not available",
    }
}

fn reply_status_is_unavailable(error: &GatewayError) -> bool {
    error.status() == StatusCode::SERVICE_UNAVAILABLE
}

/// Content type and body of an error with this message.
fn body(message: &str, request_content_type: Option<&HeaderValue>) -> (&'static str, String) {
    let wanted = request_content_type.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = wanted.split(';').next().unwrap_or("").trim();
    let xml = ["application/xml", "text/xml"].into_iter().find(|xml| essence.eq_ignore_ascii_case(xml));
    match xml {
        Some(content_type) => {
            let message = message.replace('&', "&amp;").replace('<', "&lt;");
            (
                content_type,
                format!("<?xml version = \"1.0\" encoding = \"UTF-8\"?>\n<error>{message}</error>\n"),
            )
        }
        None => {
            let message = serde_json::Value::from(message);
            ("application/json", format!("{{\n    \"error\": {message}\n}}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::GatewayError;

    fn reply(error: &GatewayError, content_type: &str) -> (u16, String, String) {
        let content_type = HeaderValue::from_str(content_type).unwrap();
        let reply = error.reply(Some(&content_type), &HeaderValue::from_static("gatehouse"));
        let content_type = reply.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = String::from_utf8(reply.body().full().unwrap().to_vec()).unwrap();
        (reply.status().as_u16(), content_type, body)
    }

    #[test]
    fn the_form_follows_the_request() {
        let error = GatewayError::EndpointForbidden;
        let json = "{\n    \"error\": \"Requested endpoint is forbidden\"\n}";
        assert_eq!(reply(&error, "text/plain"), (403, "application/json".into(), json.into()));
        let xml = "<?xml version = \"1.0\" encoding = \"UTF-8\"?>\n<error>Requested endpoint is forbidden</error>\n";
        assert_eq!(reply(&error, "application/xml"), (403, "application/xml".into(), xml.into()));
        assert_eq!(reply(&error, "text/xml; charset=utf-8"), (403, "text/xml".into(), xml.into()));
    }

    #[test]
    fn an_unknown_path_is_plain_text() {
        let expected = (404, "text/plain; charset=utf-8".into(), "Not Found".into());
        assert_eq!(reply(&GatewayError::NoRoute, "application/json"), expected);
    }
}
