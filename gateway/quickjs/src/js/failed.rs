//! What was thrown, in words.
#![allow(unsafe_code, reason = "the engine is C")]

use std::{
    ffi::{CStr, c_int},
    mem,
};

use rquickjs_sys::*;

use super::{Js, source::CALL_SOURCE, text_of};
use crate::failure::{Failure, FailureKind, frames};

/// Bytes of a message that are kept.
const MAX_MESSAGE: usize = 4096;

/// Bytes of a stack that are read, and how many of its calls.
const MAX_STACK: usize = 32 << 10;
const MAX_FRAMES: usize = 64;

unsafe extern "C" {
    /// What the engine offers to its own library besides its interface.
    fn js_std_cmd(command: c_int, ...) -> usize;
}

/// Takes the stack at which what is being thrown was thrown first.
const TAKE_BACK_TRACE: c_int = 2;

/// Prototypes that are looked through for an error's name and message.
const MAX_PROTOTYPES: usize = 32;

impl Js<'_> {
    /// What was thrown.
    pub(crate) fn failure(&self, kind: FailureKind) -> Failure {
        // SAFETY: values of this context; the arena is not borrowed while it runs.
        unsafe {
            let refused = (*self.control.heap).refused();
            // Before anything else can throw.
            let thrown_at = self.take_back_trace();
            let error = JS_GetException(self.context);
            let is_object = JS_IsObject(error);
            // May run what the script put in place of the getter.
            let stack = if is_object && JS_IsError(error) {
                self.control.inside(|| JS_GetPropertyStr(self.context, error, c"stack".as_ptr()))
            } else {
                // What is not an error has no stack of its own.
                thrown_at
            };
            let (name, message) = if is_object {
                (self.data_property(error, c"name"), self.data_property(error, c"message"))
            } else {
                (None, None)
            };
            let out_of_memory = JS_IsNull(error)
                || JS_IsUninitialized(error)
                || message.as_deref() == Some("out of memory") && name.as_deref() == Some("InternalError");
            let mut failure = Failure::new(kind, String::new());
            if refused && out_of_memory {
                failure.kind = FailureKind::Memory;
                failure.message = "ran out of memory".to_owned();
            } else {
                failure.message = self.message(error, name, message);
                let end = failure.message.floor_char_boundary(MAX_MESSAGE);
                failure.message.truncate(end);
            }
            if JS_IsString(stack) {
                let core = &self.control.engine.core;
                let hidden = |source: &str| {
                    source.as_bytes() == CALL_SOURCE.to_bytes()
                        || core.iter().any(|core| *core.name == *source)
                };
                let stack = self.beginning(stack, MAX_STACK).unwrap_or_default();
                failure.frames = frames(&stack, hidden).take(MAX_FRAMES).collect();
            }
            failure
        }
    }

    /// The stack of what was thrown first and not caught since, and forgets it.
    fn take_back_trace(&self) -> JSValue {
        let mut stack = JS_UNDEFINED;
        // SAFETY: the command takes a context and a place for a value, which is then ours.
        unsafe {
            js_std_cmd(TAKE_BACK_TRACE, self.context, &raw mut stack);
        }
        stack
    }

    /// Forgets the stack of what was thrown last.
    pub(crate) fn forget_back_trace(&self) {
        // SAFETY: a value of this context that is ours.
        unsafe { JS_FreeValue(self.context, self.take_back_trace()) }
    }

    /// Text of a string, up to so many bytes.
    fn beginning(&self, value: JSValue, most: usize) -> Option<String> {
        self.with_text(value, |bytes| {
            let mut end = bytes.len().min(most);
            while end < bytes.len() && end > 0 && bytes[end] & 0xC0 == 0x80 {
                end -= 1;
            }
            text_of(&bytes[..end])
        })
    }

    fn message(&self, error: JSValue, name: Option<String>, message: Option<String>) -> String {
        // SAFETY: values of this context; a string's or number's text runs no script.
        unsafe {
            if JS_IsObject(error) {
                return match (name, message) {
                    (Some(name), None) => name,
                    (Some(name), Some(message)) if message.is_empty() => name,
                    (Some(name), Some(message)) if name.is_empty() => message,
                    (Some(name), Some(message)) => format!("{name}: {message}"),
                    (None, Some(message)) => format!("Uncaught object: {message}"),
                    (None, None) => self
                        .json(error)
                        .map_or("Uncaught object".to_owned(), |text| format!("Uncaught {text}")),
                };
            }
            if JS_IsString(error) {
                return format!("Uncaught {:?}", self.beginning(error, MAX_MESSAGE).unwrap_or_default());
            }
            if JS_IsSymbol(error) {
                return "Uncaught symbol".to_owned();
            }
            // That of a large number takes long.
            let text = self.control.inside(|| JS_ToString(self.context, error));
            let text = JS_IsString(text).then(|| self.beginning(text, MAX_MESSAGE)).flatten();
            format!("Uncaught {}", text.unwrap_or_default())
        }
    }

    /// A value as JSON, if it can be that; may run what the script put in the way.
    fn json(&self, value: JSValue) -> Option<String> {
        // SAFETY: values of this context; what it throws is taken off again.
        unsafe {
            if JS_IsProxy(value) {
                return None;
            }
            let json =
                self.control.inside(|| JS_JSONStringify(self.context, value, JS_UNDEFINED, JS_UNDEFINED));
            if JS_IsException(json) {
                JS_GetException(self.context);
                return None;
            }
            if JS_IsString(json) { self.beginning(json, MAX_MESSAGE) } else { None }
        }
    }

    /// Text of a data property of an object or its prototypes, without running anything.
    fn data_property(&self, object: JSValue, name: &CStr) -> Option<String> {
        let name = self.atom(name.to_str().ok()?).ok()?;
        let mut object = object;
        for _ in 0..MAX_PROTOTYPES {
            // SAFETY: values of this context; proxies, whose traps are script, are not looked into.
            unsafe {
                if !JS_IsObject(object) || JS_IsProxy(object) {
                    return None;
                }
                let mut found: JSPropertyDescriptor = mem::zeroed();
                match JS_GetOwnProperty(self.context, &raw mut found, object, name) {
                    0 => object = JS_GetPrototype(self.context, object),
                    1 if found.flags as u32 & JS_PROP_GETSET == 0 && JS_IsString(found.value) => {
                        return self.beginning(found.value, MAX_MESSAGE);
                    }
                    _ => return None,
                }
            }
        }
        None
    }
}
