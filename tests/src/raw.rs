//! A client that sends exactly the bytes it is told to, and reads answers strictly.

use std::{
    io::{self, ErrorKind, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

use crate::{
    DEADLINE,
    http1::{Framing, Head, Headers, Reader},
};

/// One connection to the gateway; every read fails the test after the deadline.
#[derive(Debug)]
pub struct RawConnection {
    stream: TcpStream,
    reader: Reader<TcpStream>,
}

/// An answer as it stood on the wire.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    pub status: u16,
    pub head: Head,
    pub body: Vec<u8>,
    pub trailers: Headers,
}

impl RawAnswer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)
    }
}

impl RawConnection {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the gateway accepts");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let reader = Reader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the gateway reads");
    }

    /// Sends to a gateway that may have closed already.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// The next answer, to a request that was not a HEAD.
    pub fn answer(&mut self) -> RawAnswer {
        let head = self.answer_head();
        let framing = match head.status() {
            204 | 304 => Framing::Length(0),
            _ => head.framing(true),
        };
        let whole = self.reader.whole(framing).unwrap_or_else(|error| panic!("{error} after {head:?}"));
        RawAnswer { status: head.status(), head, body: whole.data, trailers: whole.trailers }
    }

    /// The next answer's head alone.
    pub fn answer_head(&mut self) -> Head {
        let head = self.reader.head().expect("an answer");
        head.expect("an answer before the gateway closes")
    }

    /// The next piece of a body; an error where the gateway broke off.
    pub fn piece(&mut self, framing: &mut Framing) -> io::Result<Vec<u8>> {
        self.reader.piece(framing)
    }

    /// Exactly so many bytes of whatever comes.
    pub fn exactly(&mut self, size: usize) -> Vec<u8> {
        self.reader.exactly(size).expect("so many bytes")
    }

    /// Everything until the gateway closes.
    pub fn rest(&mut self) -> Vec<u8> {
        match self.reader.rest() {
            Ok(rest) => rest,
            // A reset is a close, too: unread bytes of ours were thrown away with the connection.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Vec::new(),
            Err(error) => panic!("the gateway did not close: {error}"),
        }
    }

    /// Waits for the gateway to close, and that it says nothing more.
    pub fn expect_closed(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "more came before the end: {}", rest.escape_ascii());
    }

    /// Ends our side; the gateway may still answer.
    pub fn finish_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    pub fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }
}
