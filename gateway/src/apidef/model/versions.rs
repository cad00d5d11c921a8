//! Versions: how a request names one, and what a version is.

use std::collections::BTreeMap;

use http::HeaderName;
use time::OffsetDateTime;
use url::Url;

use super::{Endpoints, HeaderChanges};

/// The versions inside a definition.
#[derive(Debug, Clone)]
pub enum Versioning {
    /// One version for all.
    Single(Box<Version>),
    /// Several.
    Many {
        /// How a request names one.
        naming: VersionNaming,
        /// The versions.
        versions: Vec<Version>,
    },
}

/// How a request names a version.
#[derive(Debug, Clone)]
pub struct VersionNaming {
    /// Where the name is.
    pub location: VersionLocation,
    /// The name is taken out before the request goes on.
    pub strip: bool,
    /// What a path segment must match to be taken out as a version's name (`url_versioning_pattern`); `None` is any.
    pub url_pattern: Option<String>,
    /// The version of a request that names none.
    pub default: Option<String>,
    /// A request that names a version which is not there gets the default one.
    pub fallback: bool,
}

/// Where a request names its version.
#[derive(Debug, Clone)]
pub enum VersionLocation {
    /// In a header.
    Header(HeaderName),
    /// In a query parameter.
    Parameter(String),
    /// In the first path segment after the listen path.
    Url,
}

/// Versions that are APIs of their own, reached at the listen path of this one, their base.
#[derive(Debug, Clone)]
pub struct VersionApis {
    /// How a request names one.
    pub naming: VersionNaming,
    /// What the base itself is called, besides `self`; may be empty.
    pub own_name: String,
    /// Ids of the APIs, by the names of the versions.
    pub apis: BTreeMap<String, String>,
}

/// One version of an API.
#[derive(Debug, Clone, Default)]
pub struct Version {
    /// Its name.
    pub name: String,
    /// From when on it is refused.
    pub expires: Option<OffsetDateTime>,
    /// Where its requests go instead.
    pub override_target: Option<Url>,
    /// Header changes of every request.
    pub request_headers: HeaderChanges,
    /// Header changes of every answer.
    pub response_headers: HeaderChanges,
    /// Bytes that a request body may have; 0 is no limit.
    pub size_limit: u64,
    /// Endpoint paths match without regard to case.
    pub ignore_case: bool,
    /// What happens at single endpoints.
    pub endpoints: Endpoints,
}
