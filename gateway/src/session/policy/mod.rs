//! Policies: values that take the place of those of the sessions that name them.

mod applied;

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::applied::{Applied, add};
use super::session::{AccessRight, Session, is_default, number, or_default};

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
            if applied.cannot_take(policy) {
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

#[cfg(test)]
mod tests;
