//! Sessions that were sent: read, and refused where they ask for what this gateway would not do.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    super::{
        answer::{FieldError, Refused},
        rights_shape,
    },
    is_zero,
};
use crate::session::Session;

/// Fields with which Tyk would check more than the key, by a way that is not here. A key that was kept with one of them
/// would be let in without it.
const NOT_CHECKED_HERE: [(&str, &str); 4] = [
    ("certificate", "client certificates are not checked"),
    ("mtls_static_certificate_bindings", "client certificates are not checked"),
    ("hmac_enabled", "HMAC signatures are not checked"),
    ("enable_http_signature_validation", "HTTP signatures are not checked"),
];

/// The session in a body.
pub(super) fn read(body: &[u8]) -> Result<Session, Refused> {
    let session = parse(body)?;
    rights_shape::check(body)?;
    let mut errors: Vec<FieldError> = Vec::new();
    for (field, why) in NOT_CHECKED_HERE {
        if session.other.get(field).is_some_and(|value| !is_zero(value)) {
            errors.push(error(field, format!("{why} by Gatehouse; leave it out")));
        }
    }
    let password = session.other.get("basic_auth_data").and_then(|data| data.get("password"));
    if password.is_some_and(|password| !is_zero(password)) {
        let why = "users with passwords are not checked by Gatehouse; leave it out";
        errors.push(error("basic_auth_data.password", why.to_owned()));
    }
    if errors.is_empty() {
        return Ok(session);
    }
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    let message = format!("The key asks for what Gatehouse does not check: {}", fields.join(", "));
    Err(Refused::bad(message).because(errors))
}

/// With the path of the field that is wrong, which serde's own error does not have.
fn parse(body: &[u8]) -> Result<Session, Refused> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed: Result<Session, _> = serde_path_to_error::deserialize(&mut deserializer);
    let session = parsed.map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        Refused::malformed(FieldError { field, ..FieldError::of_json(error.inner()) })
    })?;
    deserializer.end().map_err(|error| Refused::malformed(FieldError::of_json(&error)))?;
    Ok(session)
}

fn error(field: &str, message: String) -> FieldError {
    FieldError { field: field.to_owned(), line: None, column: None, message }
}

/// A key without access rights would open every API of its organisation.
pub(super) fn refuse_master_key(session: &Session, allowed: bool, message: &str) -> Result<(), Refused> {
    if allowed || !session.access_rights.is_empty() {
        return Ok(());
    }
    let why =
        "is empty, which would open every API; name the APIs here or in a policy, or set allow_master_keys";
    Err(Refused::bad(message).because(vec![error("access_rights", why.to_owned())]))
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// As Go writes times.
pub(super) fn now_as_text() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

/// What a Tyk on the same store keeps in a record is not for readers of the admin API.
pub(super) fn hide_password(session: &mut Session) {
    if let Some(password) = session.other.get_mut("basic_auth_data").and_then(|data| data.get_mut("password"))
    {
        *password = Value::from("");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_field_is_wrong_and_where() {
        for (body, expected) in [
            ("{", r#""line":1,"column":1"#),
            ("{\"rate\": 1,\n \"per\": \"x\"}", r#""field":"per","line":2"#),
            ("{\"access_rights\": {\"a\": {\"versions\": 5}}}", r#""field":"access_rights.a.versions""#),
            ("[]", "expected struct Session"),
            ("{} {}", "trailing characters"),
            ("", "EOF while parsing"),
        ] {
            let refused = read(body.as_bytes()).unwrap_err().into_answer();
            let said = refused.refused.clone().unwrap_or_default();
            let text = refused.text();
            assert!(said.starts_with("Request malformed") && text.contains(expected), "{body}: {text}");
        }
    }

    #[test]
    fn refuses_what_would_not_be_checked() {
        for body in [
            r#"{"hmac_enabled": true}"#,
            r#"{"certificate": "abc"}"#,
            r#"{"basic_auth_data": {"password": "p"}}"#,
            r#"{"mtls_static_certificate_bindings": ["x"]}"#,
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        let zeros =
            r#"{"hmac_enabled": false, "certificate": "", "basic_auth_data": {"password": ""}, "own": 5}"#;
        assert_eq!(read(zeros.as_bytes()).unwrap().other["own"], 5);
    }
}
