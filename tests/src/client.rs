//! A client for whole requests and answers, over HTTP/1.1 or HTTP/2, plain or with TLS. Blocks the test's thread;
//! hyper does the work on a runtime that all tests of a process share.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Runtime,
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;

use crate::{DEADLINE, certificate::Certificate};

/// The runtime of this process's clients.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime"))
}

/// A request to send.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: String,
    headers: HeaderMap,
    host: Option<String>,
    body: Bytes,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Self { method, path: path.to_owned(), headers: HeaderMap::new(), host: None, body: Bytes::new() }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str, body: impl Into<Bytes>) -> Self {
        Self::new("POST", path).body(body)
    }

    /// Adds a header; the same name twice is two fields.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        self.headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    /// Asks for this host instead of the gateway's address.
    pub fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    fn into_http(self, transport: &Transport, address: SocketAddr) -> http::Request<Full<Bytes>> {
        let host = self.host.unwrap_or_else(|| address.to_string());
        let mut request = http::Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.headers_mut() = self.headers;
        let uri = if transport.is_http2() {
            format!("{}://{host}{}", transport.scheme(), self.path)
        } else {
            request.headers_mut().insert(header::HOST, HeaderValue::from_str(&host).expect("a host"));
            self.path
        };
        *request.uri_mut() = uri.parse::<Uri>().unwrap_or_else(|error| panic!("{uri}: {error}"));
        request
    }
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; fails the test with the text otherwise.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the {} answer {:?}", self.status, self.text()))
    }

    /// The value of a header that is there once; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let values = self.header_values(name);
        assert!(values.len() < 2, "{name} came {} times: {values:?}", values.len());
        values.first().copied().unwrap_or("")
    }

    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().expect("text")).collect()
    }

    pub fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// That this is Tyk's error of this status and message.
    pub fn assert_error(&self, status: u16, message: &str) {
        assert_eq!((self.status, self.text()), (status, format!("{{\n    \"error\": \"{message}\"\n}}")));
        assert_eq!(self.header("content-type"), "application/json");
    }

    /// That this is a plain success with this body.
    #[track_caller]
    pub fn assert_text(&self, text: &str) {
        assert_eq!((self.status, self.text().as_str()), (200, text));
    }
}

/// How a client speaks.
#[derive(Clone)]
enum Transport {
    Http1,
    Http2,
    Tls(TlsConnector, bool),
}

impl Transport {
    fn is_http2(&self) -> bool {
        matches!(self, Self::Http2 | Self::Tls(_, true))
    }

    fn scheme(&self) -> &'static str {
        if matches!(self, Self::Tls(..)) { "https" } else { "http" }
    }
}

/// Sends requests to one address.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    transport: Transport,
}

/// A request whose answer has not been waited for.
#[derive(Debug)]
pub struct Pending(JoinHandle<io::Result<Answer>>);

impl Pending {
    pub fn answer(self) -> Answer {
        self.outcome().unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// The answer, or how it failed.
    pub fn outcome(self) -> io::Result<Answer> {
        runtime().block_on(self.0).expect("the client does not panic")
    }

    /// Whether the answer is there, or the request has failed.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Gives the request up and closes its connection.
    pub fn abandon(self) {
        self.0.abort();
        let _ = runtime().block_on(self.0);
    }
}

impl Client {
    pub fn http1(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Http1 }
    }

    /// HTTP/2 with prior knowledge.
    pub fn http2(address: SocketAddr) -> Self {
        Self { address, transport: Transport::Http2 }
    }

    /// TLS that trusts this certificate and offers one protocol.
    pub fn tls(address: SocketAddr, certificate: &Certificate, http2: bool) -> Self {
        let mut config = certificate.client_config();
        config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Self { address, transport: Transport::Tls(TlsConnector::from(Arc::new(config)), http2) }
    }

    /// Sends on a new connection and waits for the whole answer.
    pub fn send(&self, request: Request) -> Answer {
        self.start(request).answer()
    }

    /// Sends on a new connection.
    pub fn start(&self, request: Request) -> Pending {
        let client = self.clone();
        Pending(runtime().spawn(in_time(async move {
            let mut connection = client.connect().await?;
            let request = request.into_http(&client.transport, client.address);
            connection.send(request).await?.await
        })))
    }

    /// Sends all at the same time, each on a connection of its own.
    pub fn send_each(&self, requests: Vec<Request>) -> Vec<Answer> {
        let pending: Vec<Pending> = requests.into_iter().map(|request| self.start(request)).collect();
        pending.into_iter().map(Pending::answer).collect()
    }

    /// Sends one after the other on one connection, which must stay open.
    pub fn send_in_turn(&self, requests: Vec<Request>) -> Vec<Answer> {
        let client = self.clone();
        let work = runtime().spawn(in_time(async move {
            let mut connection = client.connect().await?;
            let mut answers = Vec::new();
            for request in requests {
                let request = request.into_http(&client.transport, client.address);
                answers.push(connection.send(request).await?.await?);
            }
            Ok(answers)
        }));
        runtime().block_on(work).unwrap().unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// Sends all at the same time as streams of one HTTP/2 connection.
    pub fn send_multiplexed(&self, requests: Vec<Request>) -> Vec<Answer> {
        let client = self.clone();
        let work = runtime().spawn(in_time(async move {
            let mut connection = client.connect().await?;
            let mut pending = Vec::new();
            for request in requests {
                let request = request.into_http(&client.transport, client.address);
                pending.push(tokio::spawn(connection.send(request).await?));
            }
            let mut answers = Vec::new();
            for answer in pending {
                answers.push(answer.await.map_err(io::Error::other)??);
            }
            Ok(answers)
        }));
        runtime().block_on(work).unwrap().unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    async fn connect(&self) -> io::Result<Connection> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &self.transport {
            Transport::Tls(connector, _) => {
                let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
                Box::new(connector.connect(name, tcp).await?)
            }
            _ => Box::new(tcp),
        };
        if self.transport.is_http2() {
            let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
            let (sender, connection) = handshake.map_err(io::Error::other)?;
            tokio::spawn(connection);
            return Ok(Connection::Http2(sender));
        }
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Connection::Http1(sender))
    }
}

/// A byte stream of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

type Answering = Pin<Box<dyn Future<Output = io::Result<Answer>> + Send>>;

impl Connection {
    /// Waits until a request can be sent and sends it; the future that comes back is its answer.
    async fn send(&mut self, request: http::Request<Full<Bytes>>) -> io::Result<Answering> {
        let sent: Pin<Box<dyn Future<Output = _> + Send>> = match self {
            Self::Http1(sender) => {
                sender.ready().await.map_err(io::Error::other)?;
                Box::pin(sender.send_request(request))
            }
            Self::Http2(sender) => {
                sender.ready().await.map_err(io::Error::other)?;
                Box::pin(sender.send_request(request))
            }
        };
        Ok(Box::pin(async move {
            let response: http::Response<hyper::body::Incoming> = sent.await.map_err(io::Error::other)?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            Ok(Answer { status: parts.status.as_u16(), version: parts.version, headers: parts.headers, body })
        }))
    }
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the deadline came first")),
    }
}
