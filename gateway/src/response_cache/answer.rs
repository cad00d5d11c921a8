//! What is kept of an answer, and which answers must not be kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, response};

use super::{
    ApiCache, CacheRule,
    key::{CacheKey, varied},
};
use crate::{
    proxy::headers::remove_hop_by_hop,
    reply::{Reply, body::ReplyBody, drop_body_headers},
};

/// Says that an answer came from the cache, as in Tyk.
pub static CACHED_RESPONSE: HeaderName = HeaderName::from_static("x-tyk-cached-response");

/// With `enable_upstream_cache_control`, an answer that has it is kept whatever its status is.
static CACHE_ACTION_SET: HeaderName = HeaderName::from_static("x-tyk-cache-action-set");

/// What is found at a place.
#[derive(Debug)]
pub enum Kept {
    /// The answers to this question differ by these request headers.
    Varies(Box<[HeaderName]>),
    /// The answer.
    Answer(Arc<KeptAnswer>),
}

impl Kept {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Varies(names) => names.iter().map(|name| name.as_str().len()).sum(),
            Self::Answer(answer) => answer.bytes(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Answer(answer) if answer.ends <= Instant::now())
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct KeptAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// Request headers that it depends on, sorted.
    pub vary: Box<[HeaderName]>,
    ends: Instant,
}

impl KeptAnswer {
    /// An answer that is kept for this time.
    pub fn new(status: StatusCode, mut headers: HeaderMap, body: Bytes, time: Duration) -> Self {
        remove_hop_by_hop(&mut headers);
        headers.remove(header::TRANSFER_ENCODING);
        let vary = vary(&headers).unwrap_or_default();
        let now = Instant::now();
        // A time too far off to be told is for years.
        let ends = now.checked_add(time).unwrap_or(now + Duration::from_secs(1 << 31));
        Self { status, headers, body, vary, ends }
    }

    /// Where it is kept, for a question with these headers.
    pub fn place(&self, question: &CacheKey, headers: &HeaderMap) -> CacheKey {
        if self.vary.is_empty() { *question } else { varied(question, &self.vary, headers) }
    }

    /// Status, headers and body.
    pub(super) fn parts(&self) -> (StatusCode, &HeaderMap, &Bytes) {
        (self.status, &self.headers, &self.body)
    }

    fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
        self.body.len() + headers.sum::<usize>()
    }

    /// The answer to a request with these headers; a client that has it already gets 304.
    pub fn reply(&self, request: &HeaderMap) -> Reply {
        let mut headers = crate::reply::header_map::with_room(self.headers.len());
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        headers.insert(CACHED_RESPONSE.clone(), HeaderValue::from_static("1"));
        let known = self.headers.get(header::ETAG).is_some_and(|tag| has_tag(request, tag));
        let mut reply = Response::new(if known { ReplyBody::Empty } else { self.body.clone().into() });
        *reply.status_mut() = if known { StatusCode::NOT_MODIFIED } else { self.status };
        *reply.headers_mut() = headers;
        drop_body_headers(&mut reply);
        reply
    }
}

/// Whether `If-None-Match` names this tag; weakly, as it is meant there.
fn has_tag(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(tag) = tag.to_str().map(strong) else { return false };
    let named = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|named| named.trim() == "*" || strong(named) == tag)
}

/// How long an answer may be kept; `None` when it must not be.
pub fn time_to_keep(head: &response::Parts, cache: &ApiCache, rule: &CacheRule) -> Option<Duration> {
    let (status, headers) = (head.status, &head.headers);
    let is_whole = !status.is_informational()
        && !matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED)
        && !headers.contains_key(header::TRAILER)
        && !names(headers, &header::CONTENT_TYPE, "text/event-stream");
    // What was meant for one: a cookie, or what the upstream says is nobody else's.
    let is_for_others = !headers.contains_key(header::SET_COOKIE)
        && !names(headers, &header::CACHE_CONTROL, "no-store")
        && !names(headers, &header::CACHE_CONTROL, "private")
        && vary(headers).is_some();
    if !is_whole || !is_for_others {
        return None;
    }
    let (mut time, mut wanted) = cache.asked(rule, status);
    if let Some(ttl_header) = &cache.options.upstream_control {
        wanted |= headers.get(&CACHE_ACTION_SET).is_some_and(|action| !action.is_empty());
        let seconds =
            headers.get(ttl_header).and_then(|value| value.to_str().ok()?.trim().parse::<i64>().ok());
        if let Some(seconds) = seconds {
            time = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        }
    }
    Some(time).filter(|time| wanted && !time.is_zero())
}

/// Request headers that an answer depends on; `None` when it depends on more than headers.
fn vary(headers: &HeaderMap) -> Option<Box<[HeaderName]>> {
    let mut names = Vec::new();
    for value in headers.get_all(header::VARY) {
        for name in value.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            // `*`, or what is no header, is nothing that a request could be compared by.
            names.push(HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| name != "*")?);
        }
    }
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    Some(names.into())
}

/// Whether a header has this word in its list, parameters left aside.
fn names(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split([',', ';']))
        .any(|item| item.split('=').next().unwrap_or("").trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

    use super::{KeptAnswer, time_to_keep, vary};
    use crate::{
        apidef::cache::CacheOptions,
        config::settings::CacheSettings,
        response_cache::{ApiCache, CacheRule, ResponseCache},
        telemetry::metrics::{Failures, Metrics},
    };

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn cache(upstream_control: bool) -> ApiCache {
        let settings = CacheSettings {
            max_bytes: 1 << 20,
            max_entry_bytes: 1 << 10,
            fill_timeout: Duration::from_secs(1),
        };
        let options = CacheOptions {
            timeout: Duration::from_secs(60),
            all_safe_requests: true,
            statuses: Vec::new(),
            by_headers: Vec::new(),
            upstream_control: upstream_control.then(|| HeaderName::from_static("x-tyk-cache-action-set-ttl")),
        };
        let lookups: Failures = Metrics::new().cache_lookups("shop");
        ApiCache::new(&ResponseCache::new(&settings, None), &"shop".into(), options, lookups)
    }

    fn kept(
        status: u16,
        answer: &[(&'static str, &'static str)],
        only: &[u16],
        upstream_control: bool,
    ) -> Option<u64> {
        let (mut head, ()) = Response::new(()).into_parts();
        head.status = StatusCode::from_u16(status).unwrap();
        head.headers = headers(answer);
        let rule = CacheRule {
            timeout: None,
            statuses: only.iter().map(|code| StatusCode::from_u16(*code).unwrap()).collect(),
            body_pattern: None,
        };
        time_to_keep(&head, &cache(upstream_control), &rule).map(|time| time.as_secs())
    }

    #[test]
    fn what_is_meant_for_one_or_not_whole_is_not_kept() {
        assert_eq!(kept(200, &[("cache-control", "max-age=1"), ("vary", "accept")], &[], false), Some(60));
        assert_eq!(kept(500, &[], &[], false), Some(60));
        for answer in [
            &[("set-cookie", "a=b")][..],
            &[("cache-control", "max-age=0, No-Store")],
            &[("cache-control", "private=\"x\"")],
            &[("vary", "*")],
            &[("vary", "accept, *")],
            &[("trailer", "x-sum")],
            &[("content-type", "text/event-stream; charset=utf-8")],
        ] {
            assert_eq!(kept(200, answer, &[], false), None, "{answer:?}");
        }
        assert_eq!((kept(206, &[], &[], false), kept(304, &[], &[], false)), (None, None));
    }

    #[test]
    fn statuses_and_the_upstream_decide() {
        assert_eq!((kept(200, &[], &[200], false), kept(404, &[], &[200], false)), (Some(60), None));
        let asks = [("x-tyk-cache-action-set", "1"), ("x-tyk-cache-action-set-ttl", "5")];
        assert_eq!((kept(404, &asks, &[200], true), kept(404, &asks, &[200], false)), (Some(5), None));
        assert_eq!(kept(200, &[("x-tyk-cache-action-set-ttl", "0")], &[], true), None);
        assert_eq!(kept(200, &[("x-tyk-cache-action-set-ttl", "-3")], &[], true), None);
        assert_eq!(kept(200, &[("x-tyk-cache-action-set-ttl", "soon")], &[], true), Some(60));
    }

    #[test]
    fn vary_is_a_sorted_list() {
        let read = vary(&headers(&[("vary", "Origin , accept,,origin")])).unwrap();
        assert_eq!(&*read, [header::ACCEPT, header::ORIGIN]);
        assert!(vary(&headers(&[("vary", "a b")])).is_none());
    }

    #[test]
    fn a_client_that_has_the_answer_gets_304() {
        let of_answer =
            headers(&[("etag", "\"v1\""), ("content-type", "text/plain"), ("connection", "close")]);
        let answer = KeptAnswer::new(StatusCode::OK, of_answer, "hello".into(), Duration::from_secs(1));
        let status = |pairs: &[(&'static str, &'static str)]| answer.reply(&headers(pairs)).status().as_u16();
        assert_eq!(status(&[]), 200);
        assert_eq!(status(&[("if-none-match", "\"v2\"")]), 200);
        assert_eq!(status(&[("if-none-match", "\"v2\", W/\"v1\"")]), 304);
        assert_eq!(status(&[("if-none-match", "*")]), 304);
        let reply = answer.reply(&headers(&[("if-none-match", "\"v1\"")]));
        assert_eq!(reply.headers().get("etag").unwrap(), "\"v1\"");
        assert!(!reply.headers().contains_key("content-type") && !reply.headers().contains_key("connection"));
        assert_eq!(reply.headers().get("x-tyk-cached-response").unwrap(), "1");
    }
}
