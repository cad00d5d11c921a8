//! Accepts connections, up to a bound; further ones wait in the system's backlog.

use std::{io, net::SocketAddr, sync::Arc};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;

use super::{Entry, Gateway, StartError, connection};

/// Connections that the system holds for us.
const BACKLOG: i32 = 4096;

/// A bound listener.
pub struct Listener {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    entry: Entry,
}

impl Listener {
    /// Makes an open socket a listener.
    ///
    /// # Errors
    /// When a certificate cannot be used or the socket is not one.
    pub fn new(gateway: &Gateway, socket: std::net::TcpListener, entry: Entry) -> Result<Self, StartError> {
        let server = &gateway.settings.server;
        let tls = server.tls.as_ref().map(super::tls::acceptor).transpose()?;
        let address = server.listen;
        let listener =
            TcpListener::from_std(socket).map_err(|error| StartError::Listen { address, error })?;
        Ok(Self { listener, tls, entry })
    }

    /// Opens the listener of the admin API, with the same TLS as the main one.
    ///
    /// # Errors
    /// As for [`new`](Self::new), or when the address cannot be bound.
    pub fn control(gateway: &Gateway, address: SocketAddr) -> Result<Self, StartError> {
        let socket = bind(address).map_err(|error| StartError::ControlListen { address, error })?;
        Self::new(gateway, socket, Entry::Control)
    }

    /// Where it listens; the port is the system's choice when the settings say 0.
    ///
    /// # Errors
    /// When the system does not know.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves connections until `stop` says so; then no more are accepted, requests in flight end, and what is not
    /// done within the drain time-out is broken off.
    pub async fn serve(self, gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
        let limits = &gateway.settings.limits;
        let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
        let drain_timeout = limits.drain_timeout;
        let permits = Arc::new(Semaphore::new(all as usize));
        let shared =
            connection::Shared::new(Arc::clone(&gateway), self.entry, self.tls.clone(), stop.clone());
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&permits) => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Some((socket, client, permit)) = accepted else { continue };
            let shared = shared.clone();
            tokio::spawn(async move {
                connection::serve(shared, socket, client).await;
                drop(permit);
            });
        }
        drop(self.listener);
        let drained = tokio::time::timeout(drain_timeout, async {
            let _all = permits.acquire_many(all).await;
            // Events of the last requests are told too.
            gateway.events.idle().await;
        })
        .await;
        if drained.is_err() {
            tracing::warn!(
                in_flight = gateway.in_flight(),
                "the drain time-out has passed: open requests are broken off"
            );
        }
    }

    async fn accept(
        &self,
        permits: &Arc<Semaphore>,
    ) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        let permit = Arc::clone(permits).acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((socket, client)) => Some((socket, client, permit)),
            Err(error) => {
                accept_failed(&error).await;
                None
            }
        }
    }
}

/// Reports a connection that could not be accepted, and waits before the next one is tried.
pub(super) async fn accept_failed(error: &io::Error) {
    tracing::error!(%error, "a connection could not be accepted");
    // Out of file descriptors, mostly: accepting again at once would only burn the processor.
    if !is_of_connection(error) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Whether the failure is over with the one connection.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Opens the socket of an address.
///
/// # Errors
/// When the address cannot be bound.
pub fn open(address: SocketAddr) -> Result<std::net::TcpListener, StartError> {
    bind(address).map_err(|error| StartError::Listen { address, error })
}

pub(super) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for connections of the process before to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
