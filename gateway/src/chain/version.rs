//! Which version of an API a request is for.

use http::Uri;
use time::OffsetDateTime;

use crate::{
    apidef::model::VersionLocation,
    events::Happened,
    exchange::Exchange,
    live::api::{LiveApi, LiveVersion, LiveVersions},
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
    let (location, strip, default, versions) = match &api.versions {
        LiveVersions::Single(version) => return unexpired(version, None, None),
        LiveVersions::Many { location, strip, default, versions } => (location, *strip, default, versions),
    };
    let mut segment = None;
    let name = match location {
        VersionLocation::Header(header) => {
            let name = exchange.headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
            if strip {
                exchange.headers.remove(header);
            }
            name
        }
        VersionLocation::Parameter(parameter) => {
            let query = uri.query().unwrap_or("").as_bytes();
            let found = form_urlencoded::parse(query).find(|(name, _)| name == parameter);
            let name = found.map(|(_, value)| value.into_owned());
            if strip && name.is_some() {
                strip_parameter(exchange, parameter);
            }
            name
        }
        VersionLocation::Url => {
            let rest = uri.path().get(listen_length..).unwrap_or("");
            let start = rest.len() - rest.trim_start_matches('/').len();
            let name = rest[start..].split('/').next().unwrap_or("");
            segment = Some(start + name.len());
            (!name.is_empty()).then(|| name.to_owned())
        }
    };
    let name = name.filter(|name| !name.is_empty());
    let (name, version) = match (name.as_deref(), default.as_deref()) {
        (Some(name), default) => match (versions.get_key_value(name), default) {
            (Some(found), _) => found,
            // A first segment that is no version belongs to the path of the default version.
            (None, Some(default)) if matches!(location, VersionLocation::Url) => {
                segment = None;
                versions.get_key_value(default).ok_or(GatewayError::VersionUnknown)?
            }
            (None, _) => return Err(GatewayError::VersionUnknown),
        },
        (None, Some(default)) => versions.get_key_value(default).ok_or(GatewayError::VersionUnknown)?,
        (None, None) => return Err(GatewayError::VersionMissing),
    };
    unexpired(version, Some(name), segment)
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

/// Takes a parameter out of the exchange's query.
fn strip_parameter(exchange: &mut Exchange, parameter: &str) {
    let query = exchange.uri.query().unwrap_or("");
    let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != parameter);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    let path = exchange.uri.path();
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = exchange.uri.clone().into_parts();
    if let Ok(path_and_query) = text.parse() {
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            exchange.uri = uri;
        }
    }
}
