//! The store of one gateway.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tokio::sync::broadcast;

use super::{
    signal::Signal,
    store::{Life, SIGNALS_KEPT, StoreError, TimeLeft},
};

/// Values by their names.
#[derive(Debug)]
pub struct EmbeddedStore {
    entries: Mutex<HashMap<String, Entry>>,
    signals: broadcast::Sender<Signal>,
}

#[derive(Debug, Clone)]
struct Entry {
    value: Bytes,
    /// Milliseconds since 1970; `None` is for ever.
    ends: Option<u64>,
}

impl Default for EmbeddedStore {
    fn default() -> Self {
        Self { entries: Mutex::default(), signals: broadcast::Sender::new(SIGNALS_KEPT) }
    }
}

impl EmbeddedStore {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now();
        entries.retain(|_, entry| entry.ends.is_none_or(|ends| now < ends));
        entries
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.entries().get(name).map(|entry| entry.value.clone()))
    }

    pub(super) async fn get_each(&self, names: &[String]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let entries = self.entries();
        Ok(names.iter().map(|name| entries.get(name).map(|entry| entry.value.clone())).collect())
    }

    pub(super) async fn set(&self, name: &str, value: Bytes, life: Life) -> Result<(), StoreError> {
        let mut entries = self.entries();
        let ends = ends(life, entries.get(name));
        entries.insert(name.to_owned(), Entry { value, ends });
        Ok(())
    }

    pub(super) async fn set_if_absent(
        &self,
        name: &str,
        value: Bytes,
        life: Life,
    ) -> Result<bool, StoreError> {
        let mut entries = self.entries();
        if entries.contains_key(name) {
            return Ok(false);
        }
        entries.insert(name.to_owned(), Entry { value, ends: ends(life, None) });
        Ok(true)
    }

    pub(super) async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.entries().remove(name).is_some())
    }

    pub(super) async fn time_left(&self, name: &str) -> Result<TimeLeft, StoreError> {
        Ok(match self.entries().get(name).map(|entry| entry.ends) {
            None => TimeLeft::NoValue,
            Some(None) => TimeLeft::Forever,
            Some(Some(ends)) => TimeLeft::For(Duration::from_millis(ends.saturating_sub(now()))),
        })
    }

    pub(super) async fn increment(&self, name: &str, by: i64) -> Result<i64, StoreError> {
        let mut entries = self.entries();
        let (value, ends) = match entries.get(name) {
            Some(entry) => (entry.value.clone(), entry.ends),
            None => (Bytes::from_static(b"0"), None),
        };
        let bad = |reason: &str| StoreError::BadValue { name: name.to_owned(), reason: reason.to_owned() };
        let number: i64 = std::str::from_utf8(&value)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| bad("it is not a whole number"))?;
        let sum = number.checked_add(by).ok_or_else(|| bad("the sum is too large"))?;
        entries.insert(name.to_owned(), Entry { value: sum.to_string().into(), ends });
        Ok(sum)
    }

    pub(super) async fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.entries().keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    pub(super) async fn publish(&self, signal: &Signal) -> Result<(), StoreError> {
        // Nobody listens: nobody has to be told.
        let _ = self.signals.send(signal.clone());
        Ok(())
    }

    pub(super) fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    pub(super) fn unavailable(&self) -> Option<Arc<str>> {
        None
    }
}

fn ends(life: Life, before: Option<&Entry>) -> Option<u64> {
    match life {
        Life::Forever => None,
        Life::For(time) => Some(now().saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))),
        Life::AsBefore => before.and_then(|entry| entry.ends),
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
