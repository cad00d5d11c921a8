//! The pooled clients that all upstream calls share.

use std::{mem, sync::Arc};

use http::{HeaderValue, Uri, header, uri::PathAndQuery};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    body::UpstreamBody,
    direct::{DirectError, HostPools},
    target::{Route, Target},
    tls,
};
use crate::{config::settings::UpstreamSettings, exchange::RequestBody};

type Pool = Client<HttpsConnector<HttpConnector>, RequestBody>;

/// How an upstream is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Protocol {
    /// HTTP/2 without TLS and without negotiation (`h2c://`).
    pub h2c: bool,
    /// Certificates are not checked.
    pub insecure: bool,
}

/// Clients for each [`Protocol`], each with its own pool of idle connections.
#[derive(Debug)]
pub struct UpstreamClients {
    checked: Pool,
    insecure: Pool,
    h2c: Pool,
    /// Pools of plain HTTP/1.1 hosts, which targets hold on to.
    pub direct: Arc<HostPools>,
    /// Pools of plain HTTP/1.1 hosts that scripts call, whose upstreams see the names of headers as Go writes them.
    pub scripts: Arc<HostPools>,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// On a plain connection.
    #[error(transparent)]
    Direct(#[from] DirectError),
    /// On a connection with TLS or HTTP/2.
    #[error(transparent)]
    Pooled(#[from] Error),
}

impl SendError {
    /// Whether no connection came about at all.
    pub fn is_connect(&self) -> bool {
        match self {
            Self::Direct(error) => matches!(error, DirectError::Connect { .. }),
            Self::Pooled(error) => error.is_connect(),
        }
    }
}

impl UpstreamClients {
    /// Makes the clients; no connection is opened.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(settings: &UpstreamSettings) -> Result<Self, rustls::Error> {
        Ok(Self {
            checked: pool(settings, settings.insecure_skip_verify, false)?,
            insecure: pool(settings, true, false)?,
            h2c: pool(settings, false, true)?,
            direct: Arc::new(HostPools::new(settings)),
            scripts: Arc::new(HostPools::title_case(settings)),
        })
    }

    /// Sends a request; the answer's body is streamed.
    ///
    /// # Errors
    /// When no answer came; the cause is in the error's chain.
    pub async fn send(
        &self,
        target: &Target,
        request: &mut http::Request<RequestBody>,
    ) -> Result<http::Response<UpstreamBody>, SendError> {
        let pool = match &target.route {
            Route::Direct(pool) => {
                // A connection to the origin itself carries only the path (RFC 9112, 3.2.1).
                origin_form(request);
                return Ok(Arc::clone(pool).send(request).await?.map(UpstreamBody::Direct));
            }
            Route::Pooled(Protocol { h2c: true, .. }) => &self.h2c,
            Route::Pooled(Protocol { insecure: true, .. }) => &self.insecure,
            Route::Pooled(Protocol { .. }) => &self.checked,
        };
        Ok(Box::pin(pool.request(mem::take(request))).await?.map(UpstreamBody::Pooled))
    }
}

/// Puts the host into its header and leaves the path in the request line.
pub(super) fn origin_form(request: &mut http::Request<RequestBody>) {
    if !request.headers().contains_key(header::HOST)
        && let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
}

fn pool(settings: &UpstreamSettings, insecure: bool, h2c: bool) -> Result<Pool, rustls::Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(settings.connect_timeout));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client_config(insecure)?)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(tcp);
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(settings.idle_timeout)
        .pool_max_idle_per_host(settings.idle_per_host)
        .http2_only(h2c);
    Ok(builder.build(connector))
}
