//! Futures of one side that the other side polls.

use abi_stable::StableAbi;

/// The first field of whatever a waker points to; the side that made it knows the rest.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct ForeignWaker {
    /// What can be done with it.
    pub table: *const WakerTable,
}

/// Functions of a waker; each may be called on any thread.
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
