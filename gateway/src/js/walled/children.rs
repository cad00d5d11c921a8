//! The processes of one driver.
//!
//! A call takes one that is free, best one that has its program. When the last free one is taken, the next is started
//! ahead, so that a call hardly ever waits for a start. Those that nobody used for a while are ended. A thread of its own
//! starts and buries them: the system ends a child with the thread that started it, so that thread lives as long as they.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::{
    Known,
    child::{Child, Lost},
};
use crate::{
    config::settings::DriverName,
    js::engine::{Deadline, ErrorClass, ScriptError},
};

/// Time after which a process that nobody used is ended.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Bytes by which a process may have grown after a call; a larger one is replaced. What the allocator keeps, a later call could
/// use beyond its limit.
const MOST_GROWN: u64 = 24 << 20;
/// Time for a process to begin, or to tidy up, besides what the program's sources may take.
const SETTLING: Duration = Duration::from_secs(5);

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its call ran past its deadline.
    Timeout,
    /// It ran out of memory, or of stack.
    Memory,
    /// A signal ended it.
    Signal,
    /// It left by itself.
    Exit,
    /// It said something that has no meaning.
    Protocol,
    /// It held too much memory after a call.
    Size,
    /// Nobody used it.
    Idle,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Timeout, Self::Memory, Self::Signal, Self::Exit, Self::Protocol, Self::Size, Self::Idle];

    /// The word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Signal => "signal",
            Self::Exit => "exit",
            Self::Protocol => "protocol",
            Self::Size => "size",
            Self::Idle => "idle",
        }
    }
}

/// What became of processes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessStats {
    /// Processes that there are.
    pub living: usize,
    /// How many were started.
    pub started: u64,
    /// How many ended, in the order of [`EndReason::ALL`].
    pub ended: [u64; EndReason::ALL.len()],
}

#[derive(Default)]
struct State {
    /// Those that nobody uses, the one used last at the end.
    free: Vec<Child>,
    /// All that there are, those on their way included.
    living: usize,
    /// Those on their way.
    starting: usize,
    /// Calls that wait for one.
    waiting: usize,
    /// Why the last one did not start.
    failure: Option<Arc<io::Error>>,
}

struct Shared {
    driver: DriverName,
    most: usize,
    state: Mutex<State>,
    given: Condvar,
    started: AtomicU64,
    ended: [AtomicU64; EndReason::ALL.len()],
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, reason: EndReason) {
        self.ended[reason as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// What the starting thread is asked.
enum Task {
    Start,
    Bury(Child),
}

/// All processes of a driver.
pub(super) struct Children {
    shared: Arc<Shared>,
    vms_per_child: usize,
    tasks: OnceLock<Sender<Task>>,
}

impl Children {
    /// None yet, and at most so many; each keeps so many VMs.
    pub(super) fn new(driver: DriverName, most: usize, vms_per_child: usize) -> Self {
        let shared = Arc::new(Shared {
            driver,
            most,
            state: Mutex::default(),
            given: Condvar::new(),
            started: AtomicU64::new(0),
            ended: Default::default(),
        });
        Self { shared, vms_per_child, tasks: OnceLock::new() }
    }

    /// To the starting thread, which begins when there is something to start.
    fn task(&self, task: Task) {
        let tasks = self.tasks.get_or_init(|| {
            let (tasks, inbox) = crossbeam_channel::unbounded();
            let weak = Arc::downgrade(&self.shared);
            let starter = thread::Builder::new().name("script-processes".to_owned());
            if let Err(error) = starter.spawn(move || start_and_bury(&weak, &inbox)) {
                tracing::error!(%error, "the thread that starts processes for scripts cannot be started");
            }
            tasks
        });
        // Without the thread, calls wait until their deadline and say that there is no process.
        let _ = tasks.send(task);
    }

    pub(super) fn vms_per_child(&self) -> usize {
        self.vms_per_child
    }

    pub(super) fn stats(&self) -> ProcessStats {
        ProcessStats {
            living: self.shared.state().living,
            started: self.shared.started.load(Ordering::Relaxed),
            ended: std::array::from_fn(|reason| self.shared.ended[reason].load(Ordering::Relaxed)),
        }
    }

    /// A free process, best one that has the program; does not wait.
    pub(super) fn take_free(&self, known: Option<&Arc<Known>>) -> Option<Child> {
        let mut state = self.shared.state();
        loop {
            let place = known.and_then(|known| state.free.iter().rposition(|child| child.knows(known.id)));
            let mut child = place.map(|place| state.free.remove(place)).or_else(|| state.free.pop())?;
            // Somebody may have ended it: the system, for want of memory.
            if let Some(reason) = child.ended() {
                drop(state);
                self.bury(child, reason);
                state = self.shared.state();
                continue;
            }
            if state.free.is_empty() && state.starting == 0 {
                self.start_one(&mut state);
            }
            return Some(child);
        }
    }

    /// A free process as [`Children::take_free`] gives it; waits for one until the deadline.
    ///
    /// # Errors
    /// When all are in use for so long, or none can be started.
    pub(super) fn take(&self, known: Option<&Arc<Known>>, deadline: Deadline) -> Result<Child, ScriptError> {
        loop {
            if let Some(child) = self.take_free(known) {
                return Ok(child);
            }
            let mut state = self.shared.state();
            if !state.free.is_empty() {
                continue;
            }
            if state.starting <= state.waiting {
                self.start_one(&mut state);
            }
            let left = deadline.remaining();
            if let Some(failure) = &state.failure {
                let message = format!("no process for the script can be started: {failure}");
                return Err(ScriptError::new(ErrorClass::Engine, message));
            }
            if left.is_zero() {
                let message = format!("all {} processes for scripts are busy", state.living);
                return Err(ScriptError::new(ErrorClass::Overload, message));
            }
            state.waiting += 1;
            let (mut state, _) =
                self.shared.given.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    fn start_one(&self, state: &mut State) {
        if state.living < self.shared.most {
            state.living += 1;
            state.starting += 1;
            state.failure = None;
            self.task(Task::Start);
        }
    }

    /// Takes a process back that takes its next order.
    pub(super) fn give(&self, mut child: Child) {
        child.idle_since = Instant::now();
        self.shared.state().free.push(child);
        self.shared.given.notify_one();
    }

    /// Takes a process back once it is as it was before its last call; `limit` is the time for the program's sources.
    pub(super) fn settle(&self, mut child: Child, limit: Duration, used: Option<u64>) {
        match child.settle(Instant::now() + limit + SETTLING, used) {
            Ok(grown) if grown > MOST_GROWN => self.bury(child, EndReason::Size),
            Ok(_) => self.give(child),
            Err(Lost::Overdue) => self.bury(child, EndReason::Timeout),
            Err(Lost::Nonsense) => self.bury(child, EndReason::Protocol),
            Err(Lost::Gone) => {
                let (reason, _) = child.obituary();
                self.bury(child, reason);
            }
        }
    }

    /// Ends a process that did not do what it should, and gives the failure of its call.
    pub(super) fn lost(&self, mut child: Child, lost: Lost, deadline: Deadline) -> ScriptError {
        let (reason, error) = match lost {
            Lost::Overdue => {
                child.kill();
                (EndReason::Timeout, deadline.error())
            }
            Lost::Nonsense => {
                let message = "its process said what has no meaning";
                (EndReason::Protocol, ScriptError::new(ErrorClass::Engine, message))
            }
            Lost::Gone => {
                let (reason, message) = child.obituary();
                let class = if reason == EndReason::Memory { ErrorClass::Memory } else { ErrorClass::Engine };
                (reason, ScriptError::new(class, message))
            }
        };
        self.bury(child, reason);
        error
    }

    fn bury(&self, mut child: Child, reason: EndReason) {
        tracing::debug!(
            driver = self.shared.driver.as_str(),
            reason = reason.as_str(),
            "a process of scripts ends"
        );
        child.kill();
        self.shared.count(reason);
        let mut state = self.shared.state();
        state.living -= 1;
        if state.waiting > state.starting || (state.free.is_empty() && state.starting == 0) {
            self.start_one(&mut state);
        }
        drop(state);
        self.task(Task::Bury(child));
    }
}

/// The starting thread.
fn start_and_bury(shared: &Weak<Shared>, inbox: &Receiver<Task>) {
    loop {
        let task = inbox.recv_timeout(IDLE_TIME / 4);
        let Some(shared) = shared.upgrade() else { return };
        match task {
            Ok(Task::Start) => start(&shared),
            Ok(Task::Bury(child)) => drop(child),
            Err(RecvTimeoutError::Timeout) => end_idle(&shared),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn start(shared: &Shared) {
    let started = Child::start(shared.driver).and_then(|mut child| {
        // Also tells that it can be spoken to at all.
        let ready = child.settle(Instant::now() + SETTLING, None);
        ready.map_err(|lost| match lost {
            Lost::Gone => io::Error::other(child.obituary().1),
            Lost::Overdue | Lost::Nonsense => io::Error::other(format!("it does not begin ({lost:?})")),
        })?;
        Ok(child)
    });
    let mut state = shared.state();
    state.starting -= 1;
    match started {
        Ok(child) => {
            shared.started.fetch_add(1, Ordering::Relaxed);
            state.free.push(child);
        }
        Err(error) => {
            tracing::error!(
                driver = shared.driver.as_str(), %error,
                "a process for scripts cannot be started; `gatehouse.javascript.isolation` set to `thread` does without"
            );
            state.living -= 1;
            state.failure = Some(Arc::new(error));
        }
    }
    drop(state);
    shared.given.notify_all();
}

fn end_idle(shared: &Shared) {
    let mut state = shared.state();
    let idle: Vec<Child> =
        state.free.extract_if(.., |child| child.idle_since.elapsed() >= IDLE_TIME).collect();
    state.living -= idle.len();
    drop(state);
    for child in idle {
        shared.count(EndReason::Idle);
        drop(child);
    }
}
