//! Who lets callers in: `server.authentication`, together with `security` and `components.securitySchemes`.

use http::{HeaderName, header};
use serde_json::Value;

use super::{
    at,
    document::Document,
    file::{AuthSource, Extension, SecurityScheme},
};
use crate::apidef::{Problems, model::KeyAuth, reader::unavailable};

/// The object itself.
const AUTHENTICATION: &str = "server.authentication";
/// Where keys are when nothing is written, in Tyk's spelling.
const AUTHORIZATION: &str = "Authorization";

/// Who decides; nobody is everybody may call, or the API is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Gatekeeper {
    /// The plugin of `authentication.custom`.
    pub(super) plugin: bool,
    /// Keys, where they are.
    pub(super) keys: Option<KeyAuth>,
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
        return Gatekeeper::default();
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
    let mut keys = None;
    for (name, scheme) in authentication.security_schemes.iter().filter(|(_, scheme)| scheme.enabled) {
        let Some(mut found) = check_scheme(name, scheme, document, problems) else { continue };
        found.strip = authentication.strip_authorization_data;
        if keys.replace(found).is_some() {
            problems.refuse(
                at(&format!("{AUTHENTICATION}.securitySchemes.{name}.enabled")),
                "asks for a second key, which this version of Gatehouse does not have; the API is not served because one \
                 of its checks would be missing. Switch one of them off",
            );
        }
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
        (true, true) => return Gatekeeper { plugin: true, keys },
        (true, false) => {
            problems.refuse(at("server.authentication.custom.enabled"), unavailable::plugin_missing(&place));
        }
        // As in Tyk, keys are what is left when nothing else is said.
        (false, _) => {
            let anywhere = KeyAuth {
                header: Some(header::AUTHORIZATION),
                parameter: None,
                cookie: None,
                strip: authentication.strip_authorization_data,
            };
            return Gatekeeper { plugin: false, keys: Some(keys.unwrap_or(anywhere)) };
        }
    }
    Gatekeeper::default()
}

/// Where a scheme that is on has its keys; one that is not for keys is a refusal.
fn check_scheme(
    name: &str,
    scheme: &SecurityScheme,
    document: &Document<'_>,
    problems: &mut Problems,
) -> Option<KeyAuth> {
    let field = at(&format!("{AUTHENTICATION}.securitySchemes.{name}"));
    let Some(written) = document.security_scheme(name) else {
        problems.refuse(
            field,
            format!(
                "`components.securitySchemes` has no `{name}`, so nothing says what this is; the API is not served \
                 because it may be what protects it"
            ),
        );
        return None;
    };
    if let Err(what) = is_key(Some(written)) {
        problems.refuse(format!("{field}.enabled"), unavailable::protection(what));
        return None;
    }
    if scheme.enable_client_certificate {
        let field = format!("{field}.enableClientCertificate");
        problems.refuse(field, unavailable::protection("client certificates"));
    }
    if scheme.signature_validation.enabled {
        let field = format!("{field}.signatureValidation.enabled");
        problems.refuse(field, unavailable::protection("signatures of keys"));
    }
    places(scheme, written, &at(&format!("{AUTHENTICATION}.securitySchemes.{name}")), problems)
}

/// Where keys are: what the document says, and what the scheme adds. As in Tyk, the document's name counts for the place that it
/// has, and a place without a name has that of the header.
fn places(scheme: &SecurityScheme, written: &Value, field: &str, problems: &mut Problems) -> Option<KeyAuth> {
    let text = |key: &str| written.get(key).and_then(Value::as_str).unwrap_or("").trim();
    let (documented, name) = (text("in"), text("name"));
    let mut named = |source: &AuthSource, here: &str| {
        let own = source.name.trim();
        if documented != here {
            return source.enabled.then(|| own.to_owned());
        }
        let same = if here == "header" { own.eq_ignore_ascii_case(name) } else { own == name };
        if source.enabled && !own.is_empty() && !same {
            let message =
                format!("has no effect: `components.securitySchemes` says that it is `{name}`, which counts");
            problems.warn(format!("{field}.{here}.name"), message);
        }
        Some(name.to_owned())
    };
    let header = named(&scheme.header, "header");
    let (parameter, cookie) = (named(&scheme.query, "query"), named(&scheme.cookie, "cookie"));
    let or = |name: String, other: &str| if name.is_empty() { other.to_owned() } else { name };
    let header = header.map(|name| or(name, AUTHORIZATION));
    let default = header.clone().unwrap_or_else(|| AUTHORIZATION.to_owned());
    let header = match header {
        None => None,
        Some(name) => match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Some(name),
            Err(_) => {
                problems.refuse(format!("{field}.header.name"), format!("`{name}` is not a header name"));
                return None;
            }
        },
    };
    Some(KeyAuth {
        header,
        parameter: parameter.map(|name| or(name, &default)),
        cookie: cookie.map(|name| or(name, &default)),
        strip: false,
    })
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
