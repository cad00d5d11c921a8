//! One request as it goes through the gateway.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Uri, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use crate::{
    chain::looping::MAX_LOOPS,
    plugins::ResponseHeaders,
    reply::error::GatewayError,
    response_cache::CacheFill,
    session::{CountedQuota, Key, SeenSession, Session},
    telemetry::request_id::RequestId,
};

/// A request, what has become of it so far, and where it came from.
#[derive(Debug)]
pub struct Exchange {
    /// Method, as changed by loops.
    pub method: Method,
    /// Path and query as the client sent them, or as a loop named them.
    pub uri: Uri,
    /// HTTP version of the client's side.
    pub version: Version,
    /// Headers, as changed by the chain.
    pub headers: HeaderMap,
    /// Body, streamed until a step needs it.
    pub body: RequestBody,
    /// The client's socket address.
    pub client: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Id for logs and scripts.
    pub request_id: RequestId,
    /// The client's side of a protocol upgrade, when it asked for one.
    pub upgrade: Option<UpgradeRequest>,
    /// How many loops inside the gateway led here.
    pub loops: u8,
    /// Session of the caller. Hooks may set one: who has a session has not been let in for that.
    pub session: Option<Arc<Session>>,
    /// The session as it was found with the key: what differs from it when the request has been served is written back.
    pub session_found: Option<Arc<Session>>,
    /// The key that the session was found under; `None` for one that a hook or plugin gave.
    pub key: Option<Arc<Key>>,
    /// The quota of the caller, once the request was counted.
    pub quota: Option<CountedQuota>,
    /// The API that the request is in has let the caller in; set by authentication alone.
    pub let_in: bool,
    /// Headers that plugins add to whatever answer goes out.
    pub response_headers: ResponseHeaders,
    /// Where hooks sent the request.
    pub sent_to: SentTo,
    /// Path and query as the client sent them, once they may be changed.
    pub client_uri: Option<Box<Uri>>,
    /// What the upstream was sent, when an answer's hooks want to know.
    pub sent: Option<Box<SentRequest>>,
    /// A place in the cache that the answer to this request is to fill.
    pub cache_fill: Option<Box<CacheFill>>,
    /// Key or session that the caller had before the request looped into another API.
    pub outer_caller: Option<Box<str>>,
    /// How many loops it may go through.
    pub loop_limit: u8,
    /// The version that it named, empty for none: once it is known, it may have been taken out.
    pub version_name: Option<Box<str>>,
    /// Rates and quotas count for it; not in a loop that does not ask for it.
    pub checks_limits: bool,
    /// It is one of a batch.
    pub in_batch: bool,
}

/// What a request brings, wherever it comes from.
pub struct Arrived {
    /// See [`Exchange::method`].
    pub method: Method,
    /// See [`Exchange::uri`].
    pub uri: Uri,
    /// See [`Exchange::version`].
    pub version: Version,
    /// See [`Exchange::headers`].
    pub headers: HeaderMap,
    /// See [`Exchange::body`].
    pub body: RequestBody,
    /// See [`Exchange::client`].
    pub client: SocketAddr,
    /// See [`Exchange::scheme`].
    pub scheme: &'static str,
    /// See [`Exchange::request_id`].
    pub request_id: RequestId,
}

impl From<Arrived> for Exchange {
    /// A request of which nothing has been done yet.
    #[inline]
    fn from(arrived: Arrived) -> Self {
        let Arrived { method, uri, version, headers, body, client, scheme, request_id } = arrived;
        Self {
            method,
            uri,
            version,
            headers,
            body,
            client,
            scheme,
            request_id,
            upgrade: None,
            loops: 0,
            session: None,
            session_found: None,
            key: None,
            quota: None,
            let_in: false,
            response_headers: ResponseHeaders::default(),
            sent_to: SentTo::default(),
            client_uri: None,
            sent: None,
            cache_fill: None,
            outer_caller: None,
            loop_limit: MAX_LOOPS,
            version_name: None,
            checks_limits: true,
            in_batch: false,
        }
    }
}

impl Exchange {
    /// Path and query as the client sent them.
    pub fn client_uri(&self) -> &Uri {
        self.client_uri.as_deref().unwrap_or(&self.uri)
    }

    /// Keeps them, before the first change; later calls change nothing.
    pub fn note_client_uri(&mut self) {
        self.client_uri.get_or_insert_with(|| Box::new(self.uri.clone()));
    }

    /// The `Host` header, or the authority of an HTTP/2 request.
    pub fn host(&self) -> &str {
        match self.uri.authority() {
            Some(authority) => authority.as_str(),
            None => self.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or(""),
        }
    }

    /// The session as scripts and plugins see it: with what is left of its quota.
    pub fn session_seen(&self) -> Option<SeenSession> {
        Some(SeenSession::new(Arc::clone(self.session.as_ref()?), self.quota.clone()))
    }

    /// Value of the request's `Content-Length`, when it has one.
    pub fn content_length(&self) -> Option<u64> {
        self.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// What the caller is known by in the API that the request is in: its key, or what a hook or plugin made of it.
    pub fn caller(&self) -> Option<Box<str>> {
        if let Some(key) = &self.key {
            return Some(format!("key {}", key.name).into());
        }
        let session = self.session.as_deref()?;
        if !session.key_id.is_empty() {
            return Some(format!("key {}", session.key_id).into());
        }
        Some(format!("session {}", serde_json::to_string(session).unwrap_or_default()).into())
    }

    /// Reads the whole body into memory, once; later calls give the same bytes.
    ///
    /// # Errors
    /// When it is larger than `limit` bytes, too slow or broken off.
    pub async fn buffer_body(&mut self, limit: usize) -> Result<Bytes, GatewayError> {
        if let RequestBody::Streaming(body) = &mut self.body {
            let bytes = body.read_all(limit).await?;
            self.body = RequestBody::Full(bytes);
        }
        match &self.body {
            RequestBody::Full(bytes) => Ok(bytes.clone()),
            _ => Ok(Bytes::new()),
        }
    }
}

/// What an upstream was sent.
#[derive(Debug)]
pub struct SentRequest {
    /// Method.
    pub method: Method,
    /// The whole URL.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
}

/// Where hooks sent a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SentTo {
    /// Nowhere else.
    #[default]
    Unchanged,
    /// To another path or query, which are the exchange's now.
    Target,
    /// To this absolute URL instead of the API's target.
    Url(Box<str>),
}

/// A client's wish to go on in another protocol on its connection.
#[derive(Debug)]
pub struct UpgradeRequest {
    /// Resolves to the connection once the answer 101 is out.
    pub connection: hyper::upgrade::OnUpgrade,
    /// Told before the 101 goes out, so that the other protocol's bytes are let through.
    pub watch: Arc<crate::serve::framing::FramingWatch>,
}

/// The body of a request.
#[derive(Debug, Default)]
pub enum RequestBody {
    /// Nothing, or nothing left.
    #[default]
    Empty,
    /// In memory.
    Full(Bytes),
    /// Streamed from the client.
    Streaming(ClientBody),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Streaming(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_empty(),
            Self::Streaming(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Streaming(body) => body.size_hint(),
        }
    }
}

/// What can go wrong with a client's body; found again in the error of an upstream call that was sending it.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Larger than its limit.
    #[error("the request body is larger than its limit")]
    TooLarge,
    /// Nothing came for too long.
    #[error("the request body came too slowly")]
    Timeout,
    /// The client broke off.
    #[error("the request body broke off")]
    Broken(#[source] hyper::Error),
}

impl From<&BodyError> for GatewayError {
    fn from(error: &BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::BodyTooLarge,
            BodyError::Timeout => Self::BodyTimeout,
            BodyError::Broken(_) => Self::BodyBroken,
        }
    }
}

/// A body that streams from the client, with a bound on its size and on the time between two pieces.
#[derive(Debug)]
pub struct ClientBody {
    incoming: Incoming,
    /// Bytes that may still come.
    left: u64,
    timeout: Duration,
    /// Armed while the client is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl ClientBody {
    /// Wraps a body; `limit` of 0 is no limit.
    pub fn new(incoming: Incoming, limit: u64, timeout: Duration) -> Self {
        Self { incoming, left: if limit == 0 { u64::MAX } else { limit }, timeout, timer: None }
    }

    /// Makes the bound on the size smaller, never larger.
    pub fn limit_to(&mut self, limit: u64) {
        self.left = self.left.min(limit);
    }

    /// All of it.
    ///
    /// # Errors
    /// When it is larger than `limit` bytes, comes too slowly or breaks off.
    pub async fn read_all(&mut self, limit: usize) -> Result<Bytes, GatewayError> {
        self.limit_to(limit as u64);
        if self.size_hint().lower() > self.left {
            return Err(GatewayError::BodyTooLarge);
        }
        // Most bodies are one frame, which is then not copied.
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let frame = frame.map_err(|error| GatewayError::from(&error))?;
            let Ok(data) = frame.into_data() else { continue };
            if first.is_empty() && all.is_empty() {
                first = data;
            } else {
                if all.is_empty() {
                    all.reserve(self.size_hint().lower() as usize + first.len() + data.len());
                    all.extend_from_slice(&first);
                }
                all.extend_from_slice(&data);
            }
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.incoming).poll_frame(context) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(BodyError::Broken(error)))),
            Poll::Ready(Some(Ok(frame))) => {
                this.timer = None;
                let size = frame.data_ref().map_or(0, |data| data.len() as u64);
                match this.left.checked_sub(size) {
                    Some(left) => {
                        this.left = left;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => Poll::Ready(Some(Err(BodyError::TooLarge))),
                }
            }
            Poll::Pending => {
                let deadline = Instant::now() + this.timeout;
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
                match timer.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(BodyError::Timeout))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
