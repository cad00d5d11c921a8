//! An upstream that speaks HTTP/2 without TLS, with prior knowledge, and nothing else.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::client::runtime;

/// Answers with what it saw, as JSON.
#[derive(Debug)]
pub struct H2Upstream {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl H2Upstream {
    pub fn echo() -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let accepting = runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let serving = http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service_fn(echo));
                tokio::spawn(serving);
            }
        });
        Self { address, connections, accepting }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for H2Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let seen = json!({
        "version": format!("{:?}", parts.version), "method": parts.method.as_str(), "path": parts.uri.path(),
        "authority": parts.uri.authority().map(|authority| authority.as_str()),
        "forwarded_for": header("x-forwarded-for"), "connection": header("connection"),
        "body": String::from_utf8_lossy(&body),
    });
    let answer = Response::builder().header("content-type", "application/json");
    Ok(answer.body(Full::new(Bytes::from(seen.to_string()))).expect("an answer"))
}
