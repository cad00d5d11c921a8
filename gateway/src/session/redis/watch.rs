//! The task that keeps the connections: makes them, notices when they break, makes them again, and hands on signals.

use std::{pin::pin, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures_util::StreamExt as _;
use redis::{aio::PubSub, cmd};
use tokio::sync::{Notify, broadcast, watch};

use super::{
    super::signal::Signal,
    Connection, reason,
    servers::{Link, Servers},
};

/// Between two looks at whether Redis still answers.
const LOOK: Duration = Duration::from_secs(1);
/// Between two tries to connect, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Watching {
    pub(super) servers: Servers,
    pub(super) state: Arc<ArcSwap<Connection>>,
    pub(super) tried: watch::Sender<bool>,
    pub(super) broken: Arc<Notify>,
    pub(super) signals: broadcast::Sender<Signal>,
}

impl Watching {
    /// Runs for as long as the store is there.
    pub(super) async fn run(self) {
        let servers = self.servers.shown();
        let (mut pause, mut was_deaf, mut said) = (FIRST_PAUSE, false, String::new());
        loop {
            let why = match self.servers.connect().await {
                Ok((link, signals)) => {
                    tracing::info!(%servers, "connected to Redis");
                    self.state.store(Arc::new(Connection::Up(link.clone())));
                    let _ = self.tried.send(true);
                    if was_deaf {
                        // Nobody knows what was said while nobody listened.
                        let _ = self.signals.send(Signal::Missed);
                    }
                    pause = FIRST_PAUSE;
                    said.clear();
                    self.stay(link, signals).await
                }
                Err(error) => reason(&error),
            };
            was_deaf = true;
            let reason = format!("no connection to Redis ({servers}): {why}");
            if said != reason {
                tracing::error!("{reason}; trying again until there is one");
                said.clone_from(&reason);
            }
            self.state.store(Arc::new(Connection::Down(reason.into())));
            let _ = self.tried.send(true);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Hands on signals until the connections break, and tells why they did.
    async fn stay(&self, mut link: Link, signals: PubSub) -> String {
        let mut messages = pin!(signals.into_on_message());
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => match Signal::parse(message.get_payload_bytes()) {
                        Ok(Some(signal)) => drop(self.signals.send(signal)),
                        Ok(None) => {}
                        Err(error) => tracing::warn!(%error, "a notification that cannot be read"),
                    },
                    None => return "the connection for notifications was closed".to_owned(),
                },
                () = self.broken.notified() => {
                    if let Err(error) = ping(&mut link).await {
                        return reason(&error);
                    }
                }
                _ = look.tick() => {
                    if let Err(error) = ping(&mut link).await {
                        return reason(&error);
                    }
                }
            }
        }
    }
}

/// The connection's own bound on answers applies. A server that is no master any more fails, and so does a cluster that
/// is not whole.
async fn ping(link: &mut Link) -> redis::RedisResult<()> {
    if link.is_cluster() {
        return link.is_whole().await;
    }
    let role: Vec<redis::Value> = match link.query(&cmd("ROLE")).await {
        Ok(role) => role,
        // A user that may not ask is still connected.
        Err(error) if error.code() == Some("NOPERM") => return Ok(()),
        Err(error) => return Err(error),
    };
    match role.first() {
        Some(redis::Value::BulkString(role)) if role == b"slave" => {
            let text = "it is a replica now";
            Err(std::io::Error::other(text).into())
        }
        _ => Ok(()),
    }
}
