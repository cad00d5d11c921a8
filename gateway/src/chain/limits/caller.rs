//! The limits that a session brings, and the names of their counters.

use std::{borrow::Cow, time::Duration};

use http::Method;

use super::interval;
use crate::{
    apidef::model::RateLimit,
    limits::{
        QuotaDemand, QuotaLimit, RateDemand,
        of_key::{counter, endpoint_suffix, scope},
    },
    live::api::LiveApi,
    reply::error::GatewayError,
    router::endpoints::PathForms,
    serve::Gateway,
    session::{AccessRight, EndpointLimits, Key, Limit, Session},
};

/// What limits one caller.
#[derive(Debug, Default)]
pub struct Caller<'a> {
    /// The name of its counters.
    name: Cow<'a, str>,
    /// The name of its rate's, where an endpoint has a rate of its own.
    of_endpoint: Option<Cow<'a, str>>,
    rate: Option<RateLimit>,
    quota: Option<QuotaLimit>,
    /// What the counters are kept under besides the caller.
    pub(super) scope: &'a str,
    /// Further tries of a request that is over the rate.
    pub(super) tries: i64,
    /// Seconds between two of them.
    interval: f64,
}

/// The numbers that count: the API's own of a session, or the session's.
struct Numbers {
    rate: f64,
    per: f64,
    quota_max: i64,
    quota_renewal_rate: i64,
    tries: i64,
    interval: f64,
}

impl<'a> Caller<'a> {
    /// The limits of a session in an API.
    ///
    /// # Errors
    /// When one of them cannot be applied.
    pub(super) fn new(
        gateway: &Gateway,
        api: &LiveApi,
        session: &'a Session,
        key: Option<&'a Key>,
        method: &Method,
        forms: PathForms<'_>,
    ) -> Result<Self, GatewayError> {
        let right = session.access_rights.get(&*api.id);
        let mut numbers = Numbers::of(session, right);
        let keys = gateway.sessions.settings();
        let mut suffix = None;
        if let Some(right) = right
            && !right.endpoints.is_empty()
            && let Some(endpoint) = find_endpoint(gateway, &right.endpoints, method, forms)?
        {
            (numbers.rate, numbers.per) = (endpoint.limit.rate, endpoint.limit.per);
            suffix = Some(endpoint_suffix(keys, endpoint.method, endpoint.path));
        }
        let rate = RateLimit::new(numbers.rate, numbers.per).filter(|_| !api.key_limits.no_rates);
        let max = u64::try_from(numbers.quota_max).ok().filter(|max| *max > 0 && !api.key_limits.no_quotas);
        let scope = right.map_or("", scope);
        if rate.is_none() && max.is_none() {
            return Ok(Self { scope, ..Self::default() });
        }
        let id = id(gateway, api, session, key);
        let quota = max.map(|max| QuotaLimit {
            max,
            renewal: u64::try_from(numbers.quota_renewal_rate)
                .ok()
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        });
        Ok(Self {
            of_endpoint: suffix.map(|suffix| counter(scope, id.clone(), Some(&suffix))),
            name: counter(scope, id, None),
            rate,
            quota,
            scope,
            tries: numbers.tries,
            interval: numbers.interval,
        })
    }

    /// Time between two tries.
    pub(super) fn interval(&self) -> Duration {
        interval(self.interval)
    }

    pub(super) fn rate(&self) -> Option<RateDemand<'_>> {
        let name = self.of_endpoint.as_deref().unwrap_or(&self.name);
        self.rate.map(|limit| RateDemand { name: name.into(), limit })
    }

    pub(super) fn quota(&self) -> Option<QuotaDemand<'_>> {
        self.quota.map(|limit| QuotaDemand { name: (*self.name).into(), limit })
    }
}

impl Numbers {
    fn of(session: &Session, right: Option<&AccessRight>) -> Self {
        match right.map(|right| &right.limit).filter(|limit| !limit.is_empty()) {
            Some(limit) => Self {
                rate: limit.rate,
                per: limit.per,
                quota_max: limit.quota_max,
                quota_renewal_rate: limit.quota_renewal_rate,
                tries: limit.throttle_retry_limit,
                interval: limit.throttle_interval,
            },
            None => Self {
                rate: session.rate,
                per: session.per,
                quota_max: session.quota_max,
                quota_renewal_rate: session.quota_renewal_rate,
                tries: session.throttle_retry_limit,
                interval: session.throttle_interval,
            },
        }
    }
}

/// Maximum, rest and end of the quota that a session shows for an API.
pub(super) fn quota_shown(session: &Session, api: &str) -> (i64, i64, i64) {
    match session.access_rights.get(api).map(|right| &right.limit).filter(|limit| !limit.is_empty()) {
        Some(limit) => (limit.quota_max, limit.quota_remaining, limit.quota_renews),
        None => (session.quota_max, session.quota_remaining, session.quota_renews),
    }
}

/// The entry of a session for a method and path.
struct FoundEndpoint<'a> {
    path: &'a str,
    method: &'a str,
    limit: &'a Limit,
}

fn find_endpoint<'a>(
    gateway: &Gateway,
    endpoints: &'a [EndpointLimits],
    method: &Method,
    forms: PathForms<'_>,
) -> Result<Option<FoundEndpoint<'a>>, GatewayError> {
    for endpoint in endpoints {
        let of_method =
            endpoint.methods.iter().find(|entry| entry.name.eq_ignore_ascii_case(method.as_str()));
        let Some(entry) = of_method else { continue };
        let pattern =
            gateway.allowed_urls.pattern(&endpoint.path).ok_or_else(|| GatewayError::SessionUnusable {
                cause: format!("endpoints: `{}` is not a pattern", endpoint.path),
            })?;
        if forms.matches(&pattern) {
            return Ok(Some(FoundEndpoint {
                path: &endpoint.path,
                method: &entry.name,
                limit: &entry.limit,
            }));
        }
    }
    Ok(None)
}

/// What a caller is counted as: its key, or what its session says.
fn id<'a>(gateway: &Gateway, api: &LiveApi, session: &Session, key: Option<&'a Key>) -> Cow<'a, str> {
    if let Some(key) = key {
        return key.id.as_str().into();
    }
    if !session.key_id.is_empty() {
        return gateway.sessions.stored_id(&session.key_id).into();
    }
    // Whoever made the session did not say whose it is in all APIs, so it is this API's.
    format!("{}-{}", api.id, session.alias).into()
}
