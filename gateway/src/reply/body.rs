//! Bodies of answers: in memory, or streamed from the upstream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::proxy::body::UpstreamBody;

/// The body of an answer.
#[derive(Debug, Default)]
pub enum ReplyBody {
    /// Nothing.
    #[default]
    Empty,
    /// All of it.
    Full(Bytes),
    /// Streamed as it comes from the upstream.
    Streaming(UpstreamBody),
    /// A first piece that was looked at, then the rest.
    Peeked(Bytes, UpstreamBody),
}

impl ReplyBody {
    /// The bytes when they are in memory.
    pub fn full(&self) -> Option<&Bytes> {
        match self {
            Self::Full(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Full(bytes) }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Streaming(upstream) => {
                let frame = ready!(Pin::new(&mut *upstream).poll_frame(context));
                if frame.is_none() {
                    // Let go of the upstream connection's end at once, not when the reply is dropped.
                    *this = Self::Empty;
                }
                Poll::Ready(frame)
            }
            Self::Full(_) | Self::Peeked(..) => {
                let (bytes, next) = match std::mem::take(this) {
                    Self::Full(bytes) => (bytes, Self::Empty),
                    Self::Peeked(bytes, rest) => (bytes, Self::Streaming(rest)),
                    other => (Bytes::new(), other),
                };
                *this = next;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(_) | Self::Peeked(..) => false,
            Self::Streaming(upstream) => upstream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Streaming(upstream) => upstream.size_hint(),
            Self::Peeked(bytes, rest) => match rest.size_hint().exact() {
                Some(rest) => SizeHint::with_exact(rest + bytes.len() as u64),
                None => SizeHint::default(),
            },
        }
    }
}
