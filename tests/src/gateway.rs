//! A running gateway: the real binary on a free port, killed and reaped when the test lets go of it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    thread,
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    DEADLINE,
    client::{Answer, Client, Pending, Request},
    definition::Api,
    log::{Log, message},
    raw::RawConnection,
    setup::{Setup, command_in, write},
    watched::Watched,
};

/// The process and what it listens on.
#[derive(Debug)]
pub struct Gateway {
    process: Child,
    log: Log,
    address: SocketAddr,
    folder: TempDir,
}

/// How a gateway ended that was asked to stop.
#[derive(Debug)]
pub struct Stopped {
    pub status: ExitStatus,
    /// Every line of its log.
    pub lines: Vec<Value>,
}

/// Raises this process's limit of open files, which gateways inherit; `false` where the system does not allow as many.
pub fn allow_open_files(count: usize) -> bool {
    let (count, limit) = (count as u64, getrlimit(Resource::Nofile));
    if limit.current.is_none_or(|current| current >= count) {
        return true;
    }
    let raised = Rlimit { current: Some(count), maximum: limit.maximum };
    limit.maximum.is_none_or(|most| most >= count) && setrlimit(Resource::Nofile, raised).is_ok()
}

impl Gateway {
    /// A gateway with the harness's settings and these APIs.
    pub fn serving(apis: impl IntoIterator<Item = Api>) -> Self {
        Setup::new().apis(apis).start()
    }

    pub(crate) fn started(mut process: Child, folder: TempDir) -> Self {
        let log = Log::read(process.stderr.take().expect("stderr is a pipe"));
        let Some(line) = log.wait(|line| line["message"] == "listening") else {
            let _ = process.kill();
            let status = process.wait();
            panic!("the gateway does not listen ({status:?}); it said:\n{}", log.text());
        };
        let address = line["address"].as_str().and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("`listening` without an address: {line}"));
        Self { process, log, address, folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder that it runs in, with `tyk.conf`, `apps` and `middleware`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Plain HTTP/1.1, a new connection for each request.
    pub fn client(&self) -> Client {
        Client::http1(self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.client().send(Request::get(path))
    }

    pub fn send(&self, request: Request) -> Answer {
        self.client().send(request)
    }

    /// Sends without waiting for the answer.
    pub fn start(&self, request: Request) -> Pending {
        self.client().start(request)
    }

    /// A connection for bytes.
    pub fn raw(&self) -> RawConnection {
        RawConnection::to(self.address)
    }

    /// Waits for a log line, from the first one on.
    pub fn wait_for_log(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        match self.log.wait(is_it) {
            Some(line) => line,
            None => panic!("no such line in the gateway's log:\n{}", self.log.text()),
        }
    }

    /// Waits until so many lines are there.
    pub fn wait_for_log_count(&self, count: usize, is_it: impl Fn(&Value) -> bool) {
        assert!(
            self.log.wait_for_count(count, is_it),
            "no {count} such lines in the log:\n{}",
            self.log.text()
        );
    }

    /// The log lines so far.
    pub fn log_lines(&self) -> Vec<Value> {
        self.log.lines()
    }

    /// Puts a file below the gateway's folder.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        write(self.folder.path(), path, content.as_ref());
    }

    /// Adds a definition, or replaces it; counts after a reload.
    pub fn write_api(&self, api: &Api) {
        self.write(&format!("apps/{}", api.file_name()), api.text());
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.folder.path().join(path)).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("the process is there");
    }

    /// Asks for a reload and waits until it is done: until the log has one more line about it.
    pub fn reload(&self) {
        let is_reload = |line: &Value| message(line) == "reloaded";
        let before = self.log_lines().iter().filter(|line| is_reload(line)).count();
        self.signal(Signal::HUP);
        let done = self.log.wait_for_count(before + 1, is_reload);
        assert!(done, "the gateway did not reload:\n{}", self.log.text());
    }

    /// Kills all its processes at once, as a machine does that loses its power; [`start_again`](Self::start_again) follows.
    pub fn kill(&mut self) {
        for process in self.processes() {
            let _ = kill_process(process, Signal::KILL);
        }
        self.process.wait().expect("a child can be waited for");
    }

    /// Starts it again in its folder, after [`kill`](Self::kill).
    pub fn start_again(mut self) -> Self {
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder"));
        let process = command_in(folder.path()).spawn().expect("the gateway starts");
        Self::started(process, folder)
    }

    /// Memory of the process and the worker that it started.
    pub fn resident_bytes(&self) -> u64 {
        let process = self.process.id();
        let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
        let children = children.unwrap_or_default();
        let processes = children.split_whitespace().map(str::to_owned).chain([process.to_string()]);
        let resident = processes.map(|process| {
            let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
            line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
        });
        resident.sum()
    }

    /// Asks it to stop, and waits for it.
    pub fn stop(self) -> Stopped {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits for the end of a process that has been asked to stop.
    pub fn ended(mut self) -> Stopped {
        let pid = Pid::from_child(&self.process);
        let ended = Watched::new(false);
        // A process that does not stop fails the test instead of hanging it.
        let status = thread::scope(|scope| {
            scope.spawn(|| {
                if ended.wait(|ended| ended.then_some(())).is_none() {
                    let _ = kill_process(pid, Signal::KILL);
                }
            });
            let status = self.process.wait().expect("a child can be waited for");
            ended.change(|ended| *ended = true);
            status
        });
        Stopped { status, lines: self.log.to_end() }
    }

    /// The most resident memory that there has been, in bytes, of all its processes together.
    pub fn peak_resident_bytes(&self) -> u64 {
        let peak = |pid: &Pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
            line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
        };
        self.processes().iter().map(peak).sum()
    }

    /// Open file descriptors of all its processes together.
    pub fn open_files(&self) -> usize {
        let open = |pid: &Pid| fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is there").count();
        self.processes().iter().map(open).sum()
    }

    /// The process that was started and those that it started.
    fn processes(&self) -> Vec<Pid> {
        let first = Pid::from_child(&self.process);
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        [first].into_iter().chain(children).collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Its number may be another process's by now.
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        // A supervisor first, so that it does not start another worker; a worker by itself would take its time.
        for process in self.processes() {
            let _ = kill_process(process, Signal::KILL);
        }
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("--- log of the gateway\n{}\n---", self.log.text());
        }
    }
}

/// The binary next to the running test: `target/PROFILE/gatehouse`.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let found = test.ancestors().skip(1).map(|folder| folder.join("gatehouse")).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "there is no `gatehouse` in the folders above {}; `cargo test --workspace` builds it before the tests \
             run, and so does `cargo build --bin gatehouse` (with the profile and target folder of the test)",
            test.display()
        )
    })
}

/// Waits until `look` finds something, asking again and again: for facts outside the process that send no signal.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < end, "it did not come about: {what}");
        thread::yield_now();
    }
}
