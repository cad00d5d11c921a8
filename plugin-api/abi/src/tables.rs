//! One call of a plugin function, and the tables through which it reaches the gateway.
//!
//! Tables may grow at their end within a major version; nothing else may change.

use abi_stable::StableAbi;

use crate::{
    future::ForeignFuture,
    outbound::{OutboundAnswer, OutboundCall, StorageAnswer, StorageCall},
    values::{Buffer, Pair, Slice},
};

/// Parts of a request that are read without a call. Refreshed by each function that changes one.
#[repr(C)]
#[derive(Debug, Clone, Copy, StableAbi)]
pub struct RequestParts {
    /// Method.
    pub method: Slice,
    /// Path, as escaped by the client.
    pub path: Slice,
    /// Query without its question mark; may be absent.
    pub query: Slice,
    /// Body; empty for a function that does not want it.
    pub body: Slice,
}

/// The request of a call.
#[repr(C)]
#[derive(StableAbi)]
pub struct RequestView {
    /// The gateway's.
    pub owner: *mut (),
    /// What can be done with it.
    pub table: RequestTable_Ref,
    /// What can be read at once.
    pub parts: RequestParts,
}

/// Functions of a request; the first argument is its owner.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix), missing_field(panic))]
pub struct RequestTable {
    /// First value of a header.
    pub header: unsafe extern "C" fn(*const (), Slice) -> Slice,
    /// Writes up to so many headers and answers how many there are.
    pub headers: unsafe extern "C" fn(*const (), *mut Pair, usize) -> usize,
    /// See [`numbers::header`](crate::numbers::header).
    pub change_header: unsafe extern "C" fn(*mut (), u32, Slice, Slice) -> u32,
    /// Changes the method.
    pub set_method: unsafe extern "C" fn(*mut (), Slice, *mut RequestParts) -> u32,
    /// Changes path and query.
    pub set_target: unsafe extern "C" fn(*mut (), Slice, *mut RequestParts) -> u32,
    /// Changes the body; the buffer is moved out.
    #[sabi(last_prefix_field)]
    pub set_body: unsafe extern "C" fn(*mut (), *mut Buffer, *mut RequestParts) -> u32,
}

/// The upstream's answer, for a response hook.
#[repr(C)]
#[derive(StableAbi)]
pub struct ResponseView {
    /// The gateway's.
    pub owner: *mut (),
    /// What can be done with it.
    pub table: ResponseTable_Ref,
    /// Status, changed through the table.
    pub status: u32,
    /// Body, changed through the table.
    pub body: Slice,
}

/// Functions of an answer; the first argument is its owner.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix), missing_field(panic))]
pub struct ResponseTable {
    /// First value of a header.
    pub header: unsafe extern "C" fn(*const (), Slice) -> Slice,
    /// Writes up to so many headers and answers how many there are.
    pub headers: unsafe extern "C" fn(*const (), *mut Pair, usize) -> usize,
    /// See [`numbers::header`](crate::numbers::header).
    pub change_header: unsafe extern "C" fn(*mut (), u32, Slice, Slice) -> u32,
    /// Changes the status.
    pub set_status: unsafe extern "C" fn(*mut (), u32) -> u32,
    /// Changes the body; the buffer is moved out, and a view of what is there now is written.
    #[sabi(last_prefix_field)]
    pub set_body: unsafe extern "C" fn(*mut (), *mut Buffer, *mut Slice) -> u32,
}

/// Everything of a call that is not the message itself; the first argument is the owner. Each may be called on any
/// thread, several at a time.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix), missing_field(panic))]
pub struct ContextTable {
    /// See [`numbers::fact`](crate::numbers::fact); the view lives as long as the call.
    pub fact: unsafe extern "C" fn(*const (), u32) -> Slice,
    /// See [`numbers::item`](crate::numbers::item).
    pub lookup: unsafe extern "C" fn(*const (), u32, Slice) -> Buffer,
    /// See [`numbers::item`](crate::numbers::item).
    pub put: unsafe extern "C" fn(*const (), u32, Slice, Slice) -> u32,
    /// The plugin's answer: status, headers, how many, body, which is moved out.
    pub respond: unsafe extern "C" fn(*const (), u32, *const Pair, usize, *mut Buffer) -> u32,
    /// A log line with its level.
    pub log: unsafe extern "C" fn(*const (), u32, Slice),
    /// A metric: kind, name, labels, how many, value.
    pub metric: unsafe extern "C" fn(*const (), u32, Slice, *const Pair, usize, f64),
    /// Microseconds until the call is given up; the largest number for no bound.
    pub time_left: unsafe extern "C" fn(*const ()) -> u64,
    /// 1 when nobody waits for the call any more.
    pub cancelled: unsafe extern "C" fn(*const ()) -> u32,
    /// An HTTP call. The future may be polled on any thread.
    pub send: unsafe extern "C" fn(*const (), *const OutboundCall) -> ForeignFuture<OutboundAnswer>,
    /// An operation on the store. The future may be polled on any thread.
    #[sabi(last_prefix_field)]
    pub storage: unsafe extern "C" fn(*const (), *const StorageCall) -> ForeignFuture<StorageAnswer>,
}

/// One call of a function. Everything in it lives until the function has returned, or its future is released.
#[repr(C)]
#[derive(StableAbi)]
pub struct Call {
    /// The request; null for analytics.
    pub request: *mut RequestView,
    /// The upstream's answer; null but for a response hook.
    pub response: *mut ResponseView,
    /// The gateway's.
    pub context: *const (),
    /// What can be done with it.
    pub table: ContextTable_Ref,
    /// What the plugin's `init` made; null without one.
    pub state: *const (),
}

/// A function of a plugin, exported as [`FUNCTION_PREFIX`](crate::FUNCTION_PREFIX) and its name.
///
/// The numbers come first, so that they can be read from a file that is not loaded.
#[repr(C)]
#[derive(StableAbi)]
pub struct Descriptor {
    /// See [`numbers::kind`](crate::numbers::kind).
    pub kind: u32,
    /// See [`numbers::mode`](crate::numbers::mode).
    pub mode: u32,
    /// See [`numbers::flag`](crate::numbers::flag).
    pub flags: u32,
    /// Line of the function in its source.
    pub line: u32,
    /// Name.
    pub name: Slice,
    /// Source file.
    pub file: Slice,
    /// Name of the plugin's package.
    pub package: Slice,
    /// Version of the plugin's package.
    pub version: Slice,
    /// Runs a sync or blocking function; answers a [`numbers::status`](crate::numbers::status).
    pub run: Option<unsafe extern "C" fn(*const Call) -> u32>,
    /// Starts an async function.
    pub start: Option<unsafe extern "C" fn(*const Call) -> ForeignFuture<u32>>,
    /// Zero.
    pub reserved: [usize; 4],
}

/// The `init` of a plugin, exported as [`INIT_SYMBOL`](crate::INIT_SYMBOL).
#[repr(C)]
#[derive(StableAbi)]
pub struct InitDescriptor {
    /// Runs it, once per load.
    pub run: unsafe extern "C" fn() -> InitAnswer,
}

/// What `init` came to.
#[repr(C)]
#[derive(StableAbi)]
pub struct InitAnswer {
    /// The state, never freed; null when it failed.
    pub state: *const (),
    /// Why it failed.
    pub error: Buffer,
}
