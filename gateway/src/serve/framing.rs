//! Refuses HTTP/1 requests whose framing is ambiguous, below hyper: [`FramingGuard`] wraps the
//! connection, follows the message boundaries of what comes in, and breaks the stream at the first
//! violation so that hyper answers `400 Bad Request` and closes (or fails the body being read).
//! It parses nothing else (method, target, field values are hyper's), sets no size limit on a head
//! (hyper's `max_buf_size` does, with 431) and knows no HTTP/2.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

use self::follower::MessageFollower;

mod follower;
#[cfg(test)]
mod tests;

/// What hyper is given in place of the bytes from a violation in a head on. No part of a head may
/// hold a NUL, so httparse fails wherever this lands; the line ends are there because hyper, once
/// it has seen part of a head, parses again only when the end of one comes by.
const POISON: &[u8] = b"\0\r\n\r\n";

/// Defines [`FramingError`] with its texts and the list its numbers index.
macro_rules! framing_errors {
    ($($name:ident: $text:literal,)*) => {
        /// Why a request was refused; the text of each is also its `Display`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum FramingError {
            $(#[doc = $text] $name,)*
        }

        impl FramingError {
            const ALL: &'static [FramingError] = &[$(FramingError::$name,)*];

            /// The reason in words, for a log line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(FramingError::$name => $text,)*
                }
            }
        }
    };
}

framing_errors! {
    BareLf: "line ended by LF without CR",
    BareCr: "CR not followed by LF",
    Nul: "NUL byte in a head, a trailer or a chunk size line",
    EmptyLines: "too many empty lines before the request line",
    RequestLine: "request line that does not end in HTTP/1.0 or HTTP/1.1",
    FoldedLine: "field line that starts with white space",
    MissingColon: "field line without a colon",
    SpaceBeforeColon: "white space between field name and colon",
    LengthAndEncoding: "Content-Length together with Transfer-Encoding",
    RepeatedLength: "more than one Content-Length field",
    InvalidLength: "Content-Length that is not one decimal number of 64 bits",
    RepeatedEncoding: "more than one Transfer-Encoding field",
    InvalidEncoding: "Transfer-Encoding other than chunked",
    EncodingInHttp10: "Transfer-Encoding in an HTTP/1.0 request",
    RepeatedHost: "more than one Host field",
    MissingHost: "HTTP/1.1 request without a Host field",
    ChunkSize: "chunk size that is not 1 to 16 hex digits",
    ChunkLineTooLong: "chunk size line with more than 1 KB of extensions",
    ChunkEnd: "chunk data not followed by CRLF",
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for FramingError {}

/// When the guard stops looking, after a request that asks for another protocol (an `Upgrade`
/// field, or the method CONNECT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUpgrade {
    /// Right after the head that asks. Only safe where the server closes the connection after
    /// every such request it does not grant: otherwise a client switches the guard off for its
    /// later requests by sending `Upgrade: x` with the first.
    PassThrough,
    /// When the server says so with [`FramingWatch::grant_upgrade`]; up to then the bytes that
    /// follow are held to be HTTP/1.
    AwaitGrant,
}

/// The view of a [`FramingGuard`] that outlives its move into hyper.
#[derive(Debug, Default)]
pub struct FramingWatch {
    /// 0, or 1 + the number of the `FramingError`.
    violation: AtomicU8,
    head_in_progress: AtomicBool,
    upgrade_granted: AtomicBool,
}

// All accesses are relaxed: no other data is published through these flags.
impl FramingWatch {
    /// Why the stream was broken, if it was. There is at most one reason per connection.
    pub fn violation(&self) -> Option<FramingError> {
        let number = usize::from(self.violation.load(Relaxed));
        FramingError::ALL.get(number.checked_sub(1)?).copied()
    }

    /// Whether a request head has begun to come in and has not ended. Empty lines before a request
    /// line do not begin one.
    pub fn head_in_progress(&self) -> bool {
        self.head_in_progress.load(Relaxed)
    }

    /// Makes the guard let everything through from now on. To be called when the answer to an
    /// upgrade is 101 (or 2xx to CONNECT), before that answer is handed to hyper.
    /// It does not undo a violation: a client that sent bytes of the other protocol ahead of the
    /// answer may have been refused for them, see [`violation`](Self::violation).
    pub fn grant_upgrade(&self) {
        self.upgrade_granted.store(true, Relaxed);
    }
}

/// A connection that delivers only unambiguously framed HTTP/1 requests to hyper.
#[derive(Debug)]
pub struct FramingGuard<IO> {
    io: IO,
    /// Read before the guard was set up, not yet delivered.
    replay: Bytes,
    follower: MessageFollower,
    /// After a violation: what is still to be delivered before the end of the stream.
    refused: Option<&'static [u8]>,
    watch: Arc<FramingWatch>,
}

impl<IO> FramingGuard<IO> {
    /// Guards `io`, of which `already_read` was taken before.
    pub fn new(io: IO, already_read: Bytes, on_upgrade: OnUpgrade) -> Self {
        FramingGuard {
            io,
            replay: already_read,
            follower: MessageFollower::new(on_upgrade),
            refused: None,
            watch: Arc::default(),
        }
    }

    /// The handle to ask about this connection once hyper owns it.
    pub fn watch(&self) -> Arc<FramingWatch> {
        Arc::clone(&self.watch)
    }

    /// Follows `bytes` and says how many of them hyper may have; less than all means refused.
    fn inspect(&mut self, bytes: &[u8]) -> usize {
        if self.watch.upgrade_granted.load(Relaxed) {
            return bytes.len();
        }
        let outcome = self.follower.feed(bytes);
        let in_progress = self.follower.head_in_progress();
        self.watch.head_in_progress.store(in_progress, Relaxed);
        let Err(violation) = outcome else {
            return bytes.len();
        };
        self.watch.violation.store(violation.error as u8 + 1, Relaxed);
        // Inside a body the end of the stream alone is an error to hyper's decoder.
        self.refused = Some(if violation.in_head { POISON } else { &[] });
        violation.at
    }

    /// Fills in what is left to deliver after a violation. Nothing means end of stream to hyper.
    fn deliver_refusal(&mut self, buf: &mut ReadBufCursor<'_>) {
        if let Some(poison) = &mut self.refused {
            let (now, later) = poison.split_at(poison.len().min(buf.remaining()));
            buf.put_slice(now);
            *poison = later;
        }
    }
}

impl<IO: Read + Unpin> Read for FramingGuard<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.refused.is_none() {
            if !this.replay.is_empty() {
                let part = this.replay.split_to(this.replay.len().min(buf.remaining()));
                let keep = this.inspect(&part);
                buf.put_slice(&part[..keep]);
            } else if this.follower.passes_through() || this.watch.upgrade_granted.load(Relaxed) {
                return Pin::new(&mut this.io).poll_read(cx, buf);
            } else {
                #[allow(unsafe_code, reason = "hyper's cursor can be advanced without a copy in no safe way")]
                // SAFETY: `inner` starts out with nothing initialized or filled and can only gain
                // (its contract), so no byte of `buf` is de-initialized, and `filled` is what
                // `io` wrote at its front. `keep` is at most `filled.len()`.
                unsafe {
                    let mut inner = ReadBuf::uninit(buf.as_mut());
                    ready!(Pin::new(&mut this.io).poll_read(cx, inner.unfilled()))?;
                    let keep = this.inspect(inner.filled());
                    buf.advance(keep);
                }
            }
        }
        this.deliver_refusal(&mut buf);
        Poll::Ready(Ok(()))
    }
}

impl<IO: Write + Unpin> Write for FramingGuard<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }
}
