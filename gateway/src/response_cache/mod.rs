//! Answers that are kept for a while, so that the same question of the same caller need not be answered twice.
//!
//! [`ResponseCache`] is the process's: a [`memory`] with a bound on its bytes, or a store that it shares with other
//! gateways, and the [`flights`] of requests that are about to fill a place. [`ApiCache`] is what one API keeps and for how long, [`key`] what makes two questions the same, [`answer`] what is
//! kept and what must not be. The step of the chain is `chain/response_cache.rs`.

pub mod answer;
pub mod fill;
pub mod flights;
pub mod key;
pub mod memory;
mod shared;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode};
use regex::bytes::Regex;

pub use self::fill::CacheFill;
use self::{
    answer::{Kept, KeptAnswer},
    flights::Flights,
    key::CacheKey,
    memory::Memory,
    shared::Shared,
};
use crate::{
    apidef::cache::{CacheOptions, CachedEndpoint},
    config::settings::CacheSettings,
    router::endpoints::{EndpointList, PathForms},
    session::{Store, StoreError},
    telemetry::metrics::{Failures, cache as outcome},
};

/// All answers that are kept.
#[derive(Debug)]
pub struct ResponseCache {
    memory: Memory,
    /// Where answers are instead of in memory.
    shared: Option<Shared>,
    /// Requests that are about to fill a place.
    pub flights: Arc<Flights>,
    /// Bytes of the largest body that is kept.
    pub max_entry_bytes: usize,
    /// Time in which a body must have come whole.
    pub fill_timeout: Duration,
    /// Counts up when an API's answers are thrown away; by API id.
    generations: Mutex<HashMap<Arc<str>, Arc<AtomicU64>>>,
}

impl ResponseCache {
    /// A cache in memory, or in `shared` when several gateways have one store.
    pub fn new(settings: &CacheSettings, shared: Option<Store>) -> Arc<Self> {
        Arc::new(Self {
            memory: Memory::new(settings.max_bytes, settings.max_entry_bytes),
            shared: shared.map(Shared::new),
            flights: Arc::default(),
            max_entry_bytes: settings.max_entry_bytes,
            fill_timeout: settings.fill_timeout,
            generations: Mutex::default(),
        })
    }

    /// Throws away what is kept for an API, here and in the store; an answer that is on its way here is not kept any more either.
    /// Other gateways have to be told, with [`Signal::ApiCacheDropped`](crate::session::Signal::ApiCacheDropped).
    ///
    /// # Errors
    /// When the store may still have some of them.
    pub async fn invalidate(&self, api_id: &str) -> Result<(), StoreError> {
        self.invalidate_here(api_id);
        match &self.shared {
            Some(shared) => shared.forget(api_id).await,
            None => Ok(()),
        }
    }

    /// As [`invalidate`](Self::invalidate), but leaves the store to whoever gave the signal.
    pub fn invalidate_here(&self, api_id: &str) {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(generation) = generations.get(api_id) {
            generation.fetch_add(1, Ordering::AcqRel);
        }
        drop(generations);
        self.memory.forget(api_id);
    }

    /// Answers that are kept, and their bytes.
    pub fn size(&self) -> (usize, u64) {
        self.memory.size()
    }

    fn generation(&self, api_id: &Arc<str>) -> Arc<AtomicU64> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(generations.entry(Arc::clone(api_id)).or_default())
    }
}

/// What one API keeps.
#[derive(Debug)]
pub struct ApiCache {
    /// The process's cache.
    pub cache: Arc<ResponseCache>,
    /// The API.
    pub api_id: Arc<str>,
    /// What the definition says.
    pub options: CacheOptions,
    /// For requests that need no endpoint's rule.
    plain: Arc<CacheRule>,
    /// What lookups came to, by the words of [`crate::telemetry::metrics::cache`].
    pub lookups: Failures,
    generation: Arc<AtomicU64>,
}

/// What is kept of an endpoint.
#[derive(Debug, Default)]
pub struct CacheRule {
    /// How long; `None` is as long as the API says.
    pub timeout: Option<Duration>,
    /// Which statuses; empty is those that the API says.
    pub statuses: Vec<StatusCode>,
    /// Part of a body that makes different answers; `None` is all of it.
    pub body_pattern: Option<Regex>,
}

impl CacheRule {
    /// The rule of an endpoint.
    ///
    /// # Errors
    /// When its pattern is none.
    pub fn compile(endpoint: &CachedEndpoint) -> Result<Self, regex::Error> {
        Ok(Self {
            timeout: endpoint.timeout,
            statuses: endpoint.statuses.clone(),
            body_pattern: endpoint.body_pattern.as_deref().map(Regex::new).transpose()?,
        })
    }
}

impl ApiCache {
    /// The cache of an API, nothing counted yet.
    pub fn new(
        cache: &Arc<ResponseCache>,
        api_id: &Arc<str>,
        options: CacheOptions,
        lookups: Failures,
    ) -> Self {
        Self {
            cache: Arc::clone(cache),
            api_id: Arc::clone(api_id),
            options,
            plain: Arc::default(),
            lookups,
            generation: cache.generation(api_id),
        }
    }

    /// The rule for a request: as in Tyk the one for all safe requests comes first.
    pub fn rule<'a>(
        &'a self,
        endpoints: &'a EndpointList<Arc<CacheRule>>,
        method: &Method,
        path: PathForms<'_>,
    ) -> Option<&'a Arc<CacheRule>> {
        let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if safe && self.options.all_safe_requests {
            return Some(&self.plain);
        }
        if endpoints.is_empty() { None } else { endpoints.find(method, path) }
    }

    /// How long an answer with this status may be kept, and whether its status is one that is.
    pub fn asked(&self, rule: &CacheRule, status: StatusCode) -> (Duration, bool) {
        let statuses = if rule.statuses.is_empty() { &self.options.statuses } else { &rule.statuses };
        let wanted = statuses.is_empty() || statuses.contains(&status);
        (rule.timeout.unwrap_or(self.options.timeout), wanted)
    }

    /// Which filling this is: an answer is kept only if nothing was thrown away since its request began.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The answer for a question, if one is kept; in any case where it is or would be.
    pub async fn look_up(
        &self,
        question: CacheKey,
        headers: &HeaderMap,
    ) -> (CacheKey, Option<Arc<KeptAnswer>>) {
        let generation = self.generation();
        let mut at = question;
        for _ in 0..2 {
            match self.get(&at, generation).await.as_deref() {
                Some(Kept::Answer(answer)) => return (at, Some(Arc::clone(answer))),
                Some(Kept::Varies(names)) => at = key::varied(&question, names, headers),
                None => break,
            }
        }
        (at, None)
    }

    async fn get(&self, at: &CacheKey, generation: u64) -> Option<Arc<Kept>> {
        let Some(shared) = &self.cache.shared else { return self.cache.memory.get(at, generation) };
        match shared.get(&self.api_id, at).await {
            Ok(kept) => kept.map(Arc::new),
            Err(error) => {
                self.store_failed(&error);
                None
            }
        }
    }

    /// Without the store nothing is kept; the answers come from where they come from.
    fn store_failed(&self, error: &StoreError) {
        self.lookups.count(outcome::STORE_FAILED);
        tracing::debug!(api_id = &*self.api_id, "the response cache goes without its store: {error}");
    }

    /// Keeps the answer to a question, unless something was thrown away since its request began. Tells where.
    async fn put(
        &self,
        question: CacheKey,
        generation: u64,
        headers: &HeaderMap,
        answer: &Arc<KeptAnswer>,
        time: Duration,
    ) -> CacheKey {
        let at = answer.place(&question, headers);
        if generation != self.generation() {
            return at;
        }
        let varies = (at != question).then(|| (question, Kept::Varies(answer.vary.clone())));
        let places = varies.into_iter().chain([(at, Kept::Answer(Arc::clone(answer)))]);
        for (place, kept) in places {
            let Some(shared) = &self.cache.shared else {
                self.cache.memory.put(place, &self.api_id, generation, kept);
                continue;
            };
            if let Err(error) = shared.put(&self.api_id, &place, &kept, time).await {
                self.store_failed(&error);
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::{ApiCache, CacheOptions, ResponseCache, answer::KeptAnswer};
    use crate::{
        config::settings::CacheSettings,
        session::{Store, embedded::EmbeddedStore},
        telemetry::metrics::Metrics,
    };

    fn api(cache: &Arc<ResponseCache>, id: &str) -> ApiCache {
        let options = CacheOptions {
            timeout: Duration::from_secs(60),
            all_safe_requests: true,
            statuses: Vec::new(),
            by_headers: Vec::new(),
            upstream_control: None,
        };
        ApiCache::new(cache, &id.into(), options, Metrics::new().cache_lookups(id))
    }

    fn asking(language: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(language))])
    }

    async fn keep(api: &ApiCache, question: [u8; 32], language: &'static str, generation: u64) {
        let vary = HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("accept-language"))]);
        let time = Duration::from_secs(60);
        let answer = Arc::new(KeptAnswer::new(StatusCode::OK, vary, language.into(), time));
        api.put(question, generation, &asking(language), &answer, time).await;
    }

    async fn body(api: &ApiCache, question: [u8; 32], language: &'static str) -> Option<String> {
        let (_, answer) = api.look_up(question, &asking(language)).await;
        Some(String::from_utf8(answer?.parts().2.to_vec()).unwrap())
    }

    async fn check(cache: Arc<ResponseCache>) {
        let (shop, users) = (api(&cache, "shop"), api(&cache, "users"));
        keep(&shop, [1; 32], "en", shop.generation()).await;
        keep(&shop, [1; 32], "de", shop.generation()).await;
        keep(&users, [2; 32], "en", users.generation()).await;
        assert_eq!(body(&shop, [1; 32], "en").await.as_deref(), Some("en"));
        assert_eq!(body(&shop, [1; 32], "de").await.as_deref(), Some("de"));
        assert_eq!(body(&shop, [1; 32], "fr").await, None);
        let before = shop.generation();
        cache.invalidate("shop").await.unwrap();
        assert_eq!(body(&shop, [1; 32], "en").await, None);
        assert_eq!(body(&users, [2; 32], "en").await.as_deref(), Some("en"));
        // What was on its way when the cache was emptied is not kept.
        keep(&shop, [1; 32], "en", before).await;
        assert_eq!(body(&shop, [1; 32], "en").await, None);
        keep(&shop, [1; 32], "en", shop.generation()).await;
        assert_eq!(body(&shop, [1; 32], "en").await.as_deref(), Some("en"));
    }

    const SETTINGS: CacheSettings =
        CacheSettings { max_bytes: 1 << 20, max_entry_bytes: 1 << 10, fill_timeout: Duration::from_secs(1) };

    #[tokio::test]
    async fn answers_are_kept_varied_and_thrown_away_in_memory() {
        check(ResponseCache::new(&SETTINGS, None)).await;
    }

    #[tokio::test]
    async fn answers_are_kept_varied_and_thrown_away_in_a_store() {
        let folder = tempfile::tempdir().unwrap();
        let kept = EmbeddedStore::new(folder.path().join("kept.redb"), Duration::from_secs(20));
        let store = Store::Embedded(Arc::new(kept));
        check(ResponseCache::new(&SETTINGS, Some(store.clone()))).await;
        assert!(store.names("cache-shop").await.unwrap().len() >= 2);
    }
}
