//! Lists the files of the SDK, which the binary carries for `gatehouse plugin new`.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = here.parent().unwrap_or(&here);
    let mut files = vec![root.join("Cargo.toml")];
    collect(&root.join("plugin-api"), &mut files)?;
    files.sort();
    let entry = |file: &PathBuf| {
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        format!("    ({name:?}, include_str!({:?})),\n", file.display().to_string())
    };
    let list = format!("&[\n{}]\n", files.iter().map(entry).collect::<String>());
    let output = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("sdk_files.rs");
    for watched in ["../Cargo.toml", "../plugin-api", "build.rs"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    fs::write(output, list)
}

/// All that a build of the SDK needs.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            // Tests in a folder of their own are not needed to build it, nor is what a build left.
            if path.file_name().is_none_or(|name| name != "tests" && name != "target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
