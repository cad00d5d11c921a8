//! Bundles: zip files with hooks, their sources and a manifest, named by definitions.
//!
//! A bundle is unpacked once, into a folder of its own below `middleware_path/bundles`, and read from there at each
//! load. Nothing of it is used before its manifest's checksum is right, whichever way it came.

mod archive;
mod download;
mod manifest;
mod signature;

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use md5::{Digest as _, Md5};
use serde_json::Value;

pub use self::{
    archive::ArchiveError, download::DownloadError, manifest::ManifestError, signature::SignatureError,
};
use self::{download::Download, signature::PublicKey};
use crate::{config::settings::BundleSettings, js::outbound::OutboundClient};

/// Where the gateway keeps what it unpacked, below `middleware_path`.
const FOLDER: &str = "bundles";

/// The bundles of a gateway.
pub struct Bundles {
    folder: PathBuf,
    download: Option<Download>,
    max_bytes: usize,
    /// File of the key that every bundle must be signed with.
    public_key: Option<PathBuf>,
}

impl std::fmt::Debug for Bundles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundles").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A bundle that is ready.
#[derive(Debug)]
pub struct Bundle {
    /// Where its files are.
    pub folder: PathBuf,
    /// `custom_middleware` of its manifest.
    pub custom_middleware: Value,
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Its name leads out of the folder.
    #[error("`{0}` is not a name of a bundle: it must be a relative path without `..`")]
    Name(String),
    /// It is not signed as `public_key_path` asks.
    #[error("{0}")]
    Signature(#[from] SignatureError),
    /// It is not here, and nothing says where to get it.
    #[error(
        "it is not in {} and not to be had elsewhere: `enable_bundle_downloader` must be true and `bundle_base_url` set",
        .0.display()
    )]
    NotThere(PathBuf),
    /// It could not be fetched.
    #[error("it cannot be fetched: {0}")]
    Download(#[from] DownloadError),
    /// What was fetched is not a zip file of the right kind.
    #[error("it cannot be unpacked: {0}")]
    Archive(#[from] ArchiveError),
    /// The manifest is wrong, or does not fit the files.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// Files cannot be read or written.
    #[error("{}: {error}", path.display())]
    Files {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl Bundles {
    /// The bundles below a folder. `client` fetches those that are not there.
    pub fn new(
        middleware_path: &Path,
        settings: &BundleSettings,
        client: OutboundClient,
        handle: tokio::runtime::Handle,
    ) -> Self {
        let base = settings.base_url.clone().filter(|_| settings.download);
        Self {
            folder: middleware_path.join(FOLDER),
            download: base.map(|base| Download { base, client, handle, max_bytes: settings.max_bytes }),
            max_bytes: settings.max_bytes,
            public_key: settings.public_key.clone(),
        }
    }

    /// The bundle of this name: from its folder, or else fetched and unpacked. Blocks; not for async threads.
    ///
    /// # Errors
    /// When it is not to be had, or is not what its manifest says.
    pub fn load(&self, name: &str) -> Result<Bundle, BundleError> {
        if !is_relative(Path::new(name)) {
            return Err(BundleError::Name(name.to_owned()));
        }
        // Read each time, so that a reload takes a new key.
        let key = self.public_key.as_deref().map(PublicKey::read).transpose()?;
        let folder = self.folder.join(hex(&Md5::digest(name)));
        if !folder.is_dir() {
            let download = self.download.as_ref().ok_or_else(|| BundleError::NotThere(folder.clone()))?;
            let files = archive::unpack(&download.fetch(name)?, self.max_bytes)?;
            manifest::check(|path| archive::file(&files, path), key.as_ref())?;
            self.put(&folder, &files)?;
        }
        let read = |path: &str| read(&folder.join(path), self.max_bytes);
        let custom_middleware = manifest::check(read, key.as_ref())?;
        Ok(Bundle { folder, custom_middleware })
    }

    /// Writes files into a folder that is there either whole or not at all.
    fn put(&self, folder: &Path, files: &archive::Files) -> Result<(), BundleError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| BundleError::Files { path, error }
        };
        fs::create_dir_all(&self.folder).map_err(failed(&self.folder))?;
        let unfinished = folder.with_extension(format!("{}.unpacking", std::process::id()));
        let write = || -> Result<(), BundleError> {
            for (name, bytes) in files {
                let path = unfinished.join(name);
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).map_err(failed(parent))?;
                }
                fs::write(&path, bytes).map_err(failed(&path))?;
            }
            fs::rename(&unfinished, folder).map_err(failed(folder))
        };
        let written = write();
        if written.is_err() {
            // What is left of it is in nobody's way.
            let _ = fs::remove_dir_all(&unfinished);
        }
        written
    }
}

/// Whether a path stays below where it is taken from.
fn is_relative(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn read(path: &Path, max_bytes: usize) -> Result<Vec<u8>, io::Error> {
    let size = fs::metadata(path)?.len();
    if size > max_bytes as u64 {
        return Err(io::Error::other(format!("is larger than {max_bytes} bytes")));
    }
    fs::read(path)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_relative;

    #[test]
    fn names_stay_below() {
        for (name, stays) in [
            ("a.zip", true),
            ("team/a.zip", true),
            ("", false),
            ("..", false),
            ("a/../../b", false),
            ("/etc/passwd", false),
            ("./a", false),
        ] {
            assert_eq!(is_relative(Path::new(name)), stays, "{name}");
        }
    }
}
