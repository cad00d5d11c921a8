//! Answers that are kept for a while, so that the same question of the same caller need not be answered twice.
//!
//! [`ResponseCache`] is the process's: a [`memory`] with a bound on its bytes, and the [`flights`] of requests that are about to
//! fill it. [`ApiCache`] is what one API keeps and for how long, [`key`] what makes two questions the same, [`answer`] what is
//! kept and what must not be. The step of the chain is `chain/response_cache.rs`.

pub mod answer;
pub mod fill;
pub mod flights;
pub mod key;
pub mod memory;

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
};
use crate::{
    apidef::cache::{CacheOptions, CachedEndpoint},
    config::settings::CacheSettings,
    router::endpoints::{EndpointList, PathForms},
    telemetry::metrics::Failures,
};

/// All answers that are kept.
#[derive(Debug)]
pub struct ResponseCache {
    memory: Memory,
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
    /// Nothing kept yet.
    pub fn new(settings: &CacheSettings) -> Arc<Self> {
        Arc::new(Self {
            memory: Memory::new(settings.max_bytes, settings.max_entry_bytes),
            flights: Arc::default(),
            max_entry_bytes: settings.max_entry_bytes,
            fill_timeout: settings.fill_timeout,
            generations: Mutex::default(),
        })
    }

    /// Throws away what is kept for an API; an answer that is on its way is not kept any more either.
    pub fn invalidate(&self, api_id: &str) {
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
    pub fn look_up(&self, question: CacheKey, headers: &HeaderMap) -> (CacheKey, Option<Arc<KeptAnswer>>) {
        let generation = self.generation();
        let mut at = question;
        for _ in 0..2 {
            match self.cache.memory.get(&at, generation).as_deref() {
                Some(Kept::Answer(answer)) => return (at, Some(Arc::clone(answer))),
                Some(Kept::Varies(names)) => at = key::varied(&question, names, headers),
                None => break,
            }
        }
        (at, None)
    }

    /// Keeps the answer to a question, unless something was thrown away since its request began. Tells where.
    fn put(
        &self,
        question: CacheKey,
        generation: u64,
        headers: &HeaderMap,
        answer: &Arc<KeptAnswer>,
    ) -> CacheKey {
        let at = answer.place(&question, headers);
        if generation == self.generation() {
            let memory = &self.cache.memory;
            if at != question {
                memory.put(question, &self.api_id, generation, Kept::Varies(answer.vary.clone()));
            }
            memory.put(at, &self.api_id, generation, Kept::Answer(Arc::clone(answer)));
        }
        at
    }
}
