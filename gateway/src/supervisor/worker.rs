//! The worker's side: what it inherits from the supervisor and what it says to it.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Write as _},
    net::TcpListener,
    os::fd::{AsFd as _, OwnedFd},
};

use rustix::{
    process::{Signal, getppid, set_parent_process_death_signal},
    stdio::dup2_stdin,
};

use super::history::closed_name;
use crate::crash;

/// Environment variable with the supervisor's process id; set in workers only.
pub const PARENT: &str = "GATEHOUSE_SUPERVISOR";

/// Environment variable with the endpoints that crashed too often.
pub const CLOSED_ENDPOINTS: &str = "GATEHOUSE_CLOSED_ENDPOINTS";

/// What a worker says once it accepts connections.
pub(super) const READY: &str = "ready";

/// What a worker says when an operator has asked it to reload.
pub(super) const RELOAD: &str = "reload";

/// What a worker inherits.
#[derive(Debug)]
pub struct Inherited {
    /// The listener that the supervisor holds.
    pub listener: TcpListener,
    /// Where the worker says that it is ready.
    pub supervisor: SupervisorPipe,
}

/// The worker's end of the pipe.
#[derive(Debug)]
pub struct SupervisorPipe(OwnedFd);

/// Takes over what the supervisor handed on; `None` in a process that has no supervisor.
///
/// # Errors
/// When the descriptors are not what they should be.
pub fn inherit() -> io::Result<Option<Inherited>> {
    let Some(parent) = std::env::var_os(PARENT) else { return Ok(None) };
    // A worker without its supervisor would serve for ever with nobody to stop it.
    set_parent_process_death_signal(Some(Signal::TERM))?;
    let is_parent = getppid().is_some_and(|pid| parent.to_str() == Some(&pid.as_raw_nonzero().to_string()));
    if !is_parent {
        return Err(io::Error::other("the supervisor has ended"));
    }
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A second descriptor of the listener would keep it open after this worker has stopped listening.
    dup2_stdin(File::open("/dev/null")?)?;
    let report = io::stdout().as_fd().try_clone_to_owned()?;
    crash::install(report.try_clone()?);
    Ok(Some(Inherited { listener, supervisor: SupervisorPipe(report) }))
}

impl SupervisorPipe {
    /// Tells the supervisor that connections are accepted.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub fn ready(&self) -> io::Result<()> {
        self.say(READY)
    }

    /// Tells the supervisor that an operator has asked for a reload, which opens closed endpoints.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub fn reload(&self) -> io::Result<()> {
        self.say(RELOAD)
    }

    fn say(&self, word: &str) -> io::Result<()> {
        let mut pipe = File::from(self.0.try_clone()?);
        // One write, so that it cannot mix with the line of a crash.
        pipe.write_all(format!("{word}\n").as_bytes())
    }
}

/// Endpoints that crashed too often before this worker was started.
#[derive(Debug, Default)]
pub struct ClosedEndpoints(HashSet<String>);

impl ClosedEndpoints {
    /// Reads the list that the supervisor gave.
    pub fn inherited() -> Self {
        let list = std::env::var(CLOSED_ENDPOINTS).unwrap_or_default();
        Self(list.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// Whether an endpoint is closed.
    pub fn contains(&self, api_id: &str, method: &str, path: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&closed_name(api_id, method, path))
    }
}
