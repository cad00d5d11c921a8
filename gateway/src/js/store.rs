//! Keys and script storage, for scripts: Tyk's functions with its arguments and answers.
//!
//! Where the store fails a script gets an exception, so that it never takes an
//! outage for a key that is not there.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;

use super::{
    engine::{Deadline, HostReturn},
    host::HostFunction,
};
use crate::{
    limits::{Limits, LimitsError},
    session::{
        Life, Session, Sessions, StoreError,
        store::{TimeLeft, prefix},
    },
};

/// Bytes of the name of a stored value.
const LONGEST_NAME: usize = 1024;
/// Bytes of a stored value.
const LARGEST_VALUE: usize = 1 << 20;

/// The store as scripts reach it.
#[derive(Debug, Clone)]
pub struct ScriptStore {
    sessions: Arc<Sessions>,
    limits: Arc<Limits>,
}

/// Why a function did not do what it was asked.
enum Failure {
    /// The script gets an exception.
    Throw(String),
    /// The script gets `undefined`, as from Tyk, and the log the reason.
    Refused(String),
    /// Its time is over.
    Deadline,
}

impl From<LimitsError> for Failure {
    fn from(error: LimitsError) -> Self {
        Self::Throw(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Throw(error.to_string())
    }
}

impl ScriptStore {
    /// The store of these sessions, with their counters.
    pub fn new(sessions: Arc<Sessions>, limits: Arc<Limits>) -> Self {
        Self { sessions, limits }
    }

    /// Runs one of the functions, at most until `deadline`.
    ///
    /// # Errors
    /// Why the script gets `undefined`, for the log.
    pub(super) async fn call(
        &self,
        function: HostFunction,
        arguments: &[String],
        deadline: Deadline,
    ) -> Result<HostReturn, String> {
        let done = tokio::time::timeout(deadline.remaining(), self.run(function, arguments)).await;
        match done.unwrap_or(Err(Failure::Deadline)) {
            Ok(answer) => Ok(answer),
            Err(Failure::Throw(message)) => Ok(HostReturn::Throw(format!("{}: {message}", function.name()))),
            Err(Failure::Refused(reason)) => Err(reason),
            Err(Failure::Deadline) => Ok(HostReturn::Abort(deadline.error())),
        }
    }

    async fn run(&self, function: HostFunction, arguments: &[String]) -> Result<HostReturn, Failure> {
        let argument = |index: usize| arguments.get(index).map_or("undefined", String::as_str);
        match function {
            HostFunction::GetKeyData => return self.key(argument(0), argument(1)).await,
            HostFunction::SetKeyData => return self.set_key(argument(0), argument(1), argument(2)).await,
            _ => {}
        }
        let (store, name) = (self.sessions.store(), stored_name(argument(0))?);
        Ok(match function {
            HostFunction::StorageGet => match store.get(&name).await? {
                Some(value) => HostReturn::Text(String::from_utf8_lossy(&value).into_owned()),
                None => HostReturn::Null,
            },
            HostFunction::StorageSet => {
                let life = life(argument(2))?;
                store.set(&name, value(argument(1))?.into(), life).await?;
                HostReturn::Undefined
            }
            HostFunction::StorageSetNx => {
                let life = life(argument(2))?;
                HostReturn::Bool(store.set_if_absent(&name, value(argument(1))?.into(), life).await?)
            }
            HostFunction::StorageDelete => {
                store.delete(&name).await?;
                HostReturn::Undefined
            }
            #[allow(clippy::cast_precision_loss, reason = "an end so far away is not met")]
            HostFunction::StorageTtl => HostReturn::Number(match store.time_left(&name).await? {
                TimeLeft::NoValue => -2.0,
                TimeLeft::Forever => -1.0,
                // As Redis rounds.
                TimeLeft::For(time) => ((time.as_millis() + 500) / 1000) as f64,
            }),
            HostFunction::StorageIncrement => {
                // A text: numbers of scripts lose digits beyond 2^53.
                HostReturn::Text(store.increment_for(&name, 1, life(argument(1))?).await?.to_string())
            }
            _ => HostReturn::Undefined,
        })
    }

    /// The session of a key as text, or Tyk's message when there is none.
    async fn key(&self, key: &str, api: &str) -> Result<HostReturn, Failure> {
        const NOT_FOUND: &str = r#"{"status":"error","message":"Key not found"}"#;
        let org = self.sessions.organisation(api).unwrap_or_default();
        Ok(HostReturn::Text(match self.sessions.find(&org, key).await? {
            Some(found) => {
                let mut session = Session::clone(&found.session);
                self.limits.show_quotas(&found.key.id, &mut session).await?;
                session.to_json()
            }
            None => NOT_FOUND.to_owned(),
        }))
    }

    /// Writes the session of a key, which need not be there yet.
    async fn set_key(&self, key: &str, json: &str, suppress_reset: &str) -> Result<HostReturn, Failure> {
        let mut session = Session::from_json(json.as_bytes())
            .map_err(|error| Failure::Refused(format!("the second argument is not a session: {error}")))?;
        if session.access_rights.is_empty() && session.policies().is_empty() {
            let message =
                "a session without `access_rights` would be good for every API; name those it is for";
            return Err(Failure::Refused(message.to_owned()));
        }
        if key.len() <= crate::session::key::TOO_SHORT {
            return Err(Failure::Refused(format!("`{key}` is too short for a key")));
        }
        if suppress_reset != "1" {
            let now = OffsetDateTime::now_utc().unix_timestamp();
            session.last_updated = now.to_string();
            session.quota_renews = now.saturating_add(session.quota_renewal_rate);
        }
        let key = match self.sessions.stored_key(&session.org_id, key).await? {
            Some(known) => known,
            // As in Tyk, a new one has the name that it is given here, without its organisation.
            None => self.sessions.key(key),
        };
        let mut applied = session.clone();
        // A policy that is not known is refused when the key is used; until then only its own values matter.
        let _ = self.sessions.policies().apply(&mut applied, &session.org_id);
        self.sessions.write(&key, &session, self.sessions.life(&applied)).await?;
        if suppress_reset != "1" {
            // What was counted of a key that is written is counted no more.
            self.limits.begin_anew(self.sessions.settings(), &key.id, &applied).await?;
        }
        Ok(HostReturn::Undefined)
    }
}

fn stored_name(name: &str) -> Result<String, Failure> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(Failure::Throw(format!(
            "a name has from 1 to {LONGEST_NAME} bytes, this one {}",
            name.len()
        )));
    }
    Ok(format!("{}{name}", prefix::SCRIPT))
}

fn value(value: &str) -> Result<String, Failure> {
    if value.len() > LARGEST_VALUE {
        return Err(Failure::Throw(format!(
            "the value has {} bytes, at most {LARGEST_VALUE} are kept",
            value.len()
        )));
    }
    Ok(value.to_owned())
}

/// Seconds; none and 0 are for ever. Whatever is not a number is 0, as JavaScript has it.
fn life(seconds: &str) -> Result<Life, Failure> {
    let seconds = seconds.trim().parse::<f64>().unwrap_or(0.0).trunc();
    if seconds < 0.0 {
        return Err(Failure::Throw(format!("{seconds} is not a time to live: it ended before it began")));
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(Life::For(time)),
        _ => Ok(Life::Forever),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::settings::KeySettings,
        session::{KeyedApi, Store, embedded::EmbeddedStore},
    };

    struct Script {
        runtime: tokio::runtime::Runtime,
        store: ScriptStore,
    }

    impl Script {
        fn says(&self, function: HostFunction, arguments: &[&str]) -> String {
            let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
            let deadline = Deadline::after(Duration::from_secs(20));
            match self.runtime.block_on(self.store.call(function, &arguments, deadline)) {
                Ok(HostReturn::Text(text)) => text,
                Ok(HostReturn::Throw(message)) => format!("throws {message}"),
                Ok(other) => format!("{other:?}"),
                Err(reason) => format!("notes {reason}"),
            }
        }
    }

    fn script(folder: &std::path::Path) -> Script {
        let store = EmbeddedStore::new(folder.join("kept.redb"), Duration::from_secs(20));
        let keys = KeySettings { hashed: true, ..KeySettings::default() };
        let store = Store::Embedded(Arc::new(store));
        let limits = Arc::new(Limits::of(store.clone()));
        let sessions = Arc::new(Sessions::of(store, keys));
        let api = KeyedApi { org: "default".into(), lifetime: None, respects_expiration: false };
        sessions.set_apis([("api".into(), api)].into());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        Script { runtime, store: ScriptStore::new(sessions, limits) }
    }

    #[test]
    fn storage_is_tyk_s() {
        use HostFunction::*;
        let folder = tempfile::tempdir().unwrap();
        let script = script(folder.path());
        for (function, arguments, expected) in [
            (StorageGet, &["a"][..], "Null"),
            (StorageTtl, &["a"], "Number(-2.0)"),
            (StorageSet, &["a", "1"], "Undefined"),
            (StorageTtl, &["a"], "Number(-1.0)"),
            (StorageIncrement, &["a"], "2"),
            (StorageGet, &["a"], "2"),
            (StorageSetNx, &["a", "x", "10"], "Bool(false)"),
            (StorageDelete, &["a"], "Undefined"),
            (StorageSetNx, &["a", "x", "100.9"], "Bool(true)"),
            (StorageTtl, &["a"], "Number(100.0)"),
            (StorageIncrement, &["n", "60"], "1"),
            (StorageTtl, &["n"], "Number(60.0)"),
            (StorageSet, &["", "1"], "throws TykStorageSet: a name has from 1 to 1024 bytes, this one 0"),
            (
                StorageSet,
                &["b", "1", "-1"],
                "throws TykStorageSet: -1 is not a time to live: it ended before it began",
            ),
            (StorageSet, &["b"], "Undefined"),
            (StorageGet, &["b"], "undefined"),
        ] {
            assert_eq!(script.says(function, arguments), expected, "{function:?} {arguments:?}");
        }
        let failed = script.says(StorageIncrement, &["a"]);
        assert!(failed.starts_with("throws TykStorageIncr: the stored value of `jsvm-store:a`"), "{failed}");
    }

    #[test]
    fn keys_are_read_and_written() {
        use HostFunction::*;
        let folder = tempfile::tempdir().unwrap();
        let script = script(folder.path());
        let missing = script.says(GetKeyData, &["mykey1", "api"]);
        assert_eq!(missing, r#"{"status":"error","message":"Key not found"}"#);
        let session =
            r#"{"org_id":"default","rate":5,"quota_renews":7,"access_rights":{"api":{"api_id":"api"}}}"#;
        assert_eq!(script.says(SetKeyData, &["mykey1", session, "1"]), "Undefined");
        let read = script.says(GetKeyData, &["mykey1", "api"]);
        assert_eq!(
            read,
            r#"{"rate":5,"quota_renews":7,"access_rights":{"api":{"api_id":"api"}},"org_id":"default"}"#
        );
        assert_eq!(script.says(SetKeyData, &["mykey1", session, "0"]), "Undefined");
        let reset = script.says(GetKeyData, &["mykey1", "api"]);
        assert!(reset.contains("last_updated") && !reset.contains("\"quota_renews\":7,"), "{reset}");
        for bad in ["{", "[]", r#"{"org_id":"default"}"#] {
            assert!(script.says(SetKeyData, &["mykey1", bad]).starts_with("notes "), "{bad}");
        }
    }

    #[test]
    fn an_outage_is_an_exception() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kept.redb"), "not a store").unwrap();
        let script = script(folder.path());
        for (function, arguments) in
            [(HostFunction::StorageGet, &["a"][..]), (HostFunction::GetKeyData, &["mykey1", "api"])]
        {
            let said = script.says(function, arguments);
            assert!(said.contains("the store is not available") && said.contains("kept.redb"), "{said}");
        }
    }
}
