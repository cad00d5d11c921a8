//! Policies: values that take the place of those of the sessions that name them.

use std::{collections::BTreeMap, collections::BTreeSet, fs, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::session::{AccessRight, Limit, Session, is_default, number, or_default};

/// A policy, in Tyk's JSON; times and rates as in [`Session`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Its id; empty is its name in the file.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub id: String,
    /// Name for people.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub name: String,
    /// Organisation; only its APIs take the policy.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub org_id: String,
    /// Requests for each `per`.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub rate: f64,
    /// Seconds.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub per: f64,
    /// Requests in a quota period.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_max: i64,
    /// Length of the quota period in seconds.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_renewal_rate: i64,
    /// Seconds between two tries.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub throttle_interval: f64,
    /// Number of tries.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub throttle_retry_limit: i64,
    /// Depth of GraphQL queries.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub max_query_depth: i64,
    /// What may be called, by API id.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub access_rights: BTreeMap<String, AccessRight>,
    /// Keys with it are refused.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub is_inactive: bool,
    /// Added to the session's.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub tags: Vec<String>,
    /// Added to the session's.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub meta_data: Map<String, Value>,
    /// Which of its parts count.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub partitions: Partitions,
    /// Seconds since 1970, as text.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub last_updated: String,
    /// Fields that this gateway does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The parts of a policy that count; none set is all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Partitions {
    /// The quota.
    #[serde(deserialize_with = "or_default")]
    pub quota: bool,
    /// The rate.
    #[serde(deserialize_with = "or_default")]
    pub rate_limit: bool,
    /// Depth of GraphQL queries.
    #[serde(deserialize_with = "or_default")]
    pub complexity: bool,
    /// The access rights.
    #[serde(deserialize_with = "or_default")]
    pub acl: bool,
    /// Each access right with its own limits; not with the others.
    #[serde(deserialize_with = "or_default")]
    pub per_api: bool,
}

impl Partitions {
    fn any(self) -> bool {
        self.quota || self.rate_limit || self.complexity || self.acl
    }
}

/// Policies by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policies(BTreeMap<String, Policy>);

/// Why policies cannot be read or applied.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file or folder cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A file is not what it should be; the error has line and column.
    #[error("{path}: {error}")]
    Parse {
        /// Which.
        path: String,
        /// What is wrong.
        #[source]
        error: serde_json::Error,
    },
    /// A policy of a folder has no id.
    #[error("{path}: `id` is missing")]
    NoId {
        /// Which file.
        path: String,
    },
    /// The session names a policy that is not there.
    #[error("policy `{id}` is not there")]
    Missing {
        /// Its id.
        id: String,
    },
    /// The policy is of another organisation.
    #[error("policy `{id}` is of organisation `{org}`, not of the API's")]
    OtherOrganisation {
        /// Its id.
        id: String,
        /// Its organisation.
        org: String,
    },
    /// `per_api` does not go with other partitions.
    #[error("policy `{id}` has `per_api` and other partitions, or is used together with one that has")]
    Mixed {
        /// Its id.
        id: String,
    },
    /// Nothing may be called with what is left.
    #[error("none of the session's policies gives a right")]
    NoRights,
}

impl Policies {
    /// Reads a file with an object of policies by id, or a folder of files with one policy each.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |error| PolicyError::Read { path, error }
        };
        if !path.is_dir() {
            let text = fs::read(path).map_err(failed(path))?;
            let named: BTreeMap<String, Policy> = parse(path, &text)?;
            let with_id = |(name, mut policy): (String, Policy)| {
                if policy.id.is_empty() {
                    policy.id.clone_from(&name);
                }
                (name, policy)
            };
            return Ok(Self(named.into_iter().map(with_id).collect()));
        }
        let mut policies = BTreeMap::new();
        for entry in fs::read_dir(path).map_err(failed(path))? {
            let file = entry.map_err(failed(path))?.path();
            if file.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = fs::read(&file).map_err(failed(&file))?;
            let policy: Policy = parse(&file, &text)?;
            if policy.id.is_empty() {
                return Err(PolicyError::NoId { path: file.display().to_string() });
            }
            policies.insert(policy.id.clone(), policy);
        }
        Ok(Self(policies))
    }

    /// A policy by its id.
    pub fn get(&self, id: &str) -> Option<&Policy> {
        self.0.get(id)
    }

    /// All policies, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.0.iter().map(|(id, policy)| (id.as_str(), policy))
    }

    /// Puts the values of a session's policies in the place of its own, in an API of `org`.
    ///
    /// As in Tyk: the highest of several limits counts, rights are joined, tags and metadata are added.
    ///
    /// # Errors
    /// When the session must not be used with them.
    pub fn apply(&self, session: &mut Session, org: &str) -> Result<(), PolicyError> {
        let ids = session.policies().to_vec();
        if ids.is_empty() {
            for (api, right) in &mut session.access_rights {
                if !right.limit.is_empty() {
                    right.allowance_scope.clone_from(api);
                }
            }
            return Ok(());
        }
        let mut policies = Vec::with_capacity(ids.len());
        for id in &ids {
            match self.get(id) {
                Some(policy) if policy.org_id != org => {
                    return Err(PolicyError::OtherOrganisation {
                        id: id.clone(),
                        org: policy.org_id.clone(),
                    });
                }
                Some(policy) => policies.push(policy),
                None if ids.len() > 1 => {
                    tracing::error!(policy = %id, "a session names a policy that is not there")
                }
                None => return Err(PolicyError::Missing { id: id.clone() }),
            }
        }
        let mut applied = Applied::default();
        for policy in &policies {
            applied.clear(session, policy);
        }
        for policy in &policies {
            let mixed = policy.partitions.any() && (policy.partitions.per_api || applied.per_api);
            if mixed || (policy.partitions.per_api && applied.partitioned) {
                return Err(PolicyError::Mixed { id: policy.id.clone() });
            }
            if policy.partitions.per_api {
                applied.per_api(session, policy);
            } else {
                applied.partitions(session, policy);
            }
            session.is_inactive |= policy.is_inactive;
            for tag in &policy.tags {
                add(&mut session.tags, tag);
            }
            for (name, value) in &policy.meta_data {
                session.set_metadata(name, Some(value.clone()));
            }
            if policy.last_updated > session.last_updated {
                session.last_updated.clone_from(&policy.last_updated);
            }
        }
        applied.finish(session)
    }
}

fn parse<'a, T: Deserialize<'a>>(path: &Path, text: &'a [u8]) -> Result<T, PolicyError> {
    serde_json::from_slice(text)
        .map_err(|error| PolicyError::Parse { path: path.display().to_string(), error })
}

fn add(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

/// What policies have given so far.
#[derive(Default)]
struct Applied {
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
    fn clear(&self, session: &mut Session, policy: &Policy) {
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

    fn per_api(&mut self, session: &Session, policy: &Policy) {
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
            }
            let given = Given { right, acl: true, quota: true, rate: true, complexity: true, set_by: scope };
            self.rights.insert(api.clone(), given);
            self.per_api = true;
        }
    }

    fn partitions(&mut self, session: &mut Session, policy: &Policy) {
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

    fn finish(self, session: &mut Session) -> Result<(), PolicyError> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(policies: Value, session: Value) -> Result<Session, PolicyError> {
        let named: BTreeMap<String, Policy> = serde_json::from_value(policies).unwrap();
        let mut session: Session = serde_json::from_value(session).unwrap();
        Policies(named).apply(&mut session, "default")?;
        Ok(session)
    }

    #[test]
    fn a_policy_s_values_take_the_place_of_the_session_s() {
        let session = applied(
            json!({"p": {"id": "p", "org_id": "default", "rate": 5, "per": 10, "quota_max": 7, "quota_renewal_rate": 60,
                "access_rights": {"a": {"api_id": "a", "versions": ["Default"]}}, "tags": ["gold"],
                "meta_data": {"plan": "gold"}}}),
            json!({"apply_policies": ["p"], "rate": 100, "per": 1, "quota_max": 1000, "tags": ["own"],
                "meta_data": {"plan": "own", "x": 1}, "access_rights": {"b": {"api_id": "b"}}}),
        )
        .unwrap();
        assert_eq!(
            (session.rate, session.per, session.quota_max, session.quota_renewal_rate),
            (5.0, 10.0, 7, 60)
        );
        assert_eq!(session.access_rights.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(session.access_rights["a"].limit.quota_max, 7);
        assert_eq!(session.tags, ["own", "gold"]);
        assert_eq!(session.meta_data, json!({"plan": "gold", "x": 1}));
    }

    #[test]
    fn partitions_leave_the_rest_to_the_session_or_other_policies() {
        let policies = json!({
            "acl": {"id": "acl", "org_id": "default", "partitions": {"acl": true}, "access_rights": {"a": {"api_id": "a"}}},
            "rate": {"id": "rate", "org_id": "default", "partitions": {"rate_limit": true}, "rate": 3, "per": 1,
                "access_rights": {"a": {"api_id": "a"}}},
        });
        let session = json!({"apply_policies": ["acl"], "rate": 9, "per": 1, "quota_max": 4});
        let first = applied(policies.clone(), session).unwrap();
        let limit = &first.access_rights["a"].limit;
        assert_eq!((first.rate, first.quota_max, limit.rate, limit.quota_max), (9.0, 4, 9.0, 4));
        let session = json!({"apply_policies": ["acl", "rate"], "rate": 9, "per": 1, "quota_max": 4});
        let both = applied(policies.clone(), session).unwrap();
        assert_eq!((both.rate, both.quota_max, both.access_rights["a"].limit.rate), (3.0, 4, 3.0));
        let session = json!({"apply_policies": ["rate"], "rate": 9, "access_rights": {"b": {}}});
        assert!(matches!(applied(policies, session), Err(PolicyError::NoRights)));
    }

    #[test]
    fn several_policies_give_the_highest_and_join_their_rights() {
        let session = applied(
            json!({
                "a": {"id": "a", "org_id": "default", "rate": 5, "per": 1, "quota_max": 10, "access_rights": {"x": {
                    "versions": ["v1"], "allowed_urls": [{"url": "/a", "methods": ["GET"]}]}}},
                "b": {"id": "b", "org_id": "default", "rate": 50, "per": 100, "quota_max": -1, "access_rights": {"x": {
                    "versions": ["v2"], "allowed_urls": [{"url": "/a", "methods": ["POST"]}, {"url": "/b", "methods": ["GET"]}]}}},
            }),
            json!({"apply_policies": ["a", "b", "not there"]}),
        )
        .unwrap();
        let right = &session.access_rights["x"];
        assert_eq!((session.rate, session.quota_max, right.limit.quota_max), (5.0, -1, -1));
        assert_eq!(right.versions, ["v1", "v2"]);
        assert_eq!(right.allowed_urls[0].methods, ["GET", "POST"]);
        assert_eq!(right.allowed_urls.len(), 2);
    }

    #[test]
    fn per_api_limits_are_counted_for_each_api() {
        let session = applied(
            json!({"p": {"id": "p", "org_id": "default", "rate": 1, "per": 1, "partitions": {"per_api": true},
                "access_rights": {"x": {"limit": {"rate": 7, "per": 1}}, "y": {}}}}),
            json!({"apply_policy_id": "p"}),
        )
        .unwrap();
        let right = |api: &str| {
            let right = &session.access_rights[api];
            (right.limit.rate, right.allowance_scope.as_str())
        };
        assert_eq!((right("x"), right("y")), ((7.0, "x"), (1.0, "p")));
    }

    #[test]
    fn sessions_with_bad_policies_are_not_used() {
        let policies = json!({"p": {"id": "p", "org_id": "other", "access_rights": {"x": {}}},
            "m": {"id": "m", "org_id": "default", "partitions": {"per_api": true, "acl": true}, "access_rights": {"x": {}}},
            "off": {"id": "off", "org_id": "default", "is_inactive": true, "access_rights": {"x": {}}}});
        let with = |id: &str| applied(policies.clone(), json!({"apply_policies": [id]}));
        assert!(matches!(with("p"), Err(PolicyError::OtherOrganisation { .. })));
        assert!(matches!(with("q"), Err(PolicyError::Missing { .. })));
        assert!(matches!(with("m"), Err(PolicyError::Mixed { .. })));
        assert!(with("off").unwrap().is_inactive);
    }

    #[test]
    fn files_and_folders_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policies.json");
        fs::write(&file, r#"{"p": {"rate": 5, "unknown": [1]}}"#).unwrap();
        let policies = Policies::read(&file).unwrap();
        assert_eq!(policies.get("p").map(|policy| policy.id.as_str()), Some("p"));
        fs::write(&file, "{\n \"p\": {\"rate\": \"x\"}}").unwrap();
        let error = Policies::read(&file).unwrap_err().to_string();
        assert!(error.contains("policies.json") && error.contains("line 2 column"), "{error}");
        fs::write(&file, r#"{"rate": 5}"#).unwrap();
        assert!(matches!(Policies::read(folder.path()), Err(PolicyError::NoId { .. })));
        fs::write(&file, r#"{"id": "q"}"#).unwrap();
        assert!(Policies::read(folder.path()).unwrap().get("q").is_some());
        assert!(matches!(Policies::read(&folder.path().join("none.json")), Err(PolicyError::Read { .. })));
    }
}
