//! Runs cargo and finds the libraries that it made.

use std::{
    env, fs,
    io::{self, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use super::super::{UNABLE, isolated};

/// Why there is no library.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum CargoError {
    /// There is no cargo.
    #[error(
        "cargo is not there (looked for `{0}`): install Rust from rustup.rs, or name cargo with the variable CARGO"
    )]
    NotInstalled(String),
    /// It does not start, or its output ends in the middle.
    #[error("cargo cannot be run (`{program}`): {error}")]
    Run {
        /// What was started.
        program: String,
        /// Why it failed.
        #[source]
        error: io::Error,
    },
    /// No crate here.
    #[error(
        "there is no Cargo.toml in {} or above it: change to the plugin's folder, name its manifest with --manifest-path, \
         or make a crate with `gatehouse plugin new`",
        .0.display()
    )]
    NoManifest(PathBuf),
    /// The crate makes no library that can be loaded.
    #[error("{} makes no library that a gateway can load: add crate-type = [\"cdylib\"] to [lib]", .0.display())]
    NoLibrary(PathBuf),
}

/// What to build.
pub(super) struct Build {
    pub(super) manifest_path: Option<PathBuf>,
    pub(super) profile: Profile,
    pub(super) cargo_arguments: Vec<String>,
}

/// How to build it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    Release,
    Debug,
}

/// What came of it.
pub(super) enum Built {
    /// Absolute paths of the libraries.
    Libraries(Vec<PathBuf>),
    /// Cargo left with this code.
    Failed(u8),
}

/// A line of cargo's output.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// Runs cargo, whose diagnostics go to standard error.
pub(super) fn build(build: &Build) -> Result<Built, CargoError> {
    let manifest = manifest(build.manifest_path.as_deref())?;
    let program = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(&program);
    command.args(["build", "--message-format=json-render-diagnostics", "--manifest-path"]).arg(&manifest);
    if build.profile == Profile::Release {
        command.arg("--release");
    }
    command.args(&build.cargo_arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    // A build script that runs these commands is none of our children.
    command.env_remove(isolated::VARIABLE);
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => CargoError::NotInstalled(program.clone()),
        _ => CargoError::Run { program: program.clone(), error },
    };
    let mut process = command.spawn().map_err(failed)?;
    let messages = process.stdout.take().map(|output| messages(BufReader::new(output))).transpose();
    let status = process.wait().map_err(failed)?;
    if !status.success() {
        // Without a code it was ended by a signal, which no shell gives as a code either.
        return Ok(Built::Failed(status.code().and_then(|code| code.try_into().ok()).unwrap_or(UNABLE)));
    }
    let libraries = libraries(messages.map_err(failed)?.unwrap_or_default(), &manifest);
    if libraries.is_empty() { Err(CargoError::NoLibrary(manifest)) } else { Ok(Built::Libraries(libraries)) }
}

/// The manifest that cargo would take, as an absolute path.
fn manifest(named: Option<&Path>) -> Result<PathBuf, CargoError> {
    let here = || env::current_dir().unwrap_or_default();
    match named {
        // Cargo says what is wrong with it.
        Some(path) => Ok(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())),
        None => {
            let found =
                here().ancestors().map(|folder| folder.join("Cargo.toml")).find(|path| path.is_file());
            found.ok_or_else(|| CargoError::NoManifest(here()))
        }
    }
}

/// All artifacts. Lines that are none, such as what a build script printed, are left out.
fn messages(output: impl io::BufRead) -> io::Result<Vec<Message>> {
    let mut messages = Vec::new();
    for line in output.split(b'\n') {
        if let Ok(message) = serde_json::from_slice::<Message>(&line?)
            && message.reason == "compiler-artifact"
        {
            messages.push(message);
        }
    }
    Ok(messages)
}

/// The libraries of the manifest's own package, or of all packages when it is that of a workspace: cargo makes those of
/// dependencies as well.
fn libraries(messages: Vec<Message>, manifest: &Path) -> Vec<PathBuf> {
    let is_library = |message: &Message| {
        message.target.as_ref().is_some_and(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
    };
    let own = |message: &Message| message.manifest_path.as_deref() == Some(manifest);
    let any_own = messages.iter().any(own);
    let made = messages.into_iter().filter(|message| is_library(message) && (own(message) || !any_own));
    let files = made.flat_map(|message| message.filenames);
    files.filter(|file| file.extension().is_some_and(|extension| extension == "so")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{libraries, messages};

    const OUTPUT: &[u8] = br#"{"reason":"compiler-artifact","manifest_path":"/w/dep/Cargo.toml","target":{"crate_types":["cdylib","rlib"]},"filenames":["/t/libdep.so","/t/libdep.rlib"]}
what a build script says
{"reason":"build-script-executed","package_id":"x"}
{"reason":"compiler-artifact","manifest_path":"/w/plugin/Cargo.toml","target":{"crate_types":["cdylib"]},"filenames":["/t/libplugin.so"]}
{"reason":"build-finished","success":true}
"#;

    #[test]
    fn a_package_has_its_own_library_and_a_workspace_all() {
        let found = |manifest: &str| libraries(messages(OUTPUT).unwrap(), Path::new(manifest));
        assert_eq!(found("/w/plugin/Cargo.toml"), [Path::new("/t/libplugin.so")]);
        assert_eq!(found("/w/Cargo.toml"), [Path::new("/t/libdep.so"), Path::new("/t/libplugin.so")]);
    }

    #[test]
    fn a_package_without_a_library_has_none_of_its_dependencies() {
        let output = br#"{"reason":"compiler-artifact","manifest_path":"/w/dep/Cargo.toml","target":{"crate_types":["cdylib"]},"filenames":["/t/libdep.so"]}
{"reason":"compiler-artifact","manifest_path":"/w/tool/Cargo.toml","target":{"crate_types":["bin"]},"filenames":["/t/tool"]}"#;
        assert!(libraries(messages(&output[..]).unwrap(), Path::new("/w/tool/Cargo.toml")).is_empty());
    }
}
