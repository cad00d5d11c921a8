//! How long the record of a key is kept after it is written.
//!
//! A key that has ended is refused, and its record stays, so that it can be renewed; only its lifetime removes it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{session::Session, store::Life};
use crate::config::settings::KeySettings;

/// APIs by id, as far as their keys are concerned.
pub type KeyedApis = HashMap<Arc<str>, KeyedApi>;

/// What an API says about its keys.
#[derive(Debug, Clone)]
pub struct KeyedApi {
    /// Its organisation.
    pub org: Arc<str>,
    /// Time that a record is kept for, unless it says so itself; `None` is for ever.
    pub lifetime: Option<Duration>,
    /// A record is not removed before its key ends.
    pub respects_expiration: bool,
}

/// The life of a record that is written at `now`, in seconds since 1970; `session` has its policies applied.
///
/// As in Tyk: `force_global_session_lifetime` comes first, then the session's own lifetime, then that of the APIs
/// that it opens, of which the longest counts. One that says nothing makes none for ever.
pub fn life(session: &Session, apis: &KeyedApis, settings: KeySettings, now: i64) -> Life {
    if let Some(forced) = settings.forced_lifetime {
        return kept_for(forced.as_secs());
    }
    let seconds = |lifetime: Option<Duration>, respects: bool| {
        let own = u64::try_from(session.session_lifetime).ok().filter(|own| *own > 0);
        let lifetime = own.or(lifetime.map(|lifetime| lifetime.as_secs())).unwrap_or(0);
        match respects || settings.lifetime_respects_expiration {
            true => lifetime_or_rest(lifetime, session.expires, now),
            false => lifetime,
        }
    };
    let opened: Vec<&KeyedApi> = match session.access_rights.is_empty() {
        true => apis.values().filter(|api| *api.org == *session.org_id).collect(),
        false => session.access_rights.keys().filter_map(|id| apis.get(id.as_str())).collect(),
    };
    let longest = opened.iter().map(|api| seconds(api.lifetime, api.respects_expiration)).max();
    kept_for(longest.unwrap_or_else(|| seconds(None, false)))
}

/// 0 is for ever.
fn kept_for(seconds: u64) -> Life {
    if seconds == 0 { Life::Forever } else { Life::For(Duration::from_secs(seconds)) }
}

/// The longer of a lifetime and what a key has left until its end; 0, for ever, for a key without an end.
fn lifetime_or_rest(lifetime: u64, expires: i64, now: i64) -> u64 {
    if lifetime == 0 || expires <= 0 {
        return 0;
    }
    lifetime.max(u64::try_from(expires.saturating_sub(now)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_000_000;

    fn apis(list: &[(&str, u64, bool)]) -> KeyedApis {
        let api = |(id, lifetime, respects_expiration): &(&str, u64, bool)| {
            let lifetime = (*lifetime > 0).then(|| Duration::from_secs(*lifetime));
            let api = KeyedApi { org: "org".into(), lifetime, respects_expiration: *respects_expiration };
            ((*id).into(), api)
        };
        list.iter().map(api).collect()
    }

    fn session(opens: &[&str], own: i64, expires: i64) -> Session {
        let rights: serde_json::Map<_, _> = opens.iter().map(|id| ((*id).to_owned(), json!({}))).collect();
        let written =
            json!({"org_id": "org", "access_rights": rights, "session_lifetime": own, "expires": expires});
        serde_json::from_value(written).unwrap()
    }

    /// Seconds; `None` is for ever.
    fn kept(session: &Session, apis: &KeyedApis, settings: KeySettings) -> Option<u64> {
        match life(session, apis, settings, NOW) {
            Life::For(time) => Some(time.as_secs()),
            Life::Forever | Life::AsBefore => None,
        }
    }

    #[test]
    fn the_key_s_own_lifetime_counts_for_more_than_that_of_its_apis_and_the_longest_of_these_counts() {
        let apis = apis(&[("a", 60, false), ("b", 90, false), ("none", 0, false)]);
        let settings = KeySettings::default();
        for (opens, own, expected) in [
            (&["a"][..], 0, Some(60)),
            (&["a", "b"], 0, Some(90)),
            (&["a", "none"], 0, Some(60)),
            (&["none"], 0, None),
            (&["a", "b"], 5, Some(5)),
            (&["unknown"], 5, Some(5)),
            (&["unknown"], 0, None),
            (&["none"], -7, None),
            // Without rights it opens all of its organisation.
            (&[], 0, Some(90)),
        ] {
            assert_eq!(kept(&session(opens, own, 0), &apis, settings), expected, "{opens:?} {own}");
        }
        let other = Session { org_id: "other".to_owned(), ..session(&[], 0, 0) };
        assert_eq!(kept(&other, &apis, settings), None);
    }

    #[test]
    fn a_key_may_be_kept_until_it_ends() {
        let settings = KeySettings::default();
        for (expires, expected) in
            [(NOW + 500, Some(500)), (NOW + 10, Some(60)), (NOW - 10, Some(60)), (0, None), (-1, None)]
        {
            let session = session(&["a"], 0, expires);
            assert_eq!(kept(&session, &apis(&[("a", 60, true)]), settings), expected, "{expires}");
            // The setting is for all APIs.
            let all = KeySettings { lifetime_respects_expiration: true, ..settings };
            assert_eq!(kept(&session, &apis(&[("a", 60, false)]), all), expected, "{expires}");
            assert_eq!(kept(&session, &apis(&[("a", 60, false)]), settings), Some(60), "{expires}");
        }
    }

    #[test]
    fn what_is_forced_counts_for_more_than_all() {
        let apis = apis(&[("a", 60, true)]);
        for (forced, expected) in [(7, Some(7)), (0, None)] {
            let settings =
                KeySettings { forced_lifetime: Some(Duration::from_secs(forced)), ..KeySettings::default() };
            assert_eq!(kept(&session(&["a"], 5, NOW + 500), &apis, settings), expected);
            assert_eq!(kept(&session(&["unknown"], 5, 0), &apis, settings), expected);
        }
    }
}
