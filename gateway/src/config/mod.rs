//! Configuration: `tyk.conf` and the environment in, checked [`Settings`] out, or every problem at once.
//!
//! The way of a key: `read` parses the text, `environment` lays variables over it, `file` is what was
//! written, `refused` stops what would be unprotected, `check` makes the settings. `reference` documents each
//! key once; messages, variables and the settings page all come from it. No sockets, no definitions, no reload.

mod admin;
mod check;
mod environment;
mod file;
mod load;
mod locate;
mod nearest;
mod problem;
mod read;
mod reference;
mod reference_table;
mod refused;
mod report;
mod secret;
pub mod settings;
mod syntax;

pub use load::{load, parse};
pub use locate::{Position, Segment, locate, locate_dotted, locate_key, locate_nearest, position_of_offset};
pub use nearest::nearest;
pub use problem::{Complaint, ConfigError, Place, Problem};
pub use reference::{Kind, Setting, reference_markdown};
pub use settings::Settings;
pub use syntax::{SyntaxFault, syntax_fault};
