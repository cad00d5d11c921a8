//! Finds the session of what a caller sent, and writes records: the store with its names and a short memory.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{
    hash::hash,
    key::{self, Key, StoredId},
    lifetime::{self, KeyedApis},
    memory::Memory,
    policy::Policies,
    session::Session,
    signal::Signal,
    store::{Life, Store, StoreError, prefix},
};
use crate::config::{
    Settings,
    settings::{HashFunction, KeySettings},
};

/// Sessions by key.
#[derive(Debug)]
pub struct Sessions {
    store: Store,
    keys: KeySettings,
    memory: Memory,
    policies: ArcSwap<Policies>,
    apis: ArcSwap<KeyedApis>,
}

/// A session that was found, and under which key.
#[derive(Debug, Clone)]
pub struct Found {
    /// The key.
    pub key: Arc<Key>,
    /// Its session, with policies applied.
    pub session: Arc<Session>,
}

impl Sessions {
    /// Sessions of a store.
    pub fn new(store: Store, settings: &Settings) -> Self {
        let storage = &settings.storage;
        let memory = Memory::new(storage.cached_sessions, storage.session_cache);
        Self { memory, ..Self::of(store, settings.keys) }
    }

    /// Sessions of a store that are not remembered.
    pub fn of(store: Store, keys: KeySettings) -> Self {
        let memory = Memory::new(0, Duration::ZERO);
        Self { store, keys, memory, policies: ArcSwap::default(), apis: ArcSwap::default() }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How keys are named and kept.
    pub fn settings(&self) -> KeySettings {
        self.keys
    }

    /// The policies there are.
    pub fn policies(&self) -> Arc<Policies> {
        self.policies.load_full()
    }

    /// Takes other policies from now on.
    pub fn set_policies(&self, policies: Policies) {
        self.policies.store(Arc::new(policies));
        self.memory.clear();
    }

    /// The organisation of an API.
    pub fn organisation(&self, api_id: &str) -> Option<Arc<str>> {
        self.apis.load().get(api_id).map(|api| Arc::clone(&api.org))
    }

    /// Takes what all APIs say about their keys.
    pub fn set_apis(&self, apis: KeyedApis) {
        self.apis.store(Arc::new(apis));
    }

    /// How long the record of a session is kept that is written now; it has its policies applied.
    pub fn life(&self, applied: &Session) -> Life {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        lifetime::life(applied, &self.apis.load(), self.keys, now)
    }

    /// The name of a key of an organisation.
    pub fn name(&self, org: &str, id: &str) -> String {
        key::name(self.keys, org, id)
    }

    /// The key that a record is stored under for this, whatever its policies say; `None` when there is no record.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn stored_key(&self, org: &str, sent: &str) -> Result<Option<Key>, StoreError> {
        Ok(self.stored(org, sent).await?.map(|(key, _)| key))
    }

    /// What the record and the counters of a key are stored under, by its name.
    pub fn stored_id(&self, name: &str) -> String {
        key::stored_text(self.keys, name)
    }

    /// A key by its name.
    pub fn key(&self, name: &str) -> Key {
        Key { name: name.into(), id: key::stored_id(self.keys, name) }
    }

    /// The session of what a caller sent, in an API of `org`; `None` when there is none that may be used.
    ///
    /// # Errors
    /// When the store cannot tell, or what it has is not a session.
    pub async fn find(&self, org: &str, sent: &str) -> Result<Option<Found>, StoreError> {
        match self.memory.get(org, sent) {
            Some(found) => Ok(Some(found)),
            None => Box::pin(self.ask(org, sent)).await,
        }
    }

    async fn ask(&self, org: &str, sent: &str) -> Result<Option<Found>, StoreError> {
        if sent.len() <= key::TOO_SHORT {
            return Ok(None);
        }
        let asked = Instant::now();
        let Some((key, value)) = self.stored(org, sent).await? else { return Ok(None) };
        let mut session = parse(&record(&key.id), &value)?;
        if let Err(error) = self.policies.load().apply(&mut session, org) {
            tracing::error!(key = %key.id, "a key is refused because of its policies: {error}");
            return Ok(None);
        }
        let found = Found { key: Arc::new(key), session: Arc::new(session) };
        self.memory.put(org, sent, asked, found.clone());
        Ok(Some(found))
    }

    /// The first record of the names that this may stand for.
    async fn stored(&self, org: &str, sent: &str) -> Result<Option<(Key, Bytes)>, StoreError> {
        let (first, second) = key::names(self.keys, org, sent);
        let keys: Vec<Key> = std::iter::once(first).chain(second).map(|name| self.key(&name)).collect();
        let names: Vec<String> = keys.iter().map(|key| record(&key.id)).collect();
        let values = self.store.get_each(&names).await?;
        Ok(keys.into_iter().zip(values).find_map(|(key, value)| Some((key, value?))))
    }

    /// Takes note of what other gateways say.
    pub fn heard(&self, signal: &Signal) {
        match signal {
            Signal::KeysChanged(names) => {
                self.memory.forget(names.iter().map(String::as_str));
                if self.keys.hashed {
                    let ids: Vec<StoredId> =
                        names.iter().map(|name| key::stored_id(self.keys, name)).collect();
                    self.memory.forget(ids.iter().map(StoredId::as_str));
                }
            }
            Signal::Reload | Signal::Missed => self.memory.clear(),
            Signal::ApiCacheDropped(_) => {}
        }
    }

    /// A record as it is stored, without policies; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot tell, or what it has is not a session.
    pub async fn read(&self, id: &StoredId) -> Result<Option<Session>, StoreError> {
        let name = record(id);
        self.store.get(&name).await?.map(|value| parse(&name, &value)).transpose()
    }

    /// Writes a record, and tells every gateway of the store.
    ///
    /// # Errors
    /// When it may not have been written.
    pub async fn write(&self, key: &Key, session: &Session, life: Life) -> Result<(), StoreError> {
        self.store.set(&record(&key.id), Bytes::from(session.to_json()), life).await?;
        self.changed(key).await;
        Ok(())
    }

    /// Removes a record, and tells whether there was one. Counters are not touched.
    ///
    /// # Errors
    /// When it may still be there.
    pub async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        let removed = self.store.delete(&record(&key.id)).await?;
        self.changed(key).await;
        Ok(removed)
    }

    /// What the records whose ids begin with `prefix` are stored under, sorted.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn list(&self, prefix: &str) -> Result<Vec<StoredId>, StoreError> {
        let names = self.store.names(&format!("{}{prefix}", prefix::SESSION)).await?;
        let ids = names.iter().filter_map(|name| name.strip_prefix(prefix::SESSION));
        let mut ids: Vec<StoredId> = ids.map(StoredId::known).collect();
        ids.sort();
        Ok(ids)
    }

    /// Writes what a script or plugin changed of a session, and nothing else: other fields of the record stay as they are by
    /// now, the counters of limits in any case. Nothing happens if nothing changed, or the record is gone.
    ///
    /// # Errors
    /// When the changes may not have been written.
    pub async fn write_changes(
        &self,
        key: &Key,
        before: &Session,
        after: &Session,
    ) -> Result<(), StoreError> {
        let (before, after) = (before.to_value(), after.to_value());
        let field = |session: &Value, name: &str| session.get(name).cloned();
        let names = [&before, &after].into_iter().filter_map(Value::as_object).flat_map(Map::keys);
        let changed: BTreeSet<&String> = names
            .filter(|name| !COUNTERS.contains(&name.as_str()) && before.get(*name) != after.get(*name))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let Some(stored) = self.read(&key.id).await? else { return Ok(()) };
        let mut stored = stored.to_value();
        if let Some(stored) = stored.as_object_mut() {
            for name in changed {
                match field(&after, name) {
                    Some(value) => drop(stored.insert(name.clone(), value)),
                    None => drop(stored.remove(name)),
                }
            }
        }
        let session: Session = serde_json::from_value(stored).map_err(|error| StoreError::BadValue {
            name: record(&key.id),
            reason: format!("it is not a session after a change: {error}"),
        })?;
        self.write(key, &session, Life::AsBefore).await
    }

    /// Others forget what they remember of a key. The record is written by now, so a failure is only logged: their memory
    /// is short.
    async fn changed(&self, key: &Key) {
        self.memory.forget([key.id.as_str(), &*key.name].into_iter());
        let mut names = vec![key.id.to_string()];
        if self.keys.hashed {
            // What a Tyk remembers sessions by.
            names.push(hash(HashFunction::Murmur64, &key.name));
        }
        if let Err(error) = self.store.publish(&Signal::KeysChanged(names)).await {
            tracing::warn!(%error, "other gateways were not told that a key changed");
        }
    }
}

/// Fields that limits count in, which no script or plugin writes back.
const COUNTERS: [&str; 4] = ["allowance", "last_check", "quota_remaining", "quota_renews"];

fn record(id: &StoredId) -> String {
    format!("{}{id}", prefix::SESSION)
}

fn parse(name: &str, value: &[u8]) -> Result<Session, StoreError> {
    Session::from_json(value).map_err(|error| StoreError::BadValue {
        name: name.to_owned(),
        reason: format!("it is not a session: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::embedded::EmbeddedStore;

    fn sessions(folder: &std::path::Path) -> Sessions {
        let keys = KeySettings { hashed: true, ..KeySettings::default() };
        let store = EmbeddedStore::new(folder.join("kept.redb"), Duration::from_secs(20));
        let memory = Memory::new(100, Duration::from_secs(3600));
        Sessions { memory, ..Sessions::of(Store::Embedded(Arc::new(store)), keys) }
    }

    #[tokio::test]
    async fn a_key_is_found_with_and_without_its_organisation() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = sessions(folder.path());
        let key = sessions.key("defaultmykey1");
        let session = Session { alias: "joe".to_owned(), ..Session::default() };
        sessions.write(&key, &session, Life::Forever).await.unwrap();
        for sent in ["mykey1", "defaultmykey1"] {
            let found = sessions.find("default", sent).await.unwrap().unwrap();
            assert_eq!((&*found.key, &*found.session), (&key, &session));
        }
        for sent in ["mykey-other", "MYKEY1", "", "key"] {
            assert!(sessions.find("default", sent).await.unwrap().is_none(), "{sent}");
        }
        assert!(sessions.find("other", "mykey1").await.unwrap().is_none());
        assert_eq!(sessions.list("").await.unwrap(), [StoredId::known("259d945d")]);
        assert!(sessions.remove(&key).await.unwrap());
        assert!(sessions.find("default", "mykey1").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_remembered_is_forgotten_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = sessions(folder.path());
        let key = sessions.key("defaultmykey1");
        let mut session = Session::default();
        for step in 0..4 {
            session.rate = f64::from(step);
            match step {
                // Here, or at another gateway, which names the key or what it is stored under.
                0 | 1 => sessions.write(&key, &session, Life::Forever).await.unwrap(),
                _ => {
                    let value = session.to_json().into();
                    sessions.store.set(&record(&key.id), value, Life::Forever).await.unwrap();
                    let names = ["defaultmykey1", "259d945d"];
                    sessions.heard(&Signal::KeysChanged(vec![names[step as usize - 2].to_owned()]));
                }
            }
            for _ in 0..2 {
                assert_eq!(
                    sessions.find("default", "mykey1").await.unwrap().unwrap().session.rate,
                    session.rate
                );
            }
        }
        let mut policies = Session { apply_policies: vec!["none".to_owned()], ..session };
        sessions.write(&key, &policies, Life::Forever).await.unwrap();
        assert!(sessions.find("default", "mykey1").await.unwrap().is_none(), "its policy is not there");
        policies.apply_policies.clear();
        sessions.write(&key, &policies, Life::Forever).await.unwrap();
        assert!(sessions.find("default", "mykey1").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_record_that_is_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = sessions(folder.path());
        sessions.store.set("apikey-259d945d", "{".into(), Life::Forever).await.unwrap();
        let error = sessions.find("default", "mykey1").await.unwrap_err();
        assert!(matches!(&error, StoreError::BadValue { name, .. } if name == "apikey-259d945d"), "{error}");
    }

    #[tokio::test]
    async fn only_what_changed_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = sessions(folder.path());
        let key = sessions.key("defaultmykey1");
        let mut signals = sessions.store().signals();
        let before =
            Session { quota_remaining: 5, meta_data: json!({"a": 1}), rate: 1.0, ..Session::default() };
        // Meanwhile somebody else changed the rate.
        sessions.write(&key, &Session { rate: 9.0, ..before.clone() }, Life::Forever).await.unwrap();
        let counted = Session { quota_remaining: 4, quota_renews: 7, ..before.clone() };
        sessions.write_changes(&key, &before, &counted).await.unwrap();
        let after = Session { meta_data: json!({"b": null}), tags: vec!["t".to_owned()], ..counted };
        sessions.write_changes(&key, &before, &after).await.unwrap();
        let stored = sessions.read(&key.id).await.unwrap().unwrap();
        let expected = Session {
            rate: 9.0,
            meta_data: json!({"b": null}),
            tags: vec!["t".to_owned()],
            ..before.clone()
        };
        assert_eq!(stored, expected);
        for _ in 0..2 {
            let signal = signals.try_recv().unwrap();
            assert!(matches!(signal, Signal::KeysChanged(keys) if keys[0] == "259d945d"));
        }
        assert!(signals.try_recv().is_err(), "a change of counters alone is not written");
        sessions.remove(&key).await.unwrap();
        sessions.write_changes(&key, &before, &after).await.unwrap();
        assert!(sessions.read(&key.id).await.unwrap().is_none(), "a key that is gone does not come back");
    }
}
