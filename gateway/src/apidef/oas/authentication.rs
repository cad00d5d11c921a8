//! Who lets callers in: `server.authentication`, together with `security` and `components.securitySchemes`.

use serde_json::Value;

use super::{
    at,
    document::Document,
    file::{Extension, SecurityScheme},
};
use crate::apidef::{Problems, reader::unavailable};

/// The object itself.
const AUTHENTICATION: &str = "server.authentication";

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gatekeeper {
    /// Nobody: everybody may call, or the API is refused.
    Nobody,
    /// The plugin of `authentication.custom`.
    Plugin,
}

/// Refuses an API whose protection is not there: nothing protected is served open.
pub(super) fn check(file: &Extension, document: &Document<'_>, problems: &mut Problems) -> Gatekeeper {
    let authentication = &file.server.authentication;
    let (required, alternatives) = document.security();
    if !authentication.enabled {
        if !required.is_empty() {
            problems.warn(
                "security",
                format!(
                    "names `{}`, which counts only where `{}` is true: everybody may call this API",
                    required.join("`, `"),
                    at("server.authentication.enabled")
                ),
            );
        }
        if authentication.custom.enabled {
            problems.warn(
                at("server.authentication.custom"),
                "is not called because `server.authentication.enabled` is not true: everybody may call this API",
            );
        }
        return Gatekeeper::Nobody;
    }
    if authentication.security_processing_mode == "compliant"
        && (alternatives > 1 || !authentication.security.is_empty())
    {
        problems.refuse(
            at("server.authentication.securityProcessingMode"),
            "is `compliant`, so callers may choose one of several ways in, which this version of Gatehouse does not \
             have; the API is not served because one of its checks would be missing",
        );
    }
    let mut wants_key = false;
    for (name, scheme) in authentication.security_schemes.iter().filter(|(_, scheme)| scheme.enabled) {
        wants_key |= check_scheme(name, scheme, document, problems);
    }
    for name in required {
        let known = authentication.security_schemes.get(name);
        // One that is switched off is off; one that is on has been looked at.
        if known.is_none()
            && let Err(what) = is_key(document.security_scheme(name))
        {
            problems.refuse("security", format!("`{name}` {}", unavailable::protection(what)));
        }
    }
    let custom = &authentication.custom;
    let place = at("server.authentication.custom.config");
    let has_plugin = custom.config.enabled && !custom.config.function_name.is_empty();
    match (custom.enabled, has_plugin) {
        (true, true) if wants_key => {
            let scheme = at(&format!("{AUTHENTICATION}.securitySchemes"));
            problems.refuse(scheme, unavailable::key_beside_plugin(&place));
        }
        (true, true) => return Gatekeeper::Plugin,
        (true, false) => {
            problems.refuse(at("server.authentication.custom.enabled"), unavailable::plugin_missing(&place));
        }
        (false, _) => problems.refuse(
            at("server.authentication.enabled"),
            unavailable::keys(
                "is true",
                "Set it to false if it may be called without a key, or let a plugin decide with \
                 `server.authentication.custom`",
            ),
        ),
    }
    Gatekeeper::Nobody
}

/// Whether a scheme that is on is one for keys; another one is a refusal.
fn check_scheme(
    name: &str,
    scheme: &SecurityScheme,
    document: &Document<'_>,
    problems: &mut Problems,
) -> bool {
    let field = at(&format!("{AUTHENTICATION}.securitySchemes.{name}"));
    let Some(written) = document.security_scheme(name) else {
        problems.refuse(
            field,
            format!(
                "`components.securitySchemes` has no `{name}`, so nothing says what this is; the API is not served \
                 because it may be what protects it"
            ),
        );
        return false;
    };
    if let Err(what) = is_key(Some(written)) {
        problems.refuse(format!("{field}.enabled"), unavailable::protection(what));
        return false;
    }
    if scheme.enable_client_certificate {
        let field = format!("{field}.enableClientCertificate");
        problems.refuse(field, unavailable::protection("client certificates"));
    }
    if scheme.signature_validation.enabled {
        let field = format!("{field}.signatureValidation.enabled");
        problems.refuse(field, unavailable::protection("signatures of keys"));
    }
    true
}

/// Whether an entry of `components.securitySchemes` is for keys; what it is if not.
fn is_key(scheme: Option<&Value>) -> Result<(), &'static str> {
    let text = |key: &str| scheme.and_then(|scheme| scheme.get(key)).and_then(Value::as_str).unwrap_or("");
    match (text("type"), text("scheme").to_ascii_lowercase().as_str()) {
        ("apiKey", _) => Ok(()),
        ("http", "basic") => Err("basic authentication"),
        ("http", "bearer") => Err("JSON Web Tokens"),
        ("oauth2", _) => Err("OAuth 2"),
        ("openIdConnect", _) => Err("OpenID Connect"),
        ("mutualTLS", _) => Err("mutual TLS"),
        _ => Err("an authentication that the document does not say more of"),
    }
}
