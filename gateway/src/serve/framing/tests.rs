use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};

use super::FramingError::*;
use super::follower::MAX_CHUNK_EXTENSIONS;
use super::*;

type Verdict = Option<(FramingError, usize)>;

/// Feeds `pieces` one after the other: the violation and its place in the stream, and whether the
/// guard is then waiting for the rest of a head.
fn follow<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Verdict, bool) {
    let mut follower = MessageFollower::new(OnUpgrade::AwaitGrant);
    let mut before = 0;
    for piece in pieces {
        if let Err(violation) = follower.feed(piece) {
            return (Some((violation.error, before + violation.at)), false);
        }
        before += piece.len();
    }
    (None, follower.head_in_progress())
}

/// The outcome of a stream fed whole, checked to be that of byte by byte and every cut in two.
fn verdict(stream: &[u8]) -> (Verdict, bool) {
    let whole = follow([stream]);
    assert_eq!(follow(stream.chunks(1)), whole, "byte by byte: {}", stream.escape_ascii());
    for (cut, _) in stream.iter().enumerate() {
        let (left, right) = stream.split_at(cut);
        assert_eq!(follow([left, right]), whole, "cut at {cut}: {}", stream.escape_ascii());
    }
    whole
}

/// A request with these field lines (ended here) after the request line.
fn with_fields(fields: &str) -> Vec<u8> {
    format!("POST /a HTTP/1.1\r\n{fields}\r\n").into_bytes()
}

const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

fn good_streams() -> Vec<Vec<u8>> {
    let get = GET.as_bytes();
    let post =
        b"POST / HTTP/1.1\r\nhost:a\r\ncontent-length: 22 \r\n\r\nGET / HTTP/9\nbad\0 \r\r\n\n".to_vec();
    let chunked =
        format!("{CHUNKED}3\r\n\n\0\r\r\n00a ;x=\"y\"\r\n0123456789\r\n0\r\nExpires: now\r\nA:\r\n\r\n");
    let plain_chunked = format!("{CHUNKED}0\r\n\r\n");
    vec![
        get.to_vec(),
        [b"\r\n\r\n\r\n\r\n", get].concat(),
        [get, b"\r\n", get].concat(),
        post.clone(),
        chunked.clone().into_bytes(),
        [get, &post, chunked.as_bytes(), plain_chunked.as_bytes(), get].concat(),
        b"GET / HTTP/1.0\r\n\r\n".to_vec(),
        b"GET / HTTP/1.0\r\nUpgrade: x\r\nContent-Length: 0\r\n\r\n".to_vec(),
        [
            &with_fields("Host:\r\nTRANSFER-encoding:\t Chunked \t\r\nX-Content-Length: x\r\n")[..],
            b"0\r\n\r\n",
        ]
        .concat(),
        with_fields("Host: a\r\nX: Content-Length: 5\r\nContent-Length-: 5, 5\r\nHosts: b\r\n"),
        with_fields(&format!("Host: a\r\nCookie: {}\r\n{}: x\r\n", "c".repeat(3000), "n".repeat(3000))),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "u".repeat(3000)).into_bytes(),
    ]
}

fn bad_heads() -> Vec<(FramingError, Vec<u8>)> {
    let fields = |error, text: &str| (error, with_fields(text));
    let raw = |error, text: &str| (error, text.as_bytes().to_vec());
    let h = "Host: a\r\n";
    vec![
        raw(BareLf, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        raw(BareLf, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        raw(BareLf, "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
        raw(BareLf, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        raw(BareLf, "GET / HTTP/1.1\nHost: a\n\n"),
        raw(BareCr, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        raw(BareCr, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
        raw(BareCr, "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"),
        raw(BareCr, "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
        raw(BareCr, "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n"),
        raw(Nul, "\0GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        raw(Nul, "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        raw(Nul, "GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n"),
        raw(Nul, "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"),
        raw(EmptyLines, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        raw(RequestLine, "GET /\r\nHost: a\r\n\r\n"),
        raw(RequestLine, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        raw(RequestLine, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
        fields(FoldedLine, "Host: a\r\n b\r\n"),
        fields(FoldedLine, "\tHost: a\r\n"),
        fields(InvalidEncoding, "Host: a\r\nTransfer-Encoding:\r\n chunked\r\n"),
        fields(MissingColon, "Host: a\r\nContent-Length\r\n"),
        fields(SpaceBeforeColon, "Host : a\r\n"),
        fields(SpaceBeforeColon, "Host: a\r\nContent-Length\t: 5\r\n"),
        fields(LengthAndEncoding, &format!("{h}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
        fields(LengthAndEncoding, &format!("{h}Transfer-Encoding: chunked\r\nX: y\r\ncontent-length: 5\r\n")),
        fields(LengthAndEncoding, &format!("{h}Content-Length: 0\r\nTransfer-Encoding: identity\r\n")),
        fields(RepeatedLength, &format!("{h}Content-Length: 5\r\nContent-Length: 5\r\n")),
        fields(RepeatedLength, &format!("{h}Content-Length: 5\r\nX: y\r\nCONTENT-LENGTH: 6\r\n")),
        fields(InvalidLength, &format!("{h}Content-Length: 5, 5\r\n")),
        fields(InvalidLength, &format!("{h}Content-Length: +5\r\n")),
        fields(InvalidLength, &format!("{h}Content-Length: -5\r\n")),
        fields(InvalidLength, &format!("{h}Content-Length: 0x5\r\n")),
        fields(InvalidLength, &format!("{h}Content-Length: 5 5\r\n")),
        fields(InvalidLength, &format!("{h}Content-Length:\r\n")),
        fields(InvalidLength, &format!("{h}Content-Length: 18446744073709551616\r\n")),
        fields(InvalidLength, &format!("{h}Content-Length: {:3000}\r\n", 5)),
        fields(RepeatedEncoding, &format!("{h}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        fields(InvalidEncoding, &format!("{h}Transfer-Encoding: gzip, chunked\r\n")),
        fields(InvalidEncoding, &format!("{h}Transfer-Encoding: chunked, chunked\r\n")),
        fields(InvalidEncoding, &format!("{h}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n")),
        fields(InvalidEncoding, &format!("{h}Transfer-Encoding: xchunked\r\n")),
        fields(InvalidEncoding, &format!("{h}Transfer-Encoding: \x0bchunked\r\n")),
        fields(InvalidEncoding, &format!("{h}Transfer-Encoding: ,chunked\r\n")),
        fields(InvalidEncoding, &format!("{h}Transfer-Encoding:\r\n")),
        raw(EncodingInHttp10, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        fields(RepeatedHost, "Host: a\r\nHost: a\r\n"),
        raw(RepeatedHost, "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"),
        fields(MissingHost, "X-Host: a\r\n"),
        fields(MissingHost, ""),
        fields(MissingHost, "Upgrade: x\r\n"),
    ]
}

fn bad_bodies() -> Vec<(FramingError, Vec<u8>)> {
    let body = |error, text: &str| (error, format!("{CHUNKED}{text}").into_bytes());
    let extension = "x".repeat(MAX_CHUNK_EXTENSIONS);
    vec![
        body(BareLf, "5\nhello\r\n0\r\n\r\n"),
        body(BareLf, "5;x\nhello\r\n0\r\n\r\n"),
        body(BareLf, "5\r\nhello\r\n0\n\r\n"),
        body(BareLf, "0\r\n\n"),
        body(BareLf, "0\r\nA: b\n\r\n"),
        body(BareLf, "0\r\nA: b\r\n\n"),
        body(BareCr, "5\rhello\r\n0\r\n\r\n"),
        body(BareCr, "0\r\n\rA: b\r\n\r\n"),
        body(Nul, "5;\0\r\nhello\r\n0\r\n\r\n"),
        body(Nul, "0\r\nA: \0\r\n\r\n"),
        body(FoldedLine, "0\r\nA: b\r\n c\r\n\r\n"),
        body(MissingColon, "0\r\nGET / HTTP/1.1\r\n\r\n"),
        body(SpaceBeforeColon, "0\r\nA : b\r\n\r\n"),
        body(ChunkSize, "\r\n"),
        body(ChunkSize, "g\r\n"),
        body(ChunkSize, "0x5\r\nhello\r\n0\r\n\r\n"),
        body(ChunkSize, "5 \r\nhello\r\n0\r\n\r\n"),
        body(ChunkSize, " 5\r\nhello\r\n0\r\n\r\n"),
        body(ChunkSize, "+5\r\nhello\r\n0\r\n\r\n"),
        body(ChunkSize, "5 5\r\nhello\r\n0\r\n\r\n"),
        body(ChunkSize, "00000000000000005\r\nhello\r\n0\r\n\r\n"),
        body(ChunkSize, "10000000000000000\r\n"),
        body(ChunkLineTooLong, &format!("5;{extension}\r\nhello\r\n0\r\n\r\n")),
        body(ChunkLineTooLong, &format!("5;{extension}{extension}")),
        body(ChunkEnd, "5\r\nhello!\r\n0\r\n\r\n"),
        body(ChunkEnd, "5\r\nhello\n0\r\n\r\n"),
        body(ChunkEnd, "5\r\nhello\r0\r\n\r\n"),
        body(ChunkEnd, "5\r\nhello0\r\n\r\n"),
    ]
}

/// After requests with the same field lines, which are remembered, everything is judged as if nothing was.
#[test]
fn known_fields_change_no_verdict() {
    let request = |line: &str, fields: &str| format!("{line}\r\n{fields}\r\n").into_bytes();
    let fields = "Host: a.example\r\nAccept: */*\r\n";
    let lines = ["GET / HTTP/1.1", "GET /b HTTP/1.0", "CONNECT a:1 HTTP/1.1", "", "GET /", "POST / HTTP/1.1"];
    let more = [
        "",
        "Upgrade: x\r\n",
        "Host: b\r\n",
        "Content-Length: 3\r\n",
        "Content-Length: 0\r\n",
        " folded\r\n",
        "A\r\n",
    ];
    let mut nexts: Vec<Vec<u8>> = good_streams();
    nexts.extend(bad_heads().into_iter().map(|(_, stream)| stream));
    for line in lines {
        nexts.extend(more.iter().map(|more| request(line, &format!("{fields}{more}"))));
        nexts.extend(more.iter().map(|more| request(line, &format!("{more}{fields}"))));
        nexts.push(request(line, ""));
    }
    for on_upgrade in [OnUpgrade::PassThrough, OnUpgrade::AwaitGrant] {
        for known in [
            "Host: a.example\r\nAccept: */*\r\n",
            "Host: a.example\r\nUpgrade: x\r\n",
            "Host: a.example\r\nContent-Length: 0\r\n",
            "",
        ] {
            for version in ["1.1", "1.0"] {
                let warm = request(&format!("GET /a HTTP/{version}"), known);
                for next in &nexts {
                    let outcome = |pieces: &mut dyn Iterator<Item = &[u8]>| {
                        let mut follower = MessageFollower::new(on_upgrade);
                        let mut before = 0;
                        for piece in pieces {
                            if let Err(violation) = follower.feed(piece) {
                                return (
                                    Some((violation.error, before + violation.at, violation.in_head)),
                                    None,
                                );
                            }
                            before += piece.len();
                        }
                        (None, Some((follower.state_for_tests(), follower.passes_through())))
                    };
                    let stream = [&warm[..], &warm, &warm, next, &warm, next].concat();
                    // Byte by byte no field lines come whole, and none are remembered.
                    let bytes = outcome(&mut stream.chunks(1));
                    let shown = || stream.escape_ascii().to_string();
                    assert_eq!(outcome(&mut std::iter::once(&stream[..])), bytes, "{}", shown());
                    let whole = [&warm[..], &warm, &warm, next, &warm, next];
                    assert_eq!(outcome(&mut whole.into_iter()), bytes, "{}", shown());
                }
            }
        }
    }
}

#[test]
fn fields_that_come_again_are_known() {
    let mut follower = MessageFollower::new(OnUpgrade::AwaitGrant);
    for (count, path) in ["/a", "/b", "/c"].into_iter().enumerate() {
        follower.feed(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(follower.known_for_tests(), if count == 0 { &b""[..] } else { b"Host: a\r\n\r\n" });
    }
    follower.feed(b"GET / HTTP/1.1\r\nHost: b\r\n\r\nGET / HTTP/1.1\r\nHost: ").unwrap();
    assert_eq!(follower.known_for_tests(), b"Host: b\r\n\r\n");
    follower.feed(b"c\r\n\r\n").unwrap();
    assert_eq!(follower.known_for_tests(), b"Host: b\r\n\r\n", "these did not come whole");
    assert!(!follower.head_in_progress());
    let body = b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\nabc";
    follower.feed(&[&body[..], b"CONNECT a:1 HTTP/1.1\r\nHost: d\r\n\r\n"].concat()).unwrap();
    assert_eq!(follower.known_for_tests(), b"Host: b\r\n\r\n", "neither a body nor what switches is known");
}

#[test]
fn good_streams_pass() {
    for stream in good_streams() {
        assert_eq!(verdict(&stream), (None, false), "{}", stream.escape_ascii());
    }
    let longest = format!("{CHUNKED}{:016};{}\r\n", 5, "x".repeat(MAX_CHUNK_EXTENSIONS - 1));
    assert_eq!(verdict(longest.as_bytes()), (None, false));
}

#[test]
fn violations_are_found_alone_and_behind_good_requests() {
    for (error, stream) in bad_heads().into_iter().chain(bad_bodies()) {
        let found = verdict(&stream).0.map(|(error, _)| error);
        assert_eq!(found, Some(error), "{}", stream.escape_ascii());
        let behind = [GET.as_bytes(), CHUNKED.as_bytes(), b"1\r\n\n\r\n0\r\n\r\n", &stream].concat();
        let found = follow([&behind[..]]).0.map(|(error, _)| error);
        assert_eq!(found, Some(error), "{}", behind.escape_ascii());
    }
}

#[test]
fn every_error_is_tested_and_numbered() {
    let tested: Vec<_> = bad_heads().into_iter().chain(bad_bodies()).map(|(error, _)| error).collect();
    for (number, error) in FramingError::ALL.iter().enumerate() {
        assert!(tested.contains(error), "{error:?}");
        assert_eq!(*error as usize, number);
        let watch = FramingWatch::default();
        assert_eq!(watch.violation(), None);
        watch.violation.store(number as u8 + 1, Relaxed);
        assert_eq!(watch.violation(), Some(*error));
    }
}

#[test]
fn head_in_progress_from_first_byte_to_last() {
    let lead = "\r\n\r\n";
    let stream = format!("{lead}{GET}");
    for end in 0..=stream.len() {
        let expected = end > lead.len() && end < stream.len();
        assert_eq!(follow([&stream.as_bytes()[..end]]), (None, expected), "{end}");
    }
    for end in 0..4 {
        let body = with_fields("Host: a\r\nContent-Length: 4\r\n");
        assert_eq!(follow([&body[..], &b"body"[..end]]), (None, false));
    }
}

#[test]
fn upgrade_policies() {
    let bad = b"GET / HTTP/1.1\n";
    for head in
        ["GET / HTTP/1.1\r\nHost: a\r\nupgrade: websocket\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"]
    {
        let mut follower = MessageFollower::new(OnUpgrade::PassThrough);
        assert_eq!(follower.feed(&[head.as_bytes(), bad].concat()), Ok(()));
        assert!(follower.passes_through());
        let found = follow([head.as_bytes(), bad]).0.map(|(error, _)| error);
        assert_eq!(found, Some(BareLf));
    }
    // Checked like any other head, and not one that asks.
    for head in ["CONNECT a:1 HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\nUpgrade: x\r\n\r\n\n"] {
        let mut follower = MessageFollower::new(OnUpgrade::PassThrough);
        assert!(follower.feed(head.as_bytes()).is_err());
    }
}

/// xorshift64: enough to cut and mix with, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }

    /// Mostly well-formed parts, so that streams get past the first line.
    fn stream(&mut self) -> Vec<u8> {
        const PARTS: &[&str] = &[
            GET,
            CHUNKED,
            "POST / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.0\r\n",
            "Content-Length: 3\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Upgrade: x\r\n",
            "X: y\r\n",
            "\r\n",
            "\r\n",
            "abc",
            "5\r\nhello\r\n",
            "0\r\n\r\n",
            "0\r\nA: b\r\n",
            "a;b=c\r\n",
            "1\r\n",
            "\r",
            "\n",
            "\0",
            " ",
            ":",
        ];
        let mut stream = Vec::new();
        for _ in 0..self.below(12) {
            match self.below(12) {
                0 => stream.push(self.below(256) as u8),
                1 => stream.extend(std::iter::repeat_n(b'x', self.below(3000))),
                _ => stream.extend_from_slice(PARTS[self.below(PARTS.len())].as_bytes()),
            }
        }
        stream
    }

    fn cut<'a>(&mut self, mut stream: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while !stream.is_empty() {
            let most = 1 + self.below(stream.len());
            let (piece, rest) = stream.split_at(1 + self.below(most));
            pieces.push(piece);
            stream = rest;
        }
        pieces
    }
}

#[test]
fn random_streams_have_one_verdict() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..20_000 {
        let stream = random.stream();
        let whole = follow([&stream[..]]);
        assert_eq!(follow(stream.chunks(1)), whole, "{}", stream.escape_ascii());
        for _ in 0..3 {
            let pieces = random.cut(&stream);
            assert_eq!(follow(pieces.iter().copied()), whole, "{pieces:?}");
        }
    }
}

/// A connection whose reads are given: one piece each, then nothing (the client keeps it open).
#[derive(Default)]
struct Script {
    reads: VecDeque<Vec<u8>>,
    written: Arc<Mutex<Vec<u8>>>,
    pause: bool,
}

impl Script {
    fn new<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Script {
        let reads = pieces.into_iter().filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec).collect();
        Script { reads, ..Script::default() }
    }
}

impl Read for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // Every other call finds nothing, so that hyper acts on each piece before the next.
        self.pause = !self.pause;
        if self.pause {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut piece) = self.reads.pop_front() else {
            return Poll::Pending;
        };
        if piece.len() > buf.remaining() {
            let rest = piece.split_off(buf.remaining());
            self.reads.push_front(rest);
        }
        buf.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl Write for Script {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The body to its end, or that hyper reported it broken.
async fn collect(mut body: Incoming) -> Result<Vec<u8>, hyper::Error> {
    let mut data = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(part) = frame?.into_data() {
            data.extend_from_slice(&part);
        }
    }
    Ok(data)
}

/// What came of a connection served by hyper behind a guard.
#[derive(Debug, PartialEq)]
struct Served {
    /// Status codes as written, in order.
    statuses: Vec<String>,
    /// For each call of the service, whether the body came to its end.
    calls: Vec<bool>,
    violation: Option<FramingError>,
    closed: bool,
}

async fn serve(io: Script, already_read: &[u8]) -> Served {
    let written = Arc::clone(&io.written);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let guard = FramingGuard::new(io, Bytes::copy_from_slice(already_read), OnUpgrade::AwaitGrant);
    let watch = guard.watch();
    let service = service_fn(|request: Request<Incoming>| {
        let calls = Arc::clone(&calls);
        async move {
            // Some are still at work when hyper, looking for a client gone, reads what comes next.
            if request.method() == Method::GET {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let whole = collect(request.into_body()).await.is_ok();
            calls.lock().unwrap_or_else(PoisonError::into_inner).push(whole);
            let status = if whole { 200 } else { 499 };
            Response::builder().status(status).body(String::new())
        }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(guard, service);
    // The clock is paused: the time passes only if nothing is left to do.
    let closed = tokio::time::timeout(Duration::from_secs(1), connection).await.is_ok();
    let written =
        String::from_utf8_lossy(&written.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    let statuses = written.match_indices("HTTP/1.").map(|(at, _)| written[at + 9..at + 12].to_owned());
    let statuses = statuses.collect();
    let calls = std::mem::take(&mut *calls.lock().unwrap_or_else(PoisonError::into_inner));
    Served { statuses, calls, violation: watch.violation(), closed }
}

/// `good` requests answered, then the violation answered with `status`, after `broken` calls of the
/// service for its request.
fn refused(good: usize, status: &str, broken: usize, error: FramingError) -> Served {
    let mut statuses = vec!["200".to_owned(); good];
    statuses.push(status.to_owned());
    let calls = [vec![true; good], vec![false; broken]].concat();
    Served { statuses, calls, violation: Some(error), closed: true }
}

/// `stream` served whole, with every cut in two, byte by byte, and read before the guard was set up.
async fn serve_all_ways(stream: &[u8], check: impl Fn(Served)) {
    check(serve(Script::new([stream]), b"").await);
    check(serve(Script::new(stream.chunks(1)), b"").await);
    for cut in 0..stream.len().min(400) {
        let (left, right) = stream.split_at(cut);
        check(serve(Script::new([left, right]), b"").await);
        check(serve(Script::new([right]), left).await);
    }
}

/// `serve_all_ways` for a stream that is refused. Where hyper refuses it too, and sees the reason in
/// an earlier piece than the guard does, the guard has nothing to report.
async fn check_refused(stream: &[u8], expected: Served) {
    assert_eq!(serve(Script::default(), stream).await, expected, "{}", stream.escape_ascii());
    serve_all_ways(stream, |mut served| {
        served.violation = served.violation.or(expected.violation);
        assert_eq!(served, expected, "{}", stream.escape_ascii());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn hyper_refuses_bad_heads() {
    for (error, stream) in bad_heads() {
        check_refused(&stream, refused(0, "400", 0, error)).await;
        let behind = [GET.as_bytes(), CHUNKED.as_bytes(), b"1\r\n\n\r\n0\r\n\r\n", &stream].concat();
        check_refused(&behind, refused(2, "400", 0, error)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn hyper_fails_bad_bodies() {
    for (error, stream) in bad_bodies() {
        let behind = [GET.as_bytes(), &stream].concat();
        check_refused(&behind, refused(1, "499", 1, error)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn hyper_serves_good_streams() {
    for stream in good_streams() {
        let http11 = !stream.windows(8).any(|bytes| bytes == b"HTTP/1.0");
        serve_all_ways(&stream, |served| {
            assert_eq!(served.violation, None);
            assert!(!served.calls.is_empty() && served.calls.iter().all(|whole| *whole), "{served:?}");
            assert!(served.statuses.iter().all(|status| status == "200"), "{served:?}");
            assert_eq!(served.statuses.len(), served.calls.len());
            assert_eq!(served.closed, !http11, "{}", stream.escape_ascii());
        })
        .await;
    }
}

/// The poison need not fit where hyper's buffer ends.
#[tokio::test(start_paused = true)]
async fn violations_at_the_end_of_hypers_buffer() {
    for padding in 8100..8200 {
        let stream = with_fields(&format!("Host: a\r\nX: {}\r\nY:\n", "x".repeat(padding)));
        assert_eq!(serve(Script::new([&stream[..]]), b"").await, refused(0, "400", 0, BareLf));
        assert_eq!(serve(Script::default(), &stream).await, refused(0, "400", 0, BareLf));
    }
}

/// How many request heads the follower lets through.
fn heads(stream: &[u8]) -> usize {
    let mut follower = MessageFollower::new(OnUpgrade::AwaitGrant);
    let mut heads = 0;
    for byte in stream.chunks(1) {
        let before = follower.head_in_progress();
        if follower.feed(byte).is_err() {
            break;
        }
        heads += usize::from(before && !follower.head_in_progress());
    }
    heads
}

/// Whatever comes in, hyper sees the same messages as the follower.
#[tokio::test(start_paused = true)]
async fn random_streams_through_hyper() {
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    for _ in 0..3_000 {
        let stream = random.stream();
        let pieces = random.cut(&stream);
        let served = serve(Script::new(pieces.iter().copied()), b"").await;
        let expected = follow([&stream[..]]).0.map(|(error, _)| error);
        let heads = heads(&stream);
        assert!(served.calls.len() <= heads, "{} {served:?}", stream.escape_ascii());
        if served.closed {
            // hyper may close before it reads as far as the violation, but never read past it.
            assert!(served.violation.is_none() || served.violation == expected);
        } else {
            assert_eq!(expected, None, "{}", stream.escape_ascii());
            // The body of the last one may not have come to its end.
            assert!(served.calls.len() + 1 >= heads, "{} {served:?}", stream.escape_ascii());
        }
    }
}

#[tokio::test]
async fn real_socket_gets_400_and_a_close() -> io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut client = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
    let guard = FramingGuard::new(
        hyper_util::rt::TokioIo::new(listener.accept().await?.0),
        Bytes::new(),
        OnUpgrade::AwaitGrant,
    );
    let watch = guard.watch();
    let service = service_fn(|_| async { Ok::<_, io::Error>(Response::new("fine".to_owned())) });
    let server = tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(guard, service));
    client.write_all(GET.as_bytes()).await?;
    let mut first = [0; 12];
    client.read_exact(&mut first).await?;
    assert_eq!(&first, b"HTTP/1.1 200");
    client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n").await?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(watch.head_in_progress());
    client.write_all(b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await?;
    let mut rest = String::new();
    client.read_to_string(&mut rest).await?;
    assert!(rest.contains("fineHTTP/1.1 400 Bad Request\r\n"), "{rest}");
    assert!(rest.contains("connection: close\r\n"), "{rest}");
    assert!(matches!(server.await, Ok(Err(error)) if error.is_parse()));
    assert_eq!(watch.violation(), Some(LengthAndEncoding));
    assert!(!watch.head_in_progress());
    Ok(())
}

#[tokio::test]
async fn a_granted_upgrade_is_not_followed() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n";
    let script = Script::new([&head[..], b"\0\n\r"]);
    let mut guard = FramingGuard::new(script, Bytes::new(), OnUpgrade::AwaitGrant);
    let watch = guard.watch();
    let mut space = [0; 128];
    let mut buf = ReadBuf::new(&mut space);
    let read = poll_fn(|cx| Pin::new(&mut guard).poll_read(cx, buf.unfilled())).await;
    assert!(read.is_ok());
    watch.grant_upgrade();
    let read = poll_fn(|cx| Pin::new(&mut guard).poll_read(cx, buf.unfilled())).await;
    assert!(read.is_ok());
    assert_eq!(buf.filled(), [&head[..], b"\0\n\r"].concat());
    assert_eq!(watch.violation(), None);
}

/// Not a test: `cargo test --release cost -- --ignored --nocapture` prints what a head costs.
#[test]
#[ignore]
fn cost() {
    let head = b"GET /api/v1/items?page=2 HTTP/1.1\r\nHost: gateway.example.com\r\n\
        User-Agent: curl/8.5.0\r\nAccept: */*\r\nX-Request-Id: 0123456789abcdef\r\n\
        Connection: keep-alive\r\n\r\n";
    let rounds = 2_000_000u32;
    let mut follower = MessageFollower::new(OnUpgrade::AwaitGrant);
    for split in [head.len(), head.len() / 2] {
        let started = std::time::Instant::now();
        for _ in 0..rounds {
            let (left, right) = std::hint::black_box(&head[..]).split_at(split);
            assert!(follower.feed(left).is_ok() && follower.feed(right).is_ok());
        }
        println!("{} bytes cut at {split}: {:?} per head", head.len(), started.elapsed() / rounds);
    }
}
