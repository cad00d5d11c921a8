//! What `JSON.stringify` makes of a script's answer, without its detours.
//!
//! An engine's [`envelope`](crate::Engine::envelope) is a function that gives the JSON text of an object of its arguments.
//! Nearly always these are plain objects of texts and whole numbers, whose text is written here. For anything else,
//! whatever could run script or be written otherwise, the engine's own `JSON.stringify` is asked.
#![allow(unsafe_code, reason = "called by C, and calls it")]

use std::{ffi::c_int, slice};

use rquickjs_sys::*;

use crate::{
    control::Control,
    js::{Js, Thrown},
    json::{Stop, Writer, quote},
    native,
};

/// The names of an envelope's fields.
pub(crate) struct Fields {
    names: Vec<JSAtom>,
    /// The text before each field's value, with a comma.
    heads: Vec<Vec<u8>>,
}

impl Fields {
    /// Their atoms belong to the base image.
    pub(crate) fn new(js: &Js<'_>, fields: &[String]) -> Result<Self, Thrown> {
        let head = |name: &String| {
            let mut head = vec![b','];
            quote(name, &mut head);
            head.push(b':');
            head
        };
        Ok(Self {
            names: fields.iter().map(|name| js.atom(name)).collect::<Result<_, _>>()?,
            heads: fields.iter().map(head).collect(),
        })
    }
}

/// The envelope's function.
pub(crate) unsafe extern "C" fn envelope(
    context: *mut JSContext,
    _this: JSValue,
    count: c_int,
    arguments: *mut JSValue,
) -> JSValue {
    // SAFETY: the engine calls with its own context and as many arguments as it says. `quickly` holds Rust values, which
    // are gone before engine code that may be suspended runs.
    unsafe {
        let control = native::control(context);
        let js = Js::of(context, control);
        let given = slice::from_raw_parts(arguments, if count > 0 { count as usize } else { 0 });
        match js.outside(|| quickly(&js, control, given)) {
            Ok(text) => text,
            Err(Stop::Thrown) => JS_EXCEPTION,
            Err(Stop::Slow) => slowly(context, control, given),
        }
    }
}

/// What `JSON.stringify` gives.
unsafe fn slowly(context: *mut JSContext, control: &Control, given: &[JSValue]) -> JSValue {
    // SAFETY: values and atoms of this context; each value is counted once more for the object that holds it.
    unsafe {
        let object = JS_NewObject(context);
        if JS_IsException(object) {
            return object;
        }
        let Some(fields) = control.envelope.get() else { return JS_UNDEFINED };
        for (index, atom) in fields.names.iter().enumerate() {
            let value = given.get(index).copied().unwrap_or(JS_UNDEFINED);
            let value = JS_DupValue(context, value);
            if JS_DefinePropertyValue(context, object, *atom, value, JS_PROP_C_W_E as c_int) < 0 {
                return JS_EXCEPTION;
            }
        }
        let text = JS_JSONStringify(context, object, JS_UNDEFINED, JS_UNDEFINED);
        JS_FreeValue(context, object);
        text
    }
}

fn quickly(js: &Js<'_>, control: &Control, given: &[JSValue]) -> Result<JSValue, Stop> {
    let (json, fields) = (control.json.get().ok_or(Stop::Slow)?, control.envelope.get().ok_or(Stop::Slow)?);
    let mut writer = Writer::new(js, json)?;
    writer.punctuation(b'{');
    for (head, value) in fields.heads.iter().zip(given) {
        writer.field(head, *value)?;
    }
    writer.punctuation(b'}');
    writer.finish()
}
