//! A store in memory, for one call: empty when it begins.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use gatehouse_plugin::host::{HostFuture, StorageOperation, Stored};

use crate::plugins::PluginStorage;

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    /// `None` is for ever.
    until: Option<Instant>,
}

/// Values by their keys.
#[derive(Debug, Default)]
pub(super) struct MemoryStore(Mutex<HashMap<String, Entry>>);

impl PluginStorage for MemoryStore {
    fn run(&self, key: String, operation: StorageOperation) -> HostFuture<Result<Stored, String>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(apply(&mut entries, key, operation, Instant::now())))
    }
}

fn apply(
    entries: &mut HashMap<String, Entry>,
    key: String,
    operation: StorageOperation,
    now: Instant,
) -> Result<Stored, String> {
    entries.retain(|_, entry| entry.until.is_none_or(|until| now < until));
    Ok(match operation {
        StorageOperation::Get => {
            entries.get(&key).map_or(Stored::Nothing, |entry| Stored::Value(entry.value.clone()))
        }
        StorageOperation::Set { if_absent: true, .. } if entries.contains_key(&key) => Stored::Number(0),
        StorageOperation::Set { value, life, .. } => {
            entries.insert(key, Entry { value, until: life.and_then(|life| now.checked_add(life)) });
            Stored::Number(1)
        }
        StorageOperation::Delete => Stored::Number(entries.remove(&key).is_some().into()),
        StorageOperation::TimeToLive => Stored::Number(match entries.get(&key).map(|entry| entry.until) {
            None => -2,
            Some(None) => -1,
            Some(Some(until)) => until.duration_since(now).as_millis().try_into().unwrap_or(i64::MAX),
        }),
        StorageOperation::Increment(by) => {
            let entry = entries.entry(key).or_insert_with(|| Entry { value: b"0".to_vec(), until: None });
            let number = std::str::from_utf8(&entry.value).ok().and_then(|text| text.parse::<i64>().ok());
            let sum =
                number.ok_or("the value is not a number")?.checked_add(by).ok_or("the sum is too large")?;
            entry.value = sum.to_string().into_bytes();
            Stored::Number(sum)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        time::{Duration, Instant},
    };

    use gatehouse_plugin::host::{StorageOperation, Stored};

    use super::apply;

    #[test]
    fn values_are_kept_counted_and_end() {
        let mut entries = HashMap::new();
        let start = Instant::now();
        let mut at = |after: u64, operation| {
            apply(&mut entries, "key".to_owned(), operation, start + Duration::from_millis(after)).unwrap()
        };
        let set = |if_absent| {
            let life = Some(Duration::from_millis(100));
            StorageOperation::Set { value: b"7".to_vec(), life, if_absent }
        };
        assert_eq!(at(0, StorageOperation::TimeToLive), Stored::Number(-2));
        assert_eq!(at(0, set(true)), Stored::Number(1));
        assert_eq!(at(0, set(true)), Stored::Number(0));
        assert_eq!(at(40, StorageOperation::TimeToLive), Stored::Number(60));
        assert_eq!(at(50, StorageOperation::Increment(3)), Stored::Number(10));
        assert_eq!(at(99, StorageOperation::Get), Stored::Value(b"10".to_vec()));
        assert_eq!(at(100, StorageOperation::Get), Stored::Nothing);
        assert_eq!(at(100, StorageOperation::Increment(-1)), Stored::Number(-1));
        assert_eq!(at(100, StorageOperation::TimeToLive), Stored::Number(-1));
        assert_eq!(at(100, StorageOperation::Delete), Stored::Number(1));
    }

    #[test]
    fn what_is_not_a_number_is_not_counted() {
        let mut entries = HashMap::new();
        let mut run = |operation| apply(&mut entries, "key".to_owned(), operation, Instant::now());
        run(StorageOperation::Set { value: b"x".to_vec(), life: None, if_absent: false }).unwrap();
        assert_eq!(run(StorageOperation::Increment(1)).unwrap_err(), "the value is not a number");
    }
}
