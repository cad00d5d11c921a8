//! Secrets that are kept elsewhere: `env://NAME` and `secrets://NAME`, as in Tyk.

use std::collections::BTreeMap;

/// Stores of Tyk that this version cannot ask. A reference to one must never become the secret itself.
const OTHER_STORES: [&str; 6] = ["consul", "vault", "conf", "file", "kv", "secretsmanager"];

/// Why a reference has no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SecretFault {
    #[error("the environment variable {0}, not empty")]
    NoVariable(String),
    #[error("an entry `{0}` in `secrets`, not empty")]
    NoEntry(String),
    #[error("a secret as it is, `env://NAME` or `secrets://NAME`")]
    OtherStore,
}

/// The value that a secret stands for: itself, unless it is a reference.
pub(super) fn resolve(
    written: &str,
    secrets: &BTreeMap<String, String>,
    environment: &[(String, String)],
) -> Result<String, SecretFault> {
    match written.split_once("://") {
        Some(("env", name)) => {
            let variable = format!("TYK_SECRET_{}", name.to_uppercase());
            let found = environment.iter().find(|(name, value)| *name == variable && !value.is_empty());
            found.map(|(_, value)| value.clone()).ok_or(SecretFault::NoVariable(variable))
        }
        Some(("secrets", name)) => {
            let found = secrets.get(name).filter(|value| !value.is_empty());
            found.cloned().ok_or_else(|| SecretFault::NoEntry(name.to_owned()))
        }
        Some((store, _)) if OTHER_STORES.contains(&store) => Err(SecretFault::OtherStore),
        _ => Ok(written.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_references() {
        let secrets =
            BTreeMap::from([("here".to_owned(), "s".to_owned()), ("empty".to_owned(), String::new())]);
        let environment = [("TYK_SECRET_ADMIN".to_owned(), "e".to_owned())];
        let resolve = |written| resolve(written, &secrets, &environment);
        assert_eq!(resolve("plain"), Ok("plain".into()));
        assert_eq!(resolve("http://plain"), Ok("http://plain".into()));
        assert_eq!(resolve("env://admin"), Ok("e".into()));
        assert_eq!(resolve("secrets://here"), Ok("s".into()));
        assert_eq!(resolve("env://other"), Err(SecretFault::NoVariable("TYK_SECRET_OTHER".into())));
        assert_eq!(resolve("secrets://empty"), Err(SecretFault::NoEntry("empty".into())));
        assert_eq!(resolve("vault://a/b"), Err(SecretFault::OtherStore));
    }
}
