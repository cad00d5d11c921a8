//! The threads that serve connections: each has an async runtime of its own, and a connection stays on one.
//!
//! A runtime that moves tasks between its threads pays for it at every request: queues with atomics, and wake-ups of
//! sleeping threads. Requests are small and alike, so it is enough to give each new connection to the thread that has
//! the fewest; nothing of a request then leaves its thread, pooled upstream connections included.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::{
    net::TcpStream,
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Threads with a runtime each. They end when this is dropped, and what they still serve is broken off.
pub(super) struct ServingThreads {
    threads: Vec<Thread>,
}

struct Thread {
    runtime: Handle,
    /// Connections that are served here.
    connections: Arc<AtomicUsize>,
    /// Ends the thread when it is dropped.
    _stop: oneshot::Sender<()>,
}

impl ServingThreads {
    /// Starts as many; `None` is one for each core.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(super) fn start(count: Option<usize>) -> io::Result<Self> {
        let count = match count {
            Some(count) => count,
            None => thread::available_parallelism()?.get(),
        };
        let threads = (0..count.max(1)).map(|_| Thread::start()).collect::<io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// Serves a connection on the thread that has the fewest.
    pub(super) fn serve<F>(
        &self,
        socket: TcpStream,
        client: SocketAddr,
        serve: impl FnOnce(TcpStream, SocketAddr) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send,
    {
        let Some(thread) =
            self.threads.iter().min_by_key(|thread| thread.connections.load(Ordering::Relaxed))
        else {
            return;
        };
        thread.connections.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(&thread.connections));
        // Taken out of the runtime that accepted it, so that the thread's own one watches it.
        let socket = match socket.into_std() {
            Ok(socket) => socket,
            Err(error) => return tracing::error!(%client, %error, "a connection cannot be handed on"),
        };
        thread.runtime.spawn(async move {
            let _counted = counted;
            match TcpStream::from_std(socket) {
                Ok(socket) => serve(socket, client).await,
                Err(error) => tracing::error!(%client, %error, "a connection cannot be watched"),
            }
        });
    }
}

#[cfg(test)]
impl ServingThreads {
    fn connections(&self) -> usize {
        self.threads.iter().map(|thread| thread.connections.load(Ordering::Relaxed)).sum()
    }
}

impl Thread {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new().name("gatehouse".to_owned()).spawn(move || {
            // Ends with an error, when the other end is dropped.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, connections: Arc::default(), _stop: stop })
    }
}

/// One of a thread's connections.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, net::SocketAddr, thread};

    use tokio::{
        net::{TcpListener, TcpStream},
        sync::{mpsc, oneshot},
    };

    use super::ServingThreads;

    async fn accepted(listener: &TcpListener) -> (TcpStream, SocketAddr, TcpStream) {
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (accepted, client) = tokio::join!(listener.accept(), connecting);
        let (socket, address) = accepted.unwrap();
        (socket, address, client.unwrap())
    }

    #[tokio::test]
    async fn connections_go_where_there_are_fewest() {
        let threads = ServingThreads::start(Some(3)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (served, mut by) = mpsc::unbounded_channel();
        let mut open = Vec::new();
        let mut clients = Vec::new();
        for _ in 0..3 {
            let (socket, address, client) = accepted(&listener).await;
            let (end, ended) = oneshot::channel::<()>();
            let served = served.clone();
            threads.serve(socket, address, async move |_socket, _address| {
                served.send(thread::current().id()).unwrap();
                let _ = ended.await;
            });
            open.push((by.recv().await.unwrap(), end));
            clients.push(client);
        }
        let used: HashSet<_> = open.iter().map(|(thread, _)| *thread).collect();
        assert_eq!(used.len(), 3);

        // The one that is free again gets the next.
        let (freed, end) = open.remove(1);
        drop(end);
        while threads.connections() != 2 {
            tokio::task::yield_now().await;
        }
        let (socket, address, _client) = accepted(&listener).await;
        threads.serve(socket, address, async move |_socket, _address| {
            served.send(thread::current().id()).unwrap();
        });
        assert_eq!(by.recv().await.unwrap(), freed);
    }
}
