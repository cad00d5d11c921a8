//! The store of one gateway: a file on its disk.
//!
//! The file is opened when it is first needed, so a gateway without keys neither makes one nor minds another gateway in
//! the same folder. Reads run on blocking threads; what requests read often is remembered above, in
//! [`Sessions`](super::Sessions). One thread writes: it takes what has gathered, makes it one transaction, and answers
//! when that is on disk.

mod file;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use tokio::sync::broadcast;

use self::{
    file::{Change, Changed, File},
    writer::Writer,
};
use super::{
    signal::Signal,
    store::{Life, SIGNALS_KEPT, StoreError, TimeLeft},
};

/// Time after which a file that could not be opened is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// A store in a file.
#[derive(Debug)]
pub struct EmbeddedStore {
    path: PathBuf,
    /// Bound on one operation.
    timeout: Duration,
    state: Arc<State>,
    signals: broadcast::Sender<Signal>,
}

/// What there is of the file: nothing until it is needed.
#[derive(Debug, Default)]
struct State {
    opened: ArcSwapOption<Opened>,
    /// The last try to open it came to nothing.
    failed: ArcSwapOption<Failed>,
    /// Held while the file is opened, by blocking threads only.
    opening: Mutex<()>,
}

#[derive(Debug)]
struct Failed {
    reason: Arc<str>,
    at: Instant,
}

/// An open file and its writer.
#[derive(Debug)]
struct Opened {
    file: Arc<OpenFile>,
    writer: Writer,
}

impl State {
    /// What is known without opening the file.
    fn known(&self) -> Option<Result<Arc<Opened>, StoreError>> {
        if let Some(opened) = self.opened.load_full().filter(|opened| opened.writer.is_alive()) {
            return Some(Ok(opened));
        }
        let failed = self.failed.load_full().filter(|failed| failed.at.elapsed() < TRY_AGAIN)?;
        Some(Err(StoreError::Unavailable { reason: Arc::clone(&failed.reason) }))
    }

    /// Opens the file, unless somebody else just has. Blocks.
    fn open(&self, path: &Path) -> Result<Arc<Opened>, StoreError> {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.known() {
            return known;
        }
        // A file whose writer gave up has to be closed before it is opened again.
        self.opened.store(None);
        let opened = File::open(path).and_then(|file| {
            let file = Arc::new(OpenFile(file));
            let writer =
                Writer::start(Arc::clone(&file)).map_err(|error| format!("starting a thread: {error}"))?;
            Ok(Arc::new(Opened { file, writer }))
        });
        match opened {
            Ok(opened) => {
                tracing::info!(path = %path.display(), "the store of keys is open");
                self.failed.store(None);
                self.opened.store(Some(Arc::clone(&opened)));
                Ok(opened)
            }
            Err(reason) => {
                let reason: Arc<str> = reason.into();
                // Once for each reason: it is tried again every second.
                if self.failed.load().as_ref().is_none_or(|failed| failed.reason != reason) {
                    tracing::error!("the store of keys cannot be opened: {reason}");
                }
                let failed = Failed { reason: Arc::clone(&reason), at: Instant::now() };
                self.failed.store(Some(Arc::new(failed)));
                Err(StoreError::Unavailable { reason })
            }
        }
    }
}

struct OpenFile(File);

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// A store in the file of this path, which is not touched yet.
    pub fn new(path: PathBuf, timeout: Duration) -> Self {
        Self { path, timeout, state: Arc::default(), signals: broadcast::Sender::new(SIGNALS_KEPT) }
    }

    /// A store in memory, which ends with it.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn in_memory(timeout: Duration) -> Result<Self, StoreError> {
        let unavailable = |reason: String| StoreError::Unavailable { reason: reason.into() };
        let file = Arc::new(OpenFile(File::in_memory().map_err(unavailable)?));
        let writer = Writer::start(Arc::clone(&file));
        let writer = writer.map_err(|error| unavailable(format!("starting a thread: {error}")))?;
        let store = Self::new(PathBuf::new(), timeout);
        store.state.opened.store(Some(Arc::new(Opened { file, writer })));
        Ok(store)
    }

    /// Opens the file, because it will be needed.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(super) async fn open(&self) -> Result<(), StoreError> {
        self.opened().await.map(drop)
    }

    async fn opened(&self) -> Result<Arc<Opened>, StoreError> {
        if let Some(known) = self.state.known() {
            return known;
        }
        let (path, state) = (self.path.clone(), Arc::clone(&self.state));
        self.blocking(move || state.open(&path)).await?
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&File) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let opened = self.opened().await?;
        self.blocking(move || read(&opened.file.0).map_err(|error| StoreError::from(&error))).await?
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let limit = self.timeout;
        match tokio::time::timeout(limit, tokio::task::spawn_blocking(work)).await {
            Ok(Ok(done)) => Ok(done),
            // A damaged file can make redb panic.
            Ok(Err(error)) => Err(StoreError::Failed { reason: error.to_string() }),
            Err(_) => Err(StoreError::Timeout { limit }),
        }
    }

    async fn change(&self, name: &str, change: Change) -> Result<Changed, StoreError> {
        let opened = self.opened().await?;
        let limit = self.timeout;
        let answer = opened.writer.change(name.to_owned(), change)?;
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(changed)) => changed,
            Ok(Err(_)) => Err(StoreError::Failed { reason: "its writer ended".to_owned() }),
            Err(_) => Err(StoreError::Timeout { limit }),
        }
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let values = self.get_each(&[name.to_owned()]).await?;
        Ok(values.into_iter().next().flatten())
    }

    pub(super) async fn get_each(&self, names: &[String]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let names = names.to_vec();
        self.read(move |file| file.get(&names, now())).await
    }

    pub(super) async fn set(&self, name: &str, value: Bytes, life: Life) -> Result<(), StoreError> {
        self.change(name, Change::Set { value, life, if_absent: false }).await.map(drop)
    }

    pub(super) async fn set_if_absent(
        &self,
        name: &str,
        value: Bytes,
        life: Life,
    ) -> Result<bool, StoreError> {
        Ok(self.change(name, Change::Set { value, life, if_absent: true }).await? == Changed::Done(true))
    }

    pub(super) async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.change(name, Change::Delete).await? == Changed::Done(true))
    }

    pub(super) async fn time_left(&self, name: &str) -> Result<TimeLeft, StoreError> {
        let name = name.to_owned();
        self.read(move |file| file.time_left(&name, now())).await
    }

    pub(super) async fn increment(&self, name: &str, by: i64, life: Life) -> Result<i64, StoreError> {
        match self.change(name, Change::Increment { by, life }).await? {
            Changed::Sum(sum) => Ok(sum),
            Changed::Done(_) => Err(StoreError::Failed { reason: "it did not add".to_owned() }),
        }
    }

    pub(super) async fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let prefix = prefix.to_owned();
        self.read(move |file| file.names(&prefix, now())).await
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
        self.state.failed.load().as_ref().map(|failed| Arc::clone(&failed.reason))
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(path: PathBuf) -> EmbeddedStore {
        EmbeddedStore::new(path, Duration::from_secs(20))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn writers_at_once_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.redb");
        let kept = Arc::new(store(path.clone()));
        assert!(!path.exists(), "it is made when it is needed");
        let writes = (0..200).map(|number| {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                kept.set(&format!("k-{number}"), number.to_string().into(), Life::Forever).await.unwrap();
                kept.increment("sum", number, Life::Forever).await.unwrap();
            })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap();
        }
        assert_eq!(kept.get("sum").await.unwrap().as_deref(), Some(&b"19900"[..]));
        assert_eq!(kept.names("k-").await.unwrap().len(), 200);
        assert!(kept.set_if_absent("k-new", "1".into(), Life::Forever).await.unwrap());
        assert!(!kept.set_if_absent("k-new", "2".into(), Life::Forever).await.unwrap());
        assert!(kept.delete("k-new").await.unwrap());
        assert_eq!(kept.time_left("k-new").await.unwrap(), TimeLeft::NoValue);
    }

    #[tokio::test]
    async fn a_file_in_use_is_an_error_until_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.redb");
        let first = store(path.clone());
        first.set("a", "1".into(), Life::Forever).await.unwrap();
        let second = store(path);
        assert_eq!(second.unavailable(), None, "it has not been needed yet");
        let error = second.get("a").await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable { reason } if reason.contains("in use")), "{error}");
        assert!(second.unavailable().is_some());
        drop(first);
        while let Err(error) = second.get("a").await {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(second.get("a").await.unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(second.unavailable(), None);
    }
}
