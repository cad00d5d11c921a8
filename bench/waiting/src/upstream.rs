//! Answers every request after a while.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::BoxError;

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// A running upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
}

impl Upstream {
    pub(crate) async fn start(delay: Duration) -> Result<Self, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        tokio::spawn(serve(listener, delay, Arc::clone(&counts)));
        Ok(Self { address, counts })
    }

    /// The most requests that there were at the same time.
    pub(crate) fn most(&self) -> usize {
        self.counts.most.load(Ordering::Relaxed)
    }

    pub(crate) fn forget_most(&self) {
        self.counts.most.store(0, Ordering::Relaxed);
    }
}

async fn serve(listener: TcpListener, delay: Duration, counts: Arc<Counts>) {
    // An accept that fails (too many open files) shows as requests that are missing from the count.
    while let Ok((stream, _)) = listener.accept().await {
        let counts = Arc::clone(&counts);
        let service = service_fn(move |_: Request<Incoming>| {
            let counts = Arc::clone(&counts);
            async move {
                let now = counts.now.fetch_add(1, Ordering::Relaxed) + 1;
                counts.most.fetch_max(now, Ordering::Relaxed);
                tokio::time::sleep(delay).await;
                counts.now.fetch_sub(1, Ordering::Relaxed);
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
