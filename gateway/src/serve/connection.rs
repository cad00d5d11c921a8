//! One client connection: which protocol it speaks, its time-outs, and its end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::Request;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Entry, Gateway, Origin,
    framing::{FramingGuard, OnUpgrade},
    in_flight::Holder,
    lookout::{HeadTimer, Lookout, Seen, Verdict},
    stream::{ClientStream, Ending},
};

/// What all connections of a listener share.
#[derive(Clone)]
pub(super) struct Shared {
    gateway: Arc<Gateway>,
    entry: Entry,
    tls: Option<TlsAcceptor>,
    stop: watch::Receiver<bool>,
}

impl Shared {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        entry: Entry,
        tls: Option<TlsAcceptor>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { gateway, entry, tls, stop }
    }
}

/// How an HTTP/2 connection without TLS begins (RFC 9113, 3.4); an HTTP/1 request cannot begin with its first word.
const HTTP2_PREFACE_START: &[u8] = b"PRI ";

/// Serves a connection to its end.
pub(super) async fn serve(shared: Shared, socket: TcpStream, client: SocketAddr) {
    // Answers are written whole; waiting for more to fill a packet would only delay them.
    let _ = socket.set_nodelay(true);
    let limits = &shared.gateway.settings.limits;
    let stream = ClientStream::new(socket, limits.write_timeout);
    let ending = stream.ending();
    let Some(acceptor) = &shared.tls else {
        return sniff(&shared, stream, &ending, client).await;
    };
    match tokio::time::timeout(limits.header_timeout, acceptor.accept(stream)).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
            http2(&shared, stream, Bytes::new(), client, "https").await;
        }
        Ok(Ok(stream)) => http1(&shared, stream, Bytes::new(), &ending, client, "https").await,
        Ok(Err(error)) => tracing::debug!(%client, %error, "TLS handshake failed"),
        Err(_elapsed) => tracing::debug!(%client, "TLS handshake took too long"),
    }
}

/// Looks at the first bytes to tell HTTP/2 with prior knowledge from HTTP/1.
async fn sniff(shared: &Shared, mut stream: ClientStream, ending: &Ending, client: SocketAddr) {
    let mut start = BytesMut::with_capacity(1024);
    let mut stop = shared.stop.clone();
    let is_undecided =
        |start: &[u8]| start.len() < HTTP2_PREFACE_START.len() && HTTP2_PREFACE_START.starts_with(start);
    while is_undecided(&start) {
        let limits = &shared.gateway.settings.limits;
        let timeout = if start.is_empty() { limits.idle_timeout } else { limits.header_timeout };
        let read = tokio::select! {
            read = tokio::time::timeout(timeout, stream.read_buf(&mut start)) => read,
            _ = stop.wait_for(|stop| *stop), if start.is_empty() => return,
        };
        match read {
            Ok(Ok(0)) if start.is_empty() => return,
            Ok(Ok(0)) => break,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return tracing::debug!(%client, %error, "connection ended before a request"),
            Err(_elapsed) if start.is_empty() => return,
            Err(_elapsed) => return ending.time_out(),
        }
    }
    if start.starts_with(HTTP2_PREFACE_START) {
        http2(shared, stream, start.freeze(), client, "http").await;
    } else {
        http1(shared, stream, start.freeze(), ending, client, "http").await;
    }
}

async fn http1<IO>(
    shared: &Shared,
    stream: IO,
    already_read: Bytes,
    ending: &Ending,
    client: SocketAddr,
    scheme: &'static str,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &shared.gateway.settings.limits;
    let guard = FramingGuard::new(TokioIo::new(stream), already_read, OnUpgrade::AwaitGrant);
    let watch = guard.watch();
    let origin = Origin { client, scheme, entry: shared.entry, watch: Some(Arc::clone(&watch)) };
    let holder = Holder::new(&shared.gateway);
    let requests = Arc::clone(&holder);
    let service = service_fn(move |request: Request<Incoming>| {
        // hyper moves what it is given several times over, and this is some kilobytes: it is made where it stays.
        let work = Box::write(Box::new_uninit(), Gateway::handle(&requests, request, &origin));
        Answering(Box::into_pin(work))
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(limits.header_bytes.max(MIN_BUFFER));
    if limits.headers != HYPER_HEADERS {
        // Any other number than hyper's own costs an allocation for each request.
        builder.max_headers(limits.headers);
    }
    let mut connection = pin!(builder.serve_connection(guard, service).with_upgrades());
    let mut timer = HeadTimer::new(limits.header_timeout, limits.idle_timeout);
    let mut lookout = Lookout::new(timer.next(), shared.stop.clone());
    let ended = loop {
        match lookout.wait(connection.as_mut()).await {
            Seen::Ended(ended) => break Some(ended),
            Seen::Time => {
                match timer.look(&holder.activity, watch.head_in_progress(), Instant::now()) {
                    Verdict::Fine => {}
                    Verdict::Idle => connection.as_mut().graceful_shutdown(),
                    Verdict::SlowHead => break None,
                }
                lookout.look_again(timer.next());
            }
            Seen::Stop => connection.as_mut().graceful_shutdown(),
        }
    };
    match ended {
        None => {
            tracing::debug!(%client, "a request head came too slowly");
            // Over TLS the bytes of an answer would have to be encrypted; there the connection only ends.
            if scheme == "http" { ending.time_out() } else { ending.linger() }
        }
        Some(Ok(())) if watch.violation().is_none() => {}
        Some(ended) => {
            let error = ended.err().map(|error| error.to_string()).unwrap_or_default();
            match watch.violation() {
                Some(violation) => {
                    tracing::debug!(%client, %violation, "refused an ambiguous or malformed request")
                }
                None => tracing::debug!(%client, error, "connection ended with an error"),
            }
            ending.linger();
        }
    }
}

/// hyper's least buffer.
const MIN_BUFFER: usize = 8192;

/// hyper's own number of header fields.
const HYPER_HEADERS: usize = 100;

async fn http2<IO>(shared: &Shared, stream: IO, already_read: Bytes, client: SocketAddr, scheme: &'static str)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &shared.gateway.settings.limits;
    // The guard only gives back what was read already: HTTP/2 frames itself.
    let replay = FramingGuard::new(TokioIo::new(stream), already_read, OnUpgrade::AwaitGrant);
    replay.watch().grant_upgrade();
    let origin = Origin { client, scheme, entry: shared.entry, watch: None };
    let holder = Holder::new(&shared.gateway);
    let requests = Arc::clone(&holder);
    let service = service_fn(move |request: Request<Incoming>| {
        let work = Box::write(Box::new_uninit(), Gateway::handle(&requests, request, &origin));
        Answering(Box::into_pin(work))
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(HTTP2_STREAMS)
        .keep_alive_interval(Some(limits.idle_timeout))
        .keep_alive_timeout(limits.header_timeout);
    let mut connection = pin!(builder.serve_connection(replay, service));
    let mut timer = HeadTimer::new(limits.header_timeout, limits.idle_timeout);
    let mut lookout = Lookout::new(timer.next(), shared.stop.clone());
    let ended = loop {
        match lookout.wait(connection.as_mut()).await {
            Seen::Ended(ended) => break ended,
            // Frames have no heads that could come slowly here: hyper's keep-alive finds a silent client.
            Seen::Time => {
                if matches!(timer.look(&holder.activity, false, Instant::now()), Verdict::Idle) {
                    connection.as_mut().graceful_shutdown();
                }
                lookout.look_again(timer.next());
            }
            Seen::Stop => connection.as_mut().graceful_shutdown(),
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%client, %error, "HTTP/2 connection ended with an error");
    }
}

/// Streams that one client may have open.
const HTTP2_STREAMS: u32 = 256;

/// A request that is being answered, small enough to be moved.
struct Answering<F>(Pin<Box<F>>);

impl<F: Future> Future for Answering<F> {
    type Output = Result<F::Output, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context).map(Ok)
    }
}
