//! Values under names, with an end: what the embedded store and Redis have in common.
//!
//! Names are the same in both, and Tyk's, so that a Redis can be shared with one.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{runtime::Handle, sync::broadcast};

use super::{embedded::EmbeddedStore, redis::RedisStore, signal::Signal};
use crate::config::settings::{StoragePlace, StorageSettings};

/// Prefixes of names.
pub mod prefix {
    /// Sessions, by what they are stored under.
    pub const SESSION: &str = "apikey-";
    /// Values of scripts and plugins.
    pub const SCRIPT: &str = "jsvm-store:";
}

/// Signals that a slow listener may fall behind by; one that falls behind further reloads and forgets what it cached.
pub(super) const SIGNALS_KEPT: usize = 1024;

/// Where sessions, script storage and counters live. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Store {
    /// In a file of this gateway's.
    Embedded(Arc<EmbeddedStore>),
    /// In a Redis that several gateways share.
    Redis(Arc<RedisStore>),
}

/// How long a value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// For ever.
    Forever,
    /// So long from now.
    For(Duration),
    /// As long as the value before it; for ever, if there was none.
    AsBefore,
}

/// Time that a value has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLeft {
    /// There is no such value.
    NoValue,
    /// It has no end.
    Forever,
    /// So long.
    For(Duration),
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or used at all; `/ready` says so too.
    #[error("the store is not available: {reason}")]
    Unavailable {
        /// What is wrong, with the remedy if there is one.
        reason: Arc<str>,
    },
    /// It took longer than it may.
    #[error("the store did not answer within {limit:?}")]
    Timeout {
        /// The bound.
        limit: Duration,
    },
    /// It refused or failed this one operation.
    #[error("the store failed: {reason}")]
    Failed {
        /// In its words.
        reason: String,
    },
    /// A stored value is not what it should be.
    #[error("the stored value of `{name}` cannot be used: {reason}")]
    BadValue {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Hands an operation to the store that there is.
macro_rules! each {
    ($store:expr, $kept:ident => $call:expr) => {
        match $store {
            Store::Embedded($kept) => $call,
            Store::Redis($kept) => $call,
        }
    };
}

impl Store {
    /// The store of these settings. A Redis is connected to from now on, a file is opened when it is needed.
    pub fn new(settings: &StorageSettings, runtime: &Handle) -> Self {
        match &settings.place {
            StoragePlace::Embedded(path) => {
                Self::Embedded(Arc::new(EmbeddedStore::new(path.clone(), settings.timeout)))
            }
            StoragePlace::Redis(redis) => {
                Self::Redis(Arc::new(RedisStore::start(redis.clone(), settings, runtime)))
            }
        }
    }

    /// Makes it ready for use, because something will need it: opens the file, waits for the first connection.
    ///
    /// # Errors
    /// When it cannot be used for now; it may be later.
    pub async fn open(&self) -> Result<(), StoreError> {
        each!(self, store => store.open().await)
    }

    /// The store, when other gateways may have it too.
    pub fn shared(&self) -> Option<&Self> {
        match self {
            Self::Embedded(_) => None,
            Self::Redis(_) => Some(self),
        }
    }

    /// The value of a name.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        each!(self, store => store.get(name).await)
    }

    /// The values of several names, in one round trip.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn get_each(&self, names: &[String]) -> Result<Vec<Option<Bytes>>, StoreError> {
        each!(self, store => store.get_each(names).await)
    }

    /// Writes a value. When this is `Ok`, it is kept: on disk, or by Redis.
    ///
    /// # Errors
    /// When it may not have been written.
    pub async fn set(&self, name: &str, value: Bytes, life: Life) -> Result<(), StoreError> {
        each!(self, store => store.set(name, value, life).await)
    }

    /// Writes a value unless there is one, and tells whether it did.
    ///
    /// # Errors
    /// When it may not have been written.
    pub async fn set_if_absent(&self, name: &str, value: Bytes, life: Life) -> Result<bool, StoreError> {
        each!(self, store => store.set_if_absent(name, value, life).await)
    }

    /// Removes a value, and tells whether there was one.
    ///
    /// # Errors
    /// When it may still be there.
    pub async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        each!(self, store => store.delete(name).await)
    }

    /// How long a value is still kept.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn time_left(&self, name: &str) -> Result<TimeLeft, StoreError> {
        each!(self, store => store.time_left(name).await)
    }

    /// Adds to a number, which begins at 0 and then has no end, and gives the sum.
    ///
    /// # Errors
    /// When the value is not a whole number, the sum is too large, or the store failed.
    pub async fn increment(&self, name: &str, by: i64) -> Result<i64, StoreError> {
        self.increment_for(name, by, Life::Forever).await
    }

    /// As [`increment`](Self::increment); a number that begins now is kept for `life`.
    ///
    /// # Errors
    /// As there.
    pub async fn increment_for(&self, name: &str, by: i64, life: Life) -> Result<i64, StoreError> {
        each!(self, store => store.increment(name, by, life).await)
    }

    /// The names that begin with `prefix`, in no order.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        each!(self, store => store.names(prefix).await)
    }

    /// Tells all gateways that share the store, this one too.
    ///
    /// # Errors
    /// When it may not have gone out.
    pub async fn publish(&self, signal: &Signal) -> Result<(), StoreError> {
        each!(self, store => store.publish(signal).await)
    }

    /// Waits until signals of other gateways come in, or cannot for now; then [`Signal::Missed`] comes once they can.
    pub async fn listen(&self) {
        if let Self::Redis(store) = self {
            store.listen().await;
        }
    }

    /// Signals from now on.
    pub fn signals(&self) -> broadcast::Receiver<Signal> {
        each!(self, store => store.signals())
    }

    /// Why it cannot be used at the moment; `None` when it can, or has not been needed yet.
    pub fn unavailable(&self) -> Option<Arc<str>> {
        each!(self, store => store.unavailable())
    }
}
