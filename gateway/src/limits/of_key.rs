//! The quotas of a key's session: the names of their counters, and what the admin API does with them.

use std::borrow::Cow;

use super::{Limits, LimitsError};
use crate::{
    config::settings::{HashFunction, KeySettings},
    session::{AccessRight, Session, StoredId, hash::hash},
};

impl Limits {
    /// Begins all quotas and rates of a key anew, as when its record is written or removed. `session` has the policies of
    /// the key applied.
    ///
    /// # Errors
    /// When the store may still have an old count.
    pub async fn begin_anew(
        &self,
        keys: KeySettings,
        id: &StoredId,
        session: &Session,
    ) -> Result<(), LimitsError> {
        for name in quota_names(id, session) {
            self.reset_quota(&name).await?;
            self.reset_rate(&name).await?;
        }
        for name in endpoint_names(keys, id, session) {
            self.reset_rate(&name).await?;
        }
        Ok(())
    }

    /// Writes into a session what is left of its quotas at the moment.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn show_quotas(&self, id: &StoredId, session: &mut Session) -> Result<(), LimitsError> {
        if session.quota_max > 0
            && let Some(used) = self.quota_used(&counter("", id.as_str().into(), None)).await?
        {
            session.quota_remaining = left(session.quota_max, used);
        }
        for right in session.access_rights.values_mut() {
            if right.limit.quota_max > 0
                && let Some(used) = self.quota_used(&counter(scope(right), id.as_str().into(), None)).await?
            {
                right.limit.quota_remaining = left(right.limit.quota_max, used);
            }
        }
        Ok(())
    }
}

fn left(max: i64, used: u64) -> i64 {
    max.saturating_sub(i64::try_from(used).unwrap_or(i64::MAX)).max(0)
}

/// Names of the quotas of a session, each once; its rates have the same.
fn quota_names(id: &StoredId, session: &Session) -> Vec<String> {
    let scopes = session.access_rights.values().map(scope);
    let mut scopes: Vec<&str> = std::iter::once("").chain(scopes).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes.into_iter().map(|scope| counter(scope, id.as_str().into(), None).into_owned()).collect()
}

/// Names of the rates of single endpoints.
fn endpoint_names(keys: KeySettings, id: &StoredId, session: &Session) -> Vec<String> {
    let mut names = Vec::new();
    for right in session.access_rights.values() {
        for endpoint in &right.endpoints {
            for method in &endpoint.methods {
                let suffix = endpoint_suffix(keys, &method.name, &endpoint.path);
                names.push(counter(scope(right), id.as_str().into(), Some(&suffix)).into_owned());
            }
        }
    }
    names
}

/// What tells the counter of an endpoint from others, as in Tyk.
pub fn endpoint_suffix(keys: KeySettings, method: &str, path: &str) -> String {
    hash(keys.function.unwrap_or(HashFunction::Murmur32), &format!("{method}:{path}"))
}

/// What the counters of a right are kept under, besides the key.
pub fn scope(right: &AccessRight) -> &str {
    // As Tyk writes it into names.
    right.allowance_scope.trim_matches('-')
}

/// The name of a caller's counter, without prefix, as in Tyk; `suffix` tells an endpoint's from the API's.
pub fn counter<'a>(scope: &str, id: Cow<'a, str>, suffix: Option<&str>) -> Cow<'a, str> {
    match (scope, suffix) {
        ("", None) => id,
        ("", Some(suffix)) => format!("{id}-{suffix}").into(),
        (scope, None) => format!("{scope}-{id}").into(),
        (scope, Some(suffix)) => format!("{scope}-{id}-{suffix}").into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counters_have_the_names_of_tyk() {
        let name = |scope, suffix| counter(scope, "3b2db553".into(), suffix).into_owned();
        assert_eq!(name("", None), "3b2db553");
        assert_eq!(name("users", None), "users-3b2db553");
        assert_eq!(name("users", Some("aa")), "users-3b2db553-aa");
        assert_eq!(name("", Some("aa")), "3b2db553-aa");
        let rights = json!({
            "access_rights": {"a": {"allowance_scope": "a"}, "b": {"allowance_scope": "p"}, "c": {"allowance_scope": "p"}}
        });
        let session = serde_json::from_value::<Session>(rights).unwrap();
        assert_eq!(quota_names(&StoredId::known("k"), &session), ["k", "a-k", "p-k"]);
        assert_eq!(quota_names(&StoredId::known("k"), &Session::default()), ["k"]);
    }
}
