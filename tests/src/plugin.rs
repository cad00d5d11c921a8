//! Compiled plugins for tests: those of `example-plugins/` and of `tests/plugins/`.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{definition::Api, gateway::Gateway, setup::Setup};

/// The library of a plugin, which cargo builds next to the tests because it is a dev-dependency.
pub fn library(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let library = test.with_file_name(format!("lib{name}.so"));
    assert!(library.is_file(), "{} is not there: cargo build --workspace", library.display());
    library
}

/// An entry of `go_plugin` or `rust_plugin`.
pub fn entry(method: &str, path: &str, plugin: &str, function: &str) -> Value {
    json!({"path": path, "method": method, "plugin_path": library(plugin), "func_name": function})
}

/// A hook of `custom_middleware`.
pub fn hook(plugin: &str, function: &str) -> Value {
    json!({"name": function, "path": library(plugin)})
}

impl Api {
    /// An endpoint plugin.
    pub fn plugin(self, method: &str, path: &str, plugin: &str, function: &str) -> Self {
        self.endpoint("rust_plugin", entry(method, path, plugin, function))
    }

    /// An endpoint plugin with a `config`.
    pub fn plugin_with(self, method: &str, path: &str, plugin: &str, function: &str, config: Value) -> Self {
        let mut entry = entry(method, path, plugin, function);
        entry["config"] = config;
        self.endpoint("rust_plugin", entry)
    }

    /// Hooks of one place, in Rust.
    pub fn hooks(self, place: &str, hooks: Value) -> Self {
        self.set("/custom_middleware/driver", "rust").set(&format!("/custom_middleware/{place}"), hooks)
    }
}

impl Setup {
    /// Copies a plugin into the gateway's folder, as `NAME.so`: one that the test can replace.
    pub fn own_plugin(self, plugin: &str, name: &str) -> Self {
        let bytes = fs::read(library(plugin)).unwrap();
        self.file(&format!("plugins/{name}.so"), bytes)
    }
}

impl Gateway {
    /// Replaces a plugin in the gateway's folder the way a deployment does, by renaming; `build` makes it another build.
    pub fn replace_plugin(&self, plugin: &str, name: &str, build: u32) {
        let mut bytes = fs::read(library(plugin)).unwrap();
        // Bytes after the end change nothing but the file's digest.
        bytes.extend_from_slice(&build.to_le_bytes());
        self.write(&format!("plugins/{name}.new"), bytes);
        let folder = self.folder().join("plugins");
        fs::rename(folder.join(format!("{name}.new")), folder.join(format!("{name}.so"))).unwrap();
    }
}
