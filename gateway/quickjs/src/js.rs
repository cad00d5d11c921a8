//! The engine's interface, as far as it is used, behind safe functions.
//!
//! Invariants: a [`Js`] exists only while its arena runs and its functions are called on the arena's stack; values are
//! plain copies of the engine's, all of its own arena and not used after the arena was restored to a state before they
//! were made. Nobody frees what a run made, since the arena is restored after it; only what a loop might make without
//! bound is freed at once.
#![allow(unsafe_code, reason = "the engine is C")]

mod argument;
mod failed;
mod setup;
mod source;

use std::{
    ffi::{CStr, c_char, c_int},
    slice,
};

use rquickjs_sys::*;

pub(crate) use self::{
    argument::Handles,
    source::{CallTexts, Text, c_text},
};
use crate::{
    control::Control,
    failure::{Failure, FailureKind},
};

/// A value of the engine that belongs to an image.
#[derive(Clone, Copy)]
pub(crate) struct Held(pub(crate) JSValue);

// SAFETY: a value is a number or a pointer into its arena, which is used by one thread at a time; the engine's counts
// are not atomic, but nobody touches them without the arena.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

/// An engine that does not run at the moment.
#[derive(Clone, Copy)]
pub(crate) struct Context(*mut JSContext);

impl Context {
    /// The engine, on the stack of its arena, whose control this is.
    pub(crate) fn on(self, control: &Control) -> Js<'_> {
        Js { context: self.0, control }
    }
}

/// The engine threw; the exception is pending in its context.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thrown;

/// A running engine.
#[derive(Clone, Copy)]
pub(crate) struct Js<'a> {
    context: *mut JSContext,
    control: &'a Control,
}

impl<'a> Js<'a> {
    /// The engine of a native function that it called.
    ///
    /// # Safety
    /// As the module says.
    pub(crate) unsafe fn of(context: *mut JSContext, control: &'a Control) -> Self {
        Self { context, control }
    }

    /// The context for functions of the engine.
    pub(crate) fn raw(&self) -> *mut JSContext {
        self.context
    }

    /// The context, for later.
    pub(crate) fn context(&self) -> Context {
        Context(self.context)
    }

    /// Where `Math.random` goes on from.
    pub(crate) fn seed(&self, seed: u64) {
        // SAFETY: found in the context by `find_counters`.
        unsafe { self.control.random.get().write(seed.max(1)) }
    }

    /// Reads JSON text.
    pub(crate) fn parse_json(&self, zero_ended: &CStr) -> Result<JSValue, Thrown> {
        let length = zero_ended.to_bytes().len() as size_t;
        // SAFETY: the text ends in a zero byte.
        self.checked(unsafe { JS_ParseJSON(self.context, zero_ended.as_ptr(), length, c"JSON".as_ptr()) })
    }

    /// Runs a source.
    pub(crate) fn run_source(&self, source: &Text) -> Result<JSValue, Failure> {
        let flags = JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY;
        let (text, length) = (source.text.as_ptr().cast::<c_char>(), source.text.len() - 1);
        let name = source.name.as_ptr();
        // SAFETY: text and name end in zero bytes and outlive the run; the function is used up by running it.
        let result = self.control.inside(|| unsafe {
            let function = JS_Eval(self.context, text, length as size_t, name, flags as c_int);
            if JS_IsException(function) {
                return Err(FailureKind::Syntax);
            }
            let value = JS_EvalFunction(self.context, function);
            if JS_IsException(value) { Err(FailureKind::Exception) } else { Ok(value) }
        });
        result.map_err(|kind| {
            let mut failure = self.failure(kind);
            if kind == FailureKind::Syntax && !source.hidden {
                failure.frames.truncate(1);
            }
            failure
        })
    }

    /// A function that calls the named one; `None` when that is not there.
    pub(crate) fn caller(&self, texts: &CallTexts) -> Result<Option<JSValue>, Failure> {
        let found = self.run_source(&texts.probe)?;
        // SAFETY: a value of this context.
        if unsafe { JS_ToBool(self.context, found) } != 1 {
            return Ok(None);
        }
        self.run_source(&texts.call).map(Some)
    }

    /// Calls a function.
    pub(crate) fn call(&self, function: Held, arguments: &mut [JSValue]) -> Result<JSValue, Thrown> {
        let count = arguments.len() as c_int;
        // SAFETY: values of this context; as many arguments as it says.
        self.checked(self.control.inside(|| unsafe {
            JS_Call(self.context, function.0, JS_UNDEFINED, count, arguments.as_mut_ptr())
        }))
    }

    /// The text that a function returned, at most `limit` bytes of it.
    pub(crate) fn returned(&self, value: JSValue, limit: usize) -> Result<String, Failure> {
        // SAFETY: looks at the value's tag only.
        if !unsafe { JS_IsString(value) } {
            return Err(Failure::new(FailureKind::NotText, self.kind_of(value)));
        }
        let text = self.with_text(value, |bytes| (bytes.len() <= limit).then(|| text_of(bytes)));
        match text {
            Some(Some(text)) => Ok(text),
            Some(None) => {
                Err(Failure::new(FailureKind::TooLong, format!("returned more than {limit} bytes")))
            }
            None => Err(self.failure(FailureKind::Exception)),
        }
    }

    fn kind_of(&self, value: JSValue) -> &'static str {
        // SAFETY: looks at tags only, and at an object's class.
        unsafe {
            match JS_VALUE_GET_NORM_TAG(value) {
                JS_TAG_UNDEFINED => "undefined",
                JS_TAG_NULL => "null",
                JS_TAG_BOOL => "a boolean",
                JS_TAG_INT | JS_TAG_FLOAT64 => "a number",
                JS_TAG_SYMBOL => "a symbol",
                JS_TAG_BIG_INT | JS_TAG_SHORT_BIG_INT => "a bigint",
                _ if JS_IsFunction(self.context, value) => "a function",
                _ => "an object",
            }
        }
    }

    /// A string.
    pub(crate) fn new_text(&self, text: &str) -> JSValue {
        // SAFETY: as many bytes as it says.
        unsafe { JS_NewStringLen(self.context, text.as_ptr().cast(), text.len() as size_t) }
    }

    /// Throws an `Error`.
    pub(crate) fn throw(&self, message: &str) -> JSValue {
        // SAFETY: values of this context, given away to the engine.
        unsafe {
            let error = JS_NewError(self.context);
            let text = self.new_text(message);
            if JS_IsException(error) || JS_IsException(text) {
                return JS_EXCEPTION;
            }
            JS_DefinePropertyValueStr(self.context, error, c"message".as_ptr(), text, PLAIN as c_int);
            JS_Throw(self.context, error)
        }
    }

    /// Runs code of ours that the engine called.
    pub(crate) fn outside<T>(&self, code: impl FnOnce() -> T) -> T {
        let inside = self.control.is_inside();
        self.control.set_inside(false);
        let result = code();
        self.control.set_inside(inside);
        result
    }

    /// Makes a lazy global and gives it.
    pub(crate) fn make_lazy_global(&self, index: usize) -> Result<JSValue, Thrown> {
        let Some(lazy) = self.control.engine.lazy_globals.get(index) else { return Ok(JS_UNDEFINED) };
        let touched = &self.control.touched;
        touched.set(touched.get() | 1_u32.checked_shl(index as u32).unwrap_or(0));
        let name = self.atom(&lazy.name)?;
        // An ordinary property first: the source assigns to it.
        self.define(self.global(), name, JS_UNDEFINED, PLAIN)?;
        let source = Text::from(&lazy.source);
        // SAFETY: text and name end in zero bytes. If the run is dropped meanwhile they leak with it, which is once for
        // each program, since its next image holds the global.
        let value = self.control.inside(|| unsafe {
            let flags = JS_EVAL_TYPE_GLOBAL as c_int;
            let length = (source.text.len() - 1) as size_t;
            JS_Eval(self.context, source.text.as_ptr().cast(), length, source.name.as_ptr(), flags)
        });
        self.checked(value)?;
        // SAFETY: a valid object and atom.
        self.checked(unsafe { JS_GetProperty(self.context, self.global(), name) })
    }

    /// Gives a lazy global another value.
    pub(crate) fn replace_lazy_global(&self, index: usize, value: JSValue) -> Result<JSValue, Thrown> {
        let Some(lazy) = self.control.engine.lazy_globals.get(index) else { return Ok(JS_UNDEFINED) };
        // SAFETY: a value of this context; the property takes over one count.
        let value = unsafe { JS_DupValue(self.context, value) };
        self.define(self.global(), self.atom(&lazy.name)?, value, PLAIN)?;
        Ok(JS_UNDEFINED)
    }

    /// Has garbage collected in time for the memory that there is.
    pub(crate) fn bound_garbage(&self) {
        // SAFETY: the context's own runtime; the heap is not borrowed while the arena runs.
        unsafe {
            let limit = (*self.control.heap).limit();
            JS_SetGCThreshold(JS_GetRuntime(self.context), (limit / 4) as size_t);
        }
    }

    pub(crate) fn collect_garbage(&self) {
        // SAFETY: the context's own runtime.
        unsafe { JS_RunGC(JS_GetRuntime(self.context)) }
    }

    pub(crate) fn is_undefined(&self, value: JSValue) -> bool {
        // SAFETY: looks at the value's tag only.
        unsafe { JS_IsUndefined(value) }
    }

    /// Text of a string; `None` when there is no memory for it.
    pub(crate) fn text(&self, value: JSValue) -> Option<String> {
        self.with_text(value, text_of)
    }

    fn with_text<T>(&self, value: JSValue, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let mut length: size_t = 0;
        // SAFETY: a string of this context; the bytes are valid until they are freed.
        unsafe {
            let text = JS_ToCStringLen2(self.context, &raw mut length, value, false);
            if text.is_null() {
                return None;
            }
            let result = read(slice::from_raw_parts(text.cast::<u8>(), length as usize));
            JS_FreeCString(self.context, text);
            Some(result)
        }
    }

    fn global(&self) -> JSValue {
        // SAFETY: the context is valid. The count that this adds is harmless: the global object stays.
        unsafe {
            let global = JS_GetGlobalObject(self.context);
            JS_FreeValue(self.context, global);
            global
        }
    }

    fn property(&self, object: JSValue, name: &CStr) -> Result<JSValue, Thrown> {
        // SAFETY: a value of this context.
        self.checked(unsafe { JS_GetPropertyStr(self.context, object, name.as_ptr()) })
    }

    pub(crate) fn atom(&self, name: &str) -> Result<JSAtom, Thrown> {
        // SAFETY: as many bytes as it says.
        let atom = unsafe { JS_NewAtomLen(self.context, name.as_ptr().cast(), name.len() as size_t) };
        if atom == 0 { Err(Thrown) } else { Ok(atom) }
    }

    pub(crate) fn define(
        &self,
        object: JSValue,
        name: JSAtom,
        value: JSValue,
        flags: u32,
    ) -> Result<(), Thrown> {
        // SAFETY: values of this context; the value is given away.
        let defined = unsafe {
            if JS_IsException(object) || JS_IsException(value) {
                return Err(Thrown);
            }
            JS_DefinePropertyValue(self.context, object, name, value, flags as c_int)
        };
        if defined < 0 { Err(Thrown) } else { Ok(()) }
    }

    pub(crate) fn checked(&self, value: JSValue) -> Result<JSValue, Thrown> {
        // SAFETY: looks at the value's tag only.
        if unsafe { JS_IsException(value) } { Err(Thrown) } else { Ok(value) }
    }
}

/// Writable and configurable, not enumerable.
const PLAIN: u32 = JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE;

/// Text of what the engine writes, in which surrogates without a partner have three bytes of their own.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len());
            let mut rest = bytes;
            while !rest.is_empty() {
                let valid = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
                text.push_str(std::str::from_utf8(&rest[..valid]).unwrap_or_default());
                rest = &rest[valid..];
                if !rest.is_empty() {
                    text.push(char::REPLACEMENT_CHARACTER);
                    let surrogate = rest.len() >= 3 && rest[0] == 0xED && rest[1] >= 0xA0;
                    rest = &rest[if surrogate { 3 } else { 1 }..];
                }
            }
            text
        }
    }
}
