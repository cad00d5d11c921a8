//! The checks of plugin files, taken out of the gateway by their paths: without the rest of it, the targets build in a minute.

#[path = "../../src/plugins/error.rs"]
pub mod error;
#[path = "../../src/plugins/file.rs"]
pub mod file;
#[path = "../../src/plugins/image.rs"]
mod image;
