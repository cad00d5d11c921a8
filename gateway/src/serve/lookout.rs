//! What the task of a connection looks after besides the connection: its time-outs, and the end of the gateway.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, Sleep, sleep_until},
};

/// Waits for three things at a time, and asks two of them only when they have something to say.
pub(super) struct Lookout {
    time: Pin<Box<Sleep>>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Tells cheaply whether `stopped` may be over.
    stop: watch::Receiver<bool>,
    /// `stopped` is over.
    stopping: bool,
    /// The task's waker is with both.
    waits: bool,
}

/// What came first.
pub(super) enum Seen<T> {
    /// The connection is over.
    Ended(T),
    /// It is time for a look.
    Time,
    /// The gateway ends; seen once.
    Stop,
}

impl Lookout {
    /// Looks at `time` for the first time.
    pub(super) fn new(time: Instant, stop: watch::Receiver<bool>) -> Self {
        let mut stopped = stop.clone();
        // The end of whoever could say it is the end of the gateway too.
        let stopped = async move { drop(stopped.wait_for(|stop| *stop).await) };
        Self {
            time: Box::pin(sleep_until(time)),
            stopped: Box::pin(stopped),
            stop,
            stopping: false,
            waits: false,
        }
    }

    /// Drives the connection until something is to be done. Always called from the same task.
    pub(super) async fn wait<C: Future>(&mut self, mut connection: Pin<&mut C>) -> Seen<C::Output> {
        poll_fn(|context| {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(Seen::Ended(ended));
            }
            // Nearly always it was the connection that woke the task. The others have the waker already, so that whatever
            // happens to them after this look wakes it again.
            if self.waits && !self.time.is_elapsed() && self.stop.has_changed().is_ok_and(|changed| !changed)
            {
                return Poll::Pending;
            }
            self.waits = true;
            if self.time.as_mut().poll(context).is_ready() {
                return Poll::Ready(Seen::Time);
            }
            if !self.stopping && self.stopped.as_mut().poll(context).is_ready() {
                self.stopping = true;
                return Poll::Ready(Seen::Stop);
            }
            Poll::Pending
        })
        .await
    }

    /// When to look again.
    pub(super) fn look_again(&mut self, time: Instant) {
        self.time.as_mut().reset(time);
        self.waits = false;
    }
}

/// Looks at a connection from time to time instead of arming a timer for each request.
pub(super) struct HeadTimer {
    header_timeout: Duration,
    idle_timeout: Duration,
    /// The head that was unfinished at the last look, and since when it is known to be.
    slow: Option<(u32, Instant)>,
    /// Number of requests at the last look that saw a new or a running one, and when that was.
    active: (u32, Instant),
    next: Instant,
}

/// What a look found.
pub(super) enum Verdict {
    Fine,
    Idle,
    SlowHead,
}

impl HeadTimer {
    pub(super) fn new(header_timeout: Duration, idle_timeout: Duration) -> Self {
        let now = Instant::now();
        let mut timer = Self { header_timeout, idle_timeout, slow: None, active: (0, now), next: now };
        timer.next = now + timer.interval();
        timer
    }

    /// A quarter of the shorter time-out: a client gets its time-out and at most a quarter more.
    fn interval(&self) -> Duration {
        (self.header_timeout.min(self.idle_timeout) / 4).max(Duration::from_millis(10))
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn look(&mut self, activity: &Activity, head_in_progress: bool, now: Instant) -> Verdict {
        self.next = now + self.interval();
        let (started, is_active) = activity.look();
        if started != self.active.0 || is_active {
            self.active = (started, now);
        }
        if head_in_progress {
            match self.slow {
                // No request began in between, so it is the same head.
                Some((head, since)) if head == started => {
                    if now.duration_since(since) >= self.header_timeout {
                        return Verdict::SlowHead;
                    }
                }
                _ => self.slow = Some((started, now)),
            }
            return Verdict::Fine;
        }
        self.slow = None;
        if now.duration_since(self.active.1) >= self.idle_timeout { Verdict::Idle } else { Verdict::Fine }
    }
}

/// The requests of one connection, for its timer. One number, so that a request begins with one change of it and ends with another.
#[derive(Debug, Default)]
pub(super) struct Activity(AtomicU64);

impl Activity {
    /// One request; those that began, ever, are counted from here on.
    const STARTED: u64 = 1 << 32;

    /// A request begins.
    pub(super) fn begin(&self) {
        self.0.fetch_add(Self::STARTED + 1, Ordering::Relaxed);
    }

    /// A request that began has ended.
    pub(super) fn end(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Requests that began, ever, and whether any is being served.
    fn look(&self) -> (u32, bool) {
        let both = self.0.load(Ordering::Relaxed);
        ((both >> 32) as u32, both as u32 != 0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Activity, HeadTimer, Verdict};

    fn timer(header_seconds: u64, idle_seconds: u64) -> (HeadTimer, Instant) {
        (
            HeadTimer::new(Duration::from_secs(header_seconds), Duration::from_secs(idle_seconds)),
            Instant::now(),
        )
    }

    #[test]
    fn a_head_that_does_not_end_is_slow() {
        let (mut timer, start) = timer(8, 60);
        let activity = Activity::default();
        for seconds in [0, 2, 4, 6] {
            let verdict = timer.look(&activity, true, start + Duration::from_secs(seconds));
            assert!(matches!(verdict, Verdict::Fine), "{seconds}");
        }
        assert!(matches!(timer.look(&activity, true, start + Duration::from_secs(8)), Verdict::SlowHead));
    }

    #[test]
    fn heads_that_end_are_not_slow_however_often_one_is_seen() {
        let (mut timer, start) = timer(8, 60);
        let activity = Activity::default();
        for seconds in 0..40 {
            activity.begin();
            activity.end();
            assert!(matches!(
                timer.look(&activity, true, start + Duration::from_secs(seconds)),
                Verdict::Fine
            ));
        }
    }

    #[test]
    fn requests_are_counted_beyond_what_there_is_room_for() {
        let activity = Activity::default();
        activity.0.store(u64::MAX - u64::from(u32::MAX), std::sync::atomic::Ordering::Relaxed);
        assert_eq!(activity.look(), (u32::MAX, false));
        activity.begin();
        assert_eq!(activity.look(), (0, true));
        activity.end();
        assert_eq!(activity.look(), (0, false));
    }

    #[test]
    fn only_a_connection_without_a_request_is_idle() {
        let (mut timer, start) = timer(8, 60);
        let activity = Activity::default();
        activity.begin();
        assert!(matches!(timer.look(&activity, false, start + Duration::from_secs(100)), Verdict::Fine));
        activity.end();
        assert!(matches!(timer.look(&activity, false, start + Duration::from_secs(150)), Verdict::Fine));
        assert!(matches!(timer.look(&activity, false, start + Duration::from_secs(161)), Verdict::Idle));
    }
}
