//! What was thrown, in words.
#![allow(unsafe_code, reason = "the engine is C")]

use std::{ffi::CStr, mem};

use rquickjs_sys::*;

use super::{Js, source::CALL_SOURCE};
use crate::failure::{Failure, FailureKind, frames};

/// Bytes of a message that are kept.
const MAX_MESSAGE: usize = 4096;

/// Prototypes that are looked through for an error's name and message.
const MAX_PROTOTYPES: usize = 32;

impl Js<'_> {
    /// What was thrown.
    pub(crate) fn failure(&self, kind: FailureKind) -> Failure {
        // SAFETY: values of this context; the arena is not borrowed while it runs.
        unsafe {
            let refused = (*self.control.heap).refused();
            let error = JS_GetException(self.context);
            let is_object = JS_IsObject(error);
            // May run what the script put in place of the getter.
            let stack = if is_object && JS_IsError(error) {
                self.control.inside(|| JS_GetPropertyStr(self.context, error, c"stack".as_ptr()))
            } else {
                JS_UNDEFINED
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
                failure.frames = self.text(stack).map(|stack| frames(&stack, hidden)).unwrap_or_default();
            }
            failure
        }
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
                let text = self.text(error).unwrap_or_default();
                let end = text.floor_char_boundary(MAX_MESSAGE);
                return format!("Uncaught {:?}", &text[..end]);
            }
            if JS_IsSymbol(error) {
                return "Uncaught symbol".to_owned();
            }
            format!("Uncaught {}", self.text(error).unwrap_or_default())
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
            if JS_IsString(json) { self.text(json) } else { None }
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
                        return self.text(found.value);
                    }
                    _ => return None,
                }
            }
        }
        None
    }
}
