//! Bare hyper 1.x doing two of the benchmark's jobs, with nothing around it.
//!
//! `hyper-peer --listen 127.0.0.1:0 --upstream http://127.0.0.1:8081/item` prints its address when it is ready and
//! serves `/plain` (a text and two headers) and `/aggregate` (one call to the upstream, its JSON with a field added).

mod arguments;

use std::{convert::Infallible, error::Error, process::ExitCode};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::arguments::Arguments;

type BoxError = Box<dyn Error + Send + Sync>;

const PLAIN_BODY: &[u8] = b"This is a virtual endpoint!";

/// What an aggregation needs: the pooled client and the place to call.
struct Upstream {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
}

impl Upstream {
    fn new(uri: Uri) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), uri }
    }

    async fn fetch(&self) -> Result<Value, BoxError> {
        let answer = self.client.get(self.uri.clone()).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("hyper-peer: {problem}");
            return ExitCode::from(2);
        }
    };
    match serve(arguments).await {
        Ok(never) => match never {},
        Err(problem) => {
            eprintln!("hyper-peer: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<Infallible, BoxError> {
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("{}", listener.local_addr()?);
    // One upstream for the life of the process, so that connections share it without counting references.
    let upstream: &'static Upstream = Box::leak(Box::new(Upstream::new(arguments.upstream)));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service =
            service_fn(move |request| async move { Ok::<_, Infallible>(answer(request, upstream).await) });
        // A connection that ends in an error is the client's business: the load generator counts it.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: Request<Incoming>, upstream: &Upstream) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/plain") => plain(),
        (&Method::GET, "/aggregate") => match aggregate(upstream).await {
            Ok(response) => response,
            Err(problem) => text(StatusCode::BAD_GATEWAY, Bytes::from(problem.to_string())),
        },
        _ => text(StatusCode::NOT_FOUND, Bytes::new()),
    }
}

fn plain() -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::OK, Bytes::from_static(PLAIN_BODY));
    let headers = response.headers_mut();
    headers.insert("foo-header", HeaderValue::from_static("bar"));
    headers.insert("foo-header-2", HeaderValue::from_static("baz"));
    response
}

async fn aggregate(upstream: &Upstream) -> Result<Response<Full<Bytes>>, BoxError> {
    let mut item = upstream.fetch().await?;
    let name = item["name"].as_str().ok_or("the upstream's answer has no name")?;
    item["greeting"] = Value::from(format!("Hello {name}"));
    let mut response = Response::new(Full::new(Bytes::from(serde_json::to_vec(&item)?)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn text(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
