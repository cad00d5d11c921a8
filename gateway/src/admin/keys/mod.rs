//! `/tyk/keys`: keys and their sessions, as Tyk answers for them.
//!
//! `record` reads what was sent and refuses what could not be kept, `change` writes, this file reads.

mod change;
mod record;

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

pub use self::change::{add, add_named, delete, preview, set_policies, update};
use super::{
    answer::{Answer, Outcome, Refused},
    call::Call,
};
use crate::{
    limits::LimitsError,
    serve::Gateway,
    session::{Key, Session, StoreError, StoredId, key},
};

/// The names of all keys, or what they are stored under where only hashes are kept.
pub async fn list(call: Call) -> Outcome {
    let settings = call.gateway.sessions.settings();
    if settings.hashed && !settings.list_hashed {
        return Err(Refused::not_found(
            "Hashed key listing is disabled in config (enable_hashed_keys_listing)",
        ));
    }
    // Hashes do not begin with an organisation.
    let filter = if settings.hashed { "" } else { call.query("filter") };
    let ids = call.gateway.sessions.list("").await.map_err(unavailable)?;
    let of_filter = |id: &&StoredId| {
        filter.is_empty()
            || id.as_str().starts_with(filter)
            || key::organisation(id.as_str()).is_some_and(|organisation| organisation == filter)
    };
    let keys: Vec<&str> = ids.iter().filter(of_filter).map(StoredId::as_str).collect();
    Ok(Answer::json(&json!({ "keys": keys })))
}

/// The session of a key, with its policies applied.
pub async fn get(call: Call) -> Outcome {
    let named = Named::of(&call);
    if named.by_hash && !call.gateway.sessions.settings().hashed {
        return Err(Refused::bad("Key requested by hash but key hashing is not enabled"));
    }
    let Some((key, mut session)) = named.find(&call.gateway).await? else {
        return Err(Refused::not_found("Key not found"));
    };
    let organisation = session.org_id.clone();
    let stored = session.clone();
    if call.gateway.sessions.policies().apply(&mut session, &organisation).is_err() {
        // Such a key lets nobody in; what is kept of it can still be looked at.
        session = stored;
    }
    call.gateway.limits.show_quotas(&key.id, &mut session).await.map_err(not_counted)?;
    record::hide_password(&mut session);
    Ok(session_answer(&session))
}

fn session_answer(session: &Session) -> Answer {
    Answer::json_text(session.to_json() + "\n")
}

/// How a call names a key.
struct Named {
    organisation: String,
    name: String,
    /// The name is what the record is stored under.
    by_hash: bool,
}

impl Named {
    /// The key of the path; its organisation is that of `api_id`, or `org_id`.
    fn of(call: &Call) -> Self {
        let snapshot = call.gateway.snapshot();
        let api = snapshot.apis().find(|api| &*api.id == call.query("api_id"));
        Self {
            organisation: api.map_or_else(|| call.query("org_id").to_owned(), |api| api.org_id.to_string()),
            name: call.parameter("keyName").to_owned(),
            by_hash: !call.query("hashed").is_empty(),
        }
    }

    /// The key and its record as it is stored.
    async fn find(&self, gateway: &Arc<Gateway>) -> Result<Option<(Key, Session)>, Refused> {
        let sessions = &gateway.sessions;
        if self.by_hash {
            let key = Key { name: self.name.as_str().into(), id: StoredId::known(&self.name) };
            let session = sessions.read(&key.id).await.map_err(unavailable)?;
            return Ok(session.map(|session| (key, session)));
        }
        let (first, second) = key::names(sessions.settings(), &self.organisation, &self.name);
        for name in std::iter::once(first).chain(second) {
            let key = sessions.key(&name);
            if let Some(session) = sessions.read(&key.id).await.map_err(unavailable)? {
                return Ok(Some((key, session)));
            }
        }
        Ok(None)
    }
}

/// The store cannot say or keep anything: not the caller's fault, and nothing has changed.
fn unavailable(error: StoreError) -> Refused {
    let status = match error {
        StoreError::Unavailable { .. } | StoreError::Timeout { .. } => StatusCode::SERVICE_UNAVAILABLE,
        StoreError::Failed { .. } | StoreError::BadValue { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refused::new(status, error.to_string())
}

fn not_counted(error: LimitsError) -> Refused {
    match error {
        LimitsError::Store(error) => unavailable(error),
        LimitsError::Full { .. } => Refused::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

/// A key as audit lines may show it: its hash, or its end.
fn shown(gateway: &Gateway, key: &Key) -> String {
    if gateway.sessions.settings().hashed {
        return key.id.to_string();
    }
    let end: String = key.name.chars().rev().take(4).collect();
    format!("****{}", end.chars().rev().collect::<String>())
}

/// Whether a JSON value says nothing.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
