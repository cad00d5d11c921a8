//! Futures and wakers that cross. Both sides lend wakers to, and poll futures of, the other with this.

use std::{
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    pin::Pin,
    task::{Context, Poll, RawWaker, RawWakerVTable, Waker},
};

use gatehouse_plugin_abi::{ForeignFuture, ForeignWaker, WakerTable, numbers::poll};

use super::panics::{catch, quietly};

/// A waker that is lent for one poll.
#[repr(C)]
struct Lent<'a> {
    base: ForeignWaker,
    waker: &'a Waker,
}

/// A waker that the other side keeps, in a box.
#[repr(C)]
struct Kept {
    base: ForeignWaker,
    waker: Waker,
}

static LENT: WakerTable =
    WakerTable { clone: clone_lent, wake: wake_lent, wake_by_ref: wake_lent, release: release_lent };
static KEPT: WakerTable =
    WakerTable { clone: clone_kept, wake: wake_kept, wake_by_ref: wake_kept_by_ref, release: release_kept };

fn keep(waker: Waker) -> *const () {
    let base = ForeignWaker { table: &raw const KEPT };
    Box::into_raw(Box::new(Kept { base, waker })).cast()
}

// What follows is in the two tables above. The `# Safety` of each is that of `WakerTable`: the argument is a `Lent` during its
// poll, or a `Kept` that was not released.

unsafe extern "C" fn clone_lent(lent: *const ()) -> *const () {
    // SAFETY: the table is only ever beside a `Lent`, which lives for the poll it is lent for.
    keep(unsafe { &*lent.cast::<Lent<'_>>() }.waker.clone())
}

unsafe extern "C" fn wake_lent(lent: *const ()) {
    // SAFETY: as in `clone_lent`.
    let waker = unsafe { &*lent.cast::<Lent<'_>>() }.waker;
    quietly(|| waker.wake_by_ref());
}

unsafe extern "C" fn release_lent(_: *const ()) {}

unsafe extern "C" fn clone_kept(kept: *const ()) -> *const () {
    // SAFETY: the table is only ever beside a `Kept` that has not been released.
    keep(unsafe { &*kept.cast::<Kept>() }.waker.clone())
}

unsafe extern "C" fn wake_kept_by_ref(kept: *const ()) {
    // SAFETY: as in `clone_kept`.
    let waker = &unsafe { &*kept.cast::<Kept>() }.waker;
    quietly(|| waker.wake_by_ref());
}

unsafe extern "C" fn wake_kept(kept: *const ()) {
    // SAFETY: `wake` and `release` end it, and are called once: this is the box of `keep`.
    let kept = unsafe { Box::from_raw(kept.cast_mut().cast::<Kept>()) };
    quietly(|| kept.waker.wake());
}

unsafe extern "C" fn release_kept(kept: *const ()) {
    // SAFETY: as in `wake_kept`.
    let kept = unsafe { Box::from_raw(kept.cast_mut().cast::<Kept>()) };
    quietly(|| drop(kept));
}

/// The other side's wakers as the standard library's: kept ones, and the one that is borrowed for a poll.
static OURS: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, release);
static BORROWED: RawWakerVTable = RawWakerVTable::new(clone, wake_by_ref, wake_by_ref, |_| ());

/// The functions of a foreign waker.
///
/// # Safety
/// `waker` came from the other side and has not been released.
unsafe fn table<'a>(waker: *const ()) -> &'a WakerTable {
    // SAFETY: whatever a waker points to begins with `ForeignWaker`, and tables live for ever.
    unsafe { &*(*waker.cast::<ForeignWaker>()).table }
}

fn clone(waker: *const ()) -> RawWaker {
    // SAFETY: these four are only in vtables beside a foreign waker.
    RawWaker::new(unsafe { (table(waker).clone)(waker) }, &OURS)
}

fn wake(waker: *const ()) {
    // SAFETY: as in `clone`.
    unsafe { (table(waker).wake)(waker) }
}

fn wake_by_ref(waker: *const ()) {
    // SAFETY: as in `clone`.
    unsafe { (table(waker).wake_by_ref)(waker) }
}

fn release(waker: *const ()) {
    // SAFETY: as in `clone`.
    unsafe { (table(waker).release)(waker) }
}

/// Polls a future of this side for the other.
///
/// A waker that this side has lent, and that comes back through the other one unchanged, is taken as it was: so a plugin that
/// waits for a call of the gateway has the gateway's own waker registered, without anything to allocate.
///
/// # Safety
/// `waker` is lent for this call, by the other side or through it.
pub(super) unsafe fn poll_with<T>(
    waker: *const ForeignWaker,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    // SAFETY: a waker begins with `ForeignWaker`.
    if std::ptr::eq(unsafe { (*waker).table }, &raw const LENT) {
        // SAFETY: this side's table is only ever beside a `Lent` of this side, which lives for the poll that this one is part
        // of.
        let lent = unsafe { &*waker.cast::<Lent<'_>>() };
        return poll(&mut Context::from_waker(lent.waker));
    }
    // SAFETY: the vtable is made for foreign wakers, and the borrowed one is not released.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(waker.cast(), &BORROWED)) });
    poll(&mut Context::from_waker(&waker))
}

/// A future of this side, for the other to poll.
pub(super) fn export<F>(future: F) -> ForeignFuture<F::Output>
where
    F: Future + Send + 'static,
{
    /// # Safety
    /// As [`ForeignFuture`] says of its `poll`.
    unsafe extern "C" fn poll_boxed<F: Future>(
        state: *mut (),
        waker: *const ForeignWaker,
        result: *mut F::Output,
    ) -> u32 {
        // SAFETY: `state` is the box below, polled by one thread at a time; a boxed future does not move.
        let future = unsafe { Pin::new_unchecked(&mut *state.cast::<F>()) };
        // SAFETY: the other side lends `waker` for this call.
        match catch(|| unsafe { poll_with(waker, |context| future.poll(context)) }) {
            Ok(Poll::Pending) => poll::PENDING,
            Ok(Poll::Ready(value)) => {
                // SAFETY: `result` is a place for the value, not yet written.
                unsafe { result.write(value) };
                poll::READY
            }
            Err(_) => poll::PANICKED,
        }
    }
    /// # Safety
    /// As [`ForeignFuture`] says of its `release`.
    unsafe extern "C" fn release<F>(state: *mut ()) {
        // SAFETY: this is the box below, and it is released once.
        quietly(|| drop(unsafe { Box::from_raw(state.cast::<F>()) }));
    }
    let state = Box::into_raw(Box::new(future)).cast();
    ForeignFuture { state, poll: poll_boxed::<F>, release: release::<F> }
}

/// A future of the other side. Gives `None` when it panicked. Released when dropped.
pub(crate) struct Imported<T> {
    future: ForeignFuture<T>,
    finished: bool,
    result: PhantomData<fn() -> T>,
}

// SAFETY: a foreign future may be polled and released on any thread (documented on `ForeignFuture`, and demanded of
// what `export` and the trampolines make). There is no `T` in it: the result is written during the poll that gives it.
unsafe impl<T> Send for Imported<T> {}

impl<T> Imported<T> {
    /// # Safety
    /// `future` is as [`ForeignFuture`] says, nobody else has it, and what it points to outlives this value.
    pub(super) unsafe fn new(future: ForeignFuture<T>) -> Self {
        Self { future, finished: false, result: PhantomData }
    }
}

impl<T> Unpin for Imported<T> {}

impl<T> Future for Imported<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if self.finished {
            return Poll::Ready(None);
        }
        let waker = context.waker();
        let lent = Lent { base: ForeignWaker { table: &raw const LENT }, waker };
        let lent: *const ForeignWaker = if std::ptr::eq(waker.vtable(), &raw const BORROWED) {
            // What the other side lent for the poll that this one is part of goes back to it as it is.
            waker.data().cast()
        } else {
            (&raw const lent).cast()
        };
        let mut result = MaybeUninit::uninit();
        // SAFETY: the future is not finished, this is its one owner, and the waker lives for the call.
        let answer = unsafe { (self.future.poll)(self.future.state, lent, result.as_mut_ptr()) };
        if answer == poll::PENDING {
            return Poll::Pending;
        }
        self.finished = true;
        // SAFETY: READY says that the result has been written.
        Poll::Ready((answer == poll::READY).then(|| unsafe { result.assume_init() }))
    }
}

impl<T> Drop for Imported<T> {
    fn drop(&mut self) {
        // SAFETY: this is the one owner, and it is dropped once.
        unsafe { (self.future.release)(self.future.state) };
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        task::Poll,
        thread,
    };

    use super::{Imported, export};
    use crate::block_on;

    fn across<F: Future + Send + 'static>(future: F) -> Imported<F::Output> {
        // SAFETY: `export` makes futures that are as they must be, and this is the only owner.
        unsafe { Imported::new(export(future)) }
    }

    #[test]
    fn a_result_comes_across() {
        assert_eq!(block_on(across(async { String::from("done") })), Some("done".to_owned()));
    }

    #[test]
    fn a_waker_that_was_kept_wakes_from_another_thread() {
        let mut polled = false;
        let future = std::future::poll_fn(move |context| {
            if polled {
                return Poll::Ready(7);
            }
            polled = true;
            let (first, second) = (context.waker().clone(), context.waker().clone());
            thread::spawn(move || {
                drop(first.clone());
                first.wake_by_ref();
                second.wake();
            });
            Poll::Pending
        });
        // Twice across, as a plugin's future that waits for a call of the gateway.
        assert_eq!(block_on(across(across(future))), Some(Some(7)));
    }

    #[test]
    fn a_panic_does_not_cross() {
        crate::ffi::panics::install_hook();
        assert_eq!(block_on(across(async { panic!("inside") })), None::<()>);
    }

    #[test]
    fn dropping_it_ends_it() {
        static ENDED: AtomicBool = AtomicBool::new(false);
        struct Guard;
        impl Drop for Guard {
            fn drop(&mut self) {
                ENDED.store(true, Ordering::SeqCst);
            }
        }
        let guard = Guard;
        drop(across(async move {
            std::future::pending::<()>().await;
            drop(guard);
        }));
        assert!(ENDED.load(Ordering::SeqCst));
    }
}
