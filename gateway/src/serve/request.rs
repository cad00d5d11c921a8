//! One request from its head to the head of its answer: what is noted about it, and what becomes of errors.

use std::{
    mem,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{
    Gateway, Origin,
    analytics::Begun,
    health,
    in_flight::{Holder, InFlight},
};
use crate::{
    admin, chain,
    exchange::{Arrived, ClientBody, Exchange, RequestBody, UpgradeRequest},
    live::api::LiveApi,
    proxy::headers,
    reply::{Reply, body::ReplyBody, error::GatewayError, header_map},
    telemetry::{access_log::AccessEntry, request_id::RequestId},
};

impl Gateway {
    /// Serves one request. Always gives an answer; the request is in flight until its body has gone out.
    #[inline(always)]
    pub fn handle(
        holder: &Arc<Holder>,
        request: Request<Incoming>,
        origin: &Origin,
    ) -> impl Future<Output = Response<ServedBody>> + use<> {
        let start = Instant::now();
        let request_id = RequestId::next();
        // The one reference to the gateway that a request has.
        let in_flight = InFlight::enter(Arc::clone(holder));
        let gateway = in_flight.gateway();
        let mut access = gateway
            .settings
            .log
            .access_log
            .then(|| AccessEntry::new(request.method(), request.uri(), origin.client, request_id, start))
            .map(Box::new);
        let work = match health::answer(gateway, &request) {
            Some(reply) => Work::Done(reply),
            None if admin::is_for(gateway, &request, origin.entry) => {
                access.iter_mut().for_each(|access| access.hide_path());
                Work::Admin(admin::answer(Arc::clone(gateway), request, origin.clone(), request_id))
            }
            None => Work::Serve(Arriving::new(request, origin, request_id)),
        };
        async move {
            let gateway = in_flight.gateway();
            let mut reply = Reply::default();
            let mut api_id = None;
            match work {
                Work::Serve(arriving) => {
                    // Made here, where it stays: it is larger than what it is made of.
                    let mut exchange = gateway.exchange(arriving);
                    api_id = gateway.answer(&mut exchange, start, &mut reply).await;
                    header_map::keep(mem::take(&mut exchange.headers));
                }
                Work::Done(done) => reply = done,
                Work::Admin(answer) => reply = answer.await,
            }
            if gateway.settings.server.close_connections {
                reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            if let Some(access) = access {
                access.write(reply.status(), api_id.as_deref());
            }
            reply.map(|body| ServedBody { body, _in_flight: in_flight })
        }
    }

    /// Puts the answer into `reply`; the id of the API is for the access log.
    async fn answer(
        self: &Arc<Self>,
        exchange: &mut Exchange,
        start: Instant,
        reply: &mut Reply,
    ) -> Option<Arc<str>> {
        let content_type = exchange.headers.get(header::CONTENT_TYPE).cloned();
        let snapshot = self.live.load();
        let begun = snapshot.keeps_records.then(|| Box::new(Begun::new(exchange)));
        let mut served_by = None;
        let answer = match self.admit(exchange) {
            Ok(()) => chain::serve(self, &snapshot, exchange, &mut served_by, reply).await,
            Err(error) => Err(error),
        };
        if let Err(error) = answer {
            if served_by.is_none() {
                self.metrics.unserved.count(error.unserved());
            }
            self.log_error(&error, exchange, served_by);
            *reply = self.reply_of(&error, exchange, content_type.as_ref());
        }
        if let Some(api) = served_by {
            api.metrics.served(reply.status(), start.elapsed());
        }
        if let Some(begun) = begun
            && let Some(api) = served_by
            && let Some(hook) = &api.hooks.analytics
        {
            let in_flight = InFlight::enter(Holder::new(self));
            self.analytics.record(hook, &begun, api, exchange, reply.status(), in_flight);
        }
        let named = served_by.filter(|_| self.settings.log.access_log);
        named.map(|api| Arc::clone(&api.id))
    }

    /// The answer to a request that came up inside the gateway; it counts and is recorded as one from outside.
    pub async fn answer_inside(self: &Arc<Self>, exchange: &mut Exchange, start: Instant) -> Reply {
        let in_flight = InFlight::enter(Holder::new(self));
        let mut reply = Reply::default();
        self.answer(exchange, start, &mut reply).await;
        drop(in_flight);
        reply
    }

    #[inline(always)]
    fn exchange(&self, arriving: Arriving) -> Exchange {
        let limits = &self.settings.limits;
        let Arriving { request, client, scheme, request_id, upgrade } = arriving;
        let (parts, body) = request.into_parts();
        let upgrade = upgrade.filter(|_| headers::upgrade_protocol(&parts.headers).is_some());
        let body = if body.is_end_stream() {
            RequestBody::Empty
        } else {
            RequestBody::Streaming(ClientBody::new(body, limits.request_body_bytes, limits.body_timeout))
        };
        let exchange = Exchange::from(Arrived {
            method: parts.method,
            uri: parts.uri,
            version: parts.version,
            headers: parts.headers,
            body,
            client,
            scheme,
            request_id,
        });
        Exchange { upgrade, ..exchange }
    }

    /// Refuses at once what is over a bound of the gateway itself.
    fn admit(&self, exchange: &Exchange) -> Result<(), GatewayError> {
        let limits = &self.settings.limits;
        if self.in_flight.is_over(limits.in_flight) {
            return Err(GatewayError::Overloaded);
        }
        let limit = limits.request_body_bytes;
        if limit > 0 && exchange.content_length().is_some_and(|length| length > limit) {
            return Err(GatewayError::BodyTooLarge);
        }
        Ok(())
    }

    /// The answer for an error, logged.
    pub fn error_reply(&self, error: &GatewayError, exchange: &Exchange, api: Option<&LiveApi>) -> Reply {
        self.log_error(error, exchange, api);
        self.reply_of(error, exchange, exchange.headers.get(header::CONTENT_TYPE))
    }

    fn reply_of(
        &self,
        error: &GatewayError,
        exchange: &Exchange,
        content_type: Option<&HeaderValue>,
    ) -> Reply {
        let mut reply = error.reply(content_type, &self.server_header);
        if exchange.in_batch {
            chain::batch::mark_error(reply.headers_mut());
        }
        reply
    }

    /// Server-side failures are errors, a client's are for debugging; scripts and plugins have logged their
    /// own.
    fn log_error(&self, error: &GatewayError, exchange: &Exchange, api: Option<&LiveApi>) {
        let api_id = api.map_or("-", |api| &*api.id);
        let cause = error.cause();
        let cause = cause.as_deref().unwrap_or("");
        let (request_id, method, path) = (exchange.request_id, &exchange.method, exchange.uri.path());
        let status = error.status();
        if matches!(
            error,
            GatewayError::VirtualEndpoint { .. }
                | GatewayError::Hook { .. }
                | GatewayError::Middleware { .. }
                | GatewayError::Plugin
        ) {
            return;
        }
        if status.is_server_error() {
            tracing::error!(api_id, %request_id, %method, path, status = status.as_u16(), cause, "{error}");
        } else {
            tracing::debug!(api_id, %request_id, %method, path, status = status.as_u16(), cause, "{error}");
        }
    }
}

/// What is to be done for a request.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all requests are the large one, and it is not to be allocated"
)]
enum Work {
    Serve(Arriving),
    /// Nothing: this is the answer.
    Done(Reply),
    /// What the admin API is asked for.
    Admin(Pin<Box<dyn Future<Output = Reply> + Send>>),
}

/// A request as hyper gives it, and what is known of it from its connection.
struct Arriving {
    request: Request<Incoming>,
    client: SocketAddr,
    scheme: &'static str,
    request_id: RequestId,
    upgrade: Option<UpgradeRequest>,
}

impl Arriving {
    #[inline(always)]
    fn new(mut request: Request<Incoming>, origin: &Origin, request_id: RequestId) -> Self {
        // hyper gives a connection to those requests only that ask for an upgrade, so that no header is looked for.
        let connection = request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>();
        let upgrade = connection
            .zip(origin.watch.as_ref())
            .map(|(connection, watch)| UpgradeRequest { connection, watch: Arc::clone(watch) });
        Self { request, client: origin.client, scheme: origin.scheme, request_id, upgrade }
    }
}

/// An answer's body, which keeps its request in flight.
pub struct ServedBody {
    body: ReplyBody,
    _in_flight: InFlight,
}

impl Body for ServedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use crate::serve::Gateway;

    fn future_size<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_request_s_future_is_small() {
        // hyper moves it into a box for each request, so each byte is written and copied once.
        let size = future_size(Gateway::handle);
        assert!(size <= 6 * 1024, "{size} bytes");
    }
}
