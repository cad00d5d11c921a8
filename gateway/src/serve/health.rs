//! `/hello`: whether the process is alive, and `/ready`: whether it should get requests; both in Tyk's form.

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::Gateway;
use crate::reply::{Reply, body::ReplyBody};

/// Name of the readiness check endpoint, without its slash.
const READY: &str = "ready";

/// The answer, when the request is for a health check endpoint.
pub fn answer<B>(gateway: &Gateway, request: &Request<B>) -> Option<Reply> {
    let name = request.uri().path().strip_prefix('/')?;
    let readiness = name == READY;
    if !readiness && name != gateway.settings.server.health_check_name {
        return None;
    }
    let mut reply = Response::new(ReplyBody::Empty);
    reply.headers_mut().insert(header::SERVER, gateway.server_header.clone());
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        *reply.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(reply);
    }
    let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    let snapshot = gateway.live.load();
    let plugins_fail = readiness && !snapshot.not_ready().is_empty();
    let store_fails = gateway.sessions.store().unavailable().filter(|_| readiness);
    let not_ready = plugins_fail || store_fails.is_some();
    let mut details = json!({ "apis": component(snapshot.apis().count(), &now) });
    if readiness {
        details["plugins"] = component(gateway.plugins.registry().plugins().len(), &now);
        if plugins_fail {
            details["plugins"]["status"] = "fail".into();
            details["plugins"]["output"] = snapshot.not_ready().join("\n").into();
        }
        if let Some(reason) = &store_fails {
            details["store"] = component(0, &now);
            details["store"]["status"] = "fail".into();
            details["store"]["output"] = (&**reason).into();
        }
        if not_ready {
            *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
    } else {
        details["uptime"] = component(gateway.started.elapsed().as_secs(), &now);
        details["uptime"]["observedUnit"] = "s".into();
    }
    let body = json!({
        "status": if not_ready { "fail" } else { "pass" },
        "version": concat!("gatehouse ", env!("CARGO_PKG_VERSION")),
        "description": "Gatehouse",
        "details": details,
    });
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *reply.body_mut() = ReplyBody::Full(body.to_string().into());
    Some(reply)
}

fn component(observed: impl Into<Value>, now: &str) -> Value {
    json!({ "status": "pass", "componentType": "system", "observedValue": observed.into(), "time": now })
}
