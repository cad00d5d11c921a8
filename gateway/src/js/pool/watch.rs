//! The life of one job as its caller and its thread both see it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{JobOrder, worker::Worker};

/// What a look at the clock found.
pub(super) enum Overstay {
    /// There is time left, or the answer is on its way.
    NotYet,
    /// It stood in the queue for too long and will not start.
    NeverStarted,
    /// It is given up, with its thread; said once.
    GaveUp(Arc<Worker>),
}

/// A job that is not done for so many times its grace is given up whoever had the processor.
const MOST_GRACES: u32 = 20;

enum Phase {
    Queued,
    Running {
        worker: Arc<Worker>,
        since: Instant,
    },
    /// Its time is over, and it has not come back.
    Late {
        worker: Arc<Worker>,
        lateness: Lateness,
        look: Instant,
    },
    Cancelled,
    Answered,
    GivenUp,
}

/// How late a job is. What its thread waits for a processor is the machine's fault and does not count.
struct Lateness {
    since: Instant,
    /// What its thread had waited by then.
    waited: Duration,
}

impl Lateness {
    /// Time that the job had since, when its thread has waited so long by now.
    fn own(&self, now: Instant, waited: Duration) -> Duration {
        now.saturating_duration_since(self.since).saturating_sub(waited.saturating_sub(self.waited))
    }
}

/// One job's phase and times.
pub(super) struct Watch {
    phase: Mutex<Phase>,
    label: Arc<str>,
    submitted: Instant,
    limit: Duration,
    grace: Duration,
}

impl Watch {
    pub(super) fn new(order: &JobOrder, grace: Duration) -> Self {
        Self {
            phase: Mutex::new(Phase::Queued),
            label: Arc::clone(&order.label),
            submitted: Instant::now(),
            limit: order.limit,
            grace,
        }
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// When to look again.
    pub(super) fn until(&self) -> Instant {
        match &*self.phase() {
            Phase::Running { since, .. } => *since + self.limit,
            Phase::Late { look, .. } => *look,
            Phase::Queued => self.submitted + self.limit,
            // The answer is in the channel, or comes any moment.
            Phase::Answered | Phase::Cancelled | Phase::GivenUp => Instant::now() + self.grace,
        }
    }

    /// Its thread takes it up; false when it was cancelled meanwhile.
    pub(super) fn start(&self, worker: &Arc<Worker>) -> bool {
        let mut phase = self.phase();
        let waits = matches!(*phase, Phase::Queued);
        if waits {
            *phase = Phase::Running { worker: Arc::clone(worker), since: Instant::now() };
        }
        waits
    }

    /// Its result goes out.
    pub(super) fn answer(&self) {
        let mut phase = self.phase();
        if matches!(*phase, Phase::Running { .. } | Phase::Late { .. }) {
            *phase = Phase::Answered;
        }
    }

    /// Its thread is done with it; false when it was given up.
    pub(super) fn end(&self) -> bool {
        self.answer();
        !matches!(*self.phase(), Phase::GivenUp)
    }

    pub(super) fn answered(&self) -> bool {
        matches!(*self.phase(), Phase::Answered)
    }

    /// Takes it out of the queue; false when it runs or ran.
    pub(super) fn cancel(&self) -> bool {
        let mut phase = self.phase();
        let waits = matches!(*phase, Phase::Queued);
        if waits {
            *phase = Phase::Cancelled;
        }
        waits
    }

    pub(super) fn cancelled(&self) -> bool {
        matches!(*self.phase(), Phase::Cancelled)
    }

    pub(super) fn overstay(&self, now: Instant) -> Overstay {
        let mut phase = self.phase();
        match &mut *phase {
            Phase::Queued if now >= self.submitted + self.limit => {
                *phase = Phase::Cancelled;
                Overstay::NeverStarted
            }
            Phase::Running { worker, since } if now >= *since + self.limit => {
                let lateness = Lateness { since: now, waited: worker.waited_for_processor() };
                *phase = Phase::Late { worker: Arc::clone(worker), lateness, look: now + self.grace };
                Overstay::NotYet
            }
            Phase::Late { worker, lateness, look } if now >= *look => {
                let own = lateness.own(now, worker.waited_for_processor());
                if own < self.grace && now < lateness.since + MOST_GRACES * self.grace {
                    *look = now + (self.grace - own);
                    return Overstay::NotYet;
                }
                let worker = Arc::clone(worker);
                *phase = Phase::GivenUp;
                Overstay::GaveUp(worker)
            }
            _ => Overstay::NotYet,
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_others_is_not_a_jobs_own() {
        let (since, millis) = (Instant::now(), Duration::from_millis);
        let lateness = Lateness { since, waited: millis(40) };
        assert_eq!(lateness.own(since + millis(250), millis(40)), millis(250));
        assert_eq!(lateness.own(since + millis(250), millis(220)), millis(70));
        // The system counts in steps of its own.
        assert_eq!(lateness.own(since + millis(250), millis(400)), Duration::ZERO);
    }
}
