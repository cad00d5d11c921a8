//! Futures of one side that the other side polls.

use abi_stable::StableAbi;

/// The first field of whatever a waker points to; the side that made it knows the rest. `table` points to a static.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct ForeignWaker {
    /// What can be done with it.
    pub table: *const WakerTable,
}

/// Functions of a waker; each may be called on any thread.
///
/// # Safety
/// The argument points to a [`ForeignWaker`] beside which this table stands: one that is lent, for the time of the poll it
/// is lent for, or one that `clone` gave, until `wake` or `release` was called with it, which is once. None of them lets a
/// panic out.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct WakerTable {
    /// Another one that wakes the same task and is given back through `wake` or `release`.
    pub clone: unsafe extern "C" fn(*const ()) -> *const (),
    /// Wakes and releases.
    pub wake: unsafe extern "C" fn(*const ()),
    /// Wakes.
    pub wake_by_ref: unsafe extern "C" fn(*const ()),
    /// Releases one that `clone` gave.
    pub release: unsafe extern "C" fn(*const ()),
}

/// A future. Polled on one thread at a time, and released once.
///
/// # Safety
/// `poll` and `release` get `state` as it is here, on any thread, never two at a time. `poll` gets a waker that is valid for
/// the call, and a writable, aligned place for a `T`; it is not called after it answered anything but
/// [`PENDING`](crate::numbers::poll::PENDING). `release` is called once, as the last. What `state` borrows from is said where the
/// future is given; it outlives the release. Neither lets a panic out.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct ForeignFuture<T> {
    /// Belongs to the side that made it.
    pub state: *mut (),
    /// Polls, and writes the result when it answers [`READY`](crate::numbers::poll::READY), after which only
    /// `release` may be called. The waker is borrowed for the call.
    pub poll: unsafe extern "C" fn(*mut (), *const ForeignWaker, *mut T) -> u32,
    /// Ends it, ready or not.
    pub release: unsafe extern "C" fn(*mut ()),
}
