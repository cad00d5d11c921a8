//! Outbound HTTP calls of scripts: `TykMakeHttpRequest` and `TykBatchRequest`.
//!
//! Arguments are read as Go would (`arguments`), calls go through one pooled client as Go's would
//! (`exchange`), answers are JSON text (`answer`). The task of the request waits for them.

mod answer;
mod arguments;
mod exchange;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::runtime::Handle;

use self::{
    arguments::OutboundRequest,
    exchange::{Answer, ExchangeError},
};
use super::{engine::Deadline, large};
use crate::{
    config::settings::{JavaScriptSettings, UpstreamSettings},
    deadline,
    proxy::{direct::HostPools, hosts::Hosts},
    rehearsal::{OutboundCall, RecordedAnswer, Rehearsal, milliseconds_since},
};

/// The pooled client of all scripts, for what is not plain HTTP.
///
/// Not reqwest: that sends `Accept: */*` on every call and cannot be told not to, and scripts' upstreams see
/// exactly the headers that Tyk sends.
pub type OutboundClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Makes the client; connections are kept and timed as those to upstreams.
pub fn outbound_client(upstream: &UpstreamSettings, tls: rustls::ClientConfig) -> OutboundClient {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(upstream.connect_timeout));
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(upstream.idle_per_host)
        .pool_idle_timeout(upstream.idle_timeout)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http1_title_case_headers(true)
        .build(connector)
}

/// Why a script gets no answer.
#[derive(Debug)]
pub enum CallFailure {
    /// The script gets `undefined`, as in Tyk; with the reason for the log.
    Undefined(String),
    /// The script's own deadline passed.
    Deadline,
    /// The script made more calls than it may.
    TooMany,
    /// A rehearsal has no answer for the call.
    NotRecorded(String),
}

impl From<ExchangeError> for CallFailure {
    fn from(error: ExchangeError) -> Self {
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            reason.push_str(": ");
            reason.push_str(&error.to_string());
            cause = error.source();
        }
        Self::Undefined(reason)
    }
}

/// What calls go through.
#[derive(Debug)]
struct Wires {
    tls: OutboundClient,
    /// Connections that the task which waits for the answer drives itself.
    plain: Hosts,
}

/// The outbound calls of all scripts.
#[derive(Debug)]
pub struct Outbound {
    wires: Arc<Wires>,
    /// What answers instead.
    rehearsal: Option<Arc<Rehearsal>>,
    handle: Handle,
    body_bytes: usize,
    /// Calls of one batch that are under way at the same time.
    batch_parallel: usize,
}

impl Outbound {
    /// Calls through `client` with TLS, and through connections of `plain` without; both live on `handle`.
    pub fn new(
        client: OutboundClient,
        plain: Arc<HostPools>,
        handle: Handle,
        settings: &JavaScriptSettings,
    ) -> Arc<Self> {
        Arc::new(Self {
            wires: Arc::new(Wires { tls: client, plain: Hosts::new(plain) }),
            rehearsal: None,
            handle,
            body_bytes: settings.outbound_body_bytes,
            batch_parallel: settings.batch_parallel,
        })
    }

    /// The same for a rehearsal, which answers calls and notes them.
    pub fn rehearsed(&self, rehearsal: Arc<Rehearsal>) -> Arc<Self> {
        Arc::new(Self {
            wires: Arc::clone(&self.wires),
            rehearsal: Some(rehearsal),
            handle: self.handle.clone(),
            ..*self
        })
    }

    /// The runtime on which connections and timers live.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// One call: the answer as JSON text.
    ///
    /// # Errors
    /// As [`CallFailure`] says.
    pub async fn request(
        &self,
        argument: &str,
        deadline: Deadline,
        calls_left: &mut u32,
    ) -> Result<String, CallFailure> {
        let request = large::work(argument.len(), || arguments::single(argument));
        let request = request.map_err(CallFailure::Undefined)?;
        spend(calls_left, 1)?;
        let answer = self.exchange(&request, deadline).await?;
        Ok(large::work(answer.body.len(), || answer::single(&answer)))
    }

    /// Several calls: the answers as a JSON array. Those of a parallel batch come in the order of arrival. A call
    /// that failed has code 0 and nothing else, as in Tyk, so that the others are not lost; the log says which.
    ///
    /// # Errors
    /// As [`CallFailure`] says.
    pub async fn batch(
        &self,
        argument: &str,
        deadline: Deadline,
        calls_left: &mut u32,
    ) -> Result<String, CallFailure> {
        let batch = large::work(argument.len(), || arguments::batch(argument, *calls_left));
        let batch = batch.map_err(CallFailure::Undefined)?;
        let batch = batch.ok_or(CallFailure::TooMany)?;
        spend(calls_left, batch.requests.len())?;
        let parallelism = if batch.sequential { 1 } else { self.batch_parallel };
        let calls: Vec<_> = batch.requests.iter().map(|request| self.one_of(request, deadline)).collect();
        let calls = futures_util::stream::iter(calls).buffer_unordered(parallelism);
        let answers = calls.collect::<Vec<_>>().await;
        let bytes = answers.iter().flat_map(|(_, answer)| answer).map(|answer| answer.body.len()).sum();
        large::work(bytes, || answer::batch(answers))
    }

    /// One call of a batch.
    fn one_of<'call>(
        &'call self,
        request: &'call OutboundRequest,
        deadline: Deadline,
    ) -> BoxFuture<'call, (&'call OutboundRequest, Result<Answer, CallFailure>)> {
        Box::pin(async move { (request, self.exchange(request, deadline).await) })
    }

    async fn exchange(&self, request: &OutboundRequest, deadline: Deadline) -> Result<Answer, CallFailure> {
        match &self.rehearsal {
            None => self.call(request, deadline).await,
            Some(rehearsal) => Box::pin(self.rehearse(rehearsal, request, deadline)).await,
        }
    }

    /// A call with its recorded answer, or made in earnest where the rehearsal allows that; noted either way.
    async fn rehearse(
        &self,
        rehearsal: &Rehearsal,
        request: &OutboundRequest,
        deadline: Deadline,
    ) -> Result<Answer, CallFailure> {
        let start = std::time::Instant::now();
        let recorded = rehearsal.recording().find(&request.method, &request.url);
        let is_recorded = !matches!(recorded, Ok(None));
        let answer = match recorded {
            Ok(None) => self.call(request, deadline).await,
            Ok(Some(RecordedAnswer { answer: Ok((status, headers, body)), .. })) => {
                Ok(Answer { status: *status, headers: headers.clone(), body: body.clone() })
            }
            Ok(Some(RecordedAnswer { answer: Err(reason), .. })) => {
                Err(CallFailure::Undefined(reason.clone()))
            }
            Err(reason) => Err(CallFailure::NotRecorded(reason)),
        };
        let error = match &answer {
            Ok(_) => None,
            Err(CallFailure::Undefined(reason) | CallFailure::NotRecorded(reason)) => Some(reason.clone()),
            Err(CallFailure::Deadline) => Some(deadline.error().message),
            Err(CallFailure::TooMany) => Some("one call too many".to_owned()),
        };
        rehearsal.called(OutboundCall {
            method: request.method.to_string(),
            url: request.url.to_string(),
            recorded: is_recorded,
            code: answer.as_ref().map_or(0, |answer| answer.status.as_u16()),
            bytes: answer.as_ref().map_or(0, |answer| answer.body.len()),
            milliseconds: milliseconds_since(start),
            error,
        });
        answer
    }

    async fn call(&self, request: &OutboundRequest, deadline: Deadline) -> Result<Answer, CallFailure> {
        let own_limit = request.timeout.map(|timeout| std::time::Instant::now() + timeout);
        let until = own_limit.map_or(deadline.at, |own| own.min(deadline.at));
        let exchange = exchange::follow(&self.wires, request, self.body_bytes);
        match deadline::until(until, exchange).await {
            Ok(answer) => Ok(answer?),
            Err(_) if deadline.passed() => Err(CallFailure::Deadline),
            Err(_) => Err(CallFailure::Undefined(format!("{} did not answer within TimeoutMs", request.url))),
        }
    }
}

fn spend(calls_left: &mut u32, calls: usize) -> Result<(), CallFailure> {
    let left = u32::try_from(calls).ok().and_then(|calls| calls_left.checked_sub(calls));
    *calls_left = left.ok_or(CallFailure::TooMany)?;
    Ok(())
}

#[cfg(test)]
mod tests;
