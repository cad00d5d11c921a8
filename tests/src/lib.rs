//! Harness for the integration tests: the real binary, real sockets, upstreams inside the test.
//!
//! [`gateway`] starts the process, [`definition`] and [`setup`] write what it reads, [`upstream`] stands behind it
//! and [`client`] in front of it; [`raw`] speaks byte by byte. Nothing here sleeps: every wait is for something
//! that happens, with [`DEADLINE`] as the bound after which the test has failed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a harness fails by panicking, and its names are its documentation"
)]

pub mod certificate;
pub mod client;
pub mod conformance;
pub mod definition;
pub mod document;
pub mod gate;
pub mod gateway;
pub mod h2_upstream;
pub mod http1;
pub mod log;
pub mod plugin;
pub mod plugin_command;
pub mod raw;
pub mod redis;
pub mod script_hook;
pub mod setup;
pub mod upstream;
pub mod watched;

use std::time::Duration;

pub use self::{
    client::{Answer, Client, Request},
    definition::Api,
    document::Document,
    gate::Gate,
    gateway::{Gateway, allow_open_files},
    raw::RawConnection,
    redis::Redis,
    setup::Setup,
    upstream::{Reply, Upstream},
};

/// How long anything may take before the test has failed.
pub const DEADLINE: Duration = Duration::from_secs(20);
