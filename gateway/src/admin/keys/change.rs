//! Adds, changes and removes keys.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    super::{
        answer::{Answer, FieldError, Outcome, Refused},
        call::Call,
    },
    Named, not_counted, record, session_answer, shown, unavailable,
};
use crate::{
    events::KeyChange,
    live::api::LiveApi,
    serve::Gateway,
    session::{Key, Life, Session, StoredId, key},
};

/// Tyk's words for a key that opens nothing in particular.
const NO_RIGHTS: &str = "Failed to create key, keys must have at least one Access Rights record set.";
const NOT_SECURE: &str = "Failed to create key, ensure security settings are correct.";

/// A new key with an id that nobody can guess.
pub async fn add(call: Call) -> Outcome {
    let session = record::read(&call.body)?;
    let id = key::new_id().ok_or_else(Refused::no_randomness)?;
    create(&call, (&id, false), session, NO_RIGHTS).await
}

/// A new key with this id; one that is there is replaced, as in Tyk.
pub async fn add_named(call: Call) -> Outcome {
    let session = record::read(&call.body)?;
    create(&call, (call.parameter("keyName"), true), session, NOT_SECURE).await
}

/// `named` tells that the id was chosen by the caller.
async fn create(call: &Call, (id, named): (&str, bool), mut session: Session, no_rights: &str) -> Outcome {
    let gateway = &call.gateway;
    let settings = gateway.sessions.settings();
    let name = key::name(settings, &session.org_id, id);
    if name.chars().count() <= key::TOO_SHORT {
        let message = format!(
            "is too short: with its organisation, a key has {} characters or more",
            key::TOO_SHORT + 1
        );
        let error = FieldError { field: "keyName".into(), line: None, column: None, message };
        return Err(Refused::bad("Key name is too short").because(vec![error]));
    }
    let key = if call.query("hashed").is_empty() {
        gateway.sessions.key(&name)
    } else {
        Key { id: StoredId::known(&name), name: name.into() }
    };
    let mut applied = with_policies(gateway, &session)?;
    record::refuse_master_key(&applied, call.master_keys(), no_rights)?;
    session.date_created = record::now_as_text();
    if let Some(seconds) = trial_period(gateway, &session)
        && gateway.sessions.read(&key.id).await.map_err(unavailable)?.is_none()
    {
        session.expires = record::now().saturating_add(seconds);
        applied.expires = session.expires;
    }
    let reset = resets(call, &applied);
    begin_periods(&mut session, reset);
    write(gateway, &key, &session, &applied).await?;
    if reset {
        forget_counts(gateway, &key, &applied).await?;
    }
    tell(gateway, &applied, KeyChange::Created { org: &session.org_id, key: &key.name, named });
    let hash = settings.hashed.then(|| key.id.to_string());
    Ok(Answer::key(&key.name, "added", hash.as_deref()).about(shown(gateway, &key)))
}

/// Replaces the session of a key that is there.
pub async fn update(call: Call) -> Outcome {
    let mut session = record::read(&call.body)?;
    let gateway = &call.gateway;
    let named = Named { organisation: session.org_id.clone(), ..Named::of(&call) };
    let Some((key, before)) = named.find(gateway).await? else {
        return Err(Refused::not_found("Key is not found"));
    };
    let applied = with_policies(gateway, &session)?;
    record::refuse_master_key(&applied, call.master_keys(), NOT_SECURE)?;
    session.date_created.clone_from(&before.date_created);
    // What a Tyk on the same store has put there and nobody can read here.
    if let Some(data) = before.other.get("basic_auth_data") {
        session.other.insert("basic_auth_data".to_owned(), data.clone());
    }
    let reset = resets(&call, &applied);
    if !reset {
        session.quota_renews = before.quota_renews;
        session.last_updated.clone_from(&before.last_updated);
        for (api, right) in &mut session.access_rights {
            if let Some(before) = before.access_rights.get(api).filter(|_| !right.limit.is_empty()) {
                right.limit.quota_renews = before.limit.quota_renews;
            }
        }
    }
    begin_periods(&mut session, reset);
    write(gateway, &key, &session, &applied).await?;
    if reset {
        forget_counts(gateway, &key, &applied).await?;
    }
    tell(gateway, &applied, KeyChange::Updated { org: &session.org_id, key: &key.name });
    Ok(Answer::key(&key.name, "modified", None).about(shown(gateway, &key)))
}

/// Removes a key and its counters.
pub async fn delete(call: Call) -> Outcome {
    let gateway = &call.gateway;
    let Some((key, session)) = Named::of(&call).find(gateway).await? else {
        return Err(Refused::not_found("There is no such key found"));
    };
    if !gateway.sessions.remove(&key).await.map_err(unavailable)? {
        // Somebody else has removed it in between.
        return Err(Refused::not_found("There is no such key found"));
    }
    // A key whose policies are gone is told to the APIs that it names itself.
    let applied = with_policies(gateway, &session).unwrap_or(session);
    forget_counts(gateway, &key, &applied).await?;
    tell(gateway, &applied, KeyChange::Deleted { org: &applied.org_id, key: &key.name });
    Ok(Answer::key(&key.name, "deleted", None).about(shown(gateway, &key)))
}

/// `POST /tyk/keys/policy/{keyName}`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PolicyUpdate {
    policy: String,
    apply_policies: Vec<String>,
}

/// Gives a key, named by what it is stored under, other policies.
pub async fn set_policies(call: Call) -> Outcome {
    let PolicyUpdate { policy, mut apply_policies } =
        serde_json::from_slice(&call.body).map_err(|error| {
            Refused::bad("Couldn't decode instruction").because(vec![FieldError::of_json(&error)])
        })?;
    if !policy.is_empty() {
        apply_policies.push(policy);
    }
    let named = Named { by_hash: true, ..Named::of(&call) };
    let Some((key, mut session)) = named.find(&call.gateway).await? else {
        return Err(Refused::not_found("Key not found"));
    };
    session.last_updated = record::now().to_string();
    session.apply_policy_id.clear();
    session.apply_policies = apply_policies;
    let applied = with_policies(&call.gateway, &session)?;
    call.gateway.sessions.write(&key, &session, Life::AsBefore).await.map_err(unavailable)?;
    tell(&call.gateway, &applied, KeyChange::Updated { org: &session.org_id, key: &key.name });
    Ok(Answer::key(&key.name, "updated", None).about(shown(&call.gateway, &key)))
}

/// What a key would be; nothing is kept.
pub async fn preview(call: Call) -> Outcome {
    let mut session = with_policies(&call.gateway, &record::read(&call.body)?)?;
    session.date_created = record::now_as_text();
    session.last_updated = record::now().to_string();
    Ok(session_answer(&session))
}

/// The session as requests will see it. What is kept is what was sent: policies are applied whenever it is read.
fn with_policies(gateway: &Gateway, session: &Session) -> Result<Session, Refused> {
    let mut applied = session.clone();
    gateway.sessions.policies().apply(&mut applied, &session.org_id).map_err(|error| {
        let field = "apply_policies".to_owned();
        let errors = vec![FieldError { field, line: None, column: None, message: error.to_string() }];
        Refused::bad(format!("Failed to create key - {error}")).because(errors)
    })?;
    Ok(applied)
}

/// Fires the event of a change at the APIs that the key opens: those it names, or all of its organisation.
fn tell(gateway: &Gateway, session: &Session, change: KeyChange<'_>) {
    let rights = &session.access_rights;
    let opens = |api: &&Arc<LiveApi>| match rights.is_empty() {
        true => *api.org_id == *session.org_id,
        false => rights.contains_key(&*api.id),
    };
    for api in gateway.snapshot().apis().filter(opens) {
        api.events.fire_key_change(change);
    }
}

/// Seconds that a new key with these policies lasts, where one of them says it (`key_expires_in`).
fn trial_period(gateway: &Gateway, session: &Session) -> Option<i64> {
    let policies = gateway.sessions.policies();
    let named = session.policies().iter().filter_map(|id| policies.get(id));
    let mut periods = named.filter_map(|policy| policy.other.get("key_expires_in")?.as_i64());
    // The last one counts, as in Tyk.
    periods.rfind(|seconds| *seconds > 0)
}

/// Whether a key is counted anew that is written now: the caller may say no, and all APIs that it opens together.
fn resets(call: &Call, applied: &Session) -> bool {
    let snapshot = call.gateway.snapshot();
    let keeps = |id: &String| snapshot.apis().any(|api| *api.id == **id && api.key_limits.keeps_counts);
    let rights = &applied.access_rights;
    call.query("suppress_reset") != "1" && (rights.is_empty() || !rights.keys().all(keeps))
}

/// New periods of quota and rate begin with a change, unless the caller wants the old ones to go on.
fn begin_periods(session: &mut Session, reset: bool) {
    if !reset {
        return;
    }
    let now = record::now();
    session.last_updated = now.to_string();
    session.quota_renews = now.saturating_add(session.quota_renewal_rate);
}

/// What was counted of the limits of a key is counted no more.
async fn forget_counts(gateway: &Gateway, key: &Key, session: &Session) -> Result<(), Refused> {
    let keys = gateway.sessions.settings();
    gateway.limits.begin_anew(keys, &key.id, session).await.map_err(not_counted)
}

/// Keeps what was sent, for as long as the session says with its policies applied.
async fn write(gateway: &Gateway, key: &Key, session: &Session, applied: &Session) -> Result<(), Refused> {
    gateway.sessions.write(key, session, gateway.sessions.life(applied)).await.map_err(unavailable)
}
