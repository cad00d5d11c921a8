//! A child process for a plugin's code: a crash of native code ends the child, and the parent says where it was.
//!
//! The child is this binary with the same arguments. A folder of its own, made and removed by the parent, holds the copy of
//! the library and the line that the handler of fatal signals writes; a variable names it and tells the child what it is.

use std::{
    env, fs, io,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt as _, unix::process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus},
};

use super::CommandError;
use crate::{
    crash::{self, CallSite},
    telemetry::request_id::RequestId,
};

/// Names the folder for the child.
pub(super) const VARIABLE: &str = "GATEHOUSE_PLUGIN_SCRATCH";
/// Where the child's handler of fatal signals writes.
const REPORT: &str = "crash";

/// A child that native code ended.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: {signal} ended the process{}\n  remedy: look at `unsafe` code and C libraries in the plugin; a gateway would lose \
     its worker to this, and start it again",
    if plugin.is_empty() { "the plugin".to_owned() } else { format!("plugin {plugin}") },
    if function.is_empty() { String::new() } else { format!(" in `{function}`") }
)]
pub(super) struct Crash {
    /// Name and number.
    signal: String,
    /// The library; empty when it was not the plugin's code that ran.
    plugin: String,
    /// The function, or `#[init]`.
    function: String,
}

/// Whether this process is the child.
pub(super) fn is_child() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Where the child keeps copies of libraries.
pub(super) fn copies() -> PathBuf {
    env::var_os(VARIABLE).map_or_else(env::temp_dir, PathBuf::from).join("copies")
}

/// Has the child's handler of fatal signals write to the parent's folder.
pub(super) fn report_crashes() {
    let Some(folder) = env::var_os(VARIABLE) else { return };
    // Without it a crash is told of all the same, only not where it was.
    if let Ok(file) = fs::File::create(Path::new(&folder).join(REPORT)) {
        crash::install(OwnedFd::from(file));
    }
}

/// Runs this command in a child, and leaves with its code.
///
/// # Errors
/// When there can be no child, or it crashed.
pub(super) fn run_child() -> Result<ExitCode, CommandError> {
    let folder = Scratch::make()?;
    let starting = |error| CommandError::System { doing: "starting a process for the plugin", error };
    let program = env::current_exe().map_err(starting)?;
    let status = Command::new(program).args(env::args_os().skip(1)).env(VARIABLE, &folder.0).status();
    let status = status.map_err(starting)?;
    match status.code() {
        Some(code) => Ok(u8::try_from(code).unwrap_or(super::UNABLE).into()),
        None => Err(crashed(status, &fs::read_to_string(folder.0.join(REPORT)).unwrap_or_default()).into()),
    }
}

fn crashed(status: ExitStatus, report: &str) -> Crash {
    let number = status.signal().unwrap_or_default();
    let signal = match number {
        libc::SIGSEGV => "SIGSEGV (an invalid address, or a stack that is full)",
        libc::SIGBUS => "SIGBUS (an address without memory behind it)",
        libc::SIGILL => "SIGILL (an invalid instruction)",
        libc::SIGFPE => "SIGFPE (arithmetic)",
        libc::SIGABRT => "SIGABRT (`abort`, as after a panic within a panic)",
        libc::SIGKILL => "SIGKILL (somebody, or the system for want of memory)",
        _ => "a signal",
    };
    // `crash`, the signal, and the place: see `crash::CallSite`.
    let place = report.lines().next().and_then(|line| line.strip_prefix("crash\t")?.split_once('\t'));
    let place = place.and_then(|(_, place)| CallSite::parse(place));
    let [.., plugin, function] = place.unwrap_or_default();
    Crash {
        signal: format!("signal {number}, {signal},"),
        plugin: plugin.to_owned(),
        function: function.to_owned(),
    }
}

/// A folder that nobody else can write to. What was loaded from it stays mapped when it goes.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Result<Self, CommandError> {
        let path = env::temp_dir().join(format!("gatehouse-plugin-{}", RequestId::next()));
        let made: io::Result<()> = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| CommandError::File {
            doing: "a folder for the copy of the plugin cannot be made; TMPDIR names another place",
            path: path.clone(),
            error,
        })?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files, which is where it belongs.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    use super::crashed;

    #[test]
    fn a_crash_is_told_with_its_place() {
        let told = |report| crashed(ExitStatus::from_raw(11), report).to_string();
        let expected = "plugin libx.so: signal 11, SIGSEGV (an invalid address, or a stack that is full), ended the process in `pay`\n";
        let text = told("crash\t11\tapi\tGET\t/a\tlibx.so\tpay\n");
        assert!(text.starts_with(expected), "{text}");
        let text = told("");
        assert!(
            text.starts_with("the plugin: signal 11, ") && text.contains(", ended the process\n"),
            "{text}"
        );
    }
}
