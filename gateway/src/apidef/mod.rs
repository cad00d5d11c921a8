//! API definitions: our own model of one, and the readers that make it from what people write.
//!
//! [`model`] is what the gateway compiles into routes, [`events`] and [`cache`] its parts about event handlers and kept
//! answers; [`classic`] reads Tyk Classic JSON, [`oas`] Tyk OAS documents, [`read`] whichever of them a text is; [`folder`]
//! reads a whole `app_path`, and [`companions`] finds what stands beside definitions. Nothing here is read during a request.

pub mod cache;
pub mod classic;
pub mod companions;
pub mod events;
pub mod folder;
pub mod model;
pub mod oas;
pub mod problem;
pub mod read;
mod reader;
mod written;

pub use model::ApiDefinition;
pub use problem::{Problem, Problems};
