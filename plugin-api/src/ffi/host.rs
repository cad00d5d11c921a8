//! A host's end: safe traits, and the numbers and views of the boundary as Rust types.
//!
//! A gateway, or a test, implements [`RequestSide`], [`ResponseSide`] and [`ContextSide`]; the tables that plugins see
//! are made over them in the modules next door, which hold the unsafe code.

use std::{pin::Pin, time::Duration};

pub use super::{
    function::{Function, Init, Kind, Message, Mode, Running, State, Status},
    kept::Kept,
    pairs::HeaderPairs,
    view::ForeignBytes,
};
pub use gatehouse_plugin_abi::numbers::{fact, item};

/// Why a host does not do what a plugin asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The name is not one that HTTP allows.
    BadName,
    /// The value is not one that HTTP allows.
    BadValue,
    /// There is no session.
    NoSession,
    /// It cannot be done here.
    NotHere,
}

/// What is done to a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderChange<'a> {
    /// Replaces all values.
    Set(&'a [u8]),
    /// Adds a value.
    Append(&'a [u8]),
    /// Takes all values out.
    Remove,
}

/// Headers of a message.
pub trait Headers: Send + Sync {
    /// First value of a header.
    fn header(&self, name: &str) -> Option<&[u8]>;
    /// How many there are, repeated ones counted.
    fn header_count(&self) -> usize;
    /// All of them, in order.
    fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8]));
    /// Changes one.
    ///
    /// # Errors
    /// When name or value is not allowed.
    fn change_header(&mut self, name: &str, change: HeaderChange<'_>) -> Result<(), Refusal>;
}

/// What is read of a request without asking.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// Method.
    pub method: &'a str,
    /// Path as escaped.
    pub path: &'a str,
    /// Query.
    pub query: Option<&'a str>,
    /// Body; empty when the function does not want it.
    pub body: &'a [u8],
}

/// A host's request.
pub trait RequestSide: Headers {
    /// What it is now.
    fn facts(&self) -> RequestFacts<'_>;
    /// Changes the method.
    ///
    /// # Errors
    /// When it is not one that HTTP allows.
    fn set_method(&mut self, method: &str) -> Result<(), Refusal>;
    /// Changes path and query.
    ///
    /// # Errors
    /// When they are not such.
    fn set_target(&mut self, target: &str) -> Result<(), Refusal>;
    /// Changes the body.
    ///
    /// # Errors
    /// When it cannot be changed here.
    fn set_body(&mut self, body: ForeignBytes) -> Result<(), Refusal>;
}

/// A host's answer of the upstream.
pub trait ResponseSide: Headers {
    /// Its status.
    fn status(&self) -> u16;
    /// Its body.
    fn body(&self) -> &[u8];
    /// Changes the status.
    ///
    /// # Errors
    /// When it is not one.
    fn set_status(&mut self, status: u16) -> Result<(), Refusal>;
    /// Changes the body.
    fn set_body(&mut self, body: ForeignBytes);
}

/// Text of a plugin, with what is known of its life.
#[derive(Debug, Clone, Copy)]
pub enum Text<'a> {
    /// For ever; need not be copied.
    Static(&'static [u8]),
    /// For the call.
    Borrowed(&'a [u8]),
}

/// An answer that a plugin gives.
pub struct Answer<'a> {
    /// Status.
    pub status: u16,
    /// Headers in order.
    pub headers: HeaderPairs<'a>,
    /// Body.
    pub body: ForeignBytes,
}

/// Level of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For following single steps.
    Trace,
    /// For finding faults.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth looking at.
    Warn,
    /// Something failed.
    Error,
}

/// A metric that a plugin counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric<'a> {
    /// What it is.
    pub kind: MetricKind,
    /// Name, as the plugin gave it.
    pub name: &'a str,
    /// Labels.
    pub labels: Vec<(&'a str, &'a str)>,
    /// What is added, or observed.
    pub value: f64,
}

/// Kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// A sum that grows.
    Counter,
    /// A distribution.
    Histogram,
}

/// A call that a plugin wants made.
#[derive(Debug)]
pub struct HostCall {
    /// Method.
    pub method: String,
    /// Absolute address.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body.
    pub body: ForeignBytes,
    /// Bound; `None` is the host's own.
    pub timeout: Option<Duration>,
}

/// The answer to a [`HostCall`].
pub trait HostAnswer: Send + 'static {
    /// Status.
    fn status(&self) -> u16;
    /// How many headers there are, repeated ones counted.
    fn header_count(&self) -> usize;
    /// All headers in order.
    fn each_header<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8]));
    /// Body.
    fn body(&self) -> &[u8];
}

/// An operation on the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageOperation {
    /// Reads a value.
    Get,
    /// Writes a value.
    Set {
        /// The value.
        value: Vec<u8>,
        /// How long it is kept; `None` is for ever.
        life: Option<Duration>,
        /// Only when there is none.
        if_absent: bool,
    },
    /// Takes a value out.
    Delete,
    /// How long a value has left.
    TimeToLive,
    /// Adds to a counter.
    Increment(i64),
}

/// What the store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Nothing there.
    Nothing,
    /// The value.
    Value(Vec<u8>),
    /// A number: see [`numbers::storage`](gatehouse_plugin_abi::numbers::storage).
    Number(i64),
}

/// Everything else of a call. Shared: a plugin may call from several threads.
pub trait ContextSide: Send + Sync {
    /// The answer of an outbound call.
    type Answer: HostAnswer;

    /// See [`fact`]. What it gives must not change during the call; what is configured, not as long as [`kept`](Self::kept)
    /// gives the same.
    fn fact(&self, fact: u32) -> Option<&str>;
    /// Where plugins keep what they make of the configuration of this place. Without it they make it at each call.
    fn kept(&self) -> Option<&Kept> {
        None
    }
    /// See [`item`].
    fn lookup(&self, item: u32, key: &str) -> Option<Vec<u8>>;
    /// See [`item`].
    ///
    /// # Errors
    /// When it cannot be put.
    fn put(&self, item: u32, key: &str, value: Option<&[u8]>) -> Result<(), Refusal>;
    /// Takes the plugin's answer.
    ///
    /// # Errors
    /// When it is not one that HTTP allows.
    fn respond(&self, answer: Answer<'_>) -> Result<(), Refusal>;
    /// Writes a log line.
    fn log(&self, level: Level, message: &str);
    /// Counts a metric.
    fn metric(&self, metric: Metric<'_>);
    /// How long the call may still take; `None` is no bound.
    fn time_left(&self) -> Option<Duration>;
    /// Whether nobody waits any more.
    fn is_cancelled(&self) -> bool;
    /// Makes an outbound call. The future may be polled on threads that are not the host's.
    fn send(&self, call: HostCall) -> HostFuture<Result<Self::Answer, String>>;
    /// Asks the store. The future may be polled on threads that are not the host's.
    fn storage(&self, key: String, operation: StorageOperation) -> HostFuture<Result<Stored, String>>;
}

/// A future of a host, which borrows nothing of the call.
pub type HostFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
