//! Records of served requests for APIs with an analytics hook: made after the answer, changed by the hook, written to
//! the log.
//!
//! The field names are those of Tyk's analytics record.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use http::{HeaderValue, Method, StatusCode, Uri, header};
use prometheus::IntCounter;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::Semaphore;

use super::in_flight::InFlight;
use crate::{
    chain::plugin::{LivePlugin, PluginState},
    exchange::Exchange,
    live::api::LiveApi,
    plugins::CallContext,
    telemetry::metrics,
};

/// Target of the log lines that hold records.
pub const TARGET: &str = "gatehouse::analytics";

/// Hooks that are under way, and records that found no room.
#[derive(Debug)]
pub struct Analytics {
    slots: Arc<Semaphore>,
    left_out: AtomicU64,
    /// The same, for metrics.
    left_out_total: IntCounter,
}

/// What is kept of a request until it has been served.
#[derive(Debug)]
pub struct Begun {
    method: Method,
    uri: Uri,
    host: String,
    user_agent: Option<HeaderValue>,
    content_length: u64,
    start: Instant,
}

impl Begun {
    /// Notes a request before it is served: the upstream takes its headers.
    pub fn new(exchange: &Exchange) -> Self {
        Self {
            method: exchange.method.clone(),
            uri: exchange.uri.clone(),
            host: exchange.host().to_owned(),
            user_agent: exchange.headers.get(header::USER_AGENT).cloned(),
            content_length: exchange.content_length().unwrap_or(0),
            start: Instant::now(),
        }
    }

    fn record(&self, api: &LiveApi, exchange: &Exchange, status: StatusCode) -> Value {
        let user_agent = self.user_agent.as_ref().and_then(|value| value.to_str().ok()).unwrap_or("");
        let now = OffsetDateTime::now_utc();
        let session = exchange.session.as_deref();
        let total = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        json!({
            "method": self.method.as_str(),
            "host": self.host,
            "path": self.uri.path(),
            "raw_path": self.uri.path(),
            "content_length": self.content_length,
            "user_agent": user_agent,
            "day": now.day(),
            "month": u8::from(now.month()),
            "year": now.year(),
            "hour": now.hour(),
            "response_code": status.as_u16(),
            "api_key": match &exchange.key {
                Some(key) => key.id.as_str(),
                None => session.map_or("", |session| &session.key_id),
            },
            "timestamp": now.format(&Rfc3339).unwrap_or_default(),
            "api_name": &*api.name,
            "api_id": &*api.id,
            "org_id": &*api.org_id,
            "request_time": total,
            "latency": { "total": total },
            "ip_address": exchange.client.ip().to_canonical().to_string(),
            "tags": session.map_or(&[][..], |session| &session.tags),
            "alias": session.map_or("", |session| &session.alias),
            "request_id": exchange.request_id.to_string(),
        })
    }
}

impl Analytics {
    /// Room for so many records in hooks at a time; further ones are counted with `left_out_total`.
    pub fn new(in_flight: usize, left_out_total: IntCounter) -> Self {
        let slots = Arc::new(Semaphore::new(in_flight.min(Semaphore::MAX_PERMITS)));
        Self { slots, left_out: AtomicU64::new(0), left_out_total }
    }

    /// Gives the record of a served request to the hook, off the request's path. A stop waits for it.
    pub(super) fn record(
        &self,
        hook: &LivePlugin,
        begun: &Begun,
        api: &LiveApi,
        exchange: &Exchange,
        status: StatusCode,
        in_flight: InFlight,
    ) {
        let function = match &hook.state {
            PluginState::Ready(function) => function,
            PluginState::Failed(_) => return hook.failures.count(metrics::plugin::NOT_LOADED),
            PluginState::Closed => return hook.failures.count(metrics::plugin::CLOSED),
        };
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            self.left_out_total.inc();
            let so_far = self.left_out.fetch_add(1, Ordering::Relaxed) + 1;
            // One line for each doubling: a flood of them would not help anybody.
            if so_far.is_power_of_two() {
                tracing::warn!(
                    api_id = &*api.id,
                    so_far,
                    "analytics records left out: the hooks do not keep up"
                );
            }
            return;
        };
        let mut record = begun.record(api, exchange, status);
        let (function, site, failures) =
            (Arc::clone(function), Arc::clone(&hook.site), hook.failures.clone());
        tokio::spawn(async move {
            // A failure has been logged where it happened; the record is as it was before the hook.
            if let Err(failure) = function.record(&mut record, CallContext::new(&site)).await
                && let Some(reason) = failure.reason()
            {
                failures.count(reason);
            }
            tracing::info!(target: TARGET, %record, "analytics");
            drop((slot, in_flight));
        });
    }
}
