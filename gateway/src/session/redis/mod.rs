//! The store that several gateways share: Redis or Valkey.
//!
//! One task keeps the connections (`watch.rs`): while there are none, every operation fails at once and says why.

mod servers;
mod watch;

use std::{sync::Arc, time::Duration};

use ::redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, Script, cmd};
use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::{Notify, broadcast, watch as channel};

use self::servers::{Link, Servers};
use super::{
    signal::{CHANNEL, Signal},
    store::{Life, SIGNALS_KEPT, StoreError, TimeLeft},
};
use crate::config::settings::{RedisSettings, StorageSettings};

/// Keys that one step of a listing looks at.
const SCAN_STEP: usize = 1000;

/// A Redis, or none for the moment.
pub struct RedisStore {
    /// Bound on one operation.
    timeout: Duration,
    state: Arc<ArcSwap<Connection>>,
    /// Whether the first try to connect is over.
    tried: channel::Receiver<bool>,
    /// Told by an operation that met a broken connection.
    broken: Arc<Notify>,
    signals: broadcast::Sender<Signal>,
    task: tokio::task::AbortHandle,
}

/// What there is of a connection.
enum Connection {
    Up(Link),
    Down(Arc<str>),
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").field("unavailable", &self.unavailable()).finish_non_exhaustive()
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RedisStore {
    /// A store that begins to connect at once, on `runtime`.
    pub fn start(redis: RedisSettings, settings: &StorageSettings, runtime: &tokio::runtime::Handle) -> Self {
        let servers = Servers::new(redis, settings.connect_timeout, settings.timeout);
        let reason = format!("no connection to Redis ({}) yet", servers.shown());
        let state = Arc::new(ArcSwap::from_pointee(Connection::Down(reason.into())));
        let (tried_once, tried) = channel::channel(false);
        let (broken, signals) = (Arc::new(Notify::new()), broadcast::Sender::new(SIGNALS_KEPT));
        let watching = watch::Watching {
            servers,
            state: Arc::clone(&state),
            tried: tried_once,
            broken: Arc::clone(&broken),
            signals: signals.clone(),
        };
        let task = runtime.spawn(watching.run()).abort_handle();
        Self { timeout: settings.timeout, state, tried, broken, signals, task }
    }

    /// Waits until the first try to connect is over, whatever came of it.
    pub(super) async fn listen(&self) {
        let _ = self.tried.clone().wait_for(|tried| *tried).await;
    }

    /// The same, and tells what came of it.
    pub(super) async fn open(&self) -> Result<(), StoreError> {
        self.listen().await;
        self.link().map(drop)
    }

    fn link(&self) -> Result<Link, StoreError> {
        match &**self.state.load() {
            Connection::Up(link) => Ok(link.clone()),
            Connection::Down(reason) => Err(StoreError::Unavailable { reason: Arc::clone(reason) }),
        }
    }

    /// Runs one command: one round trip.
    ///
    /// # Errors
    /// When Redis is away, too slow, or refuses it.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut link = self.link()?;
        self.in_time(link.query(command)).await
    }

    /// Runs several commands in one round trip; in a cluster their keys must have the same slot.
    ///
    /// # Errors
    /// When Redis is away, too slow, or refuses one of them.
    pub async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        let mut link = self.link()?;
        self.in_time(link.pipeline(pipeline)).await
    }

    /// Runs a script by its hash: one round trip, two when Redis does not know it yet. In a cluster its keys must have the
    /// same slot.
    ///
    /// # Errors
    /// When Redis is away, too slow, or the script fails.
    pub async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&str],
    ) -> Result<T, StoreError> {
        let mut link = self.link()?;
        let mut invocation = script.prepare_invoke();
        for key in keys {
            invocation.key(*key);
        }
        for argument in arguments {
            invocation.arg(*argument);
        }
        self.in_time(invocation.invoke_async(&mut link)).await
    }

    /// Whether keys are on several servers, so that one script cannot have any of them.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn is_cluster(&self) -> Result<bool, StoreError> {
        Ok(self.link()?.is_cluster())
    }

    async fn in_time<T>(&self, work: impl Future<Output = RedisResult<T>>) -> Result<T, StoreError> {
        let limit = self.timeout;
        match tokio::time::timeout(limit, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(StoreError::Timeout { limit }),
        }
    }

    fn failed(&self, error: &RedisError) -> StoreError {
        if error.is_timeout() {
            return StoreError::Timeout { limit: self.timeout };
        }
        // A master that became a replica is the wrong server, as a closed connection is none.
        let wrong_server =
            matches!(error.code(), Some("READONLY" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN"));
        if wrong_server
            || error.is_connection_dropped()
            || error.is_io_error()
            || error.is_unrecoverable_error()
        {
            self.broken.notify_one();
            return StoreError::Unavailable { reason: format!("Redis: {error}").into() };
        }
        StoreError::Failed { reason: error.to_string() }
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let value: Option<Vec<u8>> = self.query(cmd("GET").arg(name)).await?;
        Ok(value.map(Bytes::from))
    }

    pub(super) async fn get_each(&self, names: &[String]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let values: Vec<Option<Vec<u8>>> = self.query(cmd("MGET").arg(names)).await?;
        Ok(values.into_iter().map(|value| value.map(Bytes::from)).collect())
    }

    pub(super) async fn set(&self, name: &str, value: Bytes, life: Life) -> Result<(), StoreError> {
        self.query(&set(name, &value, life)).await
    }

    pub(super) async fn set_if_absent(
        &self,
        name: &str,
        value: Bytes,
        life: Life,
    ) -> Result<bool, StoreError> {
        // What is absent has no end to keep.
        let life = if life == Life::AsBefore { Life::Forever } else { life };
        let done: Option<String> = self.query(set(name, &value, life).arg("NX")).await?;
        Ok(done.is_some())
    }

    pub(super) async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        let removed: i64 = self.query(cmd("DEL").arg(name)).await?;
        Ok(removed > 0)
    }

    pub(super) async fn time_left(&self, name: &str) -> Result<TimeLeft, StoreError> {
        let left: i64 = self.query(cmd("PTTL").arg(name)).await?;
        Ok(match u64::try_from(left) {
            Ok(left) => TimeLeft::For(Duration::from_millis(left)),
            Err(_) if left == -1 => TimeLeft::Forever,
            Err(_) => TimeLeft::NoValue,
        })
    }

    pub(super) async fn increment(&self, name: &str, by: i64, life: Life) -> Result<i64, StoreError> {
        let sum = match life {
            Life::For(_) => {
                let mut both = ::redis::pipe();
                both.atomic().add_command(set(name, b"0", life).arg("NX").to_owned()).ignore();
                both.cmd("INCRBY").arg(name).arg(by);
                self.pipeline(&both).await.map(|(sum,): (i64,)| sum)
            }
            Life::Forever | Life::AsBefore => self.query(cmd("INCRBY").arg(name).arg(by)).await,
        };
        sum.map_err(|error| match error {
            StoreError::Failed { reason } => StoreError::BadValue { name: name.to_owned(), reason },
            error => error,
        })
    }

    pub(super) async fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let pattern = format!("{}*", without_wildcards(prefix));
        if self.link()?.is_cluster() {
            // A listing in steps has a cursor for each member; this asks all of them at once.
            return self.query(cmd("KEYS").arg(pattern)).await;
        }
        let (mut names, mut cursor) = (Vec::new(), 0_u64);
        loop {
            let step: (u64, Vec<String>) = self
                .query(cmd("SCAN").arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCAN_STEP))
                .await?;
            names.extend(step.1);
            cursor = step.0;
            if cursor == 0 {
                break;
            }
        }
        // A listing in steps may name one twice.
        names.sort();
        names.dedup();
        Ok(names)
    }

    pub(super) async fn publish(&self, signal: &Signal) -> Result<(), StoreError> {
        let _: i64 = self.query(cmd("PUBLISH").arg(CHANNEL).arg(signal.to_json())).await?;
        Ok(())
    }

    pub(super) fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    pub(super) fn unavailable(&self) -> Option<Arc<str>> {
        match &**self.state.load() {
            Connection::Up(_) => None,
            Connection::Down(reason) => Some(Arc::clone(reason)),
        }
    }
}

fn set(name: &str, value: &[u8], life: Life) -> Cmd {
    let mut command = cmd("SET");
    command.arg(name).arg(value);
    match life {
        Life::Forever => {}
        Life::For(time) => {
            command.arg("PX").arg(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1));
        }
        Life::AsBefore => {
            command.arg("KEEPTTL");
        }
    }
    command
}

/// A text as a pattern that matches it alone.
fn without_wildcards(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// The reason for people, without the client's own frame.
fn reason(error: &RedisError) -> String {
    let refused = error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"));
    match refused {
        true => format!("{error}; check storage.username and storage.password"),
        false => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_wildcards;

    #[test]
    fn wildcards_in_a_prefix_mean_themselves() {
        assert_eq!(without_wildcards("apikey-a*[b]?\\"), "apikey-a\\*\\[b\\]\\?\\\\");
    }
}
