//! `JSON.parse` and `JSON.stringify` without the engine's detours.
//!
//! The engine makes and reads objects a property at a time, with a look into the table of shapes for each. What scripts
//! read and write is mostly lists of objects alike. For these both functions are done here: an object with the same names
//! as the one before it is a copy of that one with other values (`read`), and one of the same shape is written without
//! asking for its names again (`write`). Whatever is not plain (a reviver or replacer, `toJSON`, getters, proxies, text that
//! is not JSON) is left to the engine before anything of it can be seen, so that results and errors are its own.
#![allow(unsafe_code, reason = "looks into the engine's objects")]

use std::{cell::Cell, ffi::CStr};

use rquickjs_sys::*;

use crate::js::{Js, Thrown};

mod layout;
mod read;
mod write;

use self::layout::Object;
use self::write::Buffers;
pub(crate) use self::{
    read::parse,
    write::{Stop, Writer, quote, stringify},
};

/// What tells plain objects and arrays apart; all of it belongs to the base image.
pub(crate) struct Json {
    /// The engine's own `JSON.parse`, for revivers.
    parse: JSValue,
    to_json: JSAtom,
    object_class: u16,
    array_class: u16,
    object_prototype: *mut Object,
    array_prototype: *mut Object,
    /// Of the last text that was written.
    buffers: Cell<Option<Buffers>>,
}

impl Json {
    /// `None` when the engine's objects do not lie in memory as `layout` says; then they are left to the engine.
    pub(crate) fn new(
        js: &Js<'_>,
        parse: JSValue,
        heap: std::ops::Range<usize>,
    ) -> Result<Option<Self>, Thrown> {
        let to_json = js.atom("toJSON")?;
        // SAFETY: values of this context; the objects are given back. Their prototypes stay with the base image.
        unsafe {
            let object = js.checked(JS_NewObject(js.raw()))?;
            let array = js.checked(JS_NewArray(js.raw()))?;
            let json = Self {
                parse,
                to_json,
                object_class: u16::try_from(JS_GetClassID(object)).unwrap_or(0),
                array_class: u16::try_from(JS_GetClassID(array)).unwrap_or(0),
                object_prototype: JS_VALUE_GET_PTR(JS_GetPrototype(js.raw(), object)).cast(),
                array_prototype: JS_VALUE_GET_PTR(JS_GetPrototype(js.raw(), array)).cast(),
                buffers: Cell::new(None),
            };
            JS_FreeValue(js.raw(), object);
            JS_FreeValue(js.raw(), array);
            Ok(layout::is_as_described(js, &json, &heap)?.then_some(json))
        }
    }
}

/// What errors call a text that is no file, as the engine's own function does.
const INPUT: &CStr = c"<input>";

#[cfg(test)]
mod tests;
