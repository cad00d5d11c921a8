//! Watches the files that a gateway was loaded from, for development: what is saved is loaded at once.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use notify_debouncer_mini::{
    DebounceEventResult, DebouncedEvent, DebouncedEventKind, Debouncer, new_debouncer,
    notify::{self, RecommendedWatcher, RecursiveMode},
};
use tokio::sync::mpsc;

/// An editor or a build writes a file in several steps; this long after the last one it counts as written.
const SETTLED: Duration = Duration::from_millis(100);

/// Files that count: definitions, scripts, plugins.
const EXTENSIONS: [&str; 3] = ["json", "js", "so"];

/// Says when watched files have changed, for as long as it lives.
pub struct FileWatch {
    debouncer: Debouncer<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    changes: mpsc::Receiver<()>,
}

impl FileWatch {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When the system has no watcher left to give.
    pub fn new() -> Result<Self, notify::Error> {
        // One waiting change is enough: a reload reads everything.
        let (changed, changes) = mpsc::channel(1);
        let debouncer = new_debouncer(SETTLED, move |events: DebounceEventResult| match events {
            Ok(events) if events.iter().any(counts) => drop(changed.try_send(())),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "watching files"),
        })?;
        Ok(Self { debouncer, watched: BTreeSet::new(), changes })
    }

    /// Watches these folders besides those it watches already; one that is not there is tried again next time.
    pub fn watch<'a>(&mut self, folders: impl Iterator<Item = &'a Path>) {
        for folder in folders {
            // The parent of a file in the working directory is an empty path.
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let Ok(folder) = folder.canonicalize() else { continue };
            if self.watched.contains(&folder) {
                continue;
            }
            match self.debouncer.watcher().watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    tracing::debug!(folder = %folder.display(), "watching");
                    self.watched.insert(folder);
                }
                Err(error) => tracing::warn!(folder = %folder.display(), %error, "not watched"),
            }
        }
    }

    /// Waits for a change.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            // The watcher has ended and will say nothing more.
            std::future::pending::<()>().await;
        }
    }
}

/// Whether a file that counts has been written and is not being written any more.
fn counts(event: &DebouncedEvent) -> bool {
    let extension = event.path.extension();
    event.kind == DebouncedEventKind::Any
        && extension.is_some_and(|extension| EXTENSIONS.iter().any(|counted| extension == *counted))
}
