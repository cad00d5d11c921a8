//! From the places of a definition that name functions of plugins to functions that can be called.

use std::sync::Arc;

use crate::{
    apidef::{
        ApiDefinition,
        folder::DefinitionFile,
        model::{Endpoint, OnLoadFailure, PluginUse},
    },
    chain::plugin::{LivePlugin, PluginState},
    plugins::{ApiFacts, Kept, Kind, PluginRuntime, PluginSite},
    telemetry::metrics::Metrics,
};

/// Loads the plugins of one API.
pub(super) struct PluginCompiler<'a> {
    runtime: &'a PluginRuntime,
    metrics: &'a Metrics,
    file: &'a DefinitionFile,
    facts: Arc<ApiFacts>,
    /// How many places have nothing to call.
    pub(super) failed: usize,
    /// Why the gateway is not ready.
    pub(super) not_ready: Vec<String>,
}

impl<'a> PluginCompiler<'a> {
    /// For one definition and the file it is in.
    pub(super) fn new(
        runtime: &'a PluginRuntime,
        metrics: &'a Metrics,
        definition: &ApiDefinition,
        file: &'a DefinitionFile,
    ) -> Self {
        let facts = if definition.uses_plugins() {
            ApiFacts {
                id: Arc::clone(&definition.id),
                name: Arc::clone(&definition.name),
                organisation: Arc::clone(&definition.org_id),
                listen_path: definition.listen_path.as_str().into(),
                config_data: match &definition.config_data {
                    Some(data) if !data.is_null() => data.to_string().into(),
                    _ => "{}".into(),
                },
                definition: definition.written.clone(),
            }
        } else {
            ApiFacts::default()
        };
        Self { runtime, metrics, file, facts: Arc::new(facts), failed: 0, not_ready: Vec::new() }
    }

    /// A hook, or `None` when requests go on without it. It is told apart by its place in the definition, since it has no method and path.
    pub(super) fn hook(&mut self, hook: &PluginUse, kind: Kind) -> Option<LivePlugin> {
        self.load(hook, kind, "", &hook.field)
    }

    /// Endpoints with a function to call; those are left out that are to be proxied without their plugin.
    pub(super) fn endpoints(&mut self, endpoints: &[Endpoint<PluginUse>]) -> Vec<Endpoint<Arc<LivePlugin>>> {
        let load = |endpoint: &Endpoint<PluginUse>| {
            let method = endpoint.method.as_ref().map_or("", http::Method::as_str);
            let plugin = self.load(&endpoint.rule, Kind::Request, method, &endpoint.path)?;
            Some(Endpoint {
                path: endpoint.path.clone(),
                method: endpoint.method.clone(),
                rule: Arc::new(plugin),
            })
        };
        endpoints.iter().filter_map(load).collect()
    }

    fn load(&mut self, place: &PluginUse, kind: Kind, method: &str, path: &str) -> Option<LivePlugin> {
        let id = &*self.facts.id;
        let state = if self.runtime.is_closed(id, method, path) {
            PluginState::Closed
        } else {
            match self.runtime.load(&place.file, &place.function, kind) {
                Ok(function) => PluginState::Ready(function),
                Err(error) => {
                    self.failed += 1;
                    let at = self.file.place(&place.field);
                    let (field, consequence) = (&*place.field, consequence(place.on_load_failure));
                    if self.file.note(field, format!("{consequence}: {error}")) {
                        tracing::error!(file = %at, field, api_id = id, "{consequence}: {error}");
                    }
                    match place.on_load_failure {
                        OnLoadFailure::Proxy => return None,
                        OnLoadFailure::Refuse => self.not_ready.push(format!("{at}: {error}")),
                        OnLoadFailure::Fail => {}
                    }
                    PluginState::Failed(error.to_string().into())
                }
            }
        };
        let file = place.file.to_string_lossy();
        let site = PluginSite {
            services: Arc::clone(&self.runtime.services),
            api: Arc::clone(&self.facts),
            config: place.config.as_deref().map(Box::from),
            crash_site: self.runtime.crash_site([id, method, path, &file, &place.function]),
            timeout: Some(place.timeout.unwrap_or(self.runtime.timeout)),
            kept: Kept::default(),
        };
        let plugin = place.file.file_name().unwrap_or_default().to_string_lossy();
        let failures = self.metrics.plugin_failures(id, &plugin, &place.function);
        Some(LivePlugin { state, site: Arc::new(site), failures })
    }
}

fn consequence(on_load_failure: OnLoadFailure) -> &'static str {
    match on_load_failure {
        OnLoadFailure::Fail => "requests that need this plugin are answered 500",
        OnLoadFailure::Refuse => {
            "the gateway is not ready, and requests that need this plugin are answered 500"
        }
        OnLoadFailure::Proxy => "requests go on without this plugin",
    }
}
