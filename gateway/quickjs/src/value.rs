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
    /// The engine's [`object`](crate::Engine::object) with these values in its properties, in their order. There is one
    /// for each run.
    Object(&'a [Value<'a>]),
    /// What the program's [`config_json`](crate::Program::config_json) says.
    Config,
}
