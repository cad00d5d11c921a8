//! Tells which endpoint native code crashed in, so that the supervisor can name it and close that endpoint alone.
//!
//! Before a plugin's code runs, its call site is noted for the thread ([`enter`]); when the process gets a fatal
//! signal, a handler writes the note to the supervisor's pipe and lets the signal take its course. All unsafe of this
//! room is in `handler`.

mod handler;
mod site;

pub use handler::install;
pub use site::{CallSite, enter};
