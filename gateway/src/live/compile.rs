//! From definitions to a snapshot: patterns, targets and scripts are made ready, and what fails is reported.

use std::{
    collections::{BTreeSet, HashMap, hash_map},
    sync::{Arc, atomic::AtomicUsize},
};

use super::{
    api::{LiveApi, LiveVersionApis, LiveVersions},
    events::EventCompiler,
    hooks,
    kept::{Found, KeptApi, KeptApis},
    plugins::PluginCompiler,
    scripts::{self, ApiScripts},
    snapshot::{DefinitionStatus, Routed, Snapshot},
    versions::version_naming,
};
use crate::{
    apidef::{
        ApiDefinition,
        folder::DefinitionFile,
        model::{Version, VersionApis, Versioning},
        read::Kind,
    },
    chain::limits::SharedRate,
    config::settings::Settings,
    events::queue::EventQueue,
    js::runtime::JsRuntime,
    plugins::PluginRuntime,
    proxy::{direct::HostPools, target::Target},
    response_cache::{ApiCache, ResponseCache},
    router::{pattern::PatternError, table::Conflict},
    telemetry::metrics::Metrics,
};

/// Why a definition that reads well cannot run; the reader checks first, so these are defects or races.
#[derive(Debug, thiserror::Error)]
pub(super) enum CompileError {
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

/// An API that is ready to be served.
enum Made {
    /// It may be taken over as long as nothing changes.
    Kept(Arc<KeptApi>),
    /// It is made anew at each reload.
    Once(Routed),
}

impl Made {
    fn routed(&self) -> &Routed {
        match self {
            Self::Kept(kept) => &kept.routed,
            Self::Once(routed) => routed,
        }
    }
}

/// How a compilation went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compiled {
    /// APIs that are served.
    pub served: usize,
    /// Definitions whose APIs were taken over as they were.
    pub unchanged: usize,
    /// Definitions that are not, inactive ones not counted.
    pub refused: usize,
    /// Sources that did not load.
    pub failed_sources: usize,
    /// Places that name a plugin which did not load.
    pub failed_plugins: usize,
}

impl Compiler<'_> {
    /// Compiles all definitions. Findings are logged, each once, with its file and line; an API that fails is left
    /// out and the others are served. Those that have not changed are taken over.
    ///
    /// Blocks while scripts load: not for an async thread.
    pub fn compile(&self, files: Vec<Found>) -> (Snapshot, Compiled) {
        let mut compiled = Compiled::default();
        let mut routed = Vec::new();
        let mut not_ready = Vec::new();
        let mut folders = BTreeSet::new();
        let mut served: Vec<DefinitionFile> = Vec::new();
        // Places in `served` by id.
        let mut by_id: HashMap<Arc<str>, usize> = HashMap::new();
        let mut definitions = Vec::new();
        let mut kept = KeptApis::new();
        for (mut file, before) in files {
            file.report();
            compiled.refused += usize::from(!file.problems.refusals.is_empty());
            let definition = file.definition.take();
            let id = match (&before, &definition) {
                (Some(before), _) => Arc::clone(&before.routed.api.id),
                (None, Some(definition)) => Arc::clone(&definition.id),
                (None, None) => {
                    definitions.push(DefinitionStatus::not_served(&file));
                    continue;
                }
            };
            let place = match by_id.entry(id) {
                hash_map::Entry::Vacant(place) => place,
                hash_map::Entry::Occupied(earlier) => {
                    let (id, earlier) = (earlier.key(), served[*earlier.get()].path.display());
                    let message =
                        format!("`{id}` is the id of the API in {earlier} already; this one is not served");
                    file.report_one(file.kind.unwrap_or(Kind::Classic).id_field(), &message);
                    compiled.refused += 1;
                    definitions.push(DefinitionStatus::not_served(&file));
                    continue;
                }
            };
            let named = match (&before, &definition) {
                (Some(before), _) => before.folders.clone(),
                (None, definition) => definition.iter().flat_map(ApiDefinition::folders).collect(),
            };
            folders.extend(named);
            let made = match (before, &definition) {
                (Some(before), _) => {
                    compiled.unchanged += 1;
                    Ok(Made::Kept(before))
                }
                (None, Some(definition)) => {
                    let mut plugins = PluginCompiler::new(self.plugins, self.metrics, definition, &file);
                    self.make(definition, &file, &mut plugins).map(|(made, failed_sources)| {
                        compiled.failed_sources += failed_sources;
                        compiled.failed_plugins += plugins.failed;
                        not_ready.append(&mut plugins.not_ready);
                        made
                    })
                }
                (None, None) => continue,
            };
            match made {
                Ok(made) => {
                    routed.push(made.routed().clone());
                    if let Made::Kept(api) = made {
                        kept.insert(file.path.clone(), api);
                    }
                    place.insert(served.len());
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
        snapshot.kept = kept;
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

    /// Makes an API, and tells how many of its sources did not load.
    fn make(
        &self,
        definition: &ApiDefinition,
        file: &DefinitionFile,
        plugins: &mut PluginCompiler<'_>,
    ) -> Result<(Made, usize), CompileError> {
        let scripts = scripts::load(self, definition, file);
        let failed_sources = scripts.as_ref().map_or(0, ApiScripts::failed);
        let api = Arc::new(self.api(definition, file, scripts.as_ref(), plugins)?);
        let routed = Routed { api, domain: self.domain(definition), internal: definition.internal };
        let made = match KeptApi::new(file, definition, scripts.as_ref(), &routed) {
            Some(kept) => Made::Kept(Arc::new(kept)),
            None => Made::Once(routed),
        };
        Ok((made, failed_sources))
    }

    /// Compiles one API and lets go of it; its file has what was found.
    pub(super) fn compile_one(
        &self,
        definition: &ApiDefinition,
        file: &DefinitionFile,
    ) -> Result<(), String> {
        let mut plugins = PluginCompiler::new(self.plugins, self.metrics, definition, file);
        self.make(definition, file, &mut plugins).map(drop).map_err(|error| error.to_string())
    }

    /// Domains count only where `enable_custom_domains` says so, as in Tyk.
    pub(super) fn domain(&self, definition: &ApiDefinition) -> Option<String> {
        definition.domain.clone().filter(|_| self.settings.server.custom_domains)
    }

    fn api(
        &self,
        definition: &ApiDefinition,
        file: &DefinitionFile,
        scripts: Option<&ApiScripts>,
        plugins: &mut PluginCompiler<'_>,
    ) -> Result<LiveApi, CompileError> {
        let upstream = &definition.upstream;
        let insecure = upstream.insecure_skip_verify || self.settings.upstream.insecure_skip_verify;
        let hooks = hooks::compile(definition, scripts, plugins, self.metrics, *self.js.budget());
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
            scripts,
            metrics: self.metrics,
        };
        let mut compile = |version: &Version| self.version(definition, version, insecure, scripts, plugins);
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
        Ok(LiveApi {
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
        })
    }
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
