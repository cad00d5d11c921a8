//! Names of keys and what their records are stored under.
//!
//! A key has an *id*, which may be chosen, and a *name*, which callers send: organisation and id, or, with
//! `hash_key_function`, the base64 of a small JSON that has both and the hash. The record is stored under the name's
//! hash (`hash_keys`) or the name itself: the [`StoredId`].

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;

use super::hash::hash;
use crate::config::settings::{HashFunction, KeySettings};

/// Names of this many characters or fewer are never keys, as in Tyk.
pub const TOO_SHORT: usize = 3;

/// What every base64 of a JSON object that begins with a field has in front.
const BASE64_JSON: &str = "ey";

/// A key whose record was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: Arc<str>,
    /// What its record and counters are stored under.
    pub id: StoredId,
}

/// What a record is stored under, without the prefix of its kind: the hash of a name, or the name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoredId(Arc<str>);

impl StoredId {
    /// An id that is known already, such as a hash that an operator names.
    pub fn known(id: &str) -> Self {
        Self(id.into())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoredId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The fields of a name that carries them.
#[derive(Deserialize)]
struct Carried {
    #[serde(default)]
    org: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    h: String,
}

impl Carried {
    fn read(name: &str) -> Option<Self> {
        if !name.starts_with(BASE64_JSON) {
            return None;
        }
        serde_json::from_slice(&STANDARD.decode(name).ok()?).ok()
    }
}

/// The name of a key; `id` may have the organisation in front already.
pub fn name(settings: KeySettings, org: &str, id: &str) -> String {
    let id = id.strip_prefix(org).unwrap_or(id);
    match settings.function {
        None => format!("{org}{id}"),
        Some(function) => {
            let text = |text: &str| serde_json::Value::from(text).to_string();
            let json = format!(r#"{{"org":{},"id":{},"h":"{}"}}"#, text(org), text(id), function.word());
            STANDARD.encode(json)
        }
    }
}

/// An id that nobody can guess: 32 hex digits. `None` when the system has no randomness.
pub fn new_id() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// The organisation that a name carries; for names without one, the first 24 characters if they are an id of Tyk's
/// dashboard.
pub fn organisation(name: &str) -> Option<String> {
    const DASHBOARD_ID: usize = 24;
    if let Some(carried) = Carried::read(name) {
        return Some(carried.org);
    }
    let start = name.get(..DASHBOARD_ID).filter(|_| name.len() > DASHBOARD_ID)?;
    start.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| start.to_owned())
}

/// The id inside a name: what is left without organisation and form.
pub fn id<'a>(name: &'a str, org: &str) -> std::borrow::Cow<'a, str> {
    match Carried::read(name) {
        Some(carried) => carried.id.into(),
        None => name.strip_prefix(org).unwrap_or(name).into(),
    }
}

/// What the record of a name is stored under. A name that carries its hash function keeps it, whatever the settings.
pub fn stored_id(settings: KeySettings, name: &str) -> StoredId {
    StoredId(stored_text(settings, name).into())
}

/// The text of [`stored_id`].
pub fn stored_text(settings: KeySettings, name: &str) -> String {
    if !settings.hashed {
        return name.to_owned();
    }
    let carried = Carried::read(name).and_then(|carried| HashFunction::from_word(&carried.h));
    hash(carried.unwrap_or(HashFunction::Murmur32), name)
}

/// The names that what a caller sent may stand for, in the order they are tried: a key may be called by its id alone.
pub fn names(settings: KeySettings, org: &str, sent: &str) -> (String, Option<String>) {
    if organisation(sent).is_some_and(|carried| carried == org) {
        return (sent.to_owned(), None);
    }
    let name = name(settings, org, sent);
    let other = (name != sent).then(|| sent.to_owned());
    (name, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(hashed: bool, function: Option<HashFunction>) -> KeySettings {
        KeySettings { hashed, function, ..KeySettings::default() }
    }

    #[test]
    fn names_are_those_of_tyk() {
        let plain = settings(true, None);
        assert_eq!(name(plain, "default", "mykey1"), "defaultmykey1");
        assert_eq!(name(plain, "default", "defaultmykey1"), "defaultmykey1");
        let murmur64 = settings(true, Some(HashFunction::Murmur64));
        let carried = name(murmur64, "default", "mykey1");
        assert_eq!(carried, "eyJvcmciOiJkZWZhdWx0IiwiaWQiOiJteWtleTEiLCJoIjoibXVybXVyNjQifQ==");
        assert_eq!(stored_id(murmur64, &carried).as_str(), "6ba98c7b43fd03fa");
        // The name says how it is hashed.
        assert_eq!(stored_id(plain, &carried).as_str(), "6ba98c7b43fd03fa");
        assert_eq!(stored_id(plain, "defaultmykey1").as_str(), "259d945d");
        assert_eq!(stored_id(settings(false, None), "defaultmykey1").as_str(), "defaultmykey1");
        assert_eq!(
            (organisation(&carried).as_deref(), &*id(&carried, "default")),
            (Some("default"), "mykey1")
        );
    }

    #[test]
    fn a_key_is_found_by_its_name_or_its_id() {
        let plain = settings(true, None);
        let both = |first: &str, second: &str| (first.to_owned(), Some(second.to_owned()));
        assert_eq!(names(plain, "default", "mykey1"), both("defaultmykey1", "mykey1"));
        assert_eq!(names(plain, "default", "defaultmykey1"), ("defaultmykey1".to_owned(), None));
        let murmur64 = settings(true, Some(HashFunction::Murmur64));
        let carried = name(murmur64, "default", "mykey1");
        assert_eq!(names(murmur64, "default", &carried), (carried.clone(), None));
        assert_eq!(names(murmur64, "default", "mykey1"), (carried.clone(), Some("mykey1".to_owned())));
        // Keys that were made before the function was set are still found.
        assert_eq!(names(murmur64, "default", "defaultmykey1"), (carried, Some("defaultmykey1".to_owned())));
        let id = "5d67b96d767e02015ea84a6f";
        assert_eq!(names(plain, id, &format!("{id}abc")), (format!("{id}abc"), None));
    }

    #[test]
    fn odd_names_are_names() {
        for odd in ["ey", "eyJ", "ey%%", "ключ-длинный-достаточно-чтобы", "eyJhIjox", "a/../b"]
        {
            let settings = settings(true, None);
            assert_eq!(stored_id(settings, odd).as_str().len(), 8, "{odd}");
            assert_eq!(names(settings, "o", odd).1.as_deref(), Some(odd));
        }
    }

    #[test]
    fn new_ids_have_32_digits_and_differ() {
        let (first, second) = (new_id().unwrap(), new_id().unwrap());
        assert!(first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
        assert_ne!(first, second);
    }
}
