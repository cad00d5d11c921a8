//! Upstreams inside the test: one thread for each connection, everything that came in is kept.

use std::{
    io::{self, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use serde_json::{Map, Value, json};

use crate::{
    DEADLINE,
    gate::Gate,
    http1::{Framing, Head, Headers, Reader},
    watched::Watched,
};

/// A server on a free port; lives as long as the test holds it.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    seen: Arc<Watched<Seen>>,
}

/// What an upstream has seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Connections that were accepted.
    pub connections: usize,
    /// Requests in the order of their heads' arrival.
    pub requests: Vec<Received>,
    /// Requests that are being answered.
    pub in_progress: usize,
    /// The most of them at a time.
    pub most_in_progress: usize,
    /// Panics of handlers, for the test to fail with.
    panics: Vec<String>,
    stopped: bool,
}

/// A request as it arrived; the body is empty where a handler reads it itself.
#[derive(Debug, Clone, Default)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub trailers: Headers,
    /// Which connection it came on, from 1.
    pub connection: usize,
}

impl Received {
    fn from(head: &Head, connection: usize) -> Self {
        let mut words = head.start.split(' ');
        let mut word = || words.next().unwrap_or("").to_owned();
        let (method, target) = (word(), word());
        Self { method, target, headers: head.headers.clone(), connection, ..Self::default() }
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or("")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An answer to give.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body).header("Content-Type", "text/plain")
    }

    pub fn json(body: &Value) -> Self {
        Self::new(200, body.to_string()).header("Content-Type", "application/json")
    }

    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The whole answer with its length; `to_head` leaves the body out.
    fn bytes(&self, to_head: bool) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} Whatever\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let bodiless = matches!(self.status, 204 | 304);
        if !bodiless {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        if !to_head && !bodiless {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

impl Upstream {
    /// Answers each request with itself as JSON: method, path, query, headers (lower-case name to values), body.
    pub fn echo() -> Self {
        Self::answering(|request| Reply::json(&echo_of(request)))
    }

    /// Answers every request alike.
    pub fn fixed(reply: Reply) -> Self {
        Self::answering(move |_| reply.clone())
    }

    /// Answers every request with this text.
    pub fn saying(text: &str) -> Self {
        Self::fixed(Reply::text(text))
    }

    /// Holds every request until the gate opens, then answers alike.
    pub fn held_by(gate: &Gate, reply: Reply) -> Self {
        let gate = gate.clone();
        Self::answering(move |_| {
            gate.pass();
            reply.clone()
        })
    }

    /// Answers each whole request, and keeps connections open.
    pub fn answering(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::conversing(move |conversation| {
            while let Some(request) = conversation.request()? {
                let reply = conversation.while_in_progress(|| answer(&request));
                conversation.write(reply.bytes(request.method == "HEAD"))?;
                if request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Gives each connection to `serve`; it is closed afterwards. A panic fails the test, an I/O error does not.
    pub fn conversing(serve: impl Fn(&mut Conversation) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Watched::<Seen>::default());
        let for_accept = Arc::clone(&seen);
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                if for_accept.read(|seen| seen.stopped) {
                    return;
                }
                let number = for_accept.change(|seen| {
                    seen.connections += 1;
                    seen.connections
                });
                let (seen, serve) = (Arc::clone(&for_accept), Arc::clone(&serve));
                let spawned = thread::Builder::new().stack_size(512 << 10).spawn(move || {
                    let mut conversation = Conversation::new(stream, number, Arc::clone(&seen));
                    let result = catch_unwind(AssertUnwindSafe(|| serve(&mut conversation)));
                    if let Err(panic) = result {
                        let text = panic.downcast_ref::<String>().cloned();
                        let text =
                            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                        seen.change(|seen| seen.panics.push(text.unwrap_or_default()));
                    }
                });
                spawned.expect("a thread for a connection");
            }
        });
        Self { address, seen }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL here, with a path that begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Received> {
        self.seen.read(|seen| seen.requests.clone())
    }

    /// The one request that came.
    pub fn only_request(&self) -> Received {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    pub fn count(&self) -> usize {
        self.seen.read(|seen| seen.requests.len())
    }

    pub fn connections(&self) -> usize {
        self.seen.read(|seen| seen.connections)
    }

    pub fn most_in_progress(&self) -> usize {
        self.seen.read(|seen| seen.most_in_progress)
    }

    /// Waits until what has been seen satisfies the condition.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        if self.seen.wait(|seen| is_so(seen).then_some(())).is_none() {
            self.seen.read(|seen| {
                panic!("the upstream did not see it: {what}; {} requests came", seen.requests.len())
            });
        }
    }

    pub fn wait_for_requests(&self, count: usize) {
        self.wait_until(&format!("{count} requests"), |seen| seen.requests.len() >= count);
    }

    /// Waits until so many requests are being answered at the same time.
    pub fn wait_for_in_progress(&self, count: usize) {
        self.wait_until(&format!("{count} requests at a time"), |seen| seen.in_progress >= count);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let panics = self.seen.change(|seen| {
            seen.stopped = true;
            std::mem::take(&mut seen.panics)
        });
        // Wakes the accepting thread, which then ends.
        let _ = TcpStream::connect(self.address);
        if !panics.is_empty() && !thread::panicking() {
            panic!("in an upstream: {}", panics.join("; "));
        }
    }
}

/// One connection as its handler sees it.
#[derive(Debug)]
pub struct Conversation {
    /// Which one it is, from 1.
    pub number: usize,
    stream: TcpStream,
    reader: Reader<TcpStream>,
    seen: Arc<Watched<Seen>>,
}

impl Conversation {
    fn new(stream: TcpStream, number: usize, seen: Arc<Watched<Seen>>) -> Self {
        // Idle connections of a gateway outlive no test by much.
        stream.set_read_timeout(Some(DEADLINE * 3)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let reader = Reader::new(stream.try_clone().unwrap());
        Self { number, stream, reader, seen }
    }

    /// The next request, whole; `None` when the gateway closed.
    pub fn request(&mut self) -> io::Result<Option<Received>> {
        let Some(head) = self.reader.head()? else { return Ok(None) };
        let body = self.reader.whole(head.framing(false))?;
        let mut request = Received::from(&head, self.number);
        (request.body, request.trailers) = (body.data, body.trailers);
        self.seen.change(|seen| seen.requests.push(request.clone()));
        Ok(Some(request))
    }

    /// The next request's head and how its body is framed, for a handler that reads it by itself.
    pub fn head(&mut self) -> io::Result<Option<(Received, Framing)>> {
        let Some(head) = self.reader.head()? else { return Ok(None) };
        let request = Received::from(&head, self.number);
        self.seen.change(|seen| seen.requests.push(request.clone()));
        Ok(Some((request, head.framing(false))))
    }

    /// The next piece of a body; empty at its end.
    pub fn piece(&mut self, framing: &mut Framing) -> io::Result<Vec<u8>> {
        self.reader.piece(framing)
    }

    /// What follows the last chunk.
    pub fn trailers(&mut self, framing: Framing) -> io::Result<Headers> {
        self.reader.trailers(framing)
    }

    pub fn exactly(&mut self, size: usize) -> io::Result<Vec<u8>> {
        self.reader.exactly(size)
    }

    /// Everything until the gateway closes.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        self.reader.rest()
    }

    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    pub fn answer(&mut self, reply: &Reply) -> io::Result<()> {
        self.write(reply.bytes(false))
    }

    pub fn close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Counts as in progress while `work` runs.
    pub fn while_in_progress<T>(&self, work: impl FnOnce() -> T) -> T {
        self.seen.change(|seen| {
            seen.in_progress += 1;
            seen.most_in_progress = seen.most_in_progress.max(seen.in_progress);
        });
        let result = work();
        self.seen.change(|seen| seen.in_progress -= 1);
        result
    }
}

/// A request as JSON.
pub fn echo_of(request: &Received) -> Value {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut headers = Map::new();
    for (name, value) in &request.headers.0 {
        let values = headers.entry(name.to_ascii_lowercase()).or_insert_with(|| json!([]));
        values.as_array_mut().expect("a list").push(value.as_str().into());
    }
    json!({"method": request.method, "path": path, "query": query, "headers": headers, "body": request.text()})
}
