//! The SDK that this binary was built with, for authors who have the binary and nothing else.

use std::{fmt::Write as _, io, path::Path};

/// The manifest of the workspace, and every file below `plugin-api`, by their paths in a checkout.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));
/// Of the workspace.
const MANIFEST: &str = "Cargo.toml";
/// What the SDK's crates inherit.
const INHERITED: [&str; 2] = ["[workspace.package]", "[workspace.lints."];

/// Writes the SDK into a folder that is not there yet, as a workspace of its own.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    for (name, text) in FILES.iter().filter(|(name, _)| *name != MANIFEST) {
        super::write(&folder.join(name), text)?;
    }
    super::write(&folder.join(MANIFEST), &manifest())
}

/// A workspace with what the crates inherit from the one in the checkout.
fn manifest() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let members = FILES.iter().filter_map(|(name, _)| name.strip_suffix("/Cargo.toml"));
    let members: Vec<String> = members.map(|name| format!("{name:?}")).collect();
    let mut text = format!(
        "# The SDK of Gatehouse {version}. To use that of a newer gateway, replace this folder with its.\n\
         [workspace]\nresolver = \"3\"\nmembers = [{}]\n",
        members.join(", ")
    );
    let original = FILES.iter().find(|(name, _)| *name == MANIFEST).map_or("", |(_, text)| text);
    let mut wanted = false;
    for line in original.lines() {
        if line.starts_with('[') {
            wanted = INHERITED.iter().any(|section| line.starts_with(section));
            if wanted {
                text.push('\n');
            }
        }
        if wanted && !line.is_empty() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{FILES, manifest};

    #[test]
    fn the_copy_is_a_workspace_with_what_its_crates_inherit() {
        let text = manifest();
        assert!(
            text.contains(r#"members = ["plugin-api", "plugin-api/abi", "plugin-api/macros"]"#),
            "{text}"
        );
        let version = format!("\n[workspace.package]\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&version) && text.contains("\n[workspace.lints.rust]\n"), "{text}");
        assert!(!text.contains("bench/"), "{text}");
    }

    #[test]
    fn all_of_the_sdk_is_there() {
        for name in ["plugin-api/src/lib.rs", "plugin-api/build.rs", "plugin-api/macros/src/lib.rs"] {
            assert!(FILES.iter().any(|(file, text)| *file == name && !text.is_empty()), "{name}");
        }
    }
}
