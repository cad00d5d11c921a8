//! The admin API: `/tyk/…` with the secret, on the main listener or on one of its own.
//!
//! `route_table` has all there is; the router ([`routes`]) and the document at `/tyk/schema/admin` ([`schema`]) share it.
//! Each resource has a file; [`call`] is what its functions get and [`mod@answer`] what they give. Nothing here is on the
//! way of a request to an API, apart from one look at the path in [`is_for`].

pub mod answer;
pub mod apis;
mod atomic_file;
pub mod cache;
pub mod call;
mod definitions;
mod json_object;
pub mod keys;
mod not_here;
pub mod oas;
mod oas_extension;
pub mod plugin_test;
pub mod policies;
pub mod reload;
mod rights_shape;
mod route_table;
pub mod routes;
pub mod schema;
mod secret;
pub mod status;
pub mod versions;

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use hyper::body::Incoming;

use self::{
    answer::{Answer, Refused},
    call::Call,
    routes::{Found, Run},
};
use crate::{
    exchange::ClientBody,
    reply::{Reply, error::GatewayError},
    serve::{Entry, Gateway, Origin},
    telemetry::request_id::RequestId,
};

/// How every path begins.
const PREFIX: &str = "/tyk/";

/// What a gateway keeps for its admin API.
#[derive(Debug, Default)]
pub struct AdminState {
    /// Held while files are checked and written, so that what was checked is what is written.
    writing: Mutex<()>,
}

/// Whether the admin API answers this request; by its listener alone, or by the path.
pub fn is_for<B>(gateway: &Gateway, request: &Request<B>, entry: Entry) -> bool {
    entry == Entry::Control
        || (request.uri().path().starts_with(PREFIX) && gateway.settings.control.is_none())
}

/// Answers a request, always.
pub fn answer(
    gateway: Arc<Gateway>,
    request: Request<Incoming>,
    origin: Origin,
    request_id: RequestId,
) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
    Box::pin(async move {
        let server = gateway.server_header.clone();
        let mut audit = Audit { client: origin.client, request_id, operation: "", subject: String::new() };
        let method = request.method().clone();
        let answer = match respond(gateway, request, &mut audit).await {
            Ok(answer) => answer,
            Err(refused) => refused.into_answer(),
        };
        audit.write(&method, &answer);
        answer.into_reply(server)
    })
}

async fn respond(
    gateway: Arc<Gateway>,
    request: Request<Incoming>,
    audit: &mut Audit,
) -> Result<Answer, Refused> {
    secret::check(gateway.settings.admin.as_ref(), request.headers())?;
    let (parts, body) = request.into_parts();
    let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
    let (route, parameters) = match routes::find(method, parts.uri.path())? {
        Found::Route(route, parameters) => (route, parameters),
        Found::OtherMethods(methods) => return Err(Refused::method(&methods)),
        Found::Nothing => return Err(Refused::no_route(parts.uri.path())),
    };
    audit.operation = route.operation;
    let limit = gateway.settings.admin.as_ref().map_or(0, |admin| admin.body_bytes);
    let body = match route.body {
        Some(_) => read(body, limit, &gateway).await?,
        None => Bytes::new(),
    };
    let call = Call::new(gateway, parameters, parts.uri.query(), body, audit.client);
    let outcome = match route.run {
        Run::Waiting(run) => run(call).await,
        // Files are read and written, scripts are compiled: not on the async threads, which serve requests.
        Run::Blocking(run) => match tokio::task::spawn_blocking(move || run(&call)).await {
            Ok(outcome) => outcome,
            Err(error) => Err(Refused::failed(&error)),
        },
    };
    let answer = outcome?;
    audit.subject.clone_from(&answer.subject);
    Ok(answer)
}

async fn read(body: Incoming, limit: usize, gateway: &Gateway) -> Result<Bytes, Refused> {
    let mut body = ClientBody::new(body, limit as u64, gateway.settings.limits.body_timeout);
    body.read_all(limit).await.map_err(|error| match error {
        GatewayError::BodyTooLarge => Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The request body is larger than {limit} bytes (gatehouse.admin.max_body_bytes)"),
        ),
        error => Refused::new(error.status(), error.to_string()),
    })
}

/// Who did what: one line for each attempt that would change something or that had no right to.
struct Audit {
    client: SocketAddr,
    request_id: RequestId,
    operation: &'static str,
    subject: String,
}

impl Audit {
    /// Keys stand in paths, so the line names the operation and never the path.
    fn write(&self, method: &Method, answer: &Answer) {
        let Self { client, request_id, operation, subject } = self;
        let status = answer.status.as_u16();
        let refused = answer.refused.as_deref();
        if answer.status == StatusCode::FORBIDDEN {
            tracing::warn!(target: TARGET, %client, %request_id, %method, status, refused, "denied");
        } else if answer.status.is_server_error() {
            tracing::error!(target: TARGET, %client, %request_id, operation, subject, status, refused, "failed");
        } else if !method.is_safe() && refused.is_some() {
            tracing::info!(target: TARGET, %client, %request_id, operation, subject, status, refused, "refused");
        } else if !method.is_safe() {
            tracing::info!(target: TARGET, %client, %request_id, operation, subject, status, "done");
        }
    }
}

/// Target of audit lines, so that they can be filtered.
pub const TARGET: &str = "gatehouse::audit";

/// What the answers of the admin API have in common.
fn json_content_type() -> (http::HeaderName, http::HeaderValue) {
    (header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))
}
