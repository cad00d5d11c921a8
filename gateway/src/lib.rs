//! Gatehouse: a gateway that runs your own code at the endpoint.
//!
//! The way of a request: [`serve`] accepts it and makes an [`exchange::Exchange`]; [`router`] finds the API;
//! [`chain`] runs the steps; the endpoint answers, which is a script in [`js`] or an upstream through [`proxy`];
//! [`reply`] gives errors and fixed answers their form. The way of a definition: [`apidef`] reads it, [`live`]
//! compiles it into the snapshot that requests see. What happens on the way is told to handlers by [`events`]. [`config`] reads `tyk.conf`, [`telemetry`] writes logs.
//! `ARCHITECTURE.md` has the same in more words.

pub mod admin;
#[cfg(feature = "mimalloc")]
pub mod allocator;
pub mod apidef;
pub mod bundle;
pub mod chain;
pub mod cli;
pub mod config;
pub mod crash;
pub mod deadline;
pub mod demo;
pub mod events;
pub mod exchange;
pub mod js;
pub mod limits;
pub mod live;
pub mod one_piece;
pub mod plugin_command;
pub mod plugins;
pub mod proxy;
pub mod rehearsal;
pub mod reply;
pub mod response_cache;
pub mod router;
pub mod run;
pub mod serve;
pub mod session;
pub mod shard;
pub mod supervisor;
pub mod telemetry;
pub mod validation;
pub mod watch;
