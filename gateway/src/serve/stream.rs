//! A client's socket: what hyper reads and writes, with a bound on the time of a write and a soft end.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use crate::one_piece;

/// How the socket ends once hyper lets go of it; said by the connection's task, done when the stream is dropped.
#[derive(Debug, Default)]
pub struct Ending(AtomicU8);

const AT_ONCE: u8 = 0;
const LINGERING: u8 = 1;
const TIMED_OUT: u8 = 2;

impl Ending {
    /// Reads what the client is still sending for a while, so that an answer is not lost to a reset.
    pub fn linger(&self) {
        self.0.store(LINGERING, Ordering::Relaxed);
    }

    /// Answers 408 first; only for a stream without TLS, where these bytes are the answer.
    pub fn time_out(&self) {
        self.0.store(TIMED_OUT, Ordering::Relaxed);
    }
}

/// What a request that came too slowly is answered; hyper has no word for it.
const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How long a refused client may go on sending.
const LINGER: Duration = Duration::from_millis(500);

/// Bytes that are read and thrown away while lingering.
const LINGER_BYTES: usize = 256 * 1024;

/// A client's socket.
#[derive(Debug)]
pub struct ClientStream {
    /// There until the drop.
    socket: Option<TcpStream>,
    ending: Arc<Ending>,
    write_timeout: Duration,
    /// Armed while a write waits for the client.
    timer: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    /// Wraps a socket.
    pub fn new(socket: TcpStream, write_timeout: Duration) -> Self {
        Self { socket: Some(socket), ending: Arc::default(), write_timeout, timer: None }
    }

    /// The handle that says how the socket ends.
    pub fn ending(&self) -> Arc<Ending> {
        Arc::clone(&self.ending)
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.socket.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Passes a finished write on, and watches the time of one that waits.
    fn within_timeout(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let timeout = self.write_timeout;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.socket()?.poll_write(context, bytes);
        this.within_timeout(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = one_piece::poll_write(this.socket()?, context, slices);
        this.within_timeout(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_shutdown(context)
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        let ending = self.ending.0.load(Ordering::Relaxed);
        // Outside a runtime (the process is ending) there is nobody to linger.
        let (Some(socket), Ok(runtime)) = (self.socket.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        if ending != AT_ONCE {
            runtime.spawn(end_softly(socket, ending == TIMED_OUT));
        }
    }
}

/// Ends our side and reads what the client is still sending, within bounds.
async fn end_softly(socket: TcpStream, timed_out: bool) {
    if timed_out {
        // One try: a client that does not read will not read this either.
        let _ = socket.try_write(REQUEST_TIMEOUT);
    }
    let _ = socket2::SockRef::from(&socket).shutdown(std::net::Shutdown::Write);
    let drain = async {
        let mut buffer = vec![0; 8192];
        let mut left = LINGER_BYTES;
        while socket.readable().await.is_ok() {
            match socket.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => match left.checked_sub(read) {
                    Some(rest) => left = rest,
                    None => return,
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, drain).await;
}
