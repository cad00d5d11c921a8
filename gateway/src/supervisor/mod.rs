//! The small parent process: holds the listener, keeps a worker running, and starts another when one crashes.
//!
//! Connections wait in the listener's backlog meanwhile; none is refused. It serves no requests, reads no
//! definitions and loads no plugins, so nothing of what crashes a worker is in it. Start at [`run`].

mod history;
pub mod worker;

use std::{
    io,
    os::fd::OwnedFd,
    process::{ExitCode, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::unix::pipe,
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use self::history::{Crash, History};
use crate::run::RunError;

/// What a worker says over its pipe.
#[derive(Debug)]
enum Said {
    /// It accepts connections.
    Ready,
    /// An operator has asked it to reload over REST.
    Reload,
    /// It is about to end.
    Crash(Crash),
}

/// Runs workers on `listener` until told to stop; gives the exit code of the last one.
///
/// SIGTERM, SIGINT and SIGHUP go on to the worker.
///
/// # Errors
/// When the system gives no process, pipe or signal.
pub fn run(listener: OwnedFd) -> Result<ExitCode, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed("starting the supervisor"))?;
    runtime.block_on(supervise(listener))
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> RunError {
    move |error| RunError::System { doing, error }
}

async fn supervise(listener: OwnedFd) -> Result<ExitCode, RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(failed("waiting for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed("waiting for SIGINT"))?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed("waiting for SIGHUP"))?;
    let mut history = History::default();
    // Given up at a stop: then new connections are refused instead of waiting for a worker that never comes.
    let mut listener = Some(listener);
    while let Some(socket) = &listener {
        let (mut worker, mut said) = start(socket, &history).map_err(failed("starting the worker"))?;
        let started = Instant::now();
        let mut ready = false;
        let mut crash = None;
        let status = loop {
            tokio::select! {
                // What the worker said is read to its end before its exit counts.
                biased;
                message = said.recv() => match message {
                    Some(Said::Ready) => {
                        ready = true;
                        if history.crashes() > 0 {
                            let after_ms = started.elapsed().as_millis() as u64;
                            tracing::info!(after_ms, "a new worker is serving");
                        }
                    }
                    // As a SIGHUP: a reload opens closed endpoints again.
                    Some(Said::Reload) => history.forget(),
                    Some(Said::Crash(said)) => crash = Some(said),
                    None => break worker.wait().await.map_err(failed("waiting for the worker"))?,
                },
                _ = terminate.recv() => {
                    listener = None;
                    pass_on(&worker, Signal::TERM);
                }
                _ = interrupt.recv() => {
                    listener = None;
                    pass_on(&worker, Signal::INT);
                }
                _ = hangup.recv() => {
                    // A reload opens closed endpoints again.
                    history.forget();
                    pass_on(&worker, Signal::HUP);
                }
            }
        };
        if listener.is_none() || !is_crash(status) {
            return Ok(exit_code(status));
        }
        if !ready && history.crashes() == 0 {
            tracing::error!(%status, "the worker crashed before it served anything: not starting it again");
            return Ok(ExitCode::FAILURE);
        }
        report(status, crash.as_ref());
        let pause = history.note(crash, Instant::now());
        if !pause.is_zero() {
            tracing::warn!(
                pause_ms = pause.as_millis() as u64,
                "many crashes: waiting before the next worker"
            );
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = terminate.recv() => listener = None,
                _ = interrupt.recv() => listener = None,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts a worker: this program again, the listener as its standard input, a pipe to us as its standard output.
fn start(listener: &OwnedFd, history: &History) -> io::Result<(Child, mpsc::Receiver<Said>)> {
    let (reader, writer) = io::pipe()?;
    // This very program, even when its file has been replaced or removed since.
    let mut command = Command::new(format!("/proc/{}/exe", std::process::id()));
    command
        .args(std::env::args_os().skip(1))
        // Huge pages would make each waiting script thread cost megabytes; the allocator reads this before `main`.
        .env("MIMALLOC_ALLOW_THP", std::env::var_os("MIMALLOC_ALLOW_THP").unwrap_or_else(|| "0".into()))
        .env(worker::PARENT, std::process::id().to_string())
        .env(worker::CLOSED_ENDPOINTS, history.closed_endpoints())
        // Ctrl-C in a terminal goes to the whole group: the worker must get it once, from us.
        .process_group(0)
        .stdin(Stdio::from(listener.try_clone()?))
        .stdout(Stdio::from(OwnedFd::from(writer)));
    let child = command.spawn()?;
    // The command holds the pipe's other end; while it does, the end of the worker would not be seen.
    drop(command);
    let (sender, receiver) = mpsc::channel(16);
    let reader = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    tokio::spawn(listen(reader, sender));
    Ok((child, receiver))
}

/// Reads what the worker says, line by line, until it ends.
async fn listen(reader: pipe::Receiver, sender: mpsc::Sender<Said>) {
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let said = match line.split_once('\t') {
            None if line == worker::READY => Said::Ready,
            None if line == worker::RELOAD => Said::Reload,
            Some(("crash", rest)) => Said::Crash(Crash::parse(rest)),
            // A script or plugin that prints to standard output is not for us, but must not be lost.
            _ => {
                tracing::info!(target: "gatehouse::stdout", "{line}");
                continue;
            }
        };
        if sender.send(said).await.is_err() {
            return;
        }
    }
}

fn pass_on(worker: &Child, signal: Signal) {
    let pid = worker.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid
        && let Err(error) = kill_process(pid, signal)
    {
        // A worker that has just ended needs no signal.
        tracing::debug!(%error, "the signal did not reach the worker");
    }
}

/// Whether a worker ended by a signal; one that leaves with a code has said why itself.
fn is_crash(status: ExitStatus) -> bool {
    status.code().is_none()
}

fn exit_code(status: ExitStatus) -> ExitCode {
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => ExitCode::from(code),
        None => ExitCode::FAILURE,
    }
}

fn report(status: ExitStatus, crash: Option<&Crash>) {
    let Some(Crash { site: Some(site), .. }) = crash else {
        return tracing::error!(%status, "the worker crashed outside of any plugin; starting another");
    };
    tracing::error!(
        %status,
        api_id = site.api_id,
        method = site.method,
        endpoint = site.path,
        plugin = site.plugin,
        function = site.function,
        "the worker crashed in a plugin; starting another"
    );
}

/// Waits that grow with crashes in a row.
const PAUSES: [Duration; 6] = [
    Duration::ZERO,
    Duration::ZERO,
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(1_000),
    Duration::from_millis(5_000),
];
