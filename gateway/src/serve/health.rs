//! `/hello`: whether the process is alive, in Tyk's form.

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::Gateway;
use crate::reply::{Reply, body::ReplyBody};

/// The answer, when the request is for the health check endpoint.
pub fn answer<B>(gateway: &Gateway, request: &Request<B>) -> Option<Reply> {
    let name = request.uri().path().strip_prefix('/')?;
    if name != gateway.settings.server.health_check_name {
        return None;
    }
    let mut reply = Response::new(ReplyBody::Empty);
    reply.headers_mut().insert(header::SERVER, gateway.server_header.clone());
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        *reply.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(reply);
    }
    let now = OffsetDateTime::now_utc();
    let body = serde_json::json!({
        "status": "pass",
        "version": concat!("gatehouse ", env!("CARGO_PKG_VERSION")),
        "description": "Gatehouse",
        "details": {
            "apis": {
                "status": "pass",
                "componentType": "system",
                "observedValue": gateway.live.load().apis().count(),
                "time": now.format(&Rfc3339).unwrap_or_default(),
            },
            "uptime": {
                "status": "pass",
                "componentType": "system",
                "observedValue": gateway.started.elapsed().as_secs(),
                "observedUnit": "s",
                "time": now.format(&Rfc3339).unwrap_or_default(),
            },
        },
    });
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *reply.body_mut() = ReplyBody::Full(body.to_string().into());
    Some(reply)
}
