//! Follows the messages of a request stream: which bytes are heads, which bodies, and where the framing is ambiguous.

use super::{FramingError, OnUpgrade};

/// Empty lines allowed before a request line (RFC 9112, 2.2 asks for "at least one").
const MAX_EMPTY_LINES: u8 = 4;

/// Hex digits of a chunk size: as many as a `u64` has.
const MAX_CHUNK_DIGITS: usize = 16;

/// Bytes of extensions on one chunk size line.
pub(super) const MAX_CHUNK_EXTENSIONS: usize = 1024;

/// How much of the start of a line is looked at, whether or not it came in one read. It bounds what
/// a line split across reads is kept in; no field that matters for framing comes near it.
const LINE_START: usize = 2048;

/// Bytes of field lines that are remembered for a connection.
const MOST_KNOWN: usize = 512;

/// Where [`MessageFollower::feed`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    /// Index of the first byte that must not be delivered. In a head it is always before the LF
    /// that would have completed it, so hyper cannot have acted on that head.
    pub(super) at: usize,
    pub(super) error: FramingError,
    /// Whether it is in a request head, rather than in a chunked body or its trailers.
    pub(super) in_head: bool,
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

/// The field lines of a request, to their end, after which the next request came at once. A client sends the same ones again and again;
/// what followed from them once follows from them whenever the request line leaves the same state.
#[derive(Debug, Default)]
struct KnownFields {
    http11: bool,
    /// Empty when there are none.
    bytes: Vec<u8>,
    /// Whether there was a request before: what sends one alone is not remembered.
    again: bool,
}

/// The state machine: follows the messages of one request stream, however it is cut into reads.
#[derive(Debug)]
pub(super) struct MessageFollower {
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
    known: KnownFields,
}

impl MessageFollower {
    pub(super) fn new(on_upgrade: OnUpgrade) -> Self {
        MessageFollower {
            state: State::RequestLine,
            head: Head::default(),
            on_upgrade,
            line: Vec::new(),
            line_len: 0,
            line_tail: [0; 9],
            after_cr: false,
            known: KnownFields::default(),
        }
    }

    pub(super) fn passes_through(&self) -> bool {
        self.state == State::PassThrough
    }

    pub(super) fn head_in_progress(&self) -> bool {
        match self.state {
            State::RequestLine => self.line_len > 0,
            State::Field => true,
            _ => false,
        }
    }

    /// Follows the next bytes of the stream. The verdict, and its place in the stream, do not
    /// depend on how the stream is split into calls.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut rest = bytes;
        // The field lines of the head in progress, if all of them came in this call.
        let mut fields: Option<(&[u8], bool)> = None;
        while !rest.is_empty() {
            let before = self.state;
            let (used, result) = self.step(rest);
            rest = &rest[used..];
            match (before, self.state) {
                (State::RequestLine, State::Field) if !self.head.switches => {
                    match self.after_known_fields(rest) {
                        Some(after) => rest = after,
                        None => fields = Some((rest, self.head.http11)),
                    }
                }
                (State::Field, State::RequestLine) => {
                    if let Some((from, http11)) = fields.take() {
                        self.remember(&from[..from.len() - rest.len()], http11);
                    }
                }
                (State::Field, State::Field) => {}
                // A body follows: what comes after it is not of this head.
                (State::Field, _) => fields = None,
                _ => {}
            }
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

    #[cfg(test)]
    pub(super) fn state_for_tests(&self) -> String {
        format!("{:?} {:?} {:?} {} {}", self.state, self.head, self.line, self.line_len, self.after_cr)
    }

    #[cfg(test)]
    pub(super) fn known_for_tests(&self) -> &[u8] {
        &self.known.bytes
    }

    /// What is behind the field lines of the request before, if they come again.
    fn after_known_fields<'a>(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let KnownFields { http11, bytes, .. } = &self.known;
        if bytes.is_empty() || *http11 != self.head.http11 {
            return None;
        }
        let after = rest.strip_prefix(&bytes[..])?;
        self.head = Head::default();
        self.state = State::RequestLine;
        Some(after)
    }

    /// Remembers field lines that were followed from the state after a request line to that before the next one.
    fn remember(&mut self, fields: &[u8], http11: bool) {
        let again = std::mem::replace(&mut self.known.again, true);
        if again && fields.len() <= MOST_KNOWN {
            self.known.http11 = http11;
            self.known.bytes.clear();
            self.known.bytes.extend_from_slice(fields);
        }
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
