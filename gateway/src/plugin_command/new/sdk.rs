//! Finds the SDK that a new crate depends on.
//!
//! It is not in a registry, so a version alone would give a crate that does not build: it has to be a folder. Without a
//! checkout that is a copy of what this binary was built with.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::CommandError;

/// Names the SDK for all crates that are made.
const VARIABLE: &str = "GATEHOUSE_SDK";
/// Where a checkout has it.
pub(super) const FOLDER: &str = "plugin-api";

/// The SDK's folder in a checkout, as the manifest of a crate in `folder` names it: `--sdk`, or the variable, or that of the
/// checkout around the crate, the working directory or this binary. `None` when there is none.
///
/// # Errors
/// When the one that was named is something else.
pub(super) fn find(option: Option<PathBuf>, folder: &Path) -> Result<Option<PathBuf>, CommandError> {
    if let Some(path) = option {
        return named(&path).map(Some).ok_or_else(|| CommandError::argument("--sdk", is_none(&path)));
    }
    if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) {
        let error = || CommandError::argument("$GATEHOUSE_SDK", is_none(&path));
        return named(&path).map(Some).ok_or_else(error);
    }
    if let Some(checkout) = around(folder) {
        return Ok(Some(relative(&checkout, folder).unwrap_or_else(|| checkout.join(FOLDER))));
    }
    let places = [env::current_dir(), env::current_exe()];
    Ok(places.into_iter().flatten().find_map(|place| around(&place)).map(|checkout| checkout.join(FOLDER)))
}

fn is_none(path: &Path) -> String {
    let path = path.display();
    format!("{path} is not the SDK: name the folder `{FOLDER}` of a Gatehouse checkout")
}

/// The SDK at a path that somebody named: its folder, or the checkout around it.
fn named(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    [path.join(FOLDER), path].into_iter().find(|path| is_sdk(path))
}

/// The nearest checkout around a path that may not be there yet.
fn around(path: &Path) -> Option<PathBuf> {
    let existing = path.ancestors().find_map(|path| fs::canonicalize(path).ok())?;
    existing.ancestors().find(|path| is_sdk(&path.join(FOLDER))).map(Path::to_owned)
}

fn is_sdk(path: &Path) -> bool {
    let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
    manifest.lines().any(|line| line.trim_end() == "name = \"gatehouse-plugin\"")
}

/// The way from a crate inside of a checkout to the SDK, so that the checkout may move.
fn relative(checkout: &Path, folder: &Path) -> Option<PathBuf> {
    let depth = folder.strip_prefix(checkout).ok()?.components().count();
    let up: PathBuf = (0..depth).map(|_| "..").collect();
    Some(up.join(FOLDER))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{around, named, relative};

    #[test]
    fn a_checkout_is_found_around_a_path_and_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = fs::canonicalize(folder.path()).unwrap();
        let sdk = checkout.join("plugin-api");
        fs::create_dir(&sdk).unwrap();
        assert_eq!(around(&checkout.join("my/new/crate")), None);
        assert_eq!(named(&checkout), None);

        fs::write(sdk.join("Cargo.toml"), "[package]\nname = \"gatehouse-plugin\"\n").unwrap();
        assert_eq!(around(&checkout.join("my/new/crate")), Some(checkout.clone()));
        assert_eq!([named(&checkout), named(&sdk)], [Some(sdk.clone()), Some(sdk)]);
    }

    #[test]
    fn inside_of_a_checkout_the_way_is_relative() {
        let way = |folder: &str| relative(Path::new("/g"), Path::new(folder));
        assert_eq!(way("/g/my/crate").as_deref(), Some(Path::new("../../plugin-api")));
        assert_eq!(way("/elsewhere"), None);
    }
}
