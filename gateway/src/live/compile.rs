//! From definitions to a snapshot: patterns, targets and scripts are made ready, and what fails is reported.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, atomic::AtomicUsize},
};

use http::HeaderValue;
use time::macros::format_description;

use super::{
    api::{Expiry, LiveApi, LiveEndpoints, LiveVersion, LiveVersionApis, LiveVersionNaming, LiveVersions},
    events::EventCompiler,
    hooks,
    plugins::PluginCompiler,
    scripts::{self, ApiScripts},
    snapshot::{DefinitionStatus, Routed, Snapshot},
};
use crate::{
    apidef::{
        ApiDefinition,
        folder::DefinitionFile,
        model::{Endpoint, Version, VersionApis, VersionNaming, Versioning},
        read::Kind,
    },
    chain::{limits::SharedRate, url_rewrite::Rewrite},
    config::settings::{MatchingSettings, Settings},
    events::queue::EventQueue,
    js::runtime::JsRuntime,
    plugins::PluginRuntime,
    proxy::{direct::HostPools, target::Target},
    response_cache::{ApiCache, CacheRule, ResponseCache},
    router::{endpoints::EndpointList, pattern::PatternError, table::Conflict},
    telemetry::metrics::Metrics,
};

/// Why a definition that reads well cannot run; the reader checks first, so these are defects or races.
#[derive(Debug, thiserror::Error)]
enum CompileError {
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("not a regular expression: {0}")]
    Regex(#[from] regex::Error),
    #[error("not a host: {0}")]
    Host(#[from] http::uri::InvalidUri),
}

/// What a snapshot is compiled with.
pub struct Compiler<'a> {
    /// Settings of the process.
    pub settings: &'a Settings,
    /// Where scripts are loaded.
    pub js: &'a JsRuntime,
    /// Where targets get the pools of their hosts.
    pub pools: &'a HostPools,
    /// Where plugins are loaded.
    pub plugins: &'a PluginRuntime,
    /// Where answers are kept.
    pub cache: &'a Arc<ResponseCache>,
    /// Where event handlers run.
    pub events: &'a Arc<EventQueue>,
    /// Where APIs get what they count with.
    pub metrics: &'a Metrics,
}

/// How a compilation went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compiled {
    /// APIs that are served.
    pub served: usize,
    /// Definitions that are not, inactive ones not counted.
    pub refused: usize,
    /// Sources that did not load.
    pub failed_sources: usize,
    /// Places that name a plugin which did not load.
    pub failed_plugins: usize,
}

impl Compiler<'_> {
    /// Compiles all definitions. Findings are logged, each once, with its file and line; an API that fails is left
    /// out and the others are served.
    ///
    /// Blocks while scripts load: not for an async thread.
    pub fn compile(&self, files: Vec<DefinitionFile>) -> (Snapshot, Compiled) {
        let mut compiled = Compiled::default();
        let mut routed = Vec::new();
        let mut not_ready = Vec::new();
        let mut folders = BTreeSet::new();
        let mut served: Vec<DefinitionFile> = Vec::new();
        let mut definitions = Vec::new();
        for mut file in files {
            file.report();
            compiled.refused += usize::from(!file.problems.refusals.is_empty());
            let Some(definition) = file.definition.take() else {
                definitions.push(DefinitionStatus::not_served(&file));
                continue;
            };
            if let Some(earlier) = served.iter().find(|earlier| earlier.api_id == definition.id) {
                let message = format!(
                    "`{}` is the id of the API in {} already; this one is not served",
                    definition.id,
                    earlier.path.display()
                );
                file.report_one(file.kind.unwrap_or(Kind::Classic).id_field(), &message);
                compiled.refused += 1;
                definitions.push(DefinitionStatus::not_served(&file));
                continue;
            }
            folders.extend(definition.files().filter_map(|file| Some(file.parent()?.to_owned())));
            let mut plugins = PluginCompiler::new(self.plugins, self.metrics, &definition, &file);
            match self.api(&definition, &file, &mut plugins) {
                Ok((api, failed_sources)) => {
                    compiled.failed_sources += failed_sources;
                    compiled.failed_plugins += plugins.failed;
                    not_ready.append(&mut plugins.not_ready);
                    routed.push(Routed {
                        api: Arc::new(api),
                        domain: self.domain(&definition),
                        internal: definition.internal,
                    });
                    served.push(file);
                }
                Err(error) => {
                    file.report_one("", &error.to_string());
                    compiled.refused += 1;
                    definitions.push(DefinitionStatus::not_served(&file));
                }
            }
        }
        let (snapshot, conflicts) = Snapshot::new(routed, self.settings.matching.strict_routes);
        let mut snapshot = snapshot.not_ready_because(not_ready);
        snapshot.folders = folders;
        compiled.refused += conflicts.len();
        compiled.served = snapshot.apis().count();
        for file in &served {
            warn_of_missing_versions(&snapshot, file);
        }
        let mut left_out = BTreeSet::new();
        for Conflict { index, kept } in conflicts {
            left_out.insert(index);
            let other = served[kept].path.display();
            let field = served[index].kind.unwrap_or(Kind::Classic).listen_path_field();
            served[index].report_one(
                field,
                &format!("is the listen path of the API in {other} already; this one is not served"),
            );
        }
        definitions.extend(served.iter().enumerate().map(|(index, file)| {
            if left_out.contains(&index) {
                DefinitionStatus::not_served(file)
            } else {
                DefinitionStatus::served(file)
            }
        }));
        definitions.sort_by(|one, other| one.path.cmp(&other.path));
        snapshot.definitions = definitions;
        (snapshot, compiled)
    }

    /// Compiles one API and lets go of it; its file has what was found.
    pub(super) fn compile_one(
        &self,
        definition: &ApiDefinition,
        file: &DefinitionFile,
    ) -> Result<(), String> {
        let mut plugins = PluginCompiler::new(self.plugins, self.metrics, definition, file);
        self.api(definition, file, &mut plugins).map(drop).map_err(|error| error.to_string())
    }

    /// Domains count only where `enable_custom_domains` says so, as in Tyk.
    pub(super) fn domain(&self, definition: &ApiDefinition) -> Option<String> {
        definition.domain.clone().filter(|_| self.settings.server.custom_domains)
    }

    /// The API, and how many of its sources did not load.
    fn api(
        &self,
        definition: &ApiDefinition,
        file: &DefinitionFile,
        plugins: &mut PluginCompiler<'_>,
    ) -> Result<(LiveApi, usize), CompileError> {
        let upstream = &definition.upstream;
        let insecure = upstream.insecure_skip_verify || self.settings.upstream.insecure_skip_verify;
        let scripts = scripts::load(self, definition, file);
        let failed_sources = scripts.as_ref().map_or(0, ApiScripts::failed);
        let hooks = hooks::compile(definition, scripts.as_ref(), plugins, self.metrics, *self.js.budget());
        let closed = hooks.auth_check.is_some() || definition.keys.is_some();
        if !hooks.post_key_auth.is_empty() && !closed && !file.is_trial {
            tracing::warn!(
                file = %file.path.display(), api_id = &*definition.id,
                "post_key_auth hooks never run: the API has no authentication that they could come after, as in Tyk"
            );
        }
        let events = EventCompiler {
            queue: self.events,
            templates: &self.settings.template_path,
            file,
            scripts: scripts.as_ref(),
            metrics: self.metrics,
        };
        let mut compile =
            |version: &Version| self.version(definition, version, insecure, scripts.as_ref(), plugins);
        let versions = match &definition.versioning {
            Versioning::Single(version) => LiveVersions::Single(Box::new(compile(version)?)),
            Versioning::Many { naming, versions } => {
                let named = versions.iter().map(|version| Ok((version.name.clone(), compile(version)?)));
                LiveVersions::Many {
                    naming: version_naming(naming)?,
                    versions: named.collect::<Result<HashMap<_, _>, CompileError>>()?,
                }
            }
        };
        let keys = self.settings.keys;
        let rate_limit = definition.rate_limit.map(|limit| SharedRate::of_api(definition, limit, keys));
        let api = LiveApi {
            id: Arc::clone(&definition.id),
            name: Arc::clone(&definition.name),
            org_id: Arc::clone(&definition.org_id),
            listen_path: definition.listen_path.clone(),
            strip_listen_path: definition.strip_listen_path,
            targets: upstream
                .targets
                .iter()
                .map(|url| Target::new(url, insecure, self.pools))
                .collect::<Result<_, _>>()?,
            turn: AtomicUsize::new(0),
            preserve_host_header: upstream.preserve_host_header,
            keep_trailing_slash: upstream.keep_trailing_slash,
            versions,
            version_apis: match &definition.version_apis {
                Some(VersionApis { naming, own_name, apis }) => Some(Box::new(LiveVersionApis {
                    naming: version_naming(naming)?,
                    own_name: own_name.clone(),
                    apis: apis.clone(),
                })),
                None => None,
            },
            cors: definition.cors.clone(),
            client_addresses: definition.client_addresses.clone(),
            keys: definition.keys.clone(),
            rate_limit,
            key_limits: definition.key_limits,
            response_headers: definition.response_headers.clone(),
            hooks,
            batch: definition.batch,
            cache: definition.cache.as_ref().map(|options| {
                let lookups = self.metrics.cache_lookups(&definition.id);
                Arc::new(ApiCache::new(self.cache, &definition.id, options.clone(), lookups))
            }),
            events: events.compile(definition),
            metrics: self.metrics.api(&definition.id),
        };
        Ok((api, failed_sources))
    }

    fn version(
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

fn version_naming(naming: &VersionNaming) -> Result<LiveVersionNaming, regex::Error> {
    Ok(LiveVersionNaming {
        location: naming.location.clone(),
        strip: naming.strip,
        url_pattern: naming.url_pattern.as_deref().map(regex::Regex::new).transpose()?,
        default: naming.default.clone(),
        fallback: naming.fallback,
    })
}

/// A version that is not there is 404 for who asks for it, which is as much of Tyk as that it is no reason to refuse the base.
fn warn_of_missing_versions(snapshot: &Snapshot, file: &DefinitionFile) {
    let Some(versions) = snapshot.find_api(&file.api_id).and_then(|api| api.version_apis.as_deref()) else {
        return;
    };
    let field = file.kind.unwrap_or(Kind::Classic).versions_field();
    for (name, id) in versions.apis.iter().filter(|(_, id)| snapshot.find_api(id).is_none()) {
        tracing::warn!(file = %file.place(field), field,
            "version `{name}` is the API `{id}`, which is not served: who asks for it gets 404");
    }
}
