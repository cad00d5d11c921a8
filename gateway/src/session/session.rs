//! The record behind a key, in Tyk's JSON: known fields have types, unknown ones are kept as they are.
//!
//! Reading takes `null` for "not there", as Go does. Writing leaves out zero values, as Tyk's own records in Redis do.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A session. Names, order and units are Tyk's: times in seconds since 1970, rates in requests for each `per` seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Time of the last check of the rate, by Tyk's older limiter.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub last_check: i64,
    /// Requests left, by Tyk's older limiter.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub allowance: f64,
    /// Requests for each `per`; 0 is no limit.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub rate: f64,
    /// Seconds of the rate's window.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub per: f64,
    /// Seconds between two tries of a request that is over the rate.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub throttle_interval: f64,
    /// How often such a request is tried again.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub throttle_retry_limit: i64,
    /// Depth of GraphQL queries; kept, without effect here.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub max_query_depth: i64,
    /// When the key was made, RFC 3339.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_no_time")]
    pub date_created: String,
    /// When the key ends; 0 and less is never.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub expires: i64,
    /// Requests in a quota period; -1 is no quota.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_max: i64,
    /// When the quota period ends.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_renews: i64,
    /// Requests left in the quota period.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_remaining: i64,
    /// Length of the quota period in seconds.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_renewal_rate: i64,
    /// What the key may call, by API id; empty is everything that takes keys of its organisation.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub access_rights: BTreeMap<String, AccessRight>,
    /// Organisation.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub org_id: String,
    /// Refused if true.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub is_inactive: bool,
    /// One policy, the older form of `apply_policies`, which wins.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub apply_policy_id: String,
    /// Policies whose values take the place of the session's.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub apply_policies: Vec<String>,
    /// When the record may be removed.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub data_expires: i64,
    /// What scripts, plugins and header templates read and change; any JSON.
    #[serde(skip_serializing_if = "is_empty_json")]
    pub meta_data: Value,
    /// Tags, for records.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub tags: Vec<String>,
    /// Name for people, for records.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub alias: String,
    /// Seconds since 1970, as text.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub last_updated: String,
    /// Kept, without effect here.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub id_extractor_deadline: i64,
    /// Seconds that the record is kept for; 0 is the API's `session_lifetime`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub session_lifetime: i64,
    /// Name of the key, where something outside the record says it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub key_id: String,
    /// Fields that this gateway does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a key may call of one API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessRight {
    /// Name of the API.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub api_name: String,
    /// Id of the API.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub api_id: String,
    /// Names of its versions.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub versions: Vec<String>,
    /// Only these paths, when not empty.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub allowed_urls: Vec<AllowedUrl>,
    /// Limits of this API, in place of the session's.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub limit: Limit,
    /// What the counters of `limit` are kept under: the API's id, a policy's, or empty for the key's own.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub allowance_scope: String,
    /// GraphQL introspection; kept, without effect here.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub disable_introspection: bool,
    /// Rate limits of single endpoints.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub endpoints: Vec<EndpointLimits>,
    /// Fields that this gateway does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A path that a key may call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AllowedUrl {
    /// Regular expression over the path.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub url: String,
    /// Methods.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub methods: Vec<String>,
}

/// Rate and quota; fields as in [`Session`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limit {
    /// Requests for each `per`.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub rate: f64,
    /// Seconds of the rate's window.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub per: f64,
    /// Seconds between two tries.
    #[serde(deserialize_with = "or_default", serialize_with = "number", skip_serializing_if = "is_default")]
    pub throttle_interval: f64,
    /// Number of tries.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub throttle_retry_limit: i64,
    /// Depth of GraphQL queries; kept, without effect here.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub max_query_depth: i64,
    /// Requests in a quota period; -1 is no quota.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_max: i64,
    /// When the quota period ends.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_renews: i64,
    /// Requests left in the quota period.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_remaining: i64,
    /// Length of the quota period in seconds.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub quota_renewal_rate: i64,
    /// Fields that this gateway does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Rate limits of the methods of one path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointLimits {
    /// Pattern of the path.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub path: String,
    /// By method.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub methods: Vec<MethodLimit>,
}

/// Rate limit of one method.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MethodLimit {
    /// The method.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub name: String,
    /// Only `rate` and `per` count.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub limit: Limit,
}

impl Session {
    /// Reads a record.
    ///
    /// # Errors
    /// When it is not JSON, or a known field has another type.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The record as it is stored: Tyk's order of fields, zero values left out.
    pub fn to_json(&self) -> String {
        // Nothing in the types above can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The record as scripts and plugins see it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The policies that apply; `apply_policies`, or the older single one.
    pub fn policies(&self) -> &[String] {
        if !self.apply_policies.is_empty() {
            &self.apply_policies
        } else if !self.apply_policy_id.is_empty() {
            std::slice::from_ref(&self.apply_policy_id)
        } else {
            &[]
        }
    }

    /// Whether it has ended by `now`, in seconds since 1970.
    pub fn has_expired(&self, now: i64) -> bool {
        self.expires > 0 && self.expires <= now
    }

    /// Writes what is left of a quota, and when it begins anew, wherever that quota counts.
    pub fn set_quota(&mut self, scope: &str, remaining: i64, renews: i64) {
        for right in self.access_rights.values_mut().filter(|right| right.allowance_scope == scope) {
            if !right.limit.is_empty() {
                (right.limit.quota_remaining, right.limit.quota_renews) = (remaining, renews);
            }
        }
        if scope.is_empty() {
            (self.quota_remaining, self.quota_renews) = (remaining, renews);
        }
    }

    /// Changes one entry of the metadata, or removes it; metadata that are not an object become one.
    pub fn set_metadata(&mut self, key: &str, value: Option<Value>) {
        if !self.meta_data.is_object() {
            self.meta_data = Value::Object(Map::new());
        }
        if let Some(metadata) = self.meta_data.as_object_mut() {
            match value {
                Some(value) => drop(metadata.insert(key.to_owned(), value)),
                None => drop(metadata.remove(key)),
            }
        }
    }
}

impl Limit {
    /// Whether nothing is limited, so that the session's own limits count.
    pub fn is_empty(&self) -> bool {
        let times = [self.rate, self.per, self.throttle_interval];
        let counts = [
            self.throttle_retry_limit,
            self.max_query_depth,
            self.quota_max,
            self.quota_renews,
            self.quota_remaining,
            self.quota_renewal_rate,
        ];
        times.iter().all(|number| *number == 0.0) && counts.iter().all(|number| *number == 0)
    }
}

pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Go's zero time is no time.
fn is_no_time(time: &str) -> bool {
    time.is_empty() || time.starts_with("0001-01-01T00:00:00")
}

fn is_empty_json(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Whole numbers without a fraction, as Go writes them.
pub(super) fn number<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and small")]
        to.serialize_i64(*number as i64)
    } else {
        to.serialize_f64(*number)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a Tyk stored.
    const STORED: &str = r#"{"allowance":100,"rate":100,"per":60,"date_created":"2026-11-21T10:53:30.835900349Z","quota_max":1000,"quota_renews":1795262010,"quota_remaining":1000,"quota_renewal_rate":3600,"access_rights":{"otto":{"api_name":"api otto","api_id":"otto","versions":["Default"]}},"org_id":"default","meta_data":{"nested":{"a":[1,2]},"plan":"gold"},"last_updated":"1795258410"}"#;

    #[test]
    fn what_tyk_stored_is_written_as_tyk_did() {
        let session = Session::from_json(STORED.as_bytes()).unwrap();
        assert_eq!(session.rate, 100.0);
        assert_eq!(session.access_rights["otto"].versions, ["Default"]);
        assert_eq!(session.to_json(), STORED);
    }

    #[test]
    fn unknown_fields_are_given_back_and_null_is_nothing() {
        let written = json!({
            "rate": 0.5, "tags": null, "alias": null, "meta_data": [1, null], "hmac_enabled": true, "expires": 0,
            "access_rights": {"a": {"limit": {"rate": 2, "smoothing": {"x": 1}}, "restricted_types": ["t"], "versions": null}}
        });
        let session = Session::from_json(written.to_string().as_bytes()).unwrap();
        assert_eq!(
            session.to_value(),
            json!({
                "rate": 0.5, "meta_data": [1, null], "hmac_enabled": true,
                "access_rights": {"a": {"limit": {"rate": 2, "smoothing": {"x": 1}}, "restricted_types": ["t"]}}
            })
        );
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        for wrong in [r#"{"rate": "many"}"#, r#"{"access_rights": []}"#, r#"{"tags": "a"}"#, "[]", "{"] {
            assert!(Session::from_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn metadata_become_an_object_when_an_entry_is_set() {
        let mut session = Session { meta_data: json!(5), ..Session::default() };
        session.set_metadata("a", Some(json!(1)));
        assert_eq!(session.meta_data, json!({"a": 1}));
        session.set_metadata("a", None);
        assert_eq!(session.to_json(), "{}");
    }

    #[test]
    fn the_end_is_a_time_and_zero_is_never() {
        let ends = |expires| Session { expires, ..Session::default() }.has_expired(100);
        assert_eq!([-1, 0, 99, 100, 101].map(ends), [false, false, true, true, false]);
    }
}
