//! Arguments of a call.

use std::ffi::CStr;

/// An argument, made natively in the engine.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// `undefined`.
    Undefined,
    /// A string.
    Text(&'a str),
    /// What the JSON text says.
    Json(&'a CStr),
    /// An object whose properties are arrays of strings.
    Lists(&'a [(String, Vec<String>)]),
    /// One of the engine's [`objects`](crate::Engine::objects), by index, with these values in those properties that take
    /// one, in their order. There is one of each for a run.
    Object(usize, &'a [Value<'a>]),
    /// What the program's [`config_json`](crate::Program::config_json) says.
    Config,
}
