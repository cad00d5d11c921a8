//! Fields of a Classic definition that ask for protection which this gateway does not have.
//!
//! An API that switches one on is refused with the field's path: it must never be served open. Kept as a
//! table over the raw JSON so that a field does not have to be understood to be refused.

use serde_json::Value;

use crate::apidef::{Problems, reader::unavailable};

/// Boolean fields that switch an authentication or a check on.
const SWITCHES: &[(&str, &str)] = &[
    ("use_basic_auth", "basic authentication"),
    ("use_oauth2", "OAuth 2"),
    ("use_openid", "OpenID Connect"),
    ("enable_jwt", "JSON Web Tokens"),
    ("enable_signature_checking", "request signatures (HMAC)"),
    ("use_mutual_tls_auth", "mutual TLS"),
    ("auth.use_certificate", "client certificates"),
    ("auth_configs.authToken.use_certificate", "client certificates"),
    ("auth.validate_signature", "signatures of keys"),
    ("auth_configs.authToken.validate_signature", "signatures of keys"),
    ("external_oauth.enabled", "external OAuth"),
    ("request_signing.is_enabled", "signing of upstream requests"),
    ("upstream_auth.enabled", "authentication at the upstream"),
    ("graphql.enabled", "GraphQL"),
];

/// Refuses what the raw definition protects and this gateway cannot.
pub(super) fn refuse_unknown_protection(definition: &Value, problems: &mut Problems) {
    for (path, what) in SWITCHES {
        if at(definition, path).and_then(Value::as_bool) == Some(true) {
            problems.refuse(*path, unavailable::protection(what));
        }
    }
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}
