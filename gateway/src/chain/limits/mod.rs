//! What limits a request: rate and quota of its caller, and the rate of its API or endpoint for all callers together.

pub mod caller;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use self::caller::Caller;
use super::plugin;
use crate::{
    apidef::{
        ApiDefinition,
        model::{Endpoint, RateLimit},
    },
    config::settings::KeySettings,
    events::Happened,
    exchange::Exchange,
    limits::{Demand, LimitsError, RateDemand, Refusal, Verdict, of_key::endpoint_suffix},
    live::api::{LiveApi, LiveEndpoints},
    reply::{self, error::GatewayError},
    router::endpoints::PathForms,
    serve::Gateway,
    session::{CountedQuota, key},
};

/// A rate that all callers share, and its counter.
///
/// Counters are found by name, so they go on over a reload, and over gateways that share a Redis.
#[derive(Debug, Clone)]
pub struct SharedRate {
    name: Arc<str>,
    limit: RateLimit,
}

impl SharedRate {
    /// Of a whole API.
    pub fn of_api(api: &ApiDefinition, limit: RateLimit, keys: KeySettings) -> Self {
        Self { name: name_of_api(api, keys).into(), limit }
    }

    /// Of one endpoint.
    pub fn of_endpoint(api: &ApiDefinition, endpoint: &Endpoint<RateLimit>, keys: KeySettings) -> Self {
        let method = endpoint.method.as_ref().map_or("", |method| method.as_str());
        let suffix = endpoint_suffix(keys, method, &endpoint.path);
        Self { name: format!("{}-{suffix}", name_of_api(api, keys)).into(), limit: endpoint.rule }
    }

    fn demand(&self) -> RateDemand<'_> {
        RateDemand { name: (&*self.name).into(), limit: self.limit }
    }
}

/// Tyk's name for it.
fn name_of_api(api: &ApiDefinition, keys: KeySettings) -> String {
    key::stored_id(keys, &format!("apilimiter-{}{}", api.org_id, api.id)).to_string()
}

/// What a request is checked against.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The API.
    pub api: &'a LiveApi,
    /// Rules of the version's endpoints.
    pub endpoints: &'a LiveEndpoints,
    /// Whether the caller's own limits count.
    pub of_caller: bool,
    /// The path that was called.
    pub forms: PathForms<'a>,
}

/// What [`check_now`] came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Checked {
    /// The request passes.
    Passes,
    /// Nothing is decided: it takes waiting, in [`check`].
    Waits,
}

/// Counts a request and lets it pass, if that takes no waiting.
///
/// # Errors
/// What is used up, or why that cannot be known.
pub fn check_now(
    gateway: &Gateway,
    rules: Rules<'_>,
    exchange: &mut Exchange,
) -> Result<Checked, GatewayError> {
    if !exchange.checks_limits || rules.limits_nothing(exchange) {
        return Ok(Checked::Passes);
    }
    let caller = rules.caller(gateway, exchange)?;
    let demand = rules.demand(&caller, exchange);
    if demand.is_empty() {
        return Ok(Checked::Passes);
    }
    let verdict = match gateway.limits.take_now(&demand) {
        None => return Ok(Checked::Waits),
        Some(Ok(Verdict::Refused(Refusal::Rate))) if caller.tries > 0 => return Ok(Checked::Waits),
        Some(verdict) => verdict,
    };
    let quota = settle(verdict, rules.api, &caller, exchange)?;
    exchange.quota = quota.or(exchange.quota.take());
    Ok(Checked::Passes)
}

/// Counts a request and lets it pass; one that is over its caller's rate is tried again as often as the session says.
///
/// # Errors
/// As for [`check_now`].
pub async fn check(gateway: &Gateway, rules: Rules<'_>, exchange: &mut Exchange) -> Result<(), GatewayError> {
    let caller = rules.caller(gateway, exchange)?;
    let demand = rules.demand(&caller, exchange);
    let until = Instant::now() + gateway.settings.limits.throttle;
    let mut tries = caller.tries;
    loop {
        let verdict = gateway.limits.take(&demand).await;
        let again = Instant::now() + caller.interval();
        if !matches!(verdict, Ok(Verdict::Refused(Refusal::Rate))) || tries == 0 || again > until {
            let quota = settle(verdict, rules.api, &caller, exchange)?;
            exchange.quota = quota.or(exchange.quota.take());
            return Ok(());
        }
        tries -= 1;
        tokio::time::sleep_until(again).await;
    }
}

/// The caller's quota after a request that passes, if it has one.
fn settle(
    verdict: Result<Verdict, LimitsError>,
    api: &LiveApi,
    caller: &Caller<'_>,
    exchange: &Exchange,
) -> Result<Option<CountedQuota>, GatewayError> {
    match verdict? {
        Verdict::Passed(None) => Ok(None),
        Verdict::Passed(Some(state)) => Ok(Some(CountedQuota {
            remaining: i64::try_from(state.remaining).unwrap_or(i64::MAX),
            renews: state.renews,
            scope: caller.scope.into(),
        })),
        Verdict::Refused(refusal) => {
            fire(refusal, api, exchange);
            Err(match refusal {
                Refusal::Rate => GatewayError::RateLimit,
                Refusal::Quota => GatewayError::QuotaExceeded,
                Refusal::Api => GatewayError::ApiRateLimit,
            })
        }
    }
}

/// Tells event handlers what is used up.
fn fire(refusal: Refusal, api: &LiveApi, exchange: &Exchange) {
    if api.events.is_empty() {
        return;
    }
    let key = plugin::key_shown(exchange);
    match refusal {
        Refusal::Rate => api.events.fire(exchange, Happened::KeyRateLimitExceeded { key }),
        Refusal::Quota => api.events.fire(exchange, Happened::QuotaExceeded { key }),
        Refusal::Api => {
            let limiter = format!("apilimiter-{}{}", api.org_id, api.id);
            api.events.fire(exchange, Happened::ApiRateLimitExceeded { limiter: &limiter });
        }
    }
}

impl<'a> Rules<'a> {
    /// Quick, for the many requests that nothing limits.
    fn limits_nothing(&self, exchange: &Exchange) -> bool {
        let of_caller = self.of_caller && exchange.session.is_some();
        !of_caller && self.api.rate_limit.is_none() && self.endpoints.rate_limits.is_empty()
    }

    fn caller<'c>(&self, gateway: &Gateway, exchange: &'c Exchange) -> Result<Caller<'c>, GatewayError> {
        let key = exchange.key.as_deref();
        match exchange.session.as_deref().filter(|_| self.of_caller) {
            Some(session) => Caller::new(gateway, self.api, session, key, &exchange.method, self.forms),
            None => Ok(Caller::default()),
        }
    }

    fn demand<'d>(&self, caller: &'d Caller<'_>, exchange: &Exchange) -> Demand<'d>
    where
        'a: 'd,
    {
        let of_endpoint = self.endpoints.rate_limits.find(&exchange.method, self.forms);
        let shared = of_endpoint.or(self.api.rate_limit.as_ref());
        Demand { rate: caller.rate(), quota: caller.quota(), api: shared.map(SharedRate::demand) }
    }
}

/// Sets the rate limit headers of an answer that got past the limits: the quota of the caller, zeros without one.
pub fn set_headers(api: &LiveApi, exchange: &Exchange, headers: &mut HeaderMap) {
    let Some(session) = &exchange.session else { return reply::set_keyless_limits(headers) };
    let (max, remaining, renews) = caller::quota_shown(session, &api.id);
    let (remaining, renews) = match &exchange.quota {
        Some(counted) => (counted.remaining, counted.renews),
        None => (remaining, renews),
    };
    headers.insert(reply::RATE_LIMIT_LIMIT.clone(), number(max));
    headers.insert(reply::RATE_LIMIT_REMAINING.clone(), number(remaining));
    headers.insert(reply::RATE_LIMIT_RESET.clone(), number(renews));
}

/// A number as a header's value, in memory of its own length: `HeaderValue::from` asks for memory twice.
fn number(number: i64) -> HeaderValue {
    match number {
        0 => HeaderValue::from_static("0"),
        -1 => HeaderValue::from_static("-1"),
        number => HeaderValue::from_str(itoa::Buffer::new().format(number)).unwrap_or_else(|_| number.into()),
    }
}

/// Between two tries, from what a session says.
fn interval(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(if seconds > 0.0 { Duration::MAX } else { Duration::ZERO })
}
