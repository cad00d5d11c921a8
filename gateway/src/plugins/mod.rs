//! Endpoint plugins: compiled libraries, loaded once and called for requests. Knows no routes and no JavaScript.
//!
//! [`registry`] gives a function by file and name; [`loader`] has the order of checks before it does, of which
//! [`file`](mod@file) makes those that need no code to run; [`function`] calls one. [`site`] is what a place in a definition
//! brings along. All unsafe code is in `boundary` and, shared with plugins, in `gatehouse_plugin`.

#[allow(unsafe_code, reason = "opens libraries; its invariants are at its top")]
mod boundary;
mod cache;
mod context;
mod dlopen_message;
pub mod error;
pub mod file;
pub mod function;
mod header_names;
mod heads;
mod image;
pub mod loader;
pub mod metrics;
mod outbound;
pub mod outcome;
pub mod registry;
mod request;
mod response;
pub mod runtime;
pub mod site;
pub mod storage;
mod subject;
#[cfg(test)]
mod tests;

pub use gatehouse_plugin::host::{Kept, Kind, MetricKind, Mode};

pub use self::{
    context::LOG_TARGET,
    error::{PluginError, Problem},
    function::PluginFunction,
    outbound::OutboundClient,
    outcome::{AuthOutcome, Called, Effects, PluginFailure, PluginOutcome, ResponseHeaders},
    registry::PluginRegistry,
    runtime::PluginRuntime,
    site::{ApiFacts, CallContext, PluginServices, PluginSite, PluginStorage},
};
