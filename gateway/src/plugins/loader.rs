//! The way from a file to a loaded plugin, in the order that lets no bad file do harm: read, inspect, copy, open, compare
//! layouts, start, `#[init]`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use gatehouse_plugin::host::{Kind, State};
use ring::digest;

use super::{
    boundary::Opened,
    cache, dlopen_message,
    error::{PluginError, Problem},
    file::{self, PluginFile},
    function::PluginFunction,
};
use crate::crash::{self, CallSite};

/// SHA-256 of a file, in hexadecimal digits.
pub type Digest = Box<str>;

/// The digest of these bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    use std::fmt::Write as _;
    let digest = digest::digest(&digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
        .into()
}

/// A plugin that is loaded. It stays so until the process ends, whether it is used or not.
#[derive(Debug)]
pub struct LoadedPlugin {
    /// The file as the definition names it.
    pub path: PathBuf,
    /// Of the file's bytes.
    pub digest: Digest,
    /// What the file says of itself.
    pub file: PluginFile,
    functions: BTreeMap<String, Arc<PluginFunction>>,
}

impl LoadedPlugin {
    /// A function by name.
    ///
    /// # Errors
    /// When there is none of that name, or it is of another kind.
    pub fn function(&self, name: &str, wanted: Kind) -> Result<Arc<PluginFunction>, Problem> {
        let Some(function) = self.functions.get(name) else {
            return Err(Problem::NoFunction {
                function: name.to_owned(),
                functions: self.functions.keys().cloned().collect(),
            });
        };
        match function.kind() {
            Some(found) if found != wanted => Err(Problem::Kind { function: name.to_owned(), found, wanted }),
            Some(_) if function.mode().is_some() => Ok(Arc::clone(function)),
            _ => Err(Problem::UnknownKind { function: name.to_owned() }),
        }
    }
}

/// Loads a plugin whose bytes have been read from `path`, through a copy in the folder `copies`.
///
/// Runs the plugin's code and blocks.
///
/// # Errors
/// Any [`Problem`] but those of a single function.
pub fn load(path: &Path, bytes: &[u8], digest: Digest, copies: &Path) -> Result<LoadedPlugin, PluginError> {
    let refused = |problem| PluginError { path: path.to_owned(), problem };
    let file = file::inspect(bytes).map_err(refused)?;
    let copy = cache::copy(path, bytes, &digest, copies).map_err(refused)?;
    // From here on the plugin's code runs: its initialisers and `#[init]` can crash as well as a function.
    let site = CallSite::new("", "", "", &path.to_string_lossy(), "#[init]");
    let _site = crash::enter(Box::leak(Box::new(site)));
    let opened = Opened::open(&copy).map_err(|message| refused(dlopen_message::problem(&message)))?;
    let checked = opened.check().map_err(|difference| {
        refused(Problem::Layout { found: file.built_with.clone(), difference: difference.last_block })
    })?;
    let state = match checked.init() {
        Some(init) => init.run().map_err(|message| refused(Problem::Init(message)))?,
        None => State::NONE,
    };
    let plugin: Arc<str> = path.to_string_lossy().into();
    let functions = file.functions.iter().filter_map(|entry| {
        let function = checked.function(&entry.name)?;
        Some((entry.name.clone(), Arc::new(PluginFunction::new(Arc::clone(&plugin), function, state))))
    });
    let functions = functions.collect();
    Ok(LoadedPlugin { path: path.to_owned(), digest, file, functions })
}
