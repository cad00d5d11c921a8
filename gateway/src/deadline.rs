//! Deadlines of what requests wait for.
//!
//! To set a timer of the runtime takes a lock that all its threads share, to take it away takes it again, and nearly none ever comes:
//! the answer does. Here a deadline is put into a list of the thread's own with the waker of who waits, and taken out again. One thread
//! looks through the lists when the first of them comes, or now and then.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        LazyLock, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use pin_project_lite::pin_project;
use slab::Slab;

use crate::shard;

/// Lists of deadlines; threads share one when there are more of them.
const LISTS: usize = 32;

/// The longest time between two looks while somebody waits.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// The shortest: a deadline is told at most so much late.
const PRECISION: Duration = Duration::from_millis(1);

/// Looks that find nobody until there are no more of them.
const IDLE_LOOKS: u32 = 4;

/// The deadline passed before the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline has passed")]
pub struct Passed;

/// Works until a moment at most. The work is asked first, so that what is done in time is never lost; where it is not, the deadline is told up to a
/// millisecond late, and more on a busy machine.
///
/// # Errors
/// When the work was not done then.
pub fn until<F: Future>(at: Instant, work: F) -> Until<F> {
    Until { work, at, waiting: None }
}

/// The same for a length of time from now on.
///
/// # Errors
/// As for [`until`].
pub fn within<F: Future>(time: Duration, work: F) -> Until<F> {
    // Centuries from now, where the clock ends, is as good as never.
    let now = Instant::now();
    until(now.checked_add(time).unwrap_or(now + Duration::from_secs(1 << 32)), work)
}

pin_project! {
    /// Work with a deadline, made by [`until`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Until<F> {
        #[pin]
        work: F,
        at: Instant,
        // Once it had to wait.
        waiting: Option<Waiting>,
    }
}

impl<F: Future> Future for Until<F> {
    type Output = Result<F::Output, Passed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(done) = this.work.poll(context) {
            // Here, since a future that is done may live on for a while.
            *this.waiting = None;
            return Poll::Ready(Ok(done));
        }
        match this.waiting {
            None => *this.waiting = Some(Waiting::begin(*this.at, context.waker())),
            Some(waiting) if waiting.goes_on(context.waker()) => {}
            Some(_) => return Poll::Ready(Err(Passed)),
        }
        Poll::Pending
    }
}

/// A place in one of the lists.
struct Waiting {
    list: usize,
    key: usize,
}

/// Who waits.
struct Entry {
    at: Instant,
    /// `None` once the deadline has passed and was told.
    waker: Option<Waker>,
}

/// A list in lines of memory of its own.
#[repr(align(128))]
struct List(Mutex<Slab<Entry>>);

impl List {
    fn lock(&self) -> MutexGuard<'_, Slab<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn begin(at: Instant, waker: &Waker) -> Self {
        let list = shard::own(LISTS);
        let key = DEADLINES.lists[list].lock().insert(Entry { at, waker: Some(waker.clone()) });
        look_by(at);
        Self { list, key }
    }

    /// Whether the deadline has not passed; if so, this waker is told when it does.
    fn goes_on(&self, waker: &Waker) -> bool {
        let before = match DEADLINES.lists[self.list].lock().get_mut(self.key) {
            Some(Entry { waker: Some(known), .. }) if known.will_wake(waker) => return true,
            Some(Entry { waker: known @ Some(_), .. }) => known.replace(waker.clone()),
            _ => return false,
        };
        // Not under the lock, as below.
        drop(before);
        true
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let entry = DEADLINES.lists[self.list].lock().try_remove(self.key);
        // Not under the lock: a waker may be the last reference to its task, whose end may take others out of this list.
        drop(entry);
    }
}

/// All lists, and who looks through them.
struct Deadlines {
    lists: [List; LISTS],
    looker: OnceLock<Thread>,
    /// When the next look is, as [`nanoseconds`]; all ones while there is a look, or when none will be.
    next_look: AtomicU64,
}

static DEADLINES: Deadlines = Deadlines {
    lists: [const { List(Mutex::new(Slab::new())) }; LISTS],
    looker: OnceLock::new(),
    next_look: AtomicU64::new(u64::MAX),
};

/// Starts the thread that tells deadlines, so that it is there before anybody waits.
///
/// # Errors
/// When the system gives no thread. Whoever waits first tries again.
pub fn start() -> io::Result<()> {
    static STARTING: Mutex<()> = Mutex::new(());
    let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if DEADLINES.looker.get().is_none() {
        let started = thread::Builder::new().name("deadlines".to_owned()).spawn(look_for_ever)?;
        let _ = DEADLINES.looker.set(started.thread().clone());
    }
    Ok(())
}

/// A moment as a number.
fn nanoseconds(at: Instant) -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(at.saturating_duration_since(*START).as_nanos()).unwrap_or(u64::MAX)
}

/// Sees to it that there is a look by then.
fn look_by(at: Instant) {
    if nanoseconds(at) >= DEADLINES.next_look.load(Ordering::Relaxed) {
        return;
    }
    if DEADLINES.looker.get().is_none()
        && let Err(error) = start()
    {
        tracing::error!(%error, "no thread for deadlines: they are told once there is one");
    }
    if let Some(looker) = DEADLINES.looker.get() {
        looker.unpark();
    }
}

/// What the thread does.
fn look_for_ever() {
    let (mut late, mut idle) = (Vec::new(), 0);
    loop {
        // Whoever comes from here on to a list that was looked through already wakes this thread: the list's lock lets it see this.
        DEADLINES.next_look.store(u64::MAX, Ordering::Relaxed);
        let now = Instant::now();
        let first = look(now, &mut late);
        for waker in late.drain(..) {
            // A plugin's own executor may have made it; the others are to be woken whatever it does.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        idle = if first.is_some() { 0 } else { idle + 1 };
        if idle == IDLE_LOOKS {
            idle = 0;
            thread::park();
            continue;
        }
        let done = Instant::now();
        // Many deadlines one after another shall not keep a processor busy.
        let pause = PRECISION.max(20 * (done - now));
        let next =
            first.map_or(now + LOOK_INTERVAL, |first| first.min(now + LOOK_INTERVAL)).max(done + pause);
        DEADLINES.next_look.store(nanoseconds(next), Ordering::Relaxed);
        thread::park_timeout(next - done);
    }
}

/// Collects the wakers of those whose deadline has passed; gives the first deadline of the others.
fn look(now: Instant, late: &mut Vec<Waker>) -> Option<Instant> {
    let mut first: Option<Instant> = None;
    for list in &DEADLINES.lists {
        for (_, entry) in list.lock().iter_mut() {
            if entry.waker.is_none() {
                continue;
            }
            if entry.at <= now {
                late.extend(entry.waker.take());
            } else {
                first = Some(first.map_or(entry.at, |first| first.min(entry.at)));
            }
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, poll_fn, ready},
        pin::Pin,
        sync::Arc,
        task::{Context, Poll, Wake, Waker},
        time::{Duration, Instant},
    };

    use super::{DEADLINES, Passed, until, within};

    async fn is_pending<F: Future + Unpin>(waits: &mut F) -> bool {
        poll_fn(|context| Poll::Ready(Pin::new(&mut *waits).poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn what_is_done_in_time_is_given() {
        assert_eq!(within(Duration::from_secs(60), ready(7)).await, Ok(7));
        assert_eq!(within(Duration::MAX, ready(7)).await, Ok(7));
        // Also when it is too late, if it is done.
        assert_eq!(until(Instant::now() - Duration::from_secs(1), ready(7)).await, Ok(7));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let waits = tokio::spawn(within(Duration::from_secs(60), receiver));
        tokio::task::yield_now().await;
        sender.send(7).unwrap();
        assert_eq!(waits.await.unwrap(), Ok(Ok(7)));
    }

    #[tokio::test]
    async fn what_is_not_done_is_told_then_and_not_before() {
        for milliseconds in [0, 1, 7, 40] {
            let (begun, time) = (Instant::now(), Duration::from_millis(milliseconds));
            assert_eq!(within(time, pending::<()>()).await, Err(Passed));
            assert!(begun.elapsed() >= time);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_later_deadline_does_not_hide_an_earlier_one() {
        let long = tokio::spawn(within(Duration::from_secs(600), pending::<()>()));
        let all: Vec<_> = (0..500)
            .map(|at| {
                let time = Duration::from_millis(at % 50);
                tokio::spawn(async move {
                    let begun = Instant::now();
                    assert_eq!(within(time, pending::<()>()).await, Err(Passed));
                    assert!(begun.elapsed() >= time);
                })
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
        assert!(!long.is_finished());
        long.abort();
    }

    #[tokio::test]
    async fn who_waits_moves_and_is_told_all_the_same() {
        let mut waits = Box::pin(within(Duration::from_millis(30), pending::<()>()));
        // Polled by this task, awaited by another.
        assert!(is_pending(&mut waits).await);
        assert_eq!(tokio::spawn(waits).await.unwrap(), Err(Passed));
    }

    #[tokio::test]
    async fn a_waker_that_panics_or_ends_others_holds_up_nobody() {
        struct Panics;
        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("woken");
            }
        }
        let mut bad = Box::pin(within(Duration::from_millis(5), pending::<()>()));
        let waker = Waker::from(Arc::new(Panics));
        assert!(bad.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(within(Duration::from_millis(20), pending::<()>()).await, Err(Passed));
        assert!(bad.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());

        // The last reference to somebody else who waits, let go of when another waker takes its place, and at the end.
        struct Owns(
            #[allow(dead_code, reason = "it is dropped")]
            Pin<Box<dyn Future<Output = Result<(), Passed>> + Send + Sync>>,
        );
        impl Wake for Owns {
            fn wake(self: Arc<Self>) {}
        }
        let owning = || {
            let mut owned = Box::pin(within(Duration::from_secs(600), pending::<()>()));
            assert!(owned.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            Waker::from(Arc::new(Owns(owned)))
        };
        let mut waits = Box::pin(within(Duration::from_secs(600), pending::<()>()));
        for _ in 0..2 {
            assert!(waits.as_mut().poll(&mut Context::from_waker(&owning())).is_pending());
        }
        drop(waits);
    }

    #[tokio::test]
    async fn nothing_is_left_of_who_does_not_wait_any_more() {
        let at = Instant::now() + Duration::from_secs(12_345);
        let listed = || {
            let count = |list: &super::List| list.lock().iter().filter(|(_, entry)| entry.at == at).count();
            DEADLINES.lists.iter().map(count).sum::<usize>()
        };
        let mut waits = Box::pin(until(at, pending::<()>()));
        assert!(is_pending(&mut waits).await);
        assert_eq!(listed(), 1);
        assert!(is_pending(&mut waits).await);
        assert_eq!(listed(), 1);
        drop(waits);
        assert_eq!(listed(), 0);
    }
}
