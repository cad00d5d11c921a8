//! An answer on its way into the cache: read whole, if it is small enough and comes soon enough.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Response, header};
use http_body_util::BodyExt as _;

use super::{
    ApiCache, CacheRule,
    answer::{KeptAnswer, time_to_keep},
    flights::{Flight, Landing},
    key::CacheKey,
};
use crate::{
    plugins::ResponseHeaders,
    reply::{Reply, body::ReplyBody, error::GatewayError},
};

/// A place that the answer to a request is to fill. Dropped, it leaves the place to another request.
#[derive(Debug)]
pub struct CacheFill {
    /// The API's cache.
    pub cache: Arc<ApiCache>,
    /// What is kept.
    pub rule: Arc<CacheRule>,
    /// The question.
    pub question: CacheKey,
    /// When the request began, in the count of what was thrown away.
    pub generation: u64,
    /// Others wait for its landing.
    pub flight: Flight,
    /// The request's method and headers, as they were when the cache was asked.
    pub request: (Method, HeaderMap),
    /// How many headers plugins had asked for by then: what they asked for later is part of the answer.
    pub headers_before: usize,
}

impl CacheFill {
    /// The request has no answer that may be kept: those who wait ask for themselves.
    pub fn give_up(self) {
        self.flight.land(Landing::NotKept);
    }

    /// Keeps the answer if it may be, and gives it back.
    ///
    /// # Errors
    /// When it breaks off while it is read.
    pub async fn keep(self, reply: Reply, added: &ResponseHeaders) -> Result<Reply, GatewayError> {
        let (mut head, body) = reply.into_parts();
        let Some(time) = time_to_keep(&head, &self.cache, &self.rule) else {
            self.give_up();
            return Ok(Response::from_parts(head, body));
        };
        let limits = &self.cache.cache;
        let body = match read(body, limits.max_entry_bytes, limits.fill_timeout).await {
            Ok(Read::Whole(body)) => body,
            Ok(Read::Partly(body)) => {
                self.give_up();
                return Ok(Response::from_parts(head, body));
            }
            Err(error) => {
                self.give_up();
                return Err(error);
            }
        };
        // The answer to a HEAD says how long the body would be.
        if self.request.0 != Method::HEAD {
            head.headers.remove(header::CONTENT_LENGTH);
        }
        head.headers.remove(header::TRANSFER_ENCODING);
        let mut headers = head.headers.clone();
        added.apply_from(self.headers_before, &mut headers);
        // A header that a plugin added may be what keeps the answer from being kept.
        let mut kept_head = head.clone();
        kept_head.headers = headers;
        if time_to_keep(&kept_head, &self.cache, &self.rule).is_none() {
            self.give_up();
            return Ok(Response::from_parts(head, body.into()));
        }
        let answer = Arc::new(KeptAnswer::new(head.status, kept_head.headers, body.clone(), time));
        let at = self.cache.put(self.question, self.generation, &self.request.1, &answer, time).await;
        self.flight.land(Landing::Kept(at, answer));
        Ok(Response::from_parts(head, body.into()))
    }
}

enum Read {
    Whole(Bytes),
    /// Too large or too slow: what came, and the rest as it comes.
    Partly(ReplyBody),
}

async fn read(body: ReplyBody, limit: usize, timeout: Duration) -> Result<Read, GatewayError> {
    let (first, mut rest) = match body {
        ReplyBody::Empty => return Ok(Read::Whole(Bytes::new())),
        ReplyBody::Full(bytes) if bytes.len() <= limit => return Ok(Read::Whole(bytes)),
        ReplyBody::Full(bytes) => return Ok(Read::Partly(ReplyBody::Full(bytes))),
        ReplyBody::Streaming(rest) => (Bytes::new(), rest),
        ReplyBody::Peeked(first, rest) => (first, rest),
    };
    let known = http_body::Body::size_hint(&rest).lower();
    if first.len() as u64 + known > limit as u64 {
        return Ok(Read::Partly(partly(first, rest)));
    }
    let mut all = BytesMut::with_capacity(first.len() + usize::try_from(known).unwrap_or(0));
    all.extend_from_slice(&first);
    let mut time = pin!(tokio::time::sleep(timeout));
    loop {
        let frame = tokio::select! {
            frame = rest.frame() => frame,
            () = &mut time => return Ok(Read::Partly(partly(all.freeze(), rest))),
        };
        match frame {
            None => return Ok(Read::Whole(all.freeze())),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    all.extend_from_slice(&data);
                }
            }
            Some(Err(error)) => {
                let cause = format!("its answer broke off while it was read for the cache: {error}");
                return Err(GatewayError::Upstream { cause, unreachable: false });
            }
        }
        if all.len() > limit {
            return Ok(Read::Partly(partly(all.freeze(), rest)));
        }
    }
}

fn partly(first: Bytes, rest: crate::proxy::body::UpstreamBody) -> ReplyBody {
    if first.is_empty() { ReplyBody::Streaming(rest) } else { ReplyBody::Peeked(first, rest) }
}
