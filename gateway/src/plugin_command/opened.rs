//! Loads a plugin as a gateway does, through a copy in a folder that goes with the command.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{CommandError, isolated};
use crate::plugins::{Kind, Mode, PluginError, PluginFunction, PluginRegistry, loader::LoadedPlugin};

/// A plugin that is loaded.
pub(super) struct Opened {
    pub(super) plugin: Arc<LoadedPlugin>,
    /// From the first look at the file to the end of `#[init]`.
    pub(super) took: Duration,
}

/// Loads the file: its initialisers and its `#[init]` run, and nothing else of it.
///
/// # Errors
/// What a gateway would say.
pub(super) fn open(path: &Path) -> Result<Opened, CommandError> {
    let start = Instant::now();
    let plugin = PluginRegistry::new(isolated::copies()).plugin(path)?;
    Ok(Opened { plugin, took: start.elapsed() })
}

impl Opened {
    /// The function of this name, of whatever kind it is.
    ///
    /// # Errors
    /// What a gateway would say.
    pub(super) fn function(&self, name: &str) -> Result<(Kind, Arc<PluginFunction>), PluginError> {
        let known = self.plugin.file.functions.iter().find(|entry| entry.name == name);
        // One that is not there, or of a later version, is refused with the same words for each kind.
        let kind = known.and_then(|entry| entry.kind).unwrap_or(Kind::Request);
        let found = self.plugin.function(name, kind);
        let function = found.map_err(|problem| PluginError { path: self.plugin.path.clone(), problem })?;
        Ok((kind, function))
    }
}

/// How a kind is called in a sentence.
pub(super) fn kind_name(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Request) => "endpoint or request hook",
        Some(Kind::Auth) => "authentication",
        Some(Kind::Response) => "response hook",
        Some(Kind::Analytics) => "analytics",
        None => "of a later version",
    }
}

/// How a mode is called.
pub(super) fn mode_name(mode: Option<Mode>) -> &'static str {
    match mode {
        Some(Mode::Sync) => "sync",
        Some(Mode::Async) => "async",
        Some(Mode::Blocking) => "blocking",
        None => "of a later version",
    }
}
