//! `/metrics` on a listener of its own, so that it is not where clients are.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::{Gateway, StartError, listener};
use crate::{
    js::pool::PoolStats,
    plugins::{
        MetricKind,
        metrics::{BUCKETS, Series, SeriesKey},
    },
    telemetry::metrics::{CONTENT_TYPE, GivenKind, GivenSeries, set},
};

/// The only path.
const PATH: &str = "/metrics";

/// Connections at a time; further ones wait in the backlog.
const CONNECTIONS: usize = 16;

/// Time for a whole connection, which is one request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A bound listener for metrics.
#[derive(Debug)]
pub struct MetricsListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl MetricsListener {
    /// Opens the listener; inside a runtime.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn open(address: SocketAddr) -> Result<Self, StartError> {
        let bound = listener::bind(address).and_then(TcpListener::from_std);
        let bound = bound.and_then(|listener| Ok(Self { address: listener.local_addr()?, listener }));
        bound.map_err(|error| StartError::MetricsListen { address, error })
    }

    /// Where it listens; the port is the system's choice when the settings say 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes the metrics for as long as the process lives, also while it drains.
    pub async fn serve(self, gateway: Arc<Gateway>) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            let socket = match self.listener.accept().await {
                Ok((socket, _)) => socket,
                Err(error) => {
                    listener::accept_failed(&error).await;
                    continue;
                }
            };
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                if let Err(error) = serve_one(gateway, socket).await {
                    tracing::debug!(%error, "a connection for metrics broke off");
                }
                drop(permit);
            });
        }
    }
}

async fn serve_one(gateway: Arc<Gateway>, socket: TcpStream) -> io::Result<()> {
    let service = service_fn(|request| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(answer(gateway, &request).await) }
    });
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(socket), service);
    tokio::time::timeout(TIMEOUT, connection).await?.map_err(io::Error::other)
}

async fn answer(gateway: Arc<Gateway>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, "Not Found: metrics are at /metrics\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused =
            plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed: metrics are read with GET\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    // Thousands of series take their time, which requests must not wait for.
    let text = match tokio::task::spawn_blocking(move || gateway.metrics_text()).await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return failed(&error),
        Err(error) => return failed(&error),
    };
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}

fn failed(error: &dyn std::error::Error) -> Response<Full<Bytes>> {
    tracing::error!(%error, "metrics cannot be written");
    plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error: the gateway's log says why\n")
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

impl Gateway {
    /// All metrics in Prometheus's text format, with those of plugins.
    ///
    /// # Errors
    /// As for [`Metrics::text`](crate::telemetry::metrics::Metrics::text).
    pub fn metrics_text(&self) -> Result<String, prometheus::Error> {
        let levels = &self.metrics.levels;
        let snapshot = self.live.load();
        let counted_by_plugins = self.plugins.services.metrics.snapshot();
        let PoolStats { threads, running, waiting, queued, given_up } = self.js.stats();
        let (cached, cached_bytes) = self.cache.size();
        for (gauge, things) in [
            (&levels.cache_answers, cached),
            (&levels.cache_bytes, usize::try_from(cached_bytes).unwrap_or(usize::MAX)),
            (&levels.in_flight, self.in_flight()),
            (&levels.script_threads, threads),
            (&levels.script_calls_running, running),
            (&levels.script_calls_waiting, waiting),
            (&levels.script_calls_queued, queued),
            (&levels.script_threads_given_up, given_up),
            (&levels.plugins_loaded, self.plugins.registry().plugins().len()),
            (&levels.plugin_series, counted_by_plugins.len()),
            (&levels.apis_served, snapshot.apis().count()),
            (&levels.ready, usize::from(snapshot.not_ready().is_empty())),
        ] {
            set(gauge, things);
        }
        self.metrics.text(counted_by_plugins.iter().map(given))
    }
}

/// A series that plugins keep.
fn given((key, series): &(Arc<SeriesKey>, Series)) -> GivenSeries<'_> {
    GivenSeries {
        kind: match key.kind {
            MetricKind::Counter => GivenKind::Counter,
            MetricKind::Histogram => GivenKind::Histogram,
        },
        name: &key.name,
        labels: &key.labels,
        count: series.count,
        sum: series.sum,
        buckets: BUCKETS.into_iter().zip(series.buckets).collect(),
    }
}
