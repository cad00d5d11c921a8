//! Watches the files that a gateway was loaded from, for development: what is saved is loaded at once.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use notify_debouncer_mini::{
    DebounceEventResult, DebouncedEvent, DebouncedEventKind, Debouncer, new_debouncer,
    notify::{self, RecommendedWatcher, RecursiveMode},
};
use tokio::sync::mpsc;

/// An editor or a build writes a file in several steps; this long after the last one it counts as written.
const SETTLED: Duration = Duration::from_millis(100);

/// File systems take the time of a change from a clock that is behind by up to a tick of the kernel.
const CLOCK_BEHIND: Duration = Duration::from_millis(20);

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

    /// Watches these folders besides those it watches already; one that is not there is tried again next time. What they
    /// hold was read from `read_at` on: says whether something may have changed since without having been watched.
    pub fn watch<'a>(&mut self, folders: impl Iterator<Item = &'a Path>, read_at: SystemTime) -> bool {
        let mut changed = false;
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
                    changed |= has_changed(&folder, read_at);
                    self.watched.insert(folder);
                }
                Err(error) => tracing::warn!(folder = %folder.display(), %error, "not watched"),
            }
        }
        changed
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
    event.kind == DebouncedEventKind::Any && is_counted(&event.path)
}

fn is_counted(path: &Path) -> bool {
    path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|counted| extension == *counted))
}

/// Whether a file of the folder that counts may have been written, or put there, since then. A file that was removed
/// without another one in its place is not seen.
fn has_changed(folder: &Path, since: SystemTime) -> bool {
    let since = since.checked_sub(CLOCK_BEHIND).unwrap_or(since);
    let Ok(since) = since.duration_since(SystemTime::UNIX_EPOCH) else { return false };
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().map(|entry| entry.path()).filter(|path| is_counted(path)).any(|path| {
        // Not the time of modification, which moves along with a file that another one is replaced by.
        fs::metadata(path).is_ok_and(|file| {
            let (seconds, nanos) = (u64::try_from(file.ctime()), u32::try_from(file.ctime_nsec()));
            matches!((seconds, nanos), (Ok(seconds), Ok(nanos)) if Duration::new(seconds, nanos) >= since)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_seen_from_the_moment_that_a_folder_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("a.js");
        fs::write(&script, "1").unwrap();
        let written = fs::metadata(&script).unwrap();
        let written = SystemTime::UNIX_EPOCH
            + Duration::new(written.ctime().unsigned_abs(), u32::try_from(written.ctime_nsec()).unwrap());
        let watch = |read_at| FileWatch::new().unwrap().watch([folder.path()].into_iter(), read_at);
        // Read before it was written, and after.
        assert!(watch(written));
        assert!(!watch(written + 2 * CLOCK_BEHIND));
        // A file that took its place counts by when it did so, not by when it was written.
        let other = folder.path().join("b.new");
        fs::write(&other, "2").unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().write(true).open(&other).unwrap().set_modified(long_ago).unwrap();
        fs::rename(&other, &script).unwrap();
        assert!(watch(written));
        // And from then on by what the system says.
        let mut watching = FileWatch::new().unwrap();
        watching.watch([folder.path()].into_iter(), written);
        fs::write(&script, "3").unwrap();
        watching.changed().await;
    }
}
