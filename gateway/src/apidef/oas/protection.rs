//! Fields of a Tyk OAS definition that ask for protection which this gateway does not have.
//!
//! Kept as a table over the raw JSON so that a field does not have to be understood to be refused. Schemes of
//! `server.authentication` depend on the document and are in `authentication`.

use serde_json::Value;

use super::at;
use crate::apidef::{Problems, reader::unavailable};

/// Objects that switch something on with `enabled`, whether or not callers are authenticated.
const SWITCHES: &[(&str, &str)] = &[
    ("server.clientCertificates", "mutual TLS"),
    ("upstream.authentication", "authentication at the upstream"),
];

/// The same, where `server.authentication.enabled` is on.
const AUTHENTICATION_SWITCHES: &[(&str, &str)] = &[
    ("server.authentication.hmac", "request signatures (HMAC)"),
    ("server.authentication.oidc", "OpenID Connect"),
    ("server.authentication.oauth2", "OAuth 2"),
    ("server.authentication.certificateAuth", "client certificates"),
    ("server.authentication.goPlugin", "a Go plugin in Tyk's older form (`custom` is the newer one)"),
    ("server.authentication.customPlugin", "a plugin in Tyk's older form (`custom` is the newer one)"),
];

/// Refuses what the raw definition protects and this gateway cannot.
pub(super) fn refuse_unknown_protection(document: &Value, extension: &Value, problems: &mut Problems) {
    let is_on = |path: &str| {
        let found = path.split('.').try_fold(extension, |value, key| value.get(key));
        found.and_then(|value| value.get("enabled")).and_then(Value::as_bool) == Some(true)
    };
    let authenticates = is_on("server.authentication");
    let authentication = AUTHENTICATION_SWITCHES.iter().filter(|_| authenticates);
    for (path, what) in SWITCHES.iter().chain(authentication) {
        if is_on(path) {
            problems.refuse(at(&format!("{path}.enabled")), unavailable::protection(what));
        }
    }
    for name in ["x-tyk-streaming", "x-tyk-mcp"] {
        if document.get(name).is_some() {
            problems.refuse(name, "is another kind of API, which this version of Gatehouse does not serve");
        }
    }
}
