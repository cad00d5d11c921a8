//! What a plugin function is called with besides the request: the place in a definition, and the gateway's services.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gatehouse_plugin::host::{HostFuture, Kept, StorageOperation, Stored};
use http::HeaderValue;
use tokio::runtime::Handle;

use super::{metrics::PluginMetrics, outbound::OutboundClient};
use crate::{crash::CallSite, proxy::hosts::Hosts, rehearsal::Rehearsal, session::SeenSession};

/// The store, for plugins.
pub trait PluginStorage: Send + Sync {
    /// Does one operation. The future may be polled on threads that are not the gateway's.
    fn run(&self, key: String, operation: StorageOperation) -> HostFuture<Result<Stored, String>>;
}

/// What the gateway does for all plugins.
pub struct PluginServices {
    /// Makes outbound calls over TLS.
    pub client: OutboundClient,
    /// Makes the others.
    pub hosts: Arc<Hosts>,
    /// Where outbound calls have their sockets and timers.
    pub handle: Handle,
    /// Bound on one outbound call.
    pub outbound_timeout: Duration,
    /// Bytes that the answer to one may have.
    pub outbound_body_bytes: usize,
    /// Bytes that a request's body may have when a function wants it in memory.
    pub buffered_body_bytes: usize,
    /// Counters and histograms.
    pub metrics: Arc<PluginMetrics>,
    /// The store, when there is one.
    pub storage: Option<Arc<dyn PluginStorage>>,
    /// The rehearsal that calls are for, which gets what they log and answers what they ask for.
    pub rehearsal: Option<Arc<Rehearsal>>,
}

impl std::fmt::Debug for PluginServices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginServices").finish_non_exhaustive()
    }
}

/// Facts of an API that plugins see.
#[derive(Debug, Clone, Default)]
pub struct ApiFacts {
    /// `api_id`.
    pub id: Arc<str>,
    /// `name`.
    pub name: Arc<str>,
    /// `org_id`.
    pub organisation: Arc<str>,
    /// `proxy.listen_path`.
    pub listen_path: Arc<str>,
    /// `config_data` as JSON; `{}` when it is switched off.
    pub config_data: Arc<str>,
    /// The definition as JSON, when it is kept.
    pub definition: Option<Arc<str>>,
}

/// A place in a definition where a function is named.
#[derive(Debug)]
pub struct PluginSite {
    /// The gateway's services.
    pub services: Arc<PluginServices>,
    /// The API.
    pub api: Arc<ApiFacts>,
    /// `config` of this place, as JSON.
    pub config: Option<Box<str>>,
    /// Told when native code crashes here; leaked once for each place.
    pub crash_site: &'static CallSite,
    /// How long a call may take; `None` is no bound. A sync function cannot be stopped.
    pub timeout: Option<Duration>,
    /// What the plugin makes of the configuration of this place at its first call; `Kept::default()`.
    pub kept: Kept,
}

/// One call, besides its request.
#[derive(Debug, Clone)]
pub struct CallContext<'a> {
    /// The place.
    pub site: &'a Arc<PluginSite>,
    /// Session of the caller.
    pub session: Option<SeenSession>,
    /// `Server` of the answer, when the function's own may be completed: nothing else is done to its headers.
    pub server: Option<&'a HeaderValue>,
}

impl<'a> CallContext<'a> {
    /// A call at this place, without a session.
    pub fn new(site: &'a Arc<PluginSite>) -> Self {
        Self { site, session: None, server: None }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.site.timeout.map(|timeout| Instant::now() + timeout)
    }
}
