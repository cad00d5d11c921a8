//! Plain HTTP/1.1 upstreams: a pool for each host, and connections that the request's own task drives.
//!
//! hyper leaves it to its user who polls a connection. A task for each one costs two hand-overs between tasks, and
//! mostly between threads, for every request; here the task that waits for the answer polls the connection itself.
//! An idle connection is polled by nobody, so whether it is still open is found out when it is used: hyper looks for the other side's end before it
//! writes, and gives back what it did not begin with.

use std::{
    collections::HashMap,
    future::poll_fn,
    io, mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, uri::Authority};
use http_body::{Body, Frame, SizeHint};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

use crate::{config::settings::UpstreamSettings, exchange::RequestBody, one_piece::OnePiece, shard};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// The host's name is not known.
    #[error("dns error for {host}: {error}")]
    Lookup {
        /// The host.
        host: String,
        /// What the resolver said.
        error: io::Error,
    },
    /// No connection came about.
    #[error("cannot connect to {host}: {error}")]
    Connect {
        /// The host.
        host: String,
        /// Why.
        error: io::Error,
    },
    /// The connection failed or ended.
    #[error(transparent)]
    Http(#[from] hyper::Error),
    /// The connection ended without an answer.
    #[error("the upstream closed the connection without an answer")]
    Closed,
}

/// Pools by host; the lock is taken when definitions are compiled, not when requests are served.
#[derive(Debug)]
pub struct HostPools {
    by_authority: Mutex<HashMap<Authority, Weak<HostPool>>>,
    idle_timeout: Duration,
    connect_timeout: Duration,
    idle_per_host: usize,
    title_case: bool,
}

impl HostPools {
    /// No pools yet.
    pub fn new(settings: &UpstreamSettings) -> Self {
        Self {
            by_authority: Mutex::default(),
            idle_timeout: settings.idle_timeout,
            connect_timeout: settings.connect_timeout,
            idle_per_host: settings.idle_per_host,
            title_case: false,
        }
    }

    /// The same, with names of headers written as `Title-Case`.
    pub fn title_case(settings: &UpstreamSettings) -> Self {
        Self { title_case: true, ..Self::new(settings) }
    }

    /// The pool of a host; all targets with the same host and port share it.
    pub fn pool(&self, authority: &Authority) -> Arc<HostPool> {
        let mut pools = self.by_authority.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(authority).and_then(Weak::upgrade) {
            return pool;
        }
        pools.retain(|_, pool| pool.strong_count() > 0);
        let pool = Arc::new(HostPool {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            shards: std::array::from_fn(|_| Shard::default()),
            idle: Count::default(),
            most_idle: self.idle_per_host,
            idle_timeout: self.idle_timeout,
            connect_timeout: self.connect_timeout,
            title_case: self.title_case,
        });
        pools.insert(authority.clone(), Arc::downgrade(&pool));
        pool
    }

    /// Closes connections that have been idle for too long.
    pub fn close_expired(&self) {
        let pools: Vec<Arc<HostPool>> = {
            let pools = self.by_authority.lock().unwrap_or_else(PoisonError::into_inner);
            pools.values().filter_map(Weak::upgrade).collect()
        };
        for pool in pools {
            for shard in &pool.shards {
                let expired: Idle = {
                    let mut idle = shard.lock();
                    // The oldest are at the front, because connections are taken from the back.
                    let count = idle.iter().take_while(|connection| pool.is_expired(connection)).count();
                    idle.drain(..count).collect()
                };
                pool.idle.0.fetch_sub(expired.len(), Ordering::Relaxed);
                drop(expired);
            }
        }
    }

    /// How often [`close_expired`](Self::close_expired) is worth calling.
    pub fn sweep_interval(&self) -> Duration {
        (self.idle_timeout / 2).max(Duration::from_millis(100))
    }
}

/// Connections that nobody uses, the one used last at the end.
#[allow(clippy::vec_box, reason = "a connection moves between pool and request as one pointer")]
type Idle = Vec<Box<Connection>>;

/// A part of a pool, in a line of memory of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Idle>);

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A count that is written to for each request, away from what is only read.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Count(AtomicUsize);

/// Locks of a pool; a thread uses its own one and looks into the others only when that is empty.
const SHARDS: usize = 8;

/// Idle connections to one host.
#[derive(Debug)]
pub struct HostPool {
    host: String,
    port: u16,
    shards: [Shard; SHARDS],
    /// Idle connections in all shards.
    idle: Count,
    most_idle: usize,
    idle_timeout: Duration,
    connect_timeout: Duration,
    title_case: bool,
}

/// One connection: both ends of what hyper makes of it.
struct Connection {
    sender: SendRequest<RequestBody>,
    /// `None` when it has ended.
    driver: Option<Driver>,
    idle_since: Instant,
}

/// hyper's connection, whose type (with upgrades) has no public name.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Lets a connection do what it can; `true` when it has ended. Whatever it has not begun with is given back then.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) -> bool {
    if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
        *driver = None;
    }
    driver.is_none()
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("idle_since", &self.idle_since).finish_non_exhaustive()
    }
}

impl Connection {
    /// Whether another request can go out after the one that is over. Mostly the connection knows already; if not, it is driven once more.
    fn is_usable(&mut self) -> bool {
        self.sender.is_ready()
            || !drive(&mut self.driver, &mut Context::from_waker(Waker::noop())) && self.sender.is_ready()
    }
}

impl HostPool {
    /// Sends a request and gives the answer, its body still to be read.
    ///
    /// A kept connection may have been closed by the other side just now: then a request that may be repeated
    /// (RFC 9110, 9.2.2) and whose body is still there goes out again on a new one.
    ///
    /// What is left in `request` is nothing: it is taken from where it lies, because it is large and would be copied from
    /// future to future.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(
        self: Arc<Self>,
        request: &mut Request<RequestBody>,
    ) -> Result<Response<DirectBody>, DirectError> {
        while let Some(connection) = self.take_idle() {
            let again = Repeat::of(request);
            match (self.exchange(connection, request).await, again) {
                (Ok(answered), _) => return Ok(answered.in_pool(self)),
                (Err(Failed { unsent: Some(unsent), .. }), _) => *request = *unsent,
                (Err(Failed { ended_early: true, .. }), Some(again)) => *request = again.request(),
                (Err(Failed { error, .. }), _) => return Err(error),
            }
        }
        // Boxed, as are other rare branches, to keep the future of an ordinary request small.
        let connection = Box::pin(self.connect()).await?;
        match self.exchange(connection, request).await {
            Ok(answered) => Ok(answered.in_pool(self)),
            Err(failed) => Err(failed.error),
        }
    }

    async fn exchange(
        &self,
        mut connection: Box<Connection>,
        request: &mut Request<RequestBody>,
    ) -> Result<Answered, Failed> {
        let Connection { sender, driver, .. } = &mut *connection;
        let mut answer = std::pin::pin!(sender.try_send_request(mem::take(request)));
        let response = poll_fn(|context| {
            // The connection first: it writes the request and reads the answer that is waited for.
            let ended = drive(driver, context);
            match answer.as_mut().poll(context) {
                Poll::Pending if ended => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
                Poll::Ready(response) => Poll::Ready(Some(response)),
            }
        });
        match response.await {
            Some(Ok(response)) => {
                let goes_on = connection.driver.is_some();
                Ok(Answered { response, connection: goes_on.then_some(connection) })
            }
            Some(Err(mut error)) => {
                let unsent = error.take_message().map(Box::new);
                let error = error.into_error();
                let ended_early = error.is_canceled()
                    || error.is_closed()
                    || error.is_incomplete_message()
                    || is_reset(&error);
                Err(Failed { error: error.into(), unsent, ended_early })
            }
            None => Err(Failed { error: DirectError::Closed, unsent: None, ended_early: true }),
        }
    }

    async fn connect(&self) -> Result<Box<Connection>, DirectError> {
        let host = || format!("{}:{}", self.host, self.port);
        let failed = |error: io::Error| DirectError::Connect { host: host(), error };
        let open = async {
            let addresses = lookup_host((self.host.as_str(), self.port)).await;
            let addresses = addresses.map_err(|error| DirectError::Lookup { host: host(), error })?;
            let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(socket) => return Ok(socket),
                    Err(error) => last = error,
                }
            }
            Err(failed(last))
        };
        let socket = match tokio::time::timeout(self.connect_timeout, open).await {
            Ok(opened) => opened?,
            Err(_elapsed) => return Err(failed(io::ErrorKind::TimedOut.into())),
        };
        // Requests are written whole; waiting for more to fill a packet would only delay them.
        let _ = socket.set_nodelay(true);
        let mut builder = http1::Builder::new();
        builder.title_case_headers(self.title_case);
        let (sender, driver) = builder.handshake(TokioIo::new(OnePiece(socket))).await?;
        Ok(Box::new(Connection {
            sender,
            driver: Some(Box::pin(driver.with_upgrades())),
            idle_since: Instant::now(),
        }))
    }

    fn take_idle(&self) -> Option<Box<Connection>> {
        let own = shard::own(SHARDS);
        for shard in (0..SHARDS).map(|offset| &self.shards[(own + offset) % SHARDS]) {
            loop {
                let taken = shard.lock().pop();
                let Some(connection) = taken else { break };
                self.idle.0.fetch_sub(1, Ordering::Relaxed);
                if !self.is_expired(&connection) {
                    return Some(connection);
                }
            }
        }
        None
    }

    fn give_back(&self, mut connection: Box<Connection>) {
        connection.idle_since = Instant::now();
        // The count may be over its bound for a moment, never for long: who finds it so takes its own one back.
        if self.idle.0.fetch_add(1, Ordering::Relaxed) >= self.most_idle {
            self.idle.0.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        self.shards[shard::own(SHARDS)].lock().push(connection);
    }

    fn is_expired(&self, connection: &Connection) -> bool {
        connection.idle_since.elapsed() > self.idle_timeout
    }
}

/// An answer, and its connection if that goes on.
struct Answered {
    response: Response<Incoming>,
    connection: Option<Box<Connection>>,
}

impl Answered {
    fn in_pool(self, pool: Arc<HostPool>) -> Response<DirectBody> {
        let Self { response, connection } = self;
        response.map(|incoming| DirectBody { incoming, connection, pool }.begin())
    }
}

/// A request that did not get its answer.
struct Failed {
    error: DirectError,
    /// The request, when nothing of it went out.
    unsent: Option<Box<Request<RequestBody>>>,
    /// The connection ended before anything of an answer came.
    ended_early: bool,
}

fn is_reset(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|error| {
        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    })
}

/// What a request that may be repeated is made of again: as a list, which costs less than a second map of headers, since nearly
/// none is.
struct Repeat {
    method: Method,
    uri: Uri,
    headers: Box<[(HeaderName, HeaderValue)]>,
    body: Bytes,
}

impl Repeat {
    fn of(request: &Request<RequestBody>) -> Option<Self> {
        let body = match request.body() {
            RequestBody::Empty => Bytes::new(),
            RequestBody::Full(bytes) => bytes.clone(),
            RequestBody::Streaming(_) => return None,
        };
        let method = request.method();
        if !(method.is_idempotent() || *method == Method::OPTIONS) {
            return None;
        }
        let headers = request.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Some(Self { method: method.clone(), uri: request.uri().clone(), headers, body })
    }

    fn request(self) -> Request<RequestBody> {
        let Self { method, uri, headers, body } = self;
        let mut request = Request::new(match body.is_empty() {
            true => RequestBody::Empty,
            false => RequestBody::Full(body),
        });
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        for (name, value) in headers {
            request.headers_mut().append(name, value);
        }
        request
    }
}

/// The body of an answer; drives its connection and gives it back to the pool at the end.
#[derive(Debug)]
pub struct DirectBody {
    incoming: Incoming,
    connection: Option<Box<Connection>>,
    pool: Arc<HostPool>,
}

impl DirectBody {
    /// Gives the connection back at once when there is nothing to read.
    fn begin(mut self) -> Self {
        if self.incoming.is_end_stream() {
            self.end();
        }
        self
    }

    /// After the last byte: the connection goes back to the pool, if it can be used again.
    fn end(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && connection.is_usable()
        {
            self.pool.give_back(connection);
        }
    }

    /// Keeps the connection going in a task of its own until its end; after a protocol upgrade nobody polls the body.
    pub fn detach(mut self) {
        if let Some(mut connection) = self.connection.take() {
            tokio::spawn(async move {
                if let Some(driver) = &mut connection.driver {
                    // How it ends is seen by those who hold the upgraded connection.
                    let _ = driver.await;
                }
            });
        }
    }
}

impl Body for DirectBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let mut polled = Pin::new(&mut this.incoming).poll_frame(context);
        if polled.is_pending()
            && let Some(connection) = &mut this.connection
        {
            // Asking for a frame was what lets the connection read one.
            let ended = drive(&mut connection.driver, context);
            polled = Pin::new(&mut this.incoming).poll_frame(context);
            if ended {
                this.connection = None;
            }
        }
        if let Poll::Ready(frame) = &polled {
            match frame {
                Some(Ok(frame)) if frame.is_data() && !this.incoming.is_end_stream() => {}
                // Trailers are the last frame, and nobody may ask for another.
                Some(Ok(_)) | None => this.end(),
                Some(Err(_)) => this.connection = None,
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
