//! API definitions: our own model of one, and the readers that make it from what people write.
//!
//! [`model`] is what the gateway compiles into routes; [`events`] is the part
//! about event handlers; [`classic`] reads Tyk Classic JSON; [`folder`] reads
//! a whole `app_path`. Nothing here is read during a request.

pub mod classic;
pub mod events;
pub mod folder;
pub mod model;
pub mod problem;

pub use model::ApiDefinition;
pub use problem::{Problem, Problems};
