//! One upstream call: the client's request out, the upstream's answer back.

use std::{error::Error as StdError, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, uri::PathAndQuery};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::{
    body::UpstreamBody,
    client::{SendError, UpstreamClients},
    headers,
    target::Target,
    upgrade,
};
use crate::{
    deadline,
    exchange::{BodyError, Exchange, RequestBody, SentRequest},
    reply::{self, Reply, body::ReplyBody, content_type, error::GatewayError},
};

/// What is asked of an upstream.
#[derive(Debug)]
pub struct UpstreamCall<'a> {
    /// Where to.
    pub target: &'a Target,
    /// Path and query there.
    pub path_and_query: PathAndQuery,
    /// Method there.
    pub method: Method,
    /// The upstream sees the client's `Host`.
    pub preserve_host: bool,
    /// Response hooks follow: the exchange keeps its headers, and what is sent.
    pub keeps_request: bool,
    /// Time to the answer's head.
    pub timeout: Duration,
}

/// Sends the exchange's request to the upstream and gives its answer, body streaming.
///
/// Takes the exchange's headers and body: nothing of them is copied unless response hooks are to see them.
///
/// # Errors
/// As Tyk words them, when the upstream cannot be reached, does not answer in time or breaks off; the client's own
/// fault when its body was what failed.
pub async fn forward(
    clients: &UpstreamClients,
    exchange: &mut Exchange,
    call: UpstreamCall<'_>,
) -> Result<Reply, GatewayError> {
    let mut request = Request::new(std::mem::take(&mut exchange.body));
    *request.method_mut() = call.method;
    *request.uri_mut() = call.target.uri(call.path_and_query);
    let wanted_protocol =
        exchange.upgrade.as_ref().and_then(|_| headers::upgrade_protocol(&exchange.headers).cloned());
    let mut outbound = match call.keeps_request {
        true => exchange.headers.clone(),
        false => std::mem::take(&mut exchange.headers),
    };
    let authority = exchange.uri.authority();
    headers::for_upstream(&mut outbound, exchange.client.ip(), exchange.scheme, exchange.version, authority);
    if !call.preserve_host {
        outbound.remove(header::HOST);
    } else if !outbound.contains_key(header::HOST)
        && let Some(authority) = exchange.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        outbound.insert(header::HOST, host);
    }
    if let Some(protocol) = wanted_protocol {
        outbound.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        outbound.insert(header::UPGRADE, protocol);
    }
    if matches!(request.body(), RequestBody::Full(_)) {
        // A buffered body may have come in chunks, or have been changed: its own length is the right one.
        outbound.remove(header::CONTENT_LENGTH);
    }
    if call.keeps_request {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        exchange.sent = Some(Box::new(SentRequest { method, uri, headers: outbound.clone() }));
    }
    *request.headers_mut() = outbound;

    let answer = deadline::within(call.timeout, clients.send(call.target, &mut request)).await;
    match answer {
        Ok(Ok(response)) => reply(response, exchange),
        Ok(Err(error)) => Err(classify(&error)),
        Err(_elapsed) => Err(GatewayError::UpstreamTimeout),
    }
}

fn reply(mut response: Response<UpstreamBody>, exchange: &mut Exchange) -> Result<Reply, GatewayError> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(wish) = exchange.upgrade.take() else {
            return Err(GatewayError::Upstream {
                cause: "the upstream switched protocols unasked".to_owned(),
                unreachable: false,
            });
        };
        wish.watch.grant_upgrade();
        upgrade::tunnel(wish.connection, hyper::upgrade::on(&mut response), exchange.request_id);
        return Ok(response.map(|body| {
            body.detach();
            ReplyBody::Empty
        }));
    }
    headers::remove_hop_by_hop(response.headers_mut());
    let (parts, body) = response.into_parts();
    let mut reply = Response::from_parts(parts, ReplyBody::Empty);
    *reply.body_mut() = if body.is_end_stream() { ReplyBody::Empty } else { ReplyBody::Streaming(body) };
    Ok(reply)
}

/// Gives a streamed answer without a content type the one that Go's server would find in its first bytes.
///
/// Waits for the first piece of the body, as Go's server does with the first write.
///
/// # Errors
/// When the upstream breaks off before that.
pub async fn sniff_streaming(reply: &mut Reply, method: &Method) -> Result<(), GatewayError> {
    let headers = reply.headers();
    if headers.contains_key(header::CONTENT_TYPE)
        || headers.contains_key(header::CONTENT_ENCODING)
        || *method == Method::HEAD
        || !reply::has_body(reply.status())
        || !matches!(reply.body(), ReplyBody::Streaming(_))
    {
        return Ok(());
    }
    let ReplyBody::Streaming(mut incoming) = std::mem::take(reply.body_mut()) else { return Ok(()) };
    while let Some(frame) = incoming.frame().await {
        let broken = |error| GatewayError::Upstream { cause: describe(&error), unreachable: false };
        let data = frame.map_err(broken)?.into_data();
        if let Ok(data) = data
            && !data.is_empty()
        {
            let content_type = HeaderValue::from_static(content_type::detect(&data));
            reply.headers_mut().insert(header::CONTENT_TYPE, content_type);
            *reply.body_mut() = peeked(data, incoming);
            return Ok(());
        }
    }
    Ok(())
}

fn peeked(data: Bytes, rest: UpstreamBody) -> ReplyBody {
    if rest.is_end_stream() { ReplyBody::Full(data) } else { ReplyBody::Peeked(data, rest) }
}

/// Whose fault a failed call was.
fn classify(error: &SendError) -> GatewayError {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(body) = error.downcast_ref::<BodyError>() {
            return body.into();
        }
        source = error.source();
    }
    let cause = describe(error);
    if cause.contains("dns error") {
        return GatewayError::UpstreamLookup { cause };
    }
    GatewayError::Upstream { cause, unreachable: error.is_connect() }
}

/// The whole chain of an error in one line.
fn describe(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
