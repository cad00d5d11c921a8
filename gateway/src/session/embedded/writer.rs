//! The thread that writes.

use std::{io, sync::Arc, thread, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::{
    super::store::StoreError,
    OpenFile,
    file::{Change, Changed},
    now,
};

/// Changes that may wait; more is an error.
const WAITING: usize = 16_384;
/// Changes of one transaction.
const AT_A_TIME: usize = 1024;
/// How often ended values are looked for when nothing is written.
const SWEEP: Duration = Duration::from_secs(30);

type Answer = oneshot::Sender<Result<Changed, StoreError>>;

struct Asked {
    name: String,
    change: Change,
    answer: Answer,
}

/// Takes changes to the thread, which ends with the last of these, or when the file cannot be written any more.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    changes: Sender<Asked>,
    /// Alive as long as the thread is.
    alive: std::sync::Weak<()>,
}

impl Writer {
    pub(super) fn start(file: Arc<OpenFile>) -> io::Result<Self> {
        let (changes, asked) = bounded(WAITING);
        let alive = Arc::new(());
        let writer = Self { changes, alive: Arc::downgrade(&alive) };
        thread::Builder::new().name("store".to_owned()).spawn(move || {
            run(&file, &asked);
            // The file is closed before anybody can see that the thread has ended and opens it again.
            drop(file);
            drop(alive);
        })?;
        Ok(writer)
    }

    pub(super) fn is_alive(&self) -> bool {
        self.alive.strong_count() > 0
    }

    /// Asks for a change; the answer comes when it is on disk.
    ///
    /// # Errors
    /// When too many wait already, or the thread has ended.
    pub(super) fn change(
        &self,
        name: String,
        change: Change,
    ) -> Result<oneshot::Receiver<Result<Changed, StoreError>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        match self.changes.try_send(Asked { name, change, answer }) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => {
                Err(StoreError::Failed { reason: format!("{WAITING} changes wait to be written already") })
            }
            Err(TrySendError::Disconnected(_)) => {
                Err(StoreError::Failed { reason: "its writer ended".to_owned() })
            }
        }
    }
}

fn run(file: &OpenFile, asked: &Receiver<Asked>) {
    loop {
        let mut batch = match asked.recv_timeout(SWEEP) {
            Ok(first) => vec![first],
            Err(RecvTimeoutError::Timeout) if has_ended_values(file) => Vec::new(),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        batch.extend(asked.try_iter().take(AT_A_TIME - batch.len()));
        let changes = batch.iter().map(|asked| (asked.name.as_str(), &asked.change));
        match file.0.change(changes, now()) {
            Ok(results) => {
                for (asked, result) in batch.into_iter().zip(results) {
                    // Nobody may be waiting any more.
                    let _ = asked.answer.send(result);
                }
            }
            Err(error) => {
                tracing::error!(%error, changes = batch.len(), "the store could not write");
                for asked in batch {
                    let _ = asked.answer.send(Err(StoreError::from(&error)));
                }
                // Redb wants to be opened again after an error of the disk.
                return;
            }
        }
    }
}

fn has_ended_values(file: &OpenFile) -> bool {
    matches!(file.0.first_end(), Ok(Some(end)) if end <= now())
}
