//! All APIs at one moment, replaced whole on a reload.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::SystemTime,
};

use super::{api::LiveApi, kept::KeptApis};
use crate::{
    apidef::{Problem, folder::DefinitionFile, model::KeyLimits},
    router::table::{Conflict, ListenPath, Table},
    session::{KeyedApi, KeyedApis},
};

/// Routes and the APIs behind them.
#[derive(Debug)]
pub struct Snapshot {
    table: Table<Arc<LiveApi>>,
    /// Those that are served, internal ones too.
    apis: Vec<Arc<LiveApi>>,
    /// Places in `apis` by id.
    by_id: HashMap<Arc<str>, usize>,
    /// Whether any API takes keys.
    pub takes_keys: bool,
    /// Whether any API has an analytics hook.
    pub keeps_records: bool,
    /// Folders of the scripts and plugins that definitions name.
    pub folders: BTreeSet<PathBuf>,
    /// When the files began to be read.
    pub read_at: SystemTime,
    /// What became of each file of `app_path`, in the order of their names.
    pub definitions: Vec<DefinitionStatus>,
    /// What the next reload may take over.
    pub kept: KeptApis,
    /// Why the gateway should get no requests yet, if it should not.
    not_ready: Vec<String>,
}

/// An API with the facts that the table needs about it.
#[derive(Debug, Clone)]
pub struct Routed {
    /// The API.
    pub api: Arc<LiveApi>,
    /// Its host, when it is bound to one.
    pub domain: Option<String>,
    /// Reachable through loops only.
    pub internal: bool,
}

/// What became of a definition file.
#[derive(Debug)]
pub struct DefinitionStatus {
    /// The file.
    pub path: PathBuf,
    /// Id of its API; empty when it could not be read.
    pub api_id: Arc<str>,
    /// Whether it is served.
    pub state: DefinitionState,
    /// What was found, each with its place in the file.
    pub findings: Vec<(String, Problem)>,
}

/// Whether an API is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefinitionState {
    /// It is.
    Served,
    /// It says that it is not to be.
    Inactive,
    /// It cannot be; the findings say why.
    Refused,
}

impl DefinitionStatus {
    /// Of an API that is served.
    pub fn served(file: &DefinitionFile) -> Self {
        Self::new(file, DefinitionState::Served)
    }

    /// Of a file whose API is not.
    pub fn not_served(file: &DefinitionFile) -> Self {
        let refused = !file.problems.refusals.is_empty() || !file.findings.borrow().is_empty();
        Self::new(file, if refused { DefinitionState::Refused } else { DefinitionState::Inactive })
    }

    fn new(file: &DefinitionFile, state: DefinitionState) -> Self {
        let findings = file.findings.borrow();
        let all = file.problems.refusals.iter().chain(findings.iter()).chain(&file.problems.warnings);
        Self {
            path: file.path.clone(),
            api_id: Arc::clone(&file.api_id),
            state,
            findings: all.map(|problem| (file.place(&problem.field), problem.clone())).collect(),
        }
    }
}

impl Snapshot {
    /// Builds the routes; the conflicts are by index into `apis`.
    pub fn new(apis: Vec<Routed>, strict_routes: bool) -> (Self, Vec<Conflict>) {
        let mut listen_paths = Vec::new();
        let mut indexes = Vec::new();
        let mut all = Vec::with_capacity(apis.len());
        for (index, Routed { api, domain, internal }) in apis.into_iter().enumerate() {
            all.push(Arc::clone(&api));
            if !internal {
                indexes.push(index);
                listen_paths.push(ListenPath { host: domain, path: api.listen_path.clone(), target: api });
            }
        }
        let (table, conflicts) = Table::build(listen_paths, strict_routes);
        let original =
            |conflict: Conflict| Conflict { index: indexes[conflict.index], kept: indexes[conflict.kept] };
        let conflicts: Vec<Conflict> = conflicts.into_iter().map(original).collect();
        let is_served = |index: &usize| conflicts.iter().all(|conflict| conflict.index != *index);
        let served: Vec<Arc<LiveApi>> =
            all.into_iter().enumerate().filter(|(index, _)| is_served(index)).map(|(_, api)| api).collect();
        let by_id = served.iter().enumerate().map(|(index, api)| (Arc::clone(&api.id), index)).collect();
        let takes_keys = served.iter().any(|api| api.keys.is_some());
        let keeps_records = served.iter().any(|api| api.hooks.analytics.is_some());
        (
            Self {
                table,
                apis: served,
                by_id,
                takes_keys,
                keeps_records,
                folders: BTreeSet::new(),
                read_at: SystemTime::now(),
                definitions: Vec::new(),
                kept: KeptApis::new(),
                not_ready: Vec::new(),
            },
            conflicts,
        )
    }

    /// The same snapshot, not ready for these reasons.
    pub fn not_ready_because(self, not_ready: Vec<String>) -> Self {
        Self { not_ready, ..self }
    }

    /// Why the gateway should get no requests yet; empty when it should.
    pub fn not_ready(&self) -> &[String] {
        &self.not_ready
    }

    /// Whether any API is for one host only.
    pub fn tells_hosts_apart(&self) -> bool {
        self.table.tells_hosts_apart()
    }

    /// The API for a host and path, and how much of the path its listen path took.
    pub fn route(&self, host: &str, path: &str) -> Option<(&LiveApi, usize)> {
        self.table.find(host, path).map(|found| (&**found.target, found.length))
    }

    /// An API by id or name, internal ones too; a name matches as it stands in a URL, other characters as dashes.
    pub fn find_api(&self, name: &str) -> Option<&LiveApi> {
        if let Some(index) = self.by_id.get(name) {
            return self.apis.get(*index).map(|api| &**api);
        }
        let wanted = url_name(name);
        self.apis().map(|api| &**api).find(|api| url_name(&api.name) == wanted)
    }

    /// All APIs.
    pub fn apis(&self) -> impl Iterator<Item = &Arc<LiveApi>> {
        self.apis.iter()
    }

    /// What all APIs say about their keys.
    pub fn keyed_apis(&self) -> KeyedApis {
        let keyed = |api: &Arc<LiveApi>| {
            let KeyLimits { session_lifetime, lifetime_respects_expiration, .. } = api.key_limits;
            let keyed = KeyedApi {
                org: Arc::clone(&api.org_id),
                lifetime: session_lifetime,
                respects_expiration: lifetime_respects_expiration,
            };
            (Arc::clone(&api.id), keyed)
        };
        self.apis.iter().map(keyed).collect()
    }
}

/// A name as it can stand for a host in a URL: runs of other characters become one dash, case is ignored.
fn url_name(name: &str) -> String {
    let mut url_name = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            url_name.push(character.to_ascii_lowercase());
        } else if !url_name.ends_with('-') {
            url_name.push('-');
        }
    }
    url_name
}
