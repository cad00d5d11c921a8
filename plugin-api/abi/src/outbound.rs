//! What a plugin asks the gateway to do outside: HTTP calls and the store.

use abi_stable::StableAbi;

use crate::values::{Buffer, Pair, Slice};

/// An HTTP call. Borrowed: the gateway copies what it needs before it answers with a future.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct OutboundCall {
    /// Method.
    pub method: Slice,
    /// Absolute address.
    pub url: Slice,
    /// Headers.
    pub headers: *const Pair,
    /// How many.
    pub header_count: usize,
    /// Body; moved out by the gateway.
    pub body: *mut Buffer,
    /// Bound in milliseconds; 0 is the gateway's own.
    pub timeout_ms: u64,
}

/// Its answer. The views live until `free` is called with `owner`.
///
/// # Safety
/// `free` is called once, on any thread, with `owner`, by whoever has the answer; the views are not used afterwards.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct OutboundAnswer {
    /// Status; 0 when there was no answer.
    pub status: u32,
    /// Headers.
    pub headers: *const Pair,
    /// How many.
    pub header_count: usize,
    /// Body, or why there was no answer.
    pub body: Slice,
    /// What `free` gets.
    pub owner: *mut (),
    /// Frees the answer.
    pub free: unsafe extern "C" fn(*mut ()),
}

/// An operation on the store. Borrowed: the gateway copies what it needs.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct StorageCall {
    /// [`numbers::storage`](crate::numbers::storage).
    pub operation: u32,
    /// Key.
    pub key: Slice,
    /// Value, where the operation takes one.
    pub value: Slice,
    /// Number, where the operation takes one.
    pub number: i64,
}

/// Its answer.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct StorageAnswer {
    /// [`numbers::stored`](crate::numbers::stored).
    pub kind: u32,
    /// Number, where the answer is one.
    pub number: i64,
    /// Value, or why it failed.
    pub value: Buffer,
}
