//! Checks of how a request names a version.

use super::Reader;
use crate::apidef::model::{VersionLocation, VersionNaming};

/// How versions are named, as written.
pub(in crate::apidef) struct WrittenNaming<'a> {
    /// `header`, `url-param` or `url`.
    pub(in crate::apidef) location: &'a str,
    /// Name of the header or parameter.
    pub(in crate::apidef) key: &'a str,
    /// The name is taken out, wherever it is.
    pub(in crate::apidef) strip: bool,
    /// The older switch, for paths alone.
    pub(in crate::apidef) strip_path: bool,
    /// What a segment must match to be taken out.
    pub(in crate::apidef) url_pattern: &'a str,
    /// Name of the default version.
    pub(in crate::apidef) default: &'a str,
    /// The default is for unknown names too.
    pub(in crate::apidef) fallback: bool,
    /// Place of the section.
    pub(in crate::apidef) field: &'a str,
    /// Name of the pattern's field in it.
    pub(in crate::apidef) url_pattern_field: &'a str,
}

impl Reader<'_> {
    /// `None` comes with a refusal.
    pub(in crate::apidef) fn version_naming(&mut self, written: &WrittenNaming<'_>) -> Option<VersionNaming> {
        let field = |name: &str| format!("{}.{name}", written.field);
        let location = match written.location {
            "header" => VersionLocation::Header(self.header_name(written.key, &field("key"))?),
            "url-param" => VersionLocation::Parameter(written.key.to_owned()),
            "url" => VersionLocation::Url,
            other => {
                self.problems.refuse(
                    field("location"),
                    format!(
                        "`{other}` is not one of header, url-param, url; it says where a request names its version"
                    ),
                );
                return None;
            }
        };
        let by_path = matches!(location, VersionLocation::Url);
        let url_pattern = Some(written.url_pattern).filter(|pattern| by_path && !pattern.is_empty());
        if let Some(pattern) = url_pattern {
            self.check_regex(pattern, &field(written.url_pattern_field));
        }
        Some(VersionNaming {
            location,
            strip: written.strip || (by_path && written.strip_path),
            url_pattern: url_pattern.map(str::to_owned),
            default: Some(written.default).filter(|name| !name.is_empty()).map(str::to_owned),
            fallback: written.fallback,
        })
    }
}
