//! The script threads: how many run, how many wait, who takes the next job.
//!
//! A job holds a *slot* while it runs; there are as many slots as cores. A thread that waits in a host call gives
//! its slot back ([`Slot::while_waiting`]), so that another thread, idle or new, takes the next job. A job that
//! overstays is given up: its caller is answered, its thread no longer counts and ends when it can.
//! Knows nothing of engines; a thread's VMs are its [`VmCache`].

mod run_queue;
mod schedule;
mod watch;
mod worker;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::oneshot, time::timeout_at};

use self::{
    schedule::{Admission, Schedule},
    watch::{Overstay, Watch},
    worker::Worker,
};
use super::vms::VmCache;

/// Bytes of a script thread's stack; only what is touched takes memory. Deep enough for the driver's recursion
/// limit with the largest native frames (see `boa::limits`).
pub const STACK_BYTES: usize = 256 << 20;
/// Time after which an idle thread ends, unless it is one of the fewest that are kept.
const IDLE_TIME: Duration = Duration::from_secs(10);
/// Time beyond its limit after which a job is given up; what its thread waits for a processor is not counted.
const GRACE: Duration = Duration::from_millis(250);

/// How many threads and jobs there may be.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Jobs that run at the same time.
    pub slots: usize,
    /// Threads in all.
    pub threads: usize,
    /// Jobs that wait for a thread.
    pub queue: usize,
}

/// What is going on in a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Threads, those that were given up not counted.
    pub threads: usize,
    /// Jobs that run.
    pub running: usize,
    /// Jobs that wait in a host call, or to go on after one.
    pub waiting: usize,
    /// Jobs that wait for a thread.
    pub queued: usize,
    /// Threads that were given up and have not ended yet.
    pub given_up: usize,
}

/// Why a job has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolError {
    /// The queue is full, or the job stood in it for as long as it may.
    Overload,
    /// The job overstayed and was given up.
    GivenUp,
    /// The job ended without a result; a defect of ours.
    Lost,
}

/// What a job is, for its scheduling.
#[derive(Debug, Clone)]
pub struct JobOrder {
    /// What a thread that ran it before keeps; such a thread is preferred.
    pub affinity: u64,
    /// Time that it may run, and before that may wait for a thread.
    pub limit: Duration,
    /// It had a turn before, or its script has done something that others saw: it is not refused. Others mostly come first.
    pub goes_on: bool,
    /// What to call it in the log.
    pub label: Arc<str>,
}

type Work = Box<dyn FnOnce(&mut VmCache, &Slot) + Send>;

struct Job {
    affinity: u64,
    goes_on: bool,
    watch: Arc<Watch>,
    work: Work,
}

struct Shared {
    limits: PoolLimits,
    schedule: Mutex<Schedule>,
}

impl Shared {
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets waiting work go on wherever there is room for it now.
    fn advance<'shared>(self: &'shared Arc<Self>, mut schedule: MutexGuard<'shared, Schedule>) {
        while let Some((worker, job)) = schedule.next_start(&self.limits) {
            match worker {
                Some(idle) => idle.hand(job),
                None => {
                    drop(schedule);
                    worker::start(self, job);
                    schedule = self.schedule();
                }
            }
        }
    }
}

/// A pool of script threads.
pub struct Pool {
    shared: Arc<Shared>,
    handle: Handle,
}

impl Pool {
    /// A pool without threads; they start when there is work. Timers run on `handle`.
    pub fn new(limits: PoolLimits, handle: Handle) -> Self {
        Self { shared: Arc::new(Shared { limits, schedule: Mutex::default() }), handle }
    }

    /// What is going on.
    pub fn stats(&self) -> PoolStats {
        self.shared.schedule().stats()
    }

    /// Runs a job and gives what it hands to its [`Answer`]; it may go on after that (to tidy up).
    ///
    /// Its time counts from when it starts to run; it waits for a thread at most as long.
    ///
    /// # Errors
    /// As [`PoolError`] says.
    pub async fn run<R: Send + 'static>(
        &self,
        order: JobOrder,
        work: impl FnOnce(&mut VmCache, &Slot, Answer<R>) + Send + 'static,
    ) -> Result<R, PoolError> {
        let (sender, mut receiver) = oneshot::channel();
        let watch = self.submit(order, sender, work)?;
        // A caller that goes away leaves the job to a task that gives it up in its stead.
        let mut guard = Abandoned { pool: self, watch: Arc::clone(&watch), armed: true };
        let result = loop {
            match timeout_at(watch.until().into(), &mut receiver).await {
                Ok(Ok(result)) => break Ok(result),
                Ok(Err(_)) => break Err(PoolError::Lost),
                Err(_) => {
                    if let Some(error) = self.overstay(&watch) {
                        break Err(error);
                    }
                }
            }
        };
        guard.armed = false;
        result
    }

    /// [`Pool::run`] for a thread that may block and is none of the async runtime's.
    ///
    /// # Errors
    /// As [`PoolError`] says.
    pub fn run_blocking<R: Send + 'static>(
        &self,
        order: JobOrder,
        work: impl FnOnce(&mut VmCache, &Slot, Answer<R>) + Send + 'static,
    ) -> Result<R, PoolError> {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let watch = self.submit(order, sender, work)?;
        loop {
            match receiver.recv_deadline(watch.until()) {
                Ok(result) => return Ok(result),
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return Err(PoolError::Lost),
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
                    if let Some(error) = self.overstay(&watch) {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn submit<R: Send + 'static>(
        &self,
        order: JobOrder,
        reply: impl Into<Reply<R>>,
        work: impl FnOnce(&mut VmCache, &Slot, Answer<R>) + Send + 'static,
    ) -> Result<Arc<Watch>, PoolError> {
        let watch = Arc::new(Watch::new(&order, GRACE));
        let answer = Answer { reply: reply.into(), watch: Arc::clone(&watch) };
        let job = Job {
            affinity: order.affinity,
            goes_on: order.goes_on,
            watch: Arc::clone(&watch),
            work: Box::new(move |vms, slot| work(vms, slot, answer)),
        };
        let mut schedule = self.shared.schedule();
        match schedule.admit(job, &self.shared.limits) {
            Admission::Refused => return Err(PoolError::Overload),
            Admission::Queued => {}
            Admission::Hand(worker, job) => {
                drop(schedule);
                worker.hand(job);
            }
            Admission::Start(job) => {
                drop(schedule);
                worker::start(&self.shared, job);
            }
        }
        Ok(watch)
    }

    fn overstay(&self, watch: &Arc<Watch>) -> Option<PoolError> {
        match watch.overstay(Instant::now()) {
            Overstay::NotYet => None,
            Overstay::NeverStarted => Some(PoolError::Overload),
            Overstay::GaveUp(worker) => {
                give_up(&self.shared, watch, &worker);
                Some(PoolError::GivenUp)
            }
        }
    }
}

/// Takes a thread out of the count that does not come back from its job.
fn give_up(shared: &Arc<Shared>, watch: &Watch, worker: &Arc<Worker>) {
    let mut schedule = shared.schedule();
    if !schedule.give_up(worker) {
        return;
    }
    tracing::error!(
        script = %watch.label(),
        given_up = schedule.stats().given_up,
        "a script does not end and cannot be stopped; its thread is given up and no longer counts"
    );
    shared.advance(schedule);
}

/// Watches over a job whose caller has gone.
struct Abandoned<'pool> {
    pool: &'pool Pool,
    watch: Arc<Watch>,
    armed: bool,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if !self.armed || self.watch.cancel() {
            return;
        }
        let (shared, watch) = (Arc::clone(&self.pool.shared), Arc::clone(&self.watch));
        self.pool.handle.spawn(async move {
            loop {
                tokio::time::sleep_until(watch.until().into()).await;
                match watch.overstay(Instant::now()) {
                    Overstay::NotYet if watch.answered() => return,
                    Overstay::NotYet => {}
                    Overstay::NeverStarted => return,
                    Overstay::GaveUp(worker) => return give_up(&shared, &watch, &worker),
                }
            }
        });
    }
}

enum Reply<R> {
    Async(oneshot::Sender<R>),
    Blocking(crossbeam_channel::Sender<R>),
}

impl<R> From<oneshot::Sender<R>> for Reply<R> {
    fn from(sender: oneshot::Sender<R>) -> Self {
        Self::Async(sender)
    }
}

impl<R> From<crossbeam_channel::Sender<R>> for Reply<R> {
    fn from(sender: crossbeam_channel::Sender<R>) -> Self {
        Self::Blocking(sender)
    }
}

/// Where a job hands its result.
pub struct Answer<R> {
    reply: Reply<R>,
    watch: Arc<Watch>,
}

impl<R> Answer<R> {
    /// Hands over the result; nobody may be there any more to take it.
    pub fn send(self, result: R) {
        self.watch.answer();
        match self.reply {
            Reply::Async(sender) => drop(sender.send(result)),
            Reply::Blocking(sender) => drop(sender.send(result)),
        }
    }
}

/// A running job's right to run.
#[derive(Clone)]
pub struct Slot {
    shared: Arc<Shared>,
    worker: Arc<Worker>,
}

impl Slot {
    /// Whether jobs wait for a slot.
    pub fn is_wanted(&self) -> bool {
        self.shared.schedule().has_waiting()
    }

    /// Does something that waits and uses no processor; others run meanwhile.
    pub fn while_waiting<T>(&self, wait: impl FnOnce() -> T) -> T {
        let mut schedule = self.shared.schedule();
        schedule.release(&self.worker);
        self.shared.advance(schedule);
        let result = wait();
        let mut schedule = self.shared.schedule();
        if !schedule.resume(&self.worker, &self.shared.limits) {
            drop(schedule);
            self.worker.wait_for_slot();
        }
        result
    }
}

#[cfg(test)]
mod tests;
