//! Which version of an API a request is for.

use http::Uri;
use time::OffsetDateTime;

use crate::{
    apidef::model::VersionLocation,
    events::Happened,
    exchange::Exchange,
    live::api::{LiveApi, LiveVersion, LiveVersionNaming, LiveVersions},
    reply::error::GatewayError,
};

/// The version of a request.
pub struct Selected<'a> {
    /// Its rules.
    pub version: &'a LiveVersion,
    /// Its name, when the API has several.
    pub name: Option<&'a str>,
    /// Length of the path segment (with its slash) that named it, when the path did.
    pub segment: Option<usize>,
}

/// What a request says about its version.
pub(super) struct Named {
    /// The name, if there is one.
    pub(super) name: Option<Box<str>>,
    /// Length of the path segment, with what is before it, that was read as a name.
    pub(super) segment: Option<usize>,
}

/// Finds the version; takes its name out of the request's header or query where the API strips it.
///
/// # Errors
/// When none is named, the named one is not there or it has expired, which is a `VersionFailure`.
pub fn select<'a>(
    api: &'a LiveApi,
    uri: &Uri,
    listen_length: usize,
    exchange: &mut Exchange,
) -> Result<Selected<'a>, GatewayError> {
    find(api, uri, listen_length, exchange).inspect_err(|error| refused(api, exchange, error))
}

/// Fires `VersionFailure`, which in Tyk is also for endpoints that are not open.
pub fn refused(api: &LiveApi, exchange: &Exchange, error: &GatewayError) {
    if !api.events.is_empty() {
        api.events.fire(exchange, Happened::VersionFailure { reason: &error.to_string() });
    }
}

/// [`select`] without events.
///
/// # Errors
/// As for it.
pub fn find<'a>(
    api: &'a LiveApi,
    uri: &Uri,
    listen_length: usize,
    exchange: &mut Exchange,
) -> Result<Selected<'a>, GatewayError> {
    let (naming, versions) = match &api.versions {
        LiveVersions::Single(version) => return unexpired(version, None, None),
        LiveVersions::Many { naming, versions } => (naming, versions),
    };
    let named = named(naming, uri, listen_length, exchange);
    let default = || naming.default.as_deref().and_then(|default| versions.get_key_value(default));
    let (name, version) = match named.name.as_deref() {
        Some(name) => match versions.get_key_value(name) {
            Some(found) => found,
            None if naming.fallback => default().ok_or(GatewayError::VersionUnknown)?,
            None => return Err(GatewayError::VersionUnknown),
        },
        None if naming.default.is_none() => return Err(GatewayError::VersionMissing),
        None => default().ok_or(GatewayError::VersionUnknown)?,
    };
    unexpired(version, Some(name), named.segment)
}

/// What the request says, taken out where it is to be. A request that loops is known by what it said at first.
///
/// As in Tyk, a path segment that is no version's name is taken out all the same, unless a pattern keeps it.
pub(super) fn named(
    naming: &LiveVersionNaming,
    uri: &Uri,
    listen_length: usize,
    exchange: &mut Exchange,
) -> Named {
    if let Some(known) = &exchange.version_name {
        return Named { name: Some(known.clone()).filter(|name| !name.is_empty()), segment: None };
    }
    let mut segment = None;
    let name: Option<Box<str>> = match &naming.location {
        VersionLocation::Header(header) => {
            let name = exchange.headers.get(header).and_then(|value| value.to_str().ok()).map(Box::from);
            if naming.strip {
                exchange.headers.remove(header);
            }
            name
        }
        VersionLocation::Parameter(parameter) => {
            let query = uri.query().unwrap_or("").as_bytes();
            let found = form_urlencoded::parse(query).find(|(name, _)| name == parameter);
            let name = found.map(|(_, value)| Box::from(&*value));
            if naming.strip && name.is_some() {
                strip_parameter(exchange, parameter);
            }
            name
        }
        VersionLocation::Url => {
            let rest = uri.path().get(listen_length..).unwrap_or("");
            let start = rest.len() - rest.trim_start_matches('/').len();
            let name = rest[start..].split('/').next().unwrap_or("");
            if naming.url_pattern.as_ref().is_none_or(|pattern| pattern.is_match(name)) {
                segment = Some(start + name.len());
            }
            Some(Box::from(name))
        }
    };
    exchange.version_name = Some(name.clone().unwrap_or_default());
    Named { name: name.filter(|name| !name.is_empty()), segment }
}

fn unexpired<'a>(
    version: &'a LiveVersion,
    name: Option<&'a str>,
    segment: Option<usize>,
) -> Result<Selected<'a>, GatewayError> {
    match &version.expires {
        Some(expires) if expires.when <= OffsetDateTime::now_utc() => Err(GatewayError::VersionExpired),
        _ => Ok(Selected { version, name, segment }),
    }
}

/// Takes a parameter out of the exchange's query; what is left is written anew, in the order of names as in Tyk.
fn strip_parameter(exchange: &mut Exchange, parameter: &str) {
    let query = exchange.uri.query().unwrap_or("");
    let mut kept: Vec<_> =
        form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != parameter).collect();
    kept.sort_by(|(left, _), (right, _)| left.cmp(right));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    let path = exchange.uri.path().to_owned();
    set_path_and_query(exchange, &path, &query);
}

/// Gives the exchange another path and query, and leaves the rest of its URI.
pub(super) fn set_path_and_query(exchange: &mut Exchange, path: &str, query: &str) {
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = exchange.uri.clone().into_parts();
    if let Ok(path_and_query) = text.parse() {
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            exchange.uri = uri;
        }
    }
}
