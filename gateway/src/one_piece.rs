//! Writes of several small pieces as one: the system takes one piece faster than a list of them, even of one.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Bytes that are put together for one write.
const ONE_PIECE: usize = 2048;

thread_local! {
    /// Where they are put together.
    static ONE: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(ONE_PIECE));
}

/// Writes slices to a socket, in one piece where that is cheap to make.
pub fn poll_write(
    socket: Pin<&mut TcpStream>,
    context: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if let [slice] = slices {
        return socket.poll_write(context, slice);
    }
    if slices.iter().map(|slice| slice.len()).sum::<usize>() > ONE_PIECE {
        return socket.poll_write_vectored(context, slices);
    }
    ONE.with_borrow_mut(|one| {
        one.clear();
        slices.iter().for_each(|slice| one.extend_from_slice(slice));
        socket.poll_write(context, one)
    })
}

/// A socket to a server that is written to like this.
#[derive(Debug)]
pub struct OnePiece(pub TcpStream);

impl AsyncRead for OnePiece {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for OnePiece {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll_write(Pin::new(&mut self.0), context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::{ONE_PIECE, OnePiece};

    #[tokio::test]
    async fn slices_arrive_in_order_whatever_their_number_and_length() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reads = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut all = Vec::new();
            socket.read_to_end(&mut all).await.unwrap();
            all
        });
        let mut socket = OnePiece(TcpStream::connect(address).await.unwrap());
        let long = vec![b'l'; 2 * ONE_PIECE];
        let mut expected = Vec::new();
        for pieces in [&[&b"one"[..]][..], &[b"two ", b"", b"pieces"], &[b"head", &long], &[b"", &long[..7]]]
        {
            let whole = pieces.concat();
            let mut sent = 0;
            while sent < whole.len() {
                // What was not taken goes out as the rest of the pieces.
                let mut before = sent;
                let rest = pieces.iter().filter_map(|piece| {
                    let skipped = before.min(piece.len());
                    before -= skipped;
                    (skipped < piece.len()).then(|| std::io::IoSlice::new(&piece[skipped..]))
                });
                sent += socket.write_vectored(&rest.collect::<Vec<_>>()).await.unwrap();
            }
            expected.extend(whole);
        }
        drop(socket);
        assert!(reads.await.unwrap() == expected);
    }
}
