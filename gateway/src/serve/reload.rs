//! Reloads while the gateway serves: one at a time, whoever asks for them.
//!
//! Who asks while one runs waits for the next one, which is for all that wait: the files that each of them has written
//! before asking are read after it has asked.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{Mutex, watch};

use super::{Gateway, StartError};
use crate::live::compile::Compiled;

/// Who asks for a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedBy {
    /// A signal or the admin API, here or at another gateway: endpoints that were closed because they crashed open again.
    Operator,
    /// A change of watched files.
    Files,
}

/// How a reload went; all that waited for it get the same.
pub type Reloaded = Result<Compiled, Arc<StartError>>;

/// Reloads asked for and done.
#[derive(Debug)]
pub struct Reloads {
    asked: AtomicU64,
    done: Mutex<Done>,
    finished: watch::Sender<u64>,
}

#[derive(Debug)]
struct Done {
    /// Everything that was asked for up to here.
    through: u64,
    outcome: Reloaded,
}

impl Default for Reloads {
    fn default() -> Self {
        let done = Done { through: 0, outcome: Ok(Compiled::default()) };
        Self { asked: AtomicU64::new(0), done: Mutex::new(done), finished: watch::Sender::new(0) }
    }
}

impl Reloads {
    /// Changes after each reload.
    pub fn finished(&self) -> watch::Receiver<u64> {
        self.finished.subscribe()
    }
}

impl Gateway {
    /// Asks for a reload and waits until one that began after this call has been published, or has failed.
    ///
    /// Goes on when the caller stops waiting.
    pub async fn reload_for(self: &Arc<Self>, asked_by: AskedBy) -> Reloaded {
        if asked_by == AskedBy::Operator {
            self.plugins.open_closed();
            if let Some(supervisor) = self.supervisor.get()
                && let Err(error) = supervisor.reload()
            {
                tracing::warn!(%error, "the supervisor does not listen");
            }
        }
        let ticket = self.reloads.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let gateway = Arc::clone(self);
        // Not on the thread of the connection that asks: it may end with it.
        match self.runtime.spawn(async move { gateway.reload_through(ticket).await }).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Reloads once, whatever else runs: [`reload_for`](Self::reload_for) is for a gateway that serves. Opens the store when
    /// something needs it now.
    ///
    /// # Errors
    /// As for [`reload`](Self::reload).
    pub async fn load(self: &Arc<Self>) -> Result<Compiled, StartError> {
        let gateway = Arc::clone(self);
        // Off the async threads, because scripts are compiled.
        let loaded = match tokio::task::spawn_blocking(move || gateway.reload()).await {
            Ok(loaded) => loaded,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        if self.snapshot().takes_keys
            && let Err(error) = self.sessions.store().open().await
        {
            // The APIs are served: what needs a key is refused until there is a store.
            tracing::error!("no key can be checked: {error}");
        }
        loaded
    }

    async fn reload_through(self: Arc<Self>, ticket: u64) -> Reloaded {
        let mut done = self.reloads.done.lock().await;
        if done.through >= ticket {
            return done.outcome.clone();
        }
        let through = self.reloads.asked.load(Ordering::SeqCst);
        let outcome = self.load().await.map_err(Arc::new);
        self.metrics.reloaded(outcome.is_ok());
        match &outcome {
            Ok(Compiled { served, unchanged, refused, .. }) => {
                tracing::info!(apis = served, unchanged, refused, "reloaded")
            }
            Err(error) => tracing::error!("not reloaded, everything stays as it was: {error}"),
        }
        *done = Done { through, outcome: outcome.clone() };
        self.reloads.finished.send_replace(through);
        outcome
    }
}
