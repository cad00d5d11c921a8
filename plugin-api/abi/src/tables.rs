//! One call of a plugin function, and the tables through which it reaches the gateway.
//!
//! Tables may grow at their end within a major version; nothing else may change.
//!
//! # Safety
//!
//! What holds for every function pointer of this crate, and what each side may therefore rely on in its `SAFETY`
//! comments. A function says what it asks for besides.
//!
//! - **Owners.** The first argument of a table's function is the `owner` that came beside the table, and the call that it
//!   belongs to is not over. Where it is `*const ()`, several threads may call at once; where it is `*mut ()`, nobody
//!   else uses the owner meanwhile.
//! - **Arguments.** A [`Slice`] is absent or points to so many readable bytes for the time of the function; the same holds
//!   for an array of [`Pair`]s with its length, and for what the pairs show. Text is UTF-8, or is taken as empty.
//! - **Results.** A [`Slice`] that is returned, or written, lives until the owner is changed or the call is over,
//!   whichever comes first. Places to write to are writable and properly aligned; they are written at most once, and are
//!   written without being read.
//! - **Buffers.** A `*mut Buffer` argument points to an initialised [`Buffer`]; the function moves it out and leaves
//!   [`Buffer::ABSENT`], whatever it answers. A buffer that is returned belongs to the caller.
//! - **No unwinding.** No function lets a panic out: each catches its own and answers in its numbers.

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

/// A message of a call, as far as its headers go.
#[repr(C)]
#[derive(StableAbi)]
pub struct MessageView {
    /// The gateway's.
    pub owner: *mut (),
    /// What can be done with its headers.
    pub headers: HeaderTable_Ref,
}

/// Functions of a message's headers; the first argument is the message's owner.
///
/// # Safety
/// As for every table: see the [module](self#safety).
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix), missing_field(panic))]
pub struct HeaderTable {
    /// First value of a header; absent when there is none.
    pub first: unsafe extern "C" fn(*const (), Slice) -> Slice,
    /// Writes up to so many headers to an array with room for them, and answers how many there are.
    pub all: unsafe extern "C" fn(*const (), *mut Pair, usize) -> usize,
    /// Changes one; see [`numbers::header`](crate::numbers::header). Answers a
    /// [`numbers::answer`](crate::numbers::answer), as all functions that may refuse.
    #[sabi(last_prefix_field)]
    pub change: unsafe extern "C" fn(*mut (), u32, Slice, Slice) -> u32,
}

/// The request of a call.
#[repr(C)]
#[derive(StableAbi)]
pub struct RequestView {
    /// The gateway's, and its headers.
    pub message: MessageView,
    /// What else can be done with it.
    pub table: RequestTable_Ref,
    /// What can be read at once.
    pub parts: RequestParts,
}

/// Functions of a request; the first argument is its owner. Each refreshes the parts that it is given, which belong to the
/// same request.
///
/// # Safety
/// As for every table: see the [module](self#safety).
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix), missing_field(panic))]
pub struct RequestTable {
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
    /// The gateway's, and its headers.
    pub message: MessageView,
    /// What else can be done with it.
    pub table: ResponseTable_Ref,
    /// Status, changed through the table.
    pub status: u32,
    /// Body, changed through the table.
    pub body: Slice,
}

/// Functions of an answer; the first argument is its owner.
///
/// # Safety
/// As for every table: see the [module](self#safety).
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix), missing_field(panic))]
pub struct ResponseTable {
    /// Changes the status.
    pub set_status: unsafe extern "C" fn(*mut (), u32) -> u32,
    /// Changes the body; the buffer is moved out, and a view of what is there now is written.
    #[sabi(last_prefix_field)]
    pub set_body: unsafe extern "C" fn(*mut (), *mut Buffer, *mut Slice) -> u32,
}

/// Everything of a call that is not the message itself; the first argument is the owner. Each may be called on any
/// thread, several at a time.
///
/// # Safety
/// As for every table: see the [module](self#safety). The futures of `send` and `storage` borrow nothing of the call and may
/// outlive it; their results are the caller's.
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
    pub storage: unsafe extern "C" fn(*const (), *const StorageCall) -> ForeignFuture<StorageAnswer>,
    /// What `keep` was given with this mark at this place of the definition; null when there is nothing. It lives, and
    /// stays where it is, until the call is over.
    pub kept: unsafe extern "C" fn(*const (), *const ()) -> *const (),
    /// Keeps a value at this place of the definition for calls to come, with a mark; freed after the last call at this
    /// place. Answers what is kept from now on, as `kept` does: the value, or one that was there before it, in which case
    /// the value has been freed. Null says that it is not kept and still the caller's.
    ///
    /// The mark tells libraries apart: it is the address of a static of the one that calls.
    #[sabi(last_prefix_field)]
    pub keep: unsafe extern "C" fn(*const (), *const (), KeptValue) -> *const (),
}

/// A value that a plugin keeps at a place of a definition.
///
/// # Safety
/// `free` is called at most once, on any thread, with `value`, when nobody uses it any more. The value may be used on any
/// thread, by several at a time.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct KeptValue {
    /// What is kept.
    pub value: *mut (),
    /// Frees it.
    pub free: unsafe extern "C" fn(*mut ()),
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
///
/// # Safety
/// `run` and `start` may be called on any thread, several at a time. Their argument points to a [`Call`] whose message
/// and context are as the [module](self#safety) says, with a `request` and a `response` that no other call has, and the `state` of
/// this very library. It is valid until `run` has returned, or until the future that `start` gave has been released.
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
///
/// # Safety
/// `run` needs nothing but that the header's `start` was called before it. It is `unsafe` because it is only right when the
/// library has the layout that its header says, which the caller has checked.
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
