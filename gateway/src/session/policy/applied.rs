//! What the policies of one session come to: the highest of several limits, the union of the rights.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::session::{AccessRight, EndpointLimits, Limit, MethodLimit, Session},
    Partitions, Policy, PolicyError,
};

/// What policies have given so far.
#[derive(Default)]
pub(super) struct Applied {
    rights: BTreeMap<String, Given>,
    per_api: bool,
    partitioned: bool,
}

/// The right for one API, and which of its parts a policy gave.
#[derive(Default)]
struct Given {
    right: AccessRight,
    acl: bool,
    quota: bool,
    rate: bool,
    complexity: bool,
    /// The policy or API that the limits are counted under.
    set_by: String,
}

impl Applied {
    /// Takes out what the policy will set, so that a higher value of the session's own does not stay.
    pub(super) fn clear(&self, session: &mut Session, policy: &Policy) {
        let (parts, all) = (policy.partitions, !policy.partitions.any());
        if parts.quota || all {
            (session.quota_max, session.quota_remaining) = (0, 0);
        }
        if parts.rate_limit || all {
            (session.rate, session.per) = (0.0, 0.0);
            (session.throttle_interval, session.throttle_retry_limit) = (0.0, 0);
        }
        if parts.complexity || all {
            session.max_query_depth = 0;
        }
    }

    /// Whether limits for each API would meet partitions.
    pub(super) fn cannot_take(&self, policy: &Policy) -> bool {
        let Partitions { per_api, .. } = policy.partitions;
        (policy.partitions.any() && (per_api || self.per_api)) || (per_api && self.partitioned)
    }

    pub(super) fn per_api(&mut self, session: &Session, policy: &Policy) {
        for (api, right) in &policy.access_rights {
            let mut right = right.clone();
            let mut scope = api.clone();
            if right.limit.is_empty() {
                scope.clone_from(&policy.id);
                right.limit = policy_limit(policy);
            }
            right.allowance_scope.clone_from(&scope);
            if let Some(own) = session.access_rights.get(api) {
                if !own.limit.is_empty() {
                    right.limit.quota_renews = own.limit.quota_renews;
                }
                right.disable_introspection |= own.disable_introspection;
            }
            if let Some(given) = self.rights.get(api) {
                let (limit, other) = (&mut right.limit, &given.right.limit);
                if is_higher_rate((other.rate, other.per), (limit.rate, limit.per)) {
                    (limit.rate, limit.per) = (other.rate, other.per);
                }
                limit.quota_max = higher(limit.quota_max, other.quota_max);
                limit.quota_renewal_rate = limit.quota_renewal_rate.max(other.quota_renewal_rate);
                if limit.quota_max == -1 {
                    limit.quota_renewal_rate = 0;
                }
                keep_higher_rates(&mut right.endpoints, &given.right.endpoints);
            }
            let given = Given { right, acl: true, quota: true, rate: true, complexity: true, set_by: scope };
            self.rights.insert(api.clone(), given);
            self.per_api = true;
        }
    }

    pub(super) fn partitions(&mut self, session: &mut Session, policy: &Policy) {
        let (parts, all) = (policy.partitions, !policy.partitions.any());
        for (api, from) in &policy.access_rights {
            let given = self.rights.entry(api.clone()).or_insert_with(|| Given {
                right: AccessRight { limit: from.limit.clone(), ..AccessRight::default() },
                ..Given::default()
            });
            if parts.acl || all {
                if given.acl {
                    merge(&mut given.right, from);
                } else {
                    let limit = std::mem::take(&mut given.right.limit);
                    given.right = AccessRight { limit, ..from.clone() };
                }
                given.acl = true;
                given.set_by.clone_from(&policy.id);
            }
            let limit = &mut given.right.limit;
            if parts.quota || all {
                given.quota = true;
                limit.quota_max = higher(limit.quota_max, policy.quota_max);
                session.quota_max = higher(session.quota_max, policy.quota_max);
                limit.quota_renewal_rate = limit.quota_renewal_rate.max(policy.quota_renewal_rate);
                session.quota_renewal_rate = session.quota_renewal_rate.max(policy.quota_renewal_rate);
            }
            if parts.rate_limit || all {
                given.rate = true;
                let rate = (policy.rate, policy.per);
                if is_higher_rate(rate, (limit.rate, limit.per)) {
                    (limit.rate, limit.per) = rate;
                }
                if is_higher_rate(rate, (session.rate, session.per)) {
                    (session.rate, session.per) = rate;
                }
                limit.throttle_retry_limit = limit.throttle_retry_limit.max(policy.throttle_retry_limit);
                limit.throttle_interval = limit.throttle_interval.max(policy.throttle_interval);
                session.throttle_retry_limit = session.throttle_retry_limit.max(policy.throttle_retry_limit);
                session.throttle_interval = session.throttle_interval.max(policy.throttle_interval);
            }
            if parts.complexity || all {
                given.complexity = true;
                limit.max_query_depth = higher(limit.max_query_depth, policy.max_query_depth);
                session.max_query_depth = higher(session.max_query_depth, policy.max_query_depth);
            }
            if let Some(own) = session.access_rights.get(api).filter(|own| !own.limit.is_empty()) {
                limit.quota_renews = own.limit.quota_renews;
            }
        }
        if policy.access_rights.is_empty() {
            if parts.rate_limit || all {
                (session.rate, session.per) = (policy.rate, policy.per);
                session.throttle_interval = policy.throttle_interval;
                session.throttle_retry_limit = policy.throttle_retry_limit;
            }
            if parts.complexity || all {
                session.max_query_depth = policy.max_query_depth;
            }
            if parts.quota || all {
                session.quota_max = policy.quota_max;
                session.quota_renewal_rate = policy.quota_renewal_rate;
            }
        }
        self.partitioned |= policy.partitions.any();
    }

    pub(super) fn finish(self, session: &mut Session) -> Result<(), PolicyError> {
        let count = |part: fn(&Given) -> bool| self.rights.values().filter(|given| part(given)).count();
        let single = count(|given| given.quota) == 1
            && count(|given| given.rate) == 1
            && count(|given| given.complexity) == 1;
        let sources: BTreeSet<&str> =
            self.rights.values().map(|given| given.set_by.as_str()).filter(|by| !by.is_empty()).collect();
        let several = sources.len() > 1;
        let mut rights = BTreeMap::new();
        for (api, given) in &self.rights {
            if !given.acl {
                continue;
            }
            let mut right = given.right.clone();
            let limit = &mut right.limit;
            if !given.rate {
                (limit.rate, limit.per) = (session.rate, session.per);
                limit.throttle_interval = session.throttle_interval;
                limit.throttle_retry_limit = session.throttle_retry_limit;
            }
            if !given.complexity {
                limit.max_query_depth = session.max_query_depth;
            }
            if !given.quota {
                limit.quota_max = session.quota_max;
                limit.quota_renewal_rate = session.quota_renewal_rate;
                limit.quota_renews = session.quota_renews;
            }
            if several && right.allowance_scope.is_empty() {
                right.allowance_scope.clone_from(&given.set_by);
            }
            if single {
                (session.rate, session.per) = (right.limit.rate, right.limit.per);
                session.quota_max = right.limit.quota_max;
                session.quota_renews = right.limit.quota_renews.max(session.quota_renews);
                session.quota_renewal_rate = right.limit.quota_renewal_rate;
                session.max_query_depth = right.limit.max_query_depth;
            }
            rights.insert(api.clone(), right);
        }
        if rights.is_empty() {
            return Err(PolicyError::NoRights);
        }
        session.access_rights = rights;
        Ok(())
    }
}

fn policy_limit(policy: &Policy) -> Limit {
    Limit {
        rate: policy.rate,
        per: policy.per,
        throttle_interval: policy.throttle_interval,
        throttle_retry_limit: policy.throttle_retry_limit,
        max_query_depth: policy.max_query_depth,
        quota_max: policy.quota_max,
        quota_renewal_rate: policy.quota_renewal_rate,
        ..Limit::default()
    }
}

/// Rights for the same API from another policy.
fn merge(right: &mut AccessRight, from: &AccessRight) {
    right.disable_introspection |= from.disable_introspection;
    for version in &from.versions {
        add(&mut right.versions, version);
    }
    // No list is no restriction: a policy without one must not be narrowed by another's.
    if right.allowed_urls.is_empty() || from.allowed_urls.is_empty() {
        right.allowed_urls.clear();
        return;
    }
    for allowed in &from.allowed_urls {
        match right.allowed_urls.iter_mut().find(|known| known.url == allowed.url) {
            Some(known) => allowed.methods.iter().for_each(|method| add(&mut known.methods, method)),
            None => right.allowed_urls.push(allowed.clone()),
        }
    }
}

/// -1 is without bound, and 0 nothing said.
fn higher(one: i64, other: i64) -> i64 {
    if one == -1 || other == -1 { -1 } else { one.max(other) }
}

/// Whether a rate allows more than another one; one without requests or time is none.
fn is_higher_rate((rate, per): (f64, f64), (other_rate, other_per): (f64, f64)) -> bool {
    if rate == 0.0 || per == 0.0 {
        return false;
    }
    other_rate == 0.0 || other_per == 0.0 || rate / per > other_rate / other_per
}

/// Of the endpoints that two policies limit, the higher rate counts, as in Tyk.
fn keep_higher_rates(endpoints: &mut [EndpointLimits], others: &[EndpointLimits]) {
    let of_other = |path: &str, method: &str| {
        let other = others.iter().filter(|other| other.path == path).flat_map(|other| &other.methods);
        other.map(|entry| (&entry.name, &entry.limit)).find(|(name, _)| name.eq_ignore_ascii_case(method))
    };
    for EndpointLimits { path, methods } in endpoints {
        for MethodLimit { name, limit } in methods {
            if let Some((_, other)) = of_other(path, name)
                && is_higher_rate((other.rate, other.per), (limit.rate, limit.per))
            {
                (limit.rate, limit.per) = (other.rate, other.per);
            }
        }
    }
}

/// Adds a text to a list that does not have it.
pub(super) fn add(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}
