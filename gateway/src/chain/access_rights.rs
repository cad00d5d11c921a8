//! What a session allows: whether it has ended, which APIs and versions it is for, and which paths.

use std::sync::Arc;

use http::Method;
use quick_cache::sync::Cache;
use time::OffsetDateTime;

use super::{authentication::Arriving, plugin};
use crate::{
    config::settings::MatchingSettings,
    events::Happened,
    exchange::Exchange,
    live::api::{LiveApi, LiveVersions},
    reply::error::GatewayError,
    router::{endpoints::PathForms, pattern::Pattern},
    serve::Gateway,
    session::{AllowedUrl, Session},
};

/// Patterns that are kept compiled.
const KEPT: usize = 10_000;

/// Compiled patterns of `allowed_urls` and `endpoints`, which come with sessions.
pub struct AllowedUrls {
    matching: MatchingSettings,
    /// `None` for what is not a pattern.
    patterns: Cache<Box<str>, Option<Arc<Pattern>>>,
}

impl AllowedUrls {
    /// None yet; they are matched as endpoints are.
    pub fn new(matching: MatchingSettings) -> Self {
        Self { matching, patterns: Cache::new(KEPT) }
    }

    fn allow(&self, urls: &[AllowedUrl], method: &Method, path: PathForms<'_>) -> bool {
        urls.iter().any(|allowed| {
            allowed.methods.iter().any(|name| name == method.as_str())
                && self.pattern(&allowed.url).is_some_and(|pattern| path.matches(&pattern))
        })
    }

    /// A pattern of a session; `None`, logged once, when the text is none.
    pub fn pattern(&self, url: &str) -> Option<Arc<Pattern>> {
        if let Some(known) = self.patterns.get(url) {
            return known;
        }
        let pattern = match Pattern::compile(url, self.matching) {
            Ok(pattern) => Some(Arc::new(pattern)),
            Err(error) => {
                tracing::error!("a path in a session: {error}; it matches nothing");
                None
            }
        };
        self.patterns.insert(url.into(), pattern.clone());
        pattern
    }
}

/// Lets a request go on that its session allows.
///
/// # Errors
/// What is not allowed.
pub fn check(
    gateway: &Gateway,
    api: &LiveApi,
    arriving: &Arriving<'_>,
    exchange: &Exchange,
) -> Result<(), GatewayError> {
    let session = exchange.session.as_deref().ok_or(GatewayError::KeyRefused)?;
    let key = plugin::key_shown(exchange);
    if session.is_inactive {
        api.events.fire(exchange, Happened::KeyInactive { key });
        return Err(GatewayError::KeyInactive);
    }
    // Most keys have no end, and then nobody asks for the time.
    if session.expires > 0 && session.has_expired(OffsetDateTime::now_utc().unix_timestamp()) {
        api.events.fire(exchange, Happened::KeyExpired { key });
        return Err(GatewayError::KeyExpired);
    }
    let several = matches!(api.versions, LiveVersions::Many { .. });
    let version = arriving.version.filter(|_| several);
    if !has_right(session, &api.id, &api.org_id, version) {
        return Err(GatewayError::KeyRefused);
    }
    match session.access_rights.get(&*api.id) {
        Some(right)
            if !right.allowed_urls.is_empty()
                && !gateway.allowed_urls.allow(&right.allowed_urls, &exchange.method, arriving.forms) =>
        {
            Err(GatewayError::PathRefused)
        }
        _ => Ok(()),
    }
}

/// A session without any right may call whatever takes keys in its organisation.
fn has_right(session: &Session, api: &str, org: &str, version: Option<&str>) -> bool {
    if session.access_rights.is_empty() {
        return session.org_id.is_empty() || session.org_id == org;
    }
    let Some(right) = session.access_rights.get(api) else { return false };
    version.is_none_or(|version| right.versions.iter().any(|allowed| allowed == version))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rights_are_for_apis_and_versions() {
        let session = |rights| serde_json::from_value::<Session>(json!({ "access_rights": rights })).unwrap();
        assert!(has_right(&Session::default(), "a", "org", Some("v1")));
        let other = Session { org_id: "other".to_owned(), ..Session::default() };
        assert!(has_right(&other, "a", "other", None) && !has_right(&other, "a", "org", None));
        let one = session(json!({"a": {"versions": ["v1"]}}));
        assert!(has_right(&one, "a", "org", None) && has_right(&one, "a", "org", Some("v1")));
        assert!(!has_right(&one, "a", "org", Some("v2")) && !has_right(&one, "b", "org", None));
    }

    #[test]
    fn allowed_paths_match_as_endpoints_do() {
        let allowed = AllowedUrls::new(MatchingSettings::default());
        let urls = |urls: &[(&str, &str)]| -> Vec<AllowedUrl> {
            let one = |(url, method): &(&str, &str)| AllowedUrl {
                url: (*url).to_owned(),
                methods: vec![(*method).to_owned()],
            };
            urls.iter().map(one).collect()
        };
        let path = |stripped| PathForms::new(stripped, None, "/api/x", 5);
        let list = urls(&[("(", "GET"), ("/users/{id}", "GET"), ("^/get.*", "POST")]);
        let allows = |method: Method, stripped| allowed.allow(&list, &method, path(stripped));
        assert!(allows(Method::GET, "/users/7") && allows(Method::POST, "/getit"));
        assert!(!allows(Method::POST, "/users/7") && !allows(Method::GET, "/getit"));
        assert!(!allows(Method::GET, "/("));
    }
}
