//! What runs: the immutable snapshot of routes, rules and loaded scripts, how it is compiled from definitions and
//! how a new one takes its place.

pub mod api;
pub mod compile;
mod events;
mod hooks;
pub mod kept;
mod plugins;
mod scripts;
pub mod snapshot;
pub mod trial;
mod versions;
