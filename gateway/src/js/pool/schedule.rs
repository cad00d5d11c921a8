//! Who runs, who waits and who is next; all under one short lock, which no job runs under.

use std::{collections::VecDeque, sync::Arc};

use super::{Job, PoolLimits, PoolStats, worker::Worker};

/// Where a new job goes.
pub(super) enum Admission {
    /// Into the queue.
    Queued,
    /// Nowhere: the queue is full.
    Refused,
    /// To an idle thread.
    Hand(Arc<Worker>, Job),
    /// To a new thread, which is counted already.
    Start(Job),
}

/// Of so many jobs that start one went on before, if there is any: calls that begin are mostly short, and should not wait
/// until long ones are over.
const GOING_ON: u8 = 4;

/// The state of a pool.
#[derive(Default)]
pub(super) struct Schedule {
    threads: usize,
    running: usize,
    waiting: usize,
    given_up: usize,
    /// Jobs without a thread.
    queue: VecDeque<Job>,
    /// Jobs without a thread that began before.
    going_on: VecDeque<Job>,
    /// Counts jobs that left either.
    turn: u8,
    /// Threads without a job; the last one was busy last, so that the first ones can end.
    idle: Vec<Arc<Worker>>,
    /// Threads whose host call is over and that have no slot yet.
    resuming: VecDeque<Arc<Worker>>,
}

impl Schedule {
    pub(super) fn stats(&self) -> PoolStats {
        PoolStats {
            threads: self.threads,
            running: self.running,
            waiting: self.waiting,
            queued: self.queued(),
            given_up: self.given_up,
        }
    }

    /// Jobs without a thread.
    fn queued(&self) -> usize {
        self.queue.len() + self.going_on.len()
    }

    /// Whether anything waits for a slot.
    pub(super) fn has_waiting(&self) -> bool {
        !(self.queue.is_empty() && self.going_on.is_empty() && self.resuming.is_empty())
    }

    /// Finds a place for a new job.
    pub(super) fn admit(&mut self, job: Job, limits: &PoolLimits) -> Admission {
        if self.running < limits.slots && !self.has_waiting() {
            if let Some(worker) = self.take_idle(job.affinity) {
                self.running += 1;
                worker.set_holds_slot(true);
                return Admission::Hand(worker, job);
            }
            if self.threads < limits.threads {
                self.threads += 1;
                self.running += 1;
                return Admission::Start(job);
            }
        }
        if job.goes_on {
            self.going_on.push_back(job);
            return Admission::Queued;
        }
        if self.queued() >= limits.queue {
            // Callers that went away may have left their jobs in it.
            self.queue.retain(|job| !job.watch.cancelled());
            self.going_on.retain(|job| !job.watch.cancelled());
        }
        if self.queued() >= limits.queue {
            return Admission::Refused;
        }
        self.queue.push_back(job);
        Admission::Queued
    }

    /// The next queued job that can start now and the idle thread for it; without one, a new thread, which is
    /// counted already.
    pub(super) fn next_start(&mut self, limits: &PoolLimits) -> Option<(Option<Arc<Worker>>, Job)> {
        self.wake_resuming(limits);
        if self.running >= limits.slots || (self.idle.is_empty() && self.threads >= limits.threads) {
            return None;
        }
        let job = self.next_queued()?;
        self.running += 1;
        let worker = self.take_idle(job.affinity);
        match &worker {
            Some(worker) => worker.set_holds_slot(true),
            None => self.threads += 1,
        }
        Some((worker, job))
    }

    /// A thread's job is over: its next one, which keeps the slot. `None` puts it among the idle ones.
    pub(super) fn next_for(&mut self, worker: &Arc<Worker>, limits: &PoolLimits) -> Option<Job> {
        self.leave(worker);
        self.wake_resuming(limits);
        if self.running < limits.slots
            && let Some(job) = self.next_queued()
        {
            self.running += 1;
            worker.set_holds_slot(true);
            return Some(job);
        }
        self.idle.push(Arc::clone(worker));
        None
    }

    /// Takes an idle thread off the list for good; false when a job is on its way to it, or it is kept.
    pub(super) fn retire(&mut self, worker: &Arc<Worker>, limits: &PoolLimits) -> bool {
        if self.threads <= limits.slots {
            return false;
        }
        let Some(place) = self.idle.iter().position(|idle| Arc::ptr_eq(idle, worker)) else { return false };
        self.idle.remove(place);
        self.threads -= 1;
        true
    }

    /// A thread begins to wait.
    pub(super) fn release(&mut self, worker: &Worker) {
        if worker.holds_slot() {
            worker.set_holds_slot(false);
            self.running -= 1;
            self.waiting += 1;
        }
    }

    /// A thread's wait is over; false when it must wait for a slot.
    pub(super) fn resume(&mut self, worker: &Arc<Worker>, limits: &PoolLimits) -> bool {
        if worker.given_up() {
            return true;
        }
        if self.running < limits.slots && self.resuming.is_empty() {
            self.grant(worker);
            return true;
        }
        self.resuming.push_back(Arc::clone(worker));
        false
    }

    /// Takes a thread out of the count; false when it was out already.
    pub(super) fn give_up(&mut self, worker: &Arc<Worker>) -> bool {
        if !worker.set_given_up() {
            return false;
        }
        self.resuming.retain(|resuming| !Arc::ptr_eq(resuming, worker));
        if !self.leave(worker) {
            // It may stand in line for a slot, which it will not get any more.
            worker.wake();
        }
        self.threads -= 1;
        self.given_up += 1;
        true
    }

    /// A thread that was given up has ended after all.
    pub(super) fn given_up_ended(&mut self) {
        self.given_up -= 1;
    }

    /// A thread could not be started, or died with its job.
    pub(super) fn lost(&mut self) {
        self.threads -= 1;
        self.running -= 1;
    }

    /// A thread is not at its job any more; whether it held a slot and did not wait.
    fn leave(&mut self, worker: &Worker) -> bool {
        let held = worker.holds_slot();
        if held {
            worker.set_holds_slot(false);
            self.running -= 1;
        } else {
            self.waiting -= 1;
        }
        held
    }

    /// Scripts that went on before are done sooner than those that have not begun, and free their memory.
    fn wake_resuming(&mut self, limits: &PoolLimits) {
        while self.running < limits.slots {
            let Some(worker) = self.resuming.pop_front() else { break };
            self.grant(&worker);
            worker.wake();
        }
    }

    fn grant(&mut self, worker: &Worker) {
        self.running += 1;
        self.waiting -= 1;
        worker.set_holds_slot(true);
    }

    fn next_queued(&mut self) -> Option<Job> {
        self.turn = (self.turn + 1) % GOING_ON;
        loop {
            let job = if self.turn == 0 {
                self.going_on.pop_front().or_else(|| self.queue.pop_front())
            } else {
                self.queue.pop_front().or_else(|| self.going_on.pop_front())
            };
            let job = job?;
            if !job.watch.cancelled() {
                return Some(job);
            }
        }
    }

    fn take_idle(&mut self, affinity: u64) -> Option<Arc<Worker>> {
        let knows = self.idle.iter().rposition(|worker| worker.keeps(affinity));
        match knows {
            Some(place) => Some(self.idle.remove(place)),
            None => self.idle.pop(),
        }
    }
}
