//! Calls upstreams: header rules, bodies streamed both ways, upgrades. Knows nothing of definitions as written.

pub mod body;
pub mod client;
pub mod direct;
pub mod forward;
pub mod headers;
pub mod hosts;
pub mod target;
pub mod tls;
mod upgrade;
