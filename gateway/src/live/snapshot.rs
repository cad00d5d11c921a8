//! All APIs at one moment, replaced whole on a reload.

use std::sync::Arc;

use super::api::LiveApi;
use crate::router::table::{Conflict, ListenPath, Table};

/// Routes and the APIs behind them.
#[derive(Debug)]
pub struct Snapshot {
    table: Table<Arc<LiveApi>>,
    internal: Vec<Arc<LiveApi>>,
}

/// An API with the facts that the table needs about it.
#[derive(Debug)]
pub struct Routed {
    /// The API.
    pub api: Arc<LiveApi>,
    /// Its host, when it is bound to one.
    pub domain: Option<String>,
    /// Reachable through loops only.
    pub internal: bool,
}

impl Snapshot {
    /// Builds the routes; the conflicts are by index into `apis`.
    pub fn new(apis: Vec<Routed>, strict_routes: bool) -> (Self, Vec<Conflict>) {
        let mut listen_paths = Vec::new();
        let mut indexes = Vec::new();
        let mut internal = Vec::new();
        for (index, Routed { api, domain, internal: is_internal }) in apis.into_iter().enumerate() {
            if is_internal {
                internal.push(api);
            } else {
                indexes.push(index);
                listen_paths.push(ListenPath { host: domain, path: api.listen_path.clone(), target: api });
            }
        }
        let (table, conflicts) = Table::build(listen_paths, strict_routes);
        let original =
            |conflict: Conflict| Conflict { index: indexes[conflict.index], kept: indexes[conflict.kept] };
        (Self { table, internal }, conflicts.into_iter().map(original).collect())
    }

    /// The API for a host and path, and how much of the path its listen path took.
    pub fn route(&self, host: &str, path: &str) -> Option<(&LiveApi, usize)> {
        self.table.find(host, path).map(|found| (&**found.target, found.length))
    }

    /// An API by id or name, internal ones too; a name matches as it stands in a URL, other characters as dashes.
    pub fn find_api(&self, name: &str) -> Option<&LiveApi> {
        let apis = || self.apis().map(|api| &**api);
        apis().find(|api| &*api.id == name).or_else(|| {
            let wanted = url_name(name);
            apis().find(|api| url_name(&api.name) == wanted)
        })
    }

    /// All APIs.
    pub fn apis(&self) -> impl Iterator<Item = &Arc<LiveApi>> {
        self.table.targets().iter().chain(&self.internal)
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
