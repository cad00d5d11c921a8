//! The store, for plugins: the same values that scripts have.

use std::sync::Arc;

use gatehouse_plugin::host::{HostFuture, StorageOperation, Stored};
use tokio::runtime::Handle;

use super::PluginStorage;
use crate::session::{
    Life, Store, StoreError,
    store::{TimeLeft, prefix},
};

struct Storage {
    store: Store,
    runtime: Handle,
}

/// The values of a store, for plugins; its operations run on `runtime`.
pub fn plugin_storage(store: Store, runtime: Handle) -> Arc<dyn PluginStorage> {
    Arc::new(Storage { store, runtime })
}

impl PluginStorage for Storage {
    fn run(&self, key: String, operation: StorageOperation) -> HostFuture<Result<Stored, String>> {
        let store = self.store.clone();
        // A task, because a plugin may wait on a thread without our timers.
        let done = self.runtime.spawn(async move {
            let name = format!("{}{key}", prefix::SCRIPT);
            run(&store, &name, operation).await.map_err(|error| error.to_string())
        });
        Box::pin(async move { done.await.unwrap_or_else(|error| Err(error.to_string())) })
    }
}

async fn run(store: &Store, name: &str, operation: StorageOperation) -> Result<Stored, StoreError> {
    Ok(match operation {
        StorageOperation::Get => {
            store.get(name).await?.map_or(Stored::Nothing, |value| Stored::Value(value.to_vec()))
        }
        StorageOperation::Set { value, life, if_absent } => {
            let life = life.map_or(Life::Forever, Life::For);
            let done = if if_absent {
                store.set_if_absent(name, value.into(), life).await?
            } else {
                store.set(name, value.into(), life).await?;
                true
            };
            Stored::Number(done.into())
        }
        StorageOperation::Delete => Stored::Number(store.delete(name).await?.into()),
        StorageOperation::TimeToLive => Stored::Number(match store.time_left(name).await? {
            TimeLeft::NoValue => -2,
            TimeLeft::Forever => -1,
            TimeLeft::For(time) => i64::try_from(time.as_millis()).unwrap_or(i64::MAX),
        }),
        StorageOperation::Increment(by) => Stored::Number(store.increment(name, by).await?),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::session::embedded::EmbeddedStore;

    #[test]
    fn plugins_store_from_threads_without_our_timers() {
        let folder = tempfile::tempdir().unwrap();
        let ours = Runtime::new().unwrap();
        let store = EmbeddedStore::new(folder.path().join("kept.redb"), Duration::from_secs(20));
        let storage = plugin_storage(Store::Embedded(Arc::new(store)), ours.handle().clone());
        let theirs = Builder::new_current_thread().build().unwrap();
        let run = |operation| theirs.block_on(storage.run("key".to_owned(), operation)).unwrap();
        let set = |value: &str, if_absent| StorageOperation::Set {
            value: value.into(),
            life: Some(Duration::from_secs(100)),
            if_absent,
        };
        assert_eq!(run(StorageOperation::Get), Stored::Nothing);
        assert_eq!(run(StorageOperation::TimeToLive), Stored::Number(-2));
        assert_eq!(run(set("7", true)), Stored::Number(1));
        assert_eq!(run(set("8", true)), Stored::Number(0));
        assert_eq!(run(StorageOperation::Increment(3)), Stored::Number(10));
        assert_eq!(run(StorageOperation::Get), Stored::Value(b"10".to_vec()));
        assert!(matches!(run(StorageOperation::TimeToLive), Stored::Number(90_000..=100_000)));
        assert_eq!(run(StorageOperation::Delete), Stored::Number(1));
        run(set("x", false));
        let failed = theirs.block_on(storage.run("key".to_owned(), StorageOperation::Increment(1)));
        assert!(failed.unwrap_err().contains("it is not a whole number"));
    }
}
