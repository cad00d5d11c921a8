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

#[cfg(test)]
mod tests;

/// What hyper is given in place of the bytes from a violation in a head on. No part of a head may
/// hold a NUL, so httparse fails wherever this lands; the line ends are there because hyper, once
/// it has seen part of a head, parses again only when the end of one comes by.
const POISON: &[u8] = b"\0\r\n\r\n";

/// Empty lines allowed before a request line (RFC 9112, 2.2 asks for "at least one").
const MAX_EMPTY_LINES: u8 = 4;

/// Hex digits of a chunk size: as many as a `u64` has.
const MAX_CHUNK_DIGITS: usize = 16;

/// Bytes of extensions on one chunk size line.
const MAX_CHUNK_EXTENSIONS: usize = 1024;

/// How much of the start of a line is looked at, whether or not it came in one read. It bounds what
/// a line split across reads is kept in; no field that matters for framing comes near it.
const LINE_START: usize = 2048;

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

/// Where [`MessageFollower::feed`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Violation {
    /// Index of the first byte that must not be delivered. In a head it is always before the LF
    /// that would have completed it, so hyper cannot have acted on that head.
    at: usize,
    error: FramingError,
    /// Whether it is in a request head, rather than in a chunked body or its trailers.
    in_head: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    RequestLine,
    Field,
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkCr,
    ChunkLf,
    Trailer,
    PassThrough,
    Refused(FramingError),
}

/// What the lines of the head so far said about framing.
#[derive(Debug, Default)]
struct Head {
    empty_lines: u8,
    http11: bool,
    switches: bool,
    host: bool,
    length: Option<u64>,
    chunked: bool,
}

/// The state machine: follows the messages of one request stream, however it is cut into reads.
#[derive(Debug)]
struct MessageFollower {
    state: State,
    head: Head,
    on_upgrade: OnUpgrade,
    /// The first `LINE_START` bytes of a line whose end has not been read yet, and its length.
    line: Vec<u8>,
    line_len: usize,
    /// The last bytes of a request line, which may be longer than `line` holds.
    line_tail: [u8; 9],
    /// The last read ended in the CR of a line end.
    after_cr: bool,
}

impl MessageFollower {
    fn new(on_upgrade: OnUpgrade) -> Self {
        MessageFollower {
            state: State::RequestLine,
            head: Head::default(),
            on_upgrade,
            line: Vec::new(),
            line_len: 0,
            line_tail: [0; 9],
            after_cr: false,
        }
    }

    fn passes_through(&self) -> bool {
        self.state == State::PassThrough
    }

    fn head_in_progress(&self) -> bool {
        match self.state {
            State::RequestLine => self.line_len > 0,
            State::Field => true,
            _ => false,
        }
    }

    /// Follows the next bytes of the stream. The verdict, and its place in the stream, do not
    /// depend on how the stream is split into calls.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (used, result) = self.step(rest);
            rest = &rest[used..];
            if let Err(error) = result {
                let violation = Violation {
                    at: bytes.len() - rest.len(),
                    error,
                    in_head: matches!(self.state, State::RequestLine | State::Field),
                };
                self.state = State::Refused(error);
                return Err(violation);
            }
        }
        Ok(())
    }

    /// Takes one piece off the front of `rest` (not empty): how much, and whether what comes
    /// after it is a violation.
    fn step(&mut self, rest: &[u8]) -> (usize, Result<(), FramingError>) {
        match self.state {
            State::Body(left) => {
                let (used, left) = skip(left, rest);
                self.state = if left == 0 { State::RequestLine } else { State::Body(left) };
                (used, Ok(()))
            }
            State::ChunkData(left) => {
                let (used, left) = skip(left, rest);
                self.state = if left == 0 { State::ChunkCr } else { State::ChunkData(left) };
                (used, Ok(()))
            }
            State::ChunkCr | State::ChunkLf => {
                let (expected, next) = match self.state {
                    State::ChunkCr => (b'\r', State::ChunkLf),
                    _ => (b'\n', State::ChunkSize),
                };
                if rest.first() != Some(&expected) {
                    return (0, Err(FramingError::ChunkEnd));
                }
                self.state = next;
                (1, Ok(()))
            }
            State::PassThrough => (rest.len(), Ok(())),
            State::Refused(error) => (0, Err(error)),
            State::RequestLine | State::Field | State::ChunkSize | State::Trailer => self.step_line(rest),
        }
    }

    /// `step` for the states made of lines.
    fn step_line(&mut self, rest: &[u8]) -> (usize, Result<(), FramingError>) {
        if self.after_cr {
            if rest.first() != Some(&b'\n') {
                return (0, Err(FramingError::BareCr));
            }
            let result = self.end_kept_line();
            return (usize::from(result.is_ok()), result);
        }
        let folds = matches!(self.state, State::Field | State::Trailer);
        if folds && self.line_len == 0 && matches!(rest.first(), Some(b' ' | b'\t')) {
            return (0, Err(FramingError::FoldedLine));
        }
        let end = memchr::memchr3(b'\r', b'\n', 0, rest).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        match self.state {
            State::ChunkSize => {
                // Here rather than at the end of the line, which may never come.
                let room = MAX_CHUNK_DIGITS + MAX_CHUNK_EXTENSIONS - self.line_len;
                if end > room {
                    return (room, Err(FramingError::ChunkLineTooLong));
                }
            }
            State::RequestLine => push_tail(&mut self.line_tail, piece),
            _ => {}
        }
        match after {
            [] => {
                self.keep(piece);
                (end, Ok(()))
            }
            [b'\r'] => {
                self.keep(piece);
                self.after_cr = true;
                (end + 1, Ok(()))
            }
            [b'\r', b'\n', ..] => {
                let result = if self.line_len == 0 {
                    self.end_line(&piece[..piece.len().min(LINE_START)], piece.len())
                } else {
                    self.keep(piece);
                    self.end_kept_line()
                };
                // Of a line that is refused as a whole the LF is held back.
                (end + 1 + usize::from(result.is_ok()), result)
            }
            [b'\r', ..] => (end + 1, Err(FramingError::BareCr)),
            [b'\n', ..] => (end, Err(FramingError::BareLf)),
            _ => (end, Err(FramingError::Nul)),
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = LINE_START - self.line.len();
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        self.line_len += piece.len();
    }

    fn end_kept_line(&mut self) -> Result<(), FramingError> {
        self.after_cr = false;
        let mut line = std::mem::take(&mut self.line);
        let len = std::mem::take(&mut self.line_len);
        let result = self.end_line(&line, len);
        line.clear();
        self.line = line;
        result
    }

    /// Acts on a line of `len` bytes that starts with `line`.
    fn end_line(&mut self, line: &[u8], len: usize) -> Result<(), FramingError> {
        match self.state {
            State::RequestLine if len == 0 => {
                self.head.empty_lines += 1;
                if self.head.empty_lines > MAX_EMPTY_LINES {
                    return Err(FramingError::EmptyLines);
                }
            }
            State::RequestLine => {
                self.head.http11 = match &self.line_tail {
                    b" HTTP/1.1" => true,
                    b" HTTP/1.0" => false,
                    _ => return Err(FramingError::RequestLine),
                };
                self.head.switches = line.starts_with(b"CONNECT ");
                self.state = State::Field;
            }
            State::Field if len == 0 => return self.end_head(),
            State::Field => return self.field(line, len),
            State::ChunkSize => {
                self.state = match chunk_size(line)? {
                    0 => State::Trailer,
                    size => State::ChunkData(size),
                }
            }
            State::Trailer if len == 0 => self.state = State::RequestLine,
            State::Trailer => {
                name_and_value(line, len)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn field(&mut self, line: &[u8], len: usize) -> Result<(), FramingError> {
        let (name, value) = name_and_value(line, len)?;
        let head = &mut self.head;
        // The length first: most fields are none of these.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                let repeated = std::mem::replace(&mut head.host, true);
                return if repeated { Err(FramingError::RepeatedHost) } else { Ok(()) };
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                // hyper ignores the field in HTTP/1.0, as RFC 9110, 7.8 demands.
                head.switches |= head.http11;
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if head.chunked {
                    return Err(FramingError::LengthAndEncoding);
                }
                if head.length.is_some() {
                    return Err(FramingError::RepeatedLength);
                }
                let length = decimal(value).filter(|_| len <= LINE_START);
                head.length = Some(length.ok_or(FramingError::InvalidLength)?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if !head.http11 {
                    return Err(FramingError::EncodingInHttp10);
                }
                if head.length.is_some() {
                    return Err(FramingError::LengthAndEncoding);
                }
                if std::mem::replace(&mut head.chunked, true) {
                    return Err(FramingError::RepeatedEncoding);
                }
                if !trim(value).eq_ignore_ascii_case(b"chunked") || len > LINE_START {
                    return Err(FramingError::InvalidEncoding);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_head(&mut self) -> Result<(), FramingError> {
        if self.head.http11 && !self.head.host {
            return Err(FramingError::MissingHost);
        }
        let head = std::mem::take(&mut self.head);
        self.state = if head.switches && self.on_upgrade == OnUpgrade::PassThrough {
            State::PassThrough
        } else if head.chunked {
            State::ChunkSize
        } else {
            match head.length {
                None | Some(0) => State::RequestLine,
                Some(length) => State::Body(length),
            }
        };
        Ok(())
    }
}

/// How much of `rest` belongs to the next `left` bytes, and how many of those come later.
fn skip(left: u64, rest: &[u8]) -> (usize, u64) {
    let used = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
    (used, left - used as u64)
}

/// Keeps in `tail` the last bytes of a line that continues with `piece`.
fn push_tail<const N: usize>(tail: &mut [u8; N], piece: &[u8]) {
    if let Some(last) = piece.last_chunk() {
        *tail = *last;
    } else {
        tail.rotate_left(piece.len());
        tail[N - piece.len()..].copy_from_slice(piece);
    }
}

/// Splits a field line of `len` bytes that starts with `line`.
fn name_and_value(line: &[u8], len: usize) -> Result<(&[u8], &[u8]), FramingError> {
    let Some(colon) = memchr::memchr(b':', line) else {
        if len > LINE_START {
            // All name so far, and longer than any that matters.
            return Ok((line, &[]));
        }
        return Err(FramingError::MissingColon);
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if matches!(name.last(), Some(b' ' | b'\t')) {
        return Err(FramingError::SpaceBeforeColon);
    }
    Ok((name, value))
}

/// Without the white space around a field value. Not `trim_ascii`: that takes off form feeds too.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The number that a `Content-Length` value is, if it is one (`str::parse` would allow a `+`).
fn decimal(value: &[u8]) -> Option<u64> {
    let digits = trim(value);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The size a chunk size line gives. White space after the digits is allowed before `;` only.
fn chunk_size(line: &[u8]) -> Result<u64, FramingError> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extensions) = line.split_at(digits);
    if digits.is_empty() || digits.len() > MAX_CHUNK_DIGITS {
        return Err(FramingError::ChunkSize);
    }
    if !extensions.is_empty() && !trim(extensions).starts_with(b";") {
        return Err(FramingError::ChunkSize);
    }
    if extensions.len() > MAX_CHUNK_EXTENSIONS {
        return Err(FramingError::ChunkLineTooLong);
    }
    Ok(digits.iter().fold(0, |size, &digit| {
        let value = char::from(digit).to_digit(16).unwrap_or(0);
        size << 4 | u64::from(value)
    }))
}
