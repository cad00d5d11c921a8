//! `gatehouse plugin …`: the real binary, run to its end.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::gateway;

/// `gatehouse plugin …` in preparation.
#[derive(Debug)]
pub struct PluginCommand(Command);

/// What came of it.
#[derive(Debug)]
pub struct Left {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

impl Left {
    /// The output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// The output, of a command that must have succeeded.
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.output
    }
}

impl PluginCommand {
    pub fn new(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut command = Command::new(gateway::binary());
        command.arg("plugin").args(arguments).env_remove("GATEHOUSE_SDK").stdin(Stdio::null());
        Self(command)
    }

    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.0.args(arguments);
        self
    }

    pub fn folder(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    pub fn environment(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Left {
        let output = self.0.output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Left { code: output.status.code(), output: text(output.stdout), errors: text(output.stderr) }
    }
}
