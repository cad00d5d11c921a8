//! Where handlers run: so many tasks at the most, so many of them at work, each for so long.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tokio::{runtime::Handle, sync::Semaphore};

use super::{handler::Handler, message::EventMessage};
use crate::{config::settings::EventSettings, js::runtime::JsRuntime, telemetry::metrics::EventMetrics};

/// The pooled client of web hooks; scripts and plugins have the same.
pub type WebHookClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Requests that are remembered to keep them from being sent again; beyond that the oldest is forgotten.
const MAX_COOLDOWNS: usize = 4_096;

/// What handlers work with.
pub struct EventServices {
    /// For scripts.
    pub(super) js: Arc<JsRuntime>,
    /// For web hooks.
    pub(super) client: WebHookClient,
    /// What was sent a short time ago.
    pub(super) cooldowns: Cooldowns,
}

impl std::fmt::Debug for EventServices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventServices").field("cooldowns", &self.cooldowns).finish_non_exhaustive()
    }
}

/// The handlers that run or wait, for the whole process.
#[derive(Debug)]
pub struct EventQueue {
    services: EventServices,
    runtime: Handle,
    room: Arc<Semaphore>,
    size: u32,
    at_work: Semaphore,
    timeout: Duration,
    metrics: EventMetrics,
    left_out: AtomicU64,
}

impl EventQueue {
    /// An empty queue whose tasks run in `runtime`.
    pub fn new(
        settings: &EventSettings,
        client: WebHookClient,
        js: Arc<JsRuntime>,
        runtime: Handle,
        metrics: EventMetrics,
    ) -> Arc<Self> {
        Arc::new(Self {
            services: EventServices { js, client, cooldowns: Cooldowns::default() },
            runtime,
            room: Arc::new(Semaphore::new(settings.queue as usize)),
            size: settings.queue,
            at_work: Semaphore::new(settings.parallel as usize),
            timeout: settings.timeout,
            metrics,
            left_out: AtomicU64::new(0),
        })
    }

    /// Runs a handler as soon as there is room, or leaves it out when too many wait already.
    pub(super) fn push(
        self: &Arc<Self>,
        api_id: &Arc<str>,
        handler: &Arc<Handler>,
        message: &Arc<EventMessage>,
    ) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            return self.leave_out(api_id, message);
        };
        let (queue, api_id) = (Arc::clone(self), Arc::clone(api_id));
        let (handler, message) = (Arc::clone(handler), Arc::clone(message));
        self.runtime.spawn(async move {
            queue.work(&api_id, &handler, &message).await;
            drop(place);
        });
    }

    async fn work(&self, api_id: &str, handler: &Handler, message: &EventMessage) {
        // Never closed.
        let Ok(_turn) = self.at_work.acquire().await else { return };
        let ended = tokio::time::timeout(self.timeout, handler.run(api_id, message, &self.services)).await;
        let error = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it took longer than {} ms", self.timeout.as_millis()),
        };
        self.metrics.failed.inc();
        let (handler, event) = (handler.kind(), message.name.as_str());
        tracing::error!(api_id, handler, event, "event handler failed: {error}");
    }

    fn leave_out(&self, api_id: &str, message: &EventMessage) {
        self.metrics.left_out.inc();
        let so_far = self.left_out.fetch_add(1, Ordering::Relaxed) + 1;
        // One line for each doubling: a flood of them would not help anybody.
        if so_far.is_power_of_two() {
            let event = message.name.as_str();
            tracing::warn!(api_id, event, so_far, "events left out: their handlers do not keep up");
        }
    }

    /// Waits until no handler runs or waits.
    pub async fn idle(&self) {
        // Never closed.
        let _ = self.room.acquire_many(self.size).await;
    }
}

/// Requests that are not to be sent again for a while.
#[derive(Debug, Default)]
pub(super) struct Cooldowns(Mutex<HashMap<[u8; 32], Instant>>);

impl Cooldowns {
    /// Begins the time in which a request is not sent again; `false` when it has begun already.
    pub(super) fn begin(&self, fingerprint: [u8; 32], cooldown: Duration) -> bool {
        let now = Instant::now();
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ends.get(&fingerprint).is_some_and(|end| *end > now) {
            return false;
        }
        if ends.len() >= MAX_COOLDOWNS {
            ends.retain(|_, end| *end > now);
        }
        if ends.len() >= MAX_COOLDOWNS
            && let Some(first) = ends.iter().min_by_key(|(_, end)| **end).map(|(fingerprint, _)| *fingerprint)
        {
            ends.remove(&first);
        }
        // A time too far off to be told is for ever.
        let end = now.checked_add(cooldown).unwrap_or(now + Duration::from_secs(1 << 31));
        ends.insert(fingerprint, end);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cooldowns, MAX_COOLDOWNS};

    #[test]
    fn the_same_request_waits_for_its_time() {
        let cooldowns = Cooldowns::default();
        let hour = Duration::from_secs(3_600);
        assert!(cooldowns.begin([1; 32], hour));
        assert!(!cooldowns.begin([1; 32], hour));
        assert!(cooldowns.begin([2; 32], Duration::ZERO));
        assert!(cooldowns.begin([2; 32], Duration::MAX));
        assert!(!cooldowns.begin([2; 32], hour));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let cooldowns = Cooldowns::default();
        for number in 0..2 * MAX_COOLDOWNS as u64 {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&number.to_le_bytes());
            assert!(cooldowns.begin(fingerprint, Duration::from_secs(3_600 + number)));
        }
        assert_eq!(cooldowns.0.lock().unwrap().len(), MAX_COOLDOWNS);
    }
}
