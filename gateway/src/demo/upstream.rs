//! The service behind the demo's APIs: users and their orders.

use std::{convert::Infallible, io, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Starts it on a port that the system chooses, and gives its address.
pub(super) async fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request)) });
                // A connection that breaks off is the client's business.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    Ok(address)
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let found = match path {
        "/orders" => Some(orders()),
        _ => path.strip_prefix("/users/").and_then(user),
    };
    let (status, body) = match found {
        Some(body) => (StatusCode::OK, body),
        None => (
            StatusCode::NOT_FOUND,
            json!({ "error": "there is nothing here", "try": ["/users/7", "/users/8", "/orders"] }),
        ),
    };
    let mut response = Response::new(Full::new(body.to_string().into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn user(id: &str) -> Option<Value> {
    match id {
        "7" => Some(json!({ "id": 7, "name": "Ada" })),
        "8" => Some(json!({ "id": 8, "name": "Grace" })),
        _ => None,
    }
}

fn orders() -> Value {
    json!([
        { "id": 1, "user": 7, "total": 12.5 },
        { "id": 2, "user": 8, "total": 3 },
        { "id": 3, "user": 7, "total": 40 },
    ])
}
