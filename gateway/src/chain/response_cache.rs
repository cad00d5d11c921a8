//! The response cache: before a script, plugin or upstream answers, whether an answer is kept; afterwards, keeping it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, Method, header};
use http_body::Body as _;

use super::url_rewrite::Rewritten;
use crate::{
    exchange::{Exchange, RequestBody, SentTo},
    live::api::{LiveApi, LiveVersion},
    reply::{Reply, error::GatewayError},
    response_cache::{
        ApiCache, CacheFill, CacheRule,
        flights::{Joined, Landing},
        key::{CacheKey, KeyParts},
    },
    serve::Gateway,
    telemetry::metrics::cache as outcome,
};

/// Times that a request looks again after one that it waited for came to nothing.
const MAX_ROUNDS: usize = 4;

/// Headers that say who asks, besides the session.
static CALLER_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    header::COOKIE,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];

/// What is asked of the cache.
pub struct Question<'a> {
    /// The API.
    pub api: &'a LiveApi,
    /// Its version.
    pub version: &'a LiveVersion,
    /// Its cache.
    pub cache: &'a Arc<ApiCache>,
    /// What is kept of the endpoint.
    pub rule: &'a Arc<CacheRule>,
    /// The method that the upstream would get.
    pub method: &'a Method,
    /// Where the request goes instead of the API's target.
    pub rewritten: Option<&'a Rewritten>,
}

/// An answer that is kept; otherwise the request goes on, and may be the one that fills the place.
///
/// Of several requests with the same question one goes on and the others wait for its answer.
///
/// # Errors
/// When the request's body, which is part of the question, does not come whole.
pub async fn find(
    gateway: &Gateway,
    question: Question<'_>,
    exchange: &mut Exchange,
) -> Result<Option<Reply>, GatewayError> {
    let Question { cache, rule, method, .. } = question;
    let loops = matches!(question.rewritten, Some(Rewritten::Loop(_)));
    if loops || exchange.upgrade.is_some() || exchange.headers.contains_key(header::RANGE) {
        return Ok(None);
    }
    let Some(body) = body(gateway, method, exchange).await? else { return Ok(None) };
    let key = question.key(exchange, &body);
    for _ in 0..MAX_ROUNDS {
        let generation = cache.generation();
        let (place, answer) = cache.look_up(key, &exchange.headers).await;
        if let Some(answer) = answer {
            cache.lookups.count(outcome::HIT);
            return Ok(Some(answer.reply(&exchange.headers)));
        }
        let landed = match cache.cache.flights.join(place) {
            Joined::First(flight) => {
                // Another one may have landed since.
                if let (_, Some(answer)) = cache.look_up(key, &exchange.headers).await {
                    cache.lookups.count(outcome::HIT);
                    return Ok(Some(answer.reply(&exchange.headers)));
                }
                cache.lookups.count(outcome::MISS);
                exchange.cache_fill = Some(Box::new(CacheFill {
                    cache: Arc::clone(cache),
                    rule: Arc::clone(rule),
                    question: key,
                    generation,
                    flight,
                    request: (method.clone(), exchange.headers.clone()),
                    headers_before: exchange.response_headers.len(),
                }));
                return Ok(None);
            }
            Joined::Waits(landed) => landed,
        };
        // As long as the upstream may take: then this request asks for itself.
        match tokio::time::timeout(gateway.settings.upstream.timeout, landed.wait()).await {
            Ok(Landing::Kept(place, answer)) if answer.place(&key, &exchange.headers) == place => {
                cache.lookups.count(outcome::WAITED);
                return Ok(Some(answer.reply(&exchange.headers)));
            }
            Ok(Landing::Kept(..) | Landing::Abandoned) => {}
            Ok(Landing::NotKept) | Err(_) => break,
        }
    }
    cache.lookups.count(outcome::MISS);
    Ok(None)
}

/// The answer, which is kept if the request was to fill a place with it.
///
/// # Errors
/// When it breaks off while it is read.
pub async fn keep(exchange: &mut Exchange, reply: Reply) -> Result<Reply, GatewayError> {
    match exchange.cache_fill.take() {
        Some(fill) => fill.keep(reply, &exchange.response_headers).await,
        None => Ok(reply),
    }
}

/// The body as far as it is part of the question; `None` when the request must not be answered from the cache.
async fn body(
    gateway: &Gateway,
    method: &Method,
    exchange: &mut Exchange,
) -> Result<Option<Bytes>, GatewayError> {
    if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        // Nobody expects a body to make a difference here, but it may.
        let has_body = !matches!(exchange.body, RequestBody::Empty) && !exchange.body.is_end_stream();
        return Ok((!has_body).then(Bytes::new));
    }
    let limit = gateway.settings.limits.buffered_body_bytes;
    if exchange.content_length().is_some_and(|length| length > limit as u64) {
        return Ok(None);
    }
    exchange.buffer_body(limit).await.map(Some)
}

impl Question<'_> {
    fn key(&self, exchange: &Exchange, body: &Bytes) -> CacheKey {
        let mut key = KeyParts::default();
        key.add(&*self.api.id).add(&self.version.name).add(self.method.as_str()).add(exchange.scheme);
        key.add(exchange.uri.path())
            .add(exchange.uri.query().unwrap_or(""))
            .add([u8::from(exchange.uri.query().is_some())]);
        self.add_target(&mut key, exchange);
        add_caller(&mut key, exchange);
        for name in &self.cache.options.by_headers {
            key.add_header(&exchange.headers, name);
        }
        match &self.rule.body_pattern {
            // As in Tyk, a body in which nothing is found makes no difference.
            Some(pattern) => key.add(pattern.find(body).map_or(&b""[..], |found| found.as_bytes())),
            None => key.add(body),
        };
        key.finish()
    }

    /// Where the request goes.
    fn add_target(&self, key: &mut KeyParts, exchange: &Exchange) {
        if self.api.preserve_host_header {
            key.add(exchange.host());
        }
        match self.rewritten {
            None | Some(Rewritten::Loop(_)) => key.add("-"),
            Some(Rewritten::Path { path, query }) => {
                key.add("path").add(path).add(query.as_deref().unwrap_or(""))
            }
            Some(Rewritten::Absolute(target, path)) => key.add("url").add(target.origin()).add(path.as_str()),
        };
        if let SentTo::Url(url) = &exchange.sent_to {
            key.add(url.as_bytes());
        }
    }
}

/// Who asks: the key or session, or where there is none the client's address; and what else a caller is known by.
fn add_caller(key: &mut KeyParts, exchange: &Exchange) {
    let caller = exchange.caller();
    key.add(caller.as_deref().unwrap_or(""));
    // A session may be all callers'; only a key is one's own.
    if !caller.is_some_and(|caller| caller.starts_with("key ")) {
        key.add(exchange.client.ip().to_canonical().to_string());
    }
    key.add(exchange.outer_caller.as_deref().unwrap_or(""));
    for name in &CALLER_HEADERS {
        key.add_header(&exchange.headers, name);
    }
}
