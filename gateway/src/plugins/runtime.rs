//! The plugins of a running gateway: what is loaded, what calls are given, and what is closed.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::runtime::Handle;

use super::{
    Kind, OutboundClient, PluginError, PluginFunction, PluginRegistry, PluginServices, PluginStorage,
    metrics::PluginMetrics,
};
use crate::{
    config::settings::Settings,
    crash::CallSite,
    proxy::{direct::HostPools, hosts::Hosts},
    rehearsal::Rehearsal,
    supervisor::worker::ClosedEndpoints,
};

/// All plugins of a gateway.
#[derive(Debug)]
pub struct PluginRuntime {
    registry: PluginRegistry,
    /// What functions are called with.
    pub services: Arc<PluginServices>,
    /// Time for a call where a definition sets none.
    pub timeout: Duration,
    closed: Mutex<ClosedEndpoints>,
    /// Leaked, so each is made once however often definitions are reloaded.
    sites: Mutex<HashMap<[Box<str>; 5], &'static CallSite>>,
}

impl PluginRuntime {
    /// A runtime without plugins. Outbound calls go through `client` and, without TLS, through `pools`; timers and connections live on `handle`.
    pub fn new(
        settings: &Settings,
        client: OutboundClient,
        pools: Arc<HostPools>,
        handle: Handle,
        closed: ClosedEndpoints,
        storage: Option<Arc<dyn PluginStorage>>,
    ) -> Self {
        let plugins = &settings.plugins;
        Self {
            registry: PluginRegistry::new(plugins.cache.clone().unwrap_or_else(default_cache)),
            services: Arc::new(PluginServices {
                client,
                hosts: Arc::new(Hosts::new(pools)),
                handle,
                outbound_timeout: plugins.outbound_timeout,
                outbound_body_bytes: plugins.outbound_body_bytes,
                buffered_body_bytes: settings.limits.buffered_body_bytes,
                metrics: Arc::new(PluginMetrics::default()),
                storage,
                rehearsal: None,
            }),
            timeout: plugins.timeout,
            closed: Mutex::new(closed),
            sites: Mutex::default(),
        }
    }

    /// What functions are called with for a rehearsal. What they count is lost with it.
    pub fn rehearsed(&self, rehearsal: &Arc<Rehearsal>) -> Arc<PluginServices> {
        let services = &*self.services;
        Arc::new(PluginServices {
            client: services.client.clone(),
            hosts: Arc::clone(&services.hosts),
            handle: services.handle.clone(),
            metrics: Arc::new(PluginMetrics::default()),
            storage: Some(rehearsal.plugin_storage(services.handle.clone())),
            rehearsal: Some(Arc::clone(rehearsal)),
            ..*services
        })
    }

    /// See [`PluginRegistry::load`].
    ///
    /// # Errors
    /// Why it cannot be used, with the remedy.
    pub fn load(&self, path: &Path, function: &str, kind: Kind) -> Result<Arc<PluginFunction>, PluginError> {
        self.registry.load(path, function, kind)
    }

    /// What is loaded.
    pub fn registry(&self) -> &PluginRegistry {
        &self.registry
    }

    /// The place that a crash is reported for; the same one for the same parts.
    pub fn crash_site(&self, [api_id, method, path, plugin, function]: [&str; 5]) -> &'static CallSite {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let key = [api_id, method, path, plugin, function].map(Box::from);
        sites
            .entry(key)
            .or_insert_with(|| Box::leak(Box::new(CallSite::new(api_id, method, path, plugin, function))))
    }

    /// Whether an endpoint crashed too often.
    pub fn is_closed(&self, api_id: &str, method: &str, path: &str) -> bool {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).contains(api_id, method, path)
    }

    /// Opens what is closed; an operator's reload does.
    pub fn open_closed(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = ClosedEndpoints::default();
    }
}

/// A folder of this user's in the system's folder for temporary files.
fn default_cache() -> PathBuf {
    std::env::temp_dir().join(format!("gatehouse-plugins-{}", rustix::process::geteuid().as_raw()))
}
