//! From host and path to an API, and from path and method to an endpoint. Pure: no I/O, no async.

pub mod endpoints;
mod grams;
mod literal;
pub mod pattern;
pub mod table;
