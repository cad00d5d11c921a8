//! Loads a plugin as a gateway does, through a copy in a folder that goes with the command.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::CommandError;
use crate::{
    plugins::{Kind, Mode, PluginError, PluginFunction, PluginRegistry, loader::LoadedPlugin},
    telemetry::request_id::RequestId,
};

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
    let cache = Cache::make()?;
    let start = Instant::now();
    let plugin = PluginRegistry::new(&cache.0).plugin(path)?;
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

/// A folder for copies that nobody else can write to. What was loaded from it stays mapped when it goes.
struct Cache(PathBuf);

impl Cache {
    fn make() -> Result<Self, CommandError> {
        let path = std::env::temp_dir().join(format!("gatehouse-plugin-{}", RequestId::next()));
        let made: io::Result<()> = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| CommandError::File {
            doing: "a folder for the copy of the plugin cannot be made; TMPDIR names another place",
            path: path.clone(),
            error,
        })?;
        Ok(Self(path))
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files, which is where it belongs.
        let _ = fs::remove_dir_all(&self.0);
    }
}
