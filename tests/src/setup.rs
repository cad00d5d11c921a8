//! What a gateway is started with: `tyk.conf`, definitions, files and environment, in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    definition::{Api, put},
    gateway::{self, Gateway},
    log::Log,
};

/// A start in preparation.
#[derive(Debug)]
pub struct Setup {
    folder: TempDir,
    /// What `tyk.conf` will hold: the value, or a text that need not be JSON.
    conf: Value,
    conf_text: Option<String>,
    environment: Vec<(String, String)>,
}

/// A start that ended by itself.
#[derive(Debug)]
pub struct Refused {
    pub code: Option<i32>,
    /// All that was written to standard error.
    pub text: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("apps")).unwrap();
        fs::create_dir(folder.path().join("middleware")).unwrap();
        let conf = json!({
            "listen_address": "127.0.0.1", "listen_port": 0, "log_format": "json", "log_level": "info",
            "app_path": "apps", "middleware_path": "middleware", "enable_jsvm": true,
            "gatehouse": {"plugins": {"cache_path": "plugin-cache"}},
        });
        Self { folder, conf, conf_text: None, environment: Vec::new() }
    }

    /// The folder that the gateway will run in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a value in `tyk.conf` by its JSON pointer.
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        put(&mut self.conf, pointer, value.into());
        self
    }

    /// Takes a key out of `tyk.conf`.
    pub fn without(mut self, key: &str) -> Self {
        self.conf.as_object_mut().unwrap().remove(key);
        self
    }

    /// Writes this text in place of a made `tyk.conf`.
    pub fn conf_text(mut self, text: impl Into<String>) -> Self {
        self.conf_text = Some(text.into());
        self
    }

    pub fn api(self, api: Api) -> Self {
        let (name, text) = (api.file_name(), api.text());
        self.definition_text(&name, &text)
    }

    pub fn apis(self, apis: impl IntoIterator<Item = Api>) -> Self {
        apis.into_iter().fold(self, Self::api)
    }

    /// A definition file with exactly this text.
    pub fn definition_text(self, name: &str, text: &str) -> Self {
        self.file(&format!("apps/{name}"), text)
    }

    /// A file, by its path relative to the working directory.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        write(self.folder.path(), path, content.as_ref());
        self
    }

    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the gateway and waits until it listens.
    pub fn start(self) -> Gateway {
        let mut command = self.command();
        let process = command.spawn().expect("the gateway starts");
        Gateway::started(process, self.folder)
    }

    /// Starts the gateway, which is expected to end by itself.
    pub fn refused(self) -> Refused {
        let mut process = self.command().spawn().expect("the gateway starts");
        let mut log = Log::read(process.stderr.take().expect("stderr is a pipe"));
        if log.wait(|line| line["message"] == "listening").is_some() {
            process.kill().unwrap();
            process.wait().unwrap();
            panic!("the gateway started although it should have refused:\n{}", log.text());
        }
        let status = process.wait().unwrap();
        log.to_end();
        Refused { code: status.code(), text: log.text() }
    }

    fn command(&self) -> Command {
        let text =
            self.conf_text.clone().unwrap_or_else(|| serde_json::to_string_pretty(&self.conf).unwrap());
        write(self.folder.path(), "tyk.conf", text.as_bytes());
        let mut command = command_in(self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The gateway of a folder's `tyk.conf`.
pub(crate) fn command_in(folder: &Path) -> Command {
    let mut command = Command::new(gateway::binary());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TYK_")) {
        command.env_remove(name);
    }
    command
        .args(["--conf", "tyk.conf"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn write(folder: &Path, path: &str, content: &[u8]) {
    let path: PathBuf = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
