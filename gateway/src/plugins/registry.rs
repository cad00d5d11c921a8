//! Loaded plugins by file: the same bytes are one plugin with one state, however often and from wherever they are named.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use gatehouse_plugin::host::Kind;

use super::{
    cache,
    error::{PluginError, Problem},
    function::PluginFunction,
    loader::{self, Digest, LoadedPlugin},
};

/// All plugins of the process.
///
/// ```no_run
/// use gatehouse::plugins::{Kind, PluginRegistry};
///
/// let registry = PluginRegistry::new("/var/cache/gatehouse/plugins");
/// let function = registry.load("plugins/libhello.so".as_ref(), "hello", Kind::Request)?;
/// # Ok::<(), gatehouse::plugins::PluginError>(())
/// ```
#[derive(Debug)]
pub struct PluginRegistry {
    cache: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    plugins: HashMap<Digest, Arc<LoadedPlugin>>,
    /// What files were when they were last read.
    files: HashMap<PathBuf, (Stamp, Digest)>,
    /// Whether old copies have been removed, which is done once, after something was loaded.
    cleaned: bool,
}

/// What changes when a file does, so that one that did not is not read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl PluginRegistry {
    /// A registry that keeps its copies in `cache`, which is made when it is needed. After its first plugin, it removes copies
    /// there that no gateway has loaded and none has used for a day.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self { cache: cache.into(), known: Mutex::default() }
    }

    /// The function of this name and kind in the file. Loads the file if its content is not loaded yet: an unchanged file
    /// gives the same instance, a changed one a new plugin, while calls of the old one go on.
    ///
    /// Reads files and runs the plugin's `#[init]`: not for an async thread.
    ///
    /// # Errors
    /// Why it cannot be used, with the remedy.
    pub fn load(&self, path: &Path, function: &str, kind: Kind) -> Result<Arc<PluginFunction>, PluginError> {
        let plugin = self.plugin(path)?;
        plugin.function(function, kind).map_err(|problem| PluginError { path: path.to_owned(), problem })
    }

    /// The plugin in the file, loaded if it is not yet.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn plugin(&self, path: &Path) -> Result<Arc<LoadedPlugin>, PluginError> {
        let refused = |problem| PluginError { path: path.to_owned(), problem };
        // Held while loading: two loads of one file must not run its `#[init]` twice.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, stamp) = find(path).map_err(refused)?;
        if let Some((before, digest)) = known.files.get(&file)
            && *before == stamp
            && let Some(plugin) = known.plugins.get(digest)
        {
            return Ok(Arc::clone(plugin));
        }
        let bytes = fs::read(&file).map_err(|error| refused(Problem::Read(error)))?;
        let digest = loader::digest(&bytes);
        let plugin = match known.plugins.get(&digest) {
            Some(plugin) => Arc::clone(plugin),
            None => {
                let plugin = Arc::new(loader::load(&file, &bytes, digest.clone(), &self.cache)?);
                known.plugins.insert(digest.clone(), Arc::clone(&plugin));
                plugin
            }
        };
        known.files.insert(file, (stamp, digest));
        if !std::mem::replace(&mut known.cleaned, true) {
            let removed = cache::remove_unused(&self.cache, cache::KEPT);
            tracing::debug!(removed, folder = %self.cache.display(), "copies of plugins that nobody uses");
        }
        Ok(plugin)
    }

    /// All plugins that are loaded, those that are not used any more included.
    pub fn plugins(&self) -> Vec<Arc<LoadedPlugin>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.plugins.values().cloned().collect()
    }
}

/// The file that is loaded for a path: one with version and platform in its name comes first, as in Tyk.
///
/// # Errors
/// When there is none.
pub fn locate(path: &Path) -> Result<PathBuf, Problem> {
    find(path).map(|(file, _)| file)
}

/// [`locate`], with what changes when the file does.
fn find(path: &Path) -> Result<(PathBuf, Stamp), Problem> {
    let tried = candidates(path);
    for candidate in &tried {
        match Stamp::of(candidate) {
            Ok(stamp) => return Ok((candidate.clone(), stamp)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Problem::Read(error)),
        }
    }
    Err(Problem::NotFound { tried })
}

/// The paths to look at, in order.
fn candidates(path: &Path) -> Vec<PathBuf> {
    let mut paths = vec![path.to_owned()];
    if let Some(stem) = path.file_stem() {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let version = env!("CARGO_PKG_VERSION");
        let name =
            format!("{}_v{version}_{}_{architecture}.so", stem.to_string_lossy(), std::env::consts::OS);
        paths.insert(0, path.with_file_name(name));
    }
    paths
}
