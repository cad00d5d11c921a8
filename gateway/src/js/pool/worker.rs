//! One script thread.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::{IDLE_TIME, Job, STACK_BYTES, Shared, Slot, run_queue::Thread};
use crate::js::vms::VmCache;

/// What the others see of a thread.
///
/// The flags are written under the schedule's lock only; they are atomic because a thread is shared.
pub(super) struct Worker {
    jobs: Sender<Job>,
    slots: Sender<()>,
    slot_given: Receiver<()>,
    holds_slot: AtomicBool,
    given_up: AtomicBool,
    /// What it ran last.
    affinity: AtomicU64,
    thread: OnceLock<Thread>,
}

impl Worker {
    /// Gives it a job; it is idle, so there is room.
    pub(super) fn hand(&self, job: Job) {
        // Fails only after its end, which takes it off the idle list first.
        let _ = self.jobs.send(job);
    }

    /// Lets it go on after a wait.
    pub(super) fn wake(&self) {
        let _ = self.slots.try_send(());
    }

    pub(super) fn wait_for_slot(&self) {
        // Its other end is in the same struct and cannot be gone.
        let _ = self.slot_given.recv();
    }

    pub(super) fn holds_slot(&self) -> bool {
        self.holds_slot.load(Ordering::Relaxed)
    }

    pub(super) fn set_holds_slot(&self, holds: bool) {
        self.holds_slot.store(holds, Ordering::Relaxed);
    }

    pub(super) fn given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// False when it was given up before.
    pub(super) fn set_given_up(&self) -> bool {
        !self.given_up.swap(true, Ordering::Relaxed)
    }

    /// Time that it stood in line for a processor, since it began.
    pub(super) fn waited_for_processor(&self) -> Duration {
        self.thread.get().map_or(Duration::ZERO, Thread::waited)
    }

    pub(super) fn keeps(&self, affinity: u64) -> bool {
        self.affinity.load(Ordering::Relaxed) == affinity
    }
}

/// Starts a thread for a job; both are counted already.
pub(super) fn start(shared: &Arc<Shared>, job: Job) {
    let (jobs, inbox) = crossbeam_channel::bounded(1);
    let (slots, slot_given) = crossbeam_channel::bounded(1);
    let worker = Arc::new(Worker {
        jobs,
        slots,
        slot_given,
        holds_slot: AtomicBool::new(true),
        given_up: AtomicBool::new(false),
        affinity: AtomicU64::new(job.affinity),
        thread: OnceLock::new(),
    });
    let slot = Slot { shared: Arc::clone(shared), worker };
    let started = thread::Builder::new()
        .name("script".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || run(&slot, &inbox, job));
    if let Err(error) = started {
        // The job is dropped with its answer, which tells its caller.
        tracing::error!(%error, "a script thread cannot be started");
        shared.schedule().lost();
    }
}

fn run(slot: &Slot, inbox: &Receiver<Job>, first: Job) {
    let _ = slot.worker.thread.set(Thread::current());
    let mut vms = VmCache::default();
    let mut next = Some(first);
    loop {
        let in_time = next.take().is_none_or(|job| work(slot, &mut vms, job));
        let mut schedule = slot.shared.schedule();
        if !in_time || slot.worker.given_up() {
            // The one that gave it up may not have come to count that yet.
            schedule.give_up(&slot.worker);
            schedule.given_up_ended();
            return slot.shared.advance(schedule);
        }
        next = schedule.next_for(&slot.worker, &slot.shared.limits);
        // What this thread did not take may suit another.
        slot.shared.advance(schedule);
        if next.is_none() {
            next = match idle(slot, inbox, &mut vms) {
                Some(job) => Some(job),
                None => return,
            };
        }
    }
}

/// Runs a job; a panic in it costs the thread's VMs and nothing else. False when it was given up meanwhile.
fn work(slot: &Slot, vms: &mut VmCache, job: Job) -> bool {
    let Job { affinity, watch, work, .. } = job;
    if !watch.start(&slot.worker) {
        return true;
    }
    slot.worker.affinity.store(affinity, Ordering::Relaxed);
    if catch_unwind(AssertUnwindSafe(|| work(vms, slot))).is_err() {
        tracing::error!(script = watch.label(), "a script thread panicked; its VMs are made anew");
        *vms = VmCache::default();
    }
    watch.end()
}

/// Waits for a job; `None` ends the thread.
fn idle(slot: &Slot, inbox: &Receiver<Job>, vms: &mut VmCache) -> Option<Job> {
    loop {
        match inbox.recv_timeout(IDLE_TIME) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {
                vms.drop_gone();
                if slot.shared.schedule().retire(&slot.worker, &slot.shared.limits) {
                    return None;
                }
            }
        }
    }
}
