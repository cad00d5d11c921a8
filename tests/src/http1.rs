//! Reads HTTP/1.1 messages strictly: what a client or an upstream of the gateway may rely on, and nothing more.

use std::io::{self, ErrorKind, Read};

/// A start line and its header fields, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub start: String,
    pub headers: Headers,
}

/// Header fields in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// Values of a field, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a field that is there once at most.
    pub fn get(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} came {} times: {values:?}", values.len());
        values.first().copied()
    }

    pub fn has(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Head {
    /// Status of an answer.
    pub fn status(&self) -> u16 {
        let status = self.start.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("not a status line: {}", self.start))
    }

    /// Framing of a request's body, or of an answer's (`UntilClose` where nothing is said).
    pub fn framing(&self, of_answer: bool) -> Framing {
        let length = self.headers.get("content-length");
        let encoding = self.headers.get("transfer-encoding");
        match (length, encoding) {
            (Some(_), Some(_)) => panic!("both Content-Length and Transfer-Encoding: {self:?}"),
            (Some(length), None) => Framing::Length(length.parse().expect("a length")),
            (None, Some(encoding)) => {
                assert!(encoding.eq_ignore_ascii_case("chunked"), "{self:?}");
                Framing::Chunked
            }
            (None, None) if of_answer => Framing::UntilClose,
            (None, None) => Framing::Length(0),
        }
    }
}

/// A body that has been read to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    pub data: Vec<u8>,
    pub trailers: Headers,
}

/// A stream of messages.
#[derive(Debug)]
pub struct Reader<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: Read> Reader<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next head; `None` when the other side closed between messages.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if self.fill()? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                let text = String::from_utf8_lossy(&self.buffer).into_owned();
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    format!("closed within a head: {text}"),
                ));
            }
        };
        let text = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or("").to_owned();
        Ok(Some(Head { start, headers: fields(lines)? }))
    }

    /// The next piece of a body, as it comes; empty at its end. `framing` is told how much is left.
    pub fn piece(&mut self, framing: &mut Framing) -> io::Result<Vec<u8>> {
        match framing {
            Framing::Length(0) => Ok(Vec::new()),
            Framing::Length(left) => {
                if self.buffer.is_empty() && self.fill()? == 0 {
                    return Err(io::Error::new(
                        ErrorKind::UnexpectedEof,
                        format!("{left} bytes of the body missing"),
                    ));
                }
                let size = usize::try_from(*left).unwrap_or(usize::MAX).min(self.buffer.len());
                *left -= size as u64;
                Ok(self.buffer.drain(..size).collect())
            }
            Framing::Chunked => {
                let line = self.line()?;
                let size = line.split(';').next().unwrap_or("").trim();
                let size = usize::from_str_radix(size, 16).map_err(|_| {
                    io::Error::new(ErrorKind::InvalidData, format!("not a chunk size: {line:?}"))
                })?;
                let chunk = self.exactly(size)?;
                // The last chunk is followed by the trailers instead, which `whole` reads.
                if size > 0 && self.exactly(2)? != b"\r\n" {
                    return Err(io::Error::new(ErrorKind::InvalidData, "no line end after a chunk"));
                }
                Ok(chunk)
            }
            Framing::UntilClose => {
                if self.buffer.is_empty() {
                    self.fill()?;
                }
                Ok(std::mem::take(&mut self.buffer))
            }
        }
    }

    /// A whole body and its trailers.
    pub fn whole(&mut self, mut framing: Framing) -> io::Result<Whole> {
        let mut data = Vec::new();
        loop {
            let piece = self.piece(&mut framing)?;
            if piece.is_empty() {
                break;
            }
            data.extend_from_slice(&piece);
        }
        Ok(Whole { data, trailers: self.trailers(framing)? })
    }

    /// What follows the last chunk.
    pub fn trailers(&mut self, framing: Framing) -> io::Result<Headers> {
        if framing != Framing::Chunked {
            return Ok(Headers::default());
        }
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return fields(lines.iter().map(String::as_str));
            }
            lines.push(line);
        }
    }

    /// What has been read ahead, then all that still comes until the other side closes.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Exactly so many bytes.
    pub fn exactly(&mut self, size: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < size {
            if self.fill()? == 0 {
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    format!("{size} bytes expected, then closed"),
                ));
            }
        }
        Ok(self.buffer.drain(..size).collect())
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 2);
                return Ok(line);
            }
            if self.fill()? == 0 {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "closed within a line"));
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut space = [0; 65_536];
        let read = self.stream.read(&mut space)?;
        self.buffer.extend_from_slice(&space[..read]);
        Ok(read)
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> io::Result<Headers> {
    let field = |line: &str| {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, format!("not a field: {line:?}")))?;
        Ok((name.to_owned(), value.trim().to_owned()))
    };
    lines.map(field).collect::<io::Result<_>>().map(Headers)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
