//! From the versions of a definition to compiled ones: patterns, rewrites, targets of their own.

use std::sync::Arc;

use http::HeaderValue;
use time::macros::format_description;

use super::{
    api::{Expiry, LiveEndpoints, LiveVersion, LiveVersionNaming},
    compile::{CompileError, Compiler},
    plugins::PluginCompiler,
    scripts::ApiScripts,
};
use crate::{
    apidef::{
        ApiDefinition,
        model::{Endpoint, Version, VersionNaming},
    },
    chain::{limits::SharedRate, url_rewrite::Rewrite},
    config::settings::MatchingSettings,
    proxy::target::Target,
    response_cache::CacheRule,
    router::{endpoints::EndpointList, pattern::PatternError},
};

impl Compiler<'_> {
    /// One version of an API.
    pub(super) fn version(
        &self,
        definition: &ApiDefinition,
        version: &Version,
        insecure: bool,
        scripts: Option<&ApiScripts>,
        plugins: &mut PluginCompiler<'_>,
    ) -> Result<LiveVersion, CompileError> {
        let expires = version.expires.map(|when| {
            // RFC 1123 with the zone's name, as Go writes it.
            let format = format_description!(
                "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] UTC"
            );
            let text = when.format(format).unwrap_or_default();
            Expiry {
                when,
                header: HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("")),
            }
        });
        Ok(LiveVersion {
            name: version.name.clone(),
            expires,
            override_target: version
                .override_target
                .as_ref()
                .map(|url| Target::new(url, insecure, self.pools))
                .transpose()?,
            request_headers: version.request_headers.clone(),
            response_headers: version.response_headers.clone(),
            size_limit: version.size_limit,
            endpoints: self.endpoints(definition, version, scripts, plugins)?,
        })
    }

    fn endpoints(
        &self,
        definition: &ApiDefinition,
        version: &Version,
        scripts: Option<&ApiScripts>,
        plugins: &mut PluginCompiler<'_>,
    ) -> Result<LiveEndpoints, CompileError> {
        let endpoints = &version.endpoints;
        let matching = MatchingSettings {
            ignore_case: version.ignore_case || self.settings.matching.ignore_case,
            ..self.settings.matching
        };
        fn list<T: Clone>(
            endpoints: &[Endpoint<T>],
            matching: MatchingSettings,
        ) -> Result<EndpointList<T>, PatternError> {
            EndpointList::compile(endpoints, matching, |endpoint| {
                Ok::<_, PatternError>(endpoint.rule.clone())
            })
        }
        Ok(LiveEndpoints {
            ignored: list(&endpoints.ignored, matching)?,
            allowed: list(&endpoints.allowed, matching)?,
            blocked: list(&endpoints.blocked, matching)?,
            internal: list(&endpoints.internal, matching)?,
            virtual_endpoints: match scripts {
                Some(scripts) => EndpointList::compile(
                    &scripts.usable(&endpoints.virtual_endpoints),
                    matching,
                    |endpoint| Ok::<_, CompileError>(scripts.endpoint(endpoint)),
                )?,
                None => EndpointList::default(),
            },
            plugins: list(&plugins.endpoints(&endpoints.plugins), matching)?,
            cached: EndpointList::compile(&endpoints.cached, matching, |endpoint| {
                Ok::<_, CompileError>(Arc::new(CacheRule::compile(&endpoint.rule)?))
            })?,
            request_headers: list(&endpoints.request_headers, matching)?,
            response_headers: list(&endpoints.response_headers, matching)?,
            timeouts: list(&endpoints.timeouts, matching)?,
            size_limits: list(&endpoints.size_limits, matching)?,
            methods: list(&endpoints.methods, matching)?,
            rewrites: EndpointList::compile(&endpoints.rewrites, matching, |endpoint| {
                Rewrite::compile(&endpoint.rule).map_err(CompileError::from)
            })?,
            mocks: list(&endpoints.mocks, matching)?,
            upstream_mocks: list(&endpoints.upstream_mocks, matching)?,
            validations: list(&endpoints.validations, matching)?,
            rate_limits: match definition.key_limits.no_rates {
                true => EndpointList::default(),
                false => EndpointList::compile(&endpoints.rate_limits, matching, |endpoint| {
                    Ok::<_, PatternError>(SharedRate::of_endpoint(definition, endpoint, self.settings.keys))
                })?,
            },
        })
    }
}

/// How requests name versions.
pub(super) fn version_naming(naming: &VersionNaming) -> Result<LiveVersionNaming, regex::Error> {
    Ok(LiveVersionNaming {
        location: naming.location.clone(),
        strip: naming.strip,
        url_pattern: naming.url_pattern.as_deref().map(regex::Regex::new).transpose()?,
        default: naming.default.clone(),
        fallback: naming.fallback,
    })
}
