//! Many requests at once, as streams of few connections.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::BoxError;

/// Streams of one connection; servers allow at least as many.
pub(crate) const STREAMS: usize = 100;

/// Sends so many requests at once and gives the time each took, in order.
pub(crate) async fn run(
    address: SocketAddr,
    requests: usize,
    streams: usize,
) -> Result<Vec<Duration>, BoxError> {
    let mut pending = Vec::with_capacity(requests);
    let mut left = requests;
    while left > 0 {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let count = left.min(streams);
        left -= count;
        for _ in 0..count {
            sender.ready().await?;
            let uri = format!("http://{address}/bench/wait");
            let answer = sender.send_request(Request::get(uri).body(Full::<Bytes>::default())?);
            pending.push(tokio::spawn(async move {
                let started = Instant::now();
                let answer = answer.await?;
                let status = answer.status();
                answer.into_body().collect().await?;
                if status.is_success() {
                    Ok(started.elapsed())
                } else {
                    Err(format!("status {status}").into())
                }
            }));
        }
    }
    let mut took = Vec::with_capacity(requests);
    for answer in pending {
        let answer: Result<Duration, BoxError> = answer.await?;
        took.push(answer?);
    }
    took.sort_unstable();
    Ok(took)
}
