//! One process of scripts as the gateway sees it.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _, process::ExitStatusExt as _},
    },
    process::{self, Command, ExitStatus, Stdio},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use super::{
    Known,
    children::EndReason,
    protocol::{self, Order, Report},
};
use crate::config::settings::DriverName;

/// Bytes of a dead process's last words that are looked at.
const LAST_WORDS: u64 = 4096;
/// Bytes of them that are shown.
const LAST_WORDS_SHOWN: usize = 200;

/// Bytes of a report without any text of a script.
const REPORT_BYTES: u32 = 1 << 20;

/// Why a process is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// It did not answer in time.
    Overdue,
    /// It ended, or its socket did.
    Gone,
    /// It said something that has no meaning here.
    Nonsense,
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Overdue,
            io::ErrorKind::InvalidData => Self::Nonsense,
            _ => Self::Gone,
        }
    }
}

/// A process; ended and waited for when it is dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    orders: Timed,
    reports: BufReader<Timed>,
    /// The programs of which it has VMs, the least recently used first.
    programs: Vec<(u64, Weak<Known>)>,
    busy: bool,
    /// It has said something since its last order.
    spoken: bool,
    /// Bytes of the longest report.
    most_bytes: u32,
    /// When it was given back.
    pub(super) idle_since: Instant,
    /// Why it ended, once somebody has asked.
    obituary: Option<Obituary>,
}

/// Why a process ended.
#[derive(Debug, Clone)]
struct Obituary {
    reason: EndReason,
    message: String,
    /// By SIGKILL: from outside, for nothing that it does itself ends so.
    killed: bool,
}

impl Child {
    /// Starts one; orders may be given at once.
    pub(super) fn start(driver: DriverName) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = launch();
        command
            // All memory that the allocator takes ahead would be there for a script to fill, whatever its limit.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .env("MIMALLOC_PAGE_COMMIT_ON_DEMAND", "1")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let process = command.spawn()?;
        let orders = Timed { stream: ours.try_clone()?, until: Instant::now() };
        let reports = BufReader::new(Timed { stream: ours, until: Instant::now() });
        let mut child = Self {
            process,
            orders,
            reports,
            programs: Vec::new(),
            busy: true,
            spoken: false,
            most_bytes: REPORT_BYTES,
            idle_since: Instant::now(),
            obituary: None,
        };
        let begin = Order::Begin { driver, parent: process::id() };
        protocol::write(&mut child.orders.stream, &begin)?;
        Ok(child)
    }

    pub(super) fn send(&mut self, order: &Order<'_>, until: Instant) -> Result<(), Lost> {
        self.orders.until = until;
        self.spoken = matches!(order, Order::Answer(_));
        Ok(protocol::write(&mut self.orders, order)?)
    }

    /// Bounds what it may say by the memory that its script may take: a text has at most twice its bytes here.
    pub(super) fn expect_at_most(&mut self, memory_bytes: usize) {
        let bytes = u32::try_from(memory_bytes.saturating_mul(2)).unwrap_or(protocol::MOST_BYTES);
        self.most_bytes = bytes.saturating_add(REPORT_BYTES);
    }

    /// Waits a moment; whether it says something, or is gone.
    pub(super) fn speaks_within(&mut self, moment: Duration) -> bool {
        self.reports.get_mut().until = Instant::now() + moment;
        match self.reports.fill_buf() {
            Ok(_) => true,
            Err(error) => Lost::from(error) != Lost::Overdue,
        }
    }

    /// Waits until it says something or is gone, and ends it when it is too late; [`Child::receive`] tells.
    pub(super) fn wait_or_kill(&mut self, until: Instant) {
        self.reports.get_mut().until = until;
        if self.reports.fill_buf().is_err_and(|error| Lost::from(error) == Lost::Overdue) {
            self.kill();
        }
    }

    pub(super) fn receive(&mut self, until: Instant) -> Result<Report, Lost> {
        self.reports.get_mut().until = until;
        let report = protocol::read(&mut self.reports, self.most_bytes)?;
        self.spoken = true;
        Ok(report)
    }

    /// Whether its last order may be given to another process: this one was ended from outside before anything of that order
    /// could be seen.
    pub(super) fn died_unheard(&mut self) -> bool {
        !self.spoken && self.died().killed
    }

    /// Waits until it takes its next order, and says by how much it has grown.
    pub(super) fn settle(&mut self, until: Instant, used: Option<u64>) -> Result<u64, Lost> {
        if !self.busy {
            return Ok(0);
        }
        let Report::Ready { grown_bytes, kept } = self.receive(until)? else { return Err(Lost::Nonsense) };
        if !kept {
            self.programs.retain(|(id, _)| Some(*id) != used);
        }
        self.busy = false;
        Ok(grown_bytes)
    }

    /// Whether a [`Report::Ready`] is still to come.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    pub(super) fn set_busy(&mut self, busy: bool) {
        self.busy = busy;
    }

    pub(super) fn knows(&self, program: u64) -> bool {
        self.programs.iter().any(|(id, _)| *id == program)
    }

    pub(super) fn learn(&mut self, known: &Arc<Known>) {
        self.programs.push((known.id, Arc::downgrade(known)));
    }

    /// Takes the programs off the list whose VMs have to go before one of this program is used: those that a reload
    /// replaced, and the least recently used one if there are too many. The program itself becomes the one used last.
    pub(super) fn outdated(&mut self, program: u64, most: usize) -> Vec<u64> {
        let mut outdated: Vec<u64> =
            self.programs.extract_if(.., |(_, known)| known.strong_count() == 0).map(|(id, _)| id).collect();
        match self.programs.iter().position(|(id, _)| *id == program) {
            Some(place) => self.programs[place..].rotate_left(1),
            None if self.programs.len() >= most.max(1) => outdated.push(self.programs.remove(0).0),
            None => {}
        }
        outdated
    }

    /// Ends it now.
    pub(super) fn kill(&mut self) {
        // Fails only when it has ended already.
        let _ = self.process.kill();
    }

    /// Why it ended while nobody used it; `None` when it did not.
    pub(super) fn ended(&mut self) -> Option<EndReason> {
        match self.process.try_wait() {
            Ok(None) => None,
            Ok(Some(_)) | Err(_) => Some(self.obituary().0),
        }
    }

    /// Why it ended by itself, and words for it.
    pub(super) fn obituary(&mut self) -> (EndReason, String) {
        let died = self.died();
        (died.reason, died.message)
    }

    fn died(&mut self) -> Obituary {
        if let Some(known) = &self.obituary {
            return known.clone();
        }
        self.kill();
        let mut words = Vec::new();
        if let Some(stderr) = &mut self.process.stderr {
            let _ = stderr.take(LAST_WORDS).read_to_end(&mut words);
        }
        let died = match self.process.wait() {
            Ok(status) => cause(status, &String::from_utf8_lossy(&words)),
            Err(error) => {
                let message = format!("its process was lost: {error}");
                Obituary { reason: EndReason::Signal, message, killed: false }
            }
        };
        self.obituary.insert(died).clone()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        let _ = self.process.wait();
    }
}

/// What the standard library writes when there is no memory, and when a stack is full.
fn cause(status: ExitStatus, words: &str) -> Obituary {
    let killed = status.signal() == Some(libc::SIGKILL);
    let (reason, message) = if words.contains("memory allocation of") {
        (EndReason::Memory, "ran out of memory".to_owned())
    } else if words.contains("overflowed its stack") {
        (EndReason::Memory, "ran out of stack".to_owned())
    } else {
        match (status.signal(), status.code()) {
            (Some(number), _) => (EndReason::Signal, format!("its process was ended by signal {number}")),
            (None, Some(code)) => {
                let words = words.lines().next().unwrap_or_default();
                let words = &words[..words.floor_char_boundary(LAST_WORDS_SHOWN)];
                (EndReason::Exit, format!("its process ended with code {code}: {words}"))
            }
            (None, None) => (EndReason::Exit, "its process ended".to_owned()),
        }
    };
    Obituary { reason, message, killed }
}

/// This very binary, also after the file was replaced, with nothing of the environment.
fn launch() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("gatehouse").env_clear();
    #[cfg(not(test))]
    command.arg(super::worker::SUBCOMMAND);
    // The binary of these tests has another command line.
    #[cfg(test)]
    command.args(["--exact", "js::walled::tests::process", "--ignored", "--nocapture"]);
    command
}

/// A stream whose reads and writes fail once it is too late.
#[derive(Debug)]
struct Timed {
    stream: UnixStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
