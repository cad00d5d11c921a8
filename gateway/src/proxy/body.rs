//! The body of an upstream's answer, whichever client it came through.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::direct::DirectBody;

/// A body that streams from an upstream.
#[derive(Debug)]
pub enum UpstreamBody {
    /// On a plain connection that this body drives.
    Direct(DirectBody),
    /// On a connection that the pooled client drives.
    Pooled(Incoming),
}

impl UpstreamBody {
    /// Lets the connection go on without the body, after a protocol upgrade.
    pub fn detach(self) {
        if let Self::Direct(body) = self {
            body.detach();
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Direct(body) => Pin::new(body).poll_frame(context),
            Self::Pooled(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Direct(body) => body.is_end_stream(),
            Self::Pooled(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Direct(body) => body.size_hint(),
            Self::Pooled(body) => body.size_hint(),
        }
    }
}
