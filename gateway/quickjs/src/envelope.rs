//! What `JSON.stringify` makes of a script's answer, without its detours.
//!
//! An engine's [`envelope`](crate::Engine::envelope) is a function that gives the JSON text of an object of its arguments.
//! Nearly always these are plain objects of texts and whole numbers, whose text is written here. For anything else,
//! whatever could run script or be written otherwise, the engine's own `JSON.stringify` is asked.
#![allow(unsafe_code, reason = "called by C, and calls it")]

use std::{ffi::c_int, io::Write as _, mem, ptr::null_mut, slice};

use rquickjs_sys::*;

use crate::{control::Control, js::Js, native};

/// Objects within objects that are written here.
const MAX_DEPTH: u32 = 8;
/// Bytes of text that are written here. What is written lies outside of the arena, whose bound does not hold for it.
const MAX_BYTES: usize = 1 << 20;

/// The names and the prototype by which plain objects are told apart.
pub(crate) struct Plain {
    fields: Vec<JSAtom>,
    /// The text before each field's value, with a comma.
    heads: Vec<Vec<u8>>,
    to_json: JSAtom,
    class: JSClassID,
    prototype: JSValue,
}

/// Why a text is not written here.
enum Stop {
    /// It is for the engine.
    Slow,
    /// An exception is pending.
    Thrown,
}

impl Plain {
    /// For fields that the envelope has.
    pub(crate) fn new(js: &Js<'_>, fields: &[String]) -> Option<Self> {
        let context = js.raw();
        let atom = |name: &str| {
            // SAFETY: as many bytes as it says. Never given back: it belongs to the base image.
            let atom = unsafe { JS_NewAtomLen(context, name.as_ptr().cast(), name.len() as size_t) };
            (atom != 0).then_some(atom)
        };
        // SAFETY: a new object's class and prototype are those of plain ones; both stay with the base image.
        let (class, prototype) = unsafe {
            let object = JS_NewObject(context);
            if JS_IsException(object) {
                return None;
            }
            (JS_GetClassID(object), JS_GetPrototype(context, object))
        };
        Some(Self {
            fields: fields.iter().map(|name| atom(name)).collect::<Option<_>>()?,
            heads: fields
                .iter()
                .map(|name| {
                    let mut head = vec![b','];
                    quote(name, &mut head);
                    head.push(b':');
                    head
                })
                .collect(),
            to_json: atom("toJSON")?,
            class,
            prototype,
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
        let Some(plain) = control.plain.get() else { return JS_UNDEFINED };
        for (index, atom) in plain.fields.iter().enumerate() {
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
    let plain = control.plain.get().ok_or(Stop::Slow)?;
    let writer = Writer { context: js.raw(), plain };
    // SAFETY: an object and an atom of this context. A `toJSON` there would be everybody's.
    if unsafe { JS_GetOwnProperty(writer.context, null_mut(), plain.prototype, plain.to_json) } != 0 {
        return Err(Stop::Slow);
    }
    let mut out = Vec::with_capacity(512);
    out.push(b'{');
    for (head, value) in plain.heads.iter().zip(given) {
        writer.field(head, *value, MAX_DEPTH, &mut out)?;
    }
    out.push(b'}');
    let text = std::str::from_utf8(&out).map_err(|_| Stop::Slow)?;
    let text = js.new_text(text);
    // SAFETY: looks at the value's tag only.
    if unsafe { JS_IsException(text) } { Err(Stop::Thrown) } else { Ok(text) }
}

struct Writer<'plain> {
    context: *mut JSContext,
    plain: &'plain Plain,
}

impl Writer<'_> {
    /// Writes `,"name":value`, without the comma after a brace; nothing for `undefined`.
    fn field(&self, head: &[u8], value: JSValue, depth: u32, out: &mut Vec<u8>) -> Result<(), Stop> {
        // SAFETY: looks at the value's tag only.
        if unsafe { JS_IsUndefined(value) } {
            return Ok(());
        }
        let first = out.last() == Some(&b'{');
        out.extend_from_slice(&head[usize::from(first)..]);
        self.value(value, depth, out)
    }

    fn value(&self, value: JSValue, depth: u32, out: &mut Vec<u8>) -> Result<(), Stop> {
        if out.len() > MAX_BYTES {
            return Err(Stop::Slow);
        }
        // SAFETY: looks at tags, and at the number or truth value that the tag says is there.
        unsafe {
            match JS_VALUE_GET_NORM_TAG(value) {
                _ if JS_IsString(value) => self.text(value, out),
                JS_TAG_INT => write!(out, "{}", JS_VALUE_GET_INT(value)).map_err(|_| Stop::Slow),
                JS_TAG_BOOL if JS_VALUE_GET_BOOL(value) => {
                    out.extend_from_slice(b"true");
                    Ok(())
                }
                JS_TAG_BOOL => {
                    out.extend_from_slice(b"false");
                    Ok(())
                }
                JS_TAG_NULL => {
                    out.extend_from_slice(b"null");
                    Ok(())
                }
                JS_TAG_OBJECT => self.object(value, depth, out),
                _ => Err(Stop::Slow),
            }
        }
    }

    fn text(&self, value: JSValue, out: &mut Vec<u8>) -> Result<(), Stop> {
        let mut length: size_t = 0;
        // SAFETY: a string of this context; the bytes are valid until they are freed.
        unsafe {
            let text = JS_ToCStringLen2(self.context, &raw mut length, value, false);
            if text.is_null() {
                return Err(Stop::Thrown);
            }
            let written = quote_bytes(slice::from_raw_parts(text.cast::<u8>(), length as usize), out);
            JS_FreeCString(self.context, text);
            written
        }
    }

    fn object(&self, object: JSValue, depth: u32, out: &mut Vec<u8>) -> Result<(), Stop> {
        let (context, plain) = (self.context, self.plain);
        let depth = depth.checked_sub(1).ok_or(Stop::Slow)?;
        // SAFETY: values of this context; an object of this class is no proxy, so that looking at its prototype and its
        // properties runs no script.
        unsafe {
            if JS_GetClassID(object) != plain.class {
                return Err(Stop::Slow);
            }
            let prototype = JS_GetPrototype(context, object);
            JS_FreeValue(context, prototype);
            let usual = JS_IsObject(prototype)
                && JS_VALUE_GET_PTR(prototype) == JS_VALUE_GET_PTR(plain.prototype)
                && JS_GetOwnProperty(context, null_mut(), object, plain.to_json) == 0;
            if !usual {
                return Err(Stop::Slow);
            }
            let (mut names, mut count) = (null_mut(), 0_u32);
            let wanted = (JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) as c_int;
            if JS_GetOwnPropertyNames(context, &raw mut names, &raw mut count, object, wanted) < 0 {
                return Err(Stop::Thrown);
            }
            out.push(b'{');
            let written = match names.is_null() {
                true => Ok(()),
                false => slice::from_raw_parts(names, count as usize)
                    .iter()
                    .try_for_each(|name| self.property(object, name.atom, depth, out)),
            };
            JS_FreePropertyEnum(context, names, count);
            written?;
            out.push(b'}');
            Ok(())
        }
    }

    fn property(&self, object: JSValue, name: JSAtom, depth: u32, out: &mut Vec<u8>) -> Result<(), Stop> {
        let context = self.context;
        // SAFETY: values and atoms of this context; the property's value is counted for us, and given back.
        unsafe {
            let mut found: JSPropertyDescriptor = mem::zeroed();
            match JS_GetOwnProperty(context, &raw mut found, object, name) {
                1 if found.flags as u32 & JS_PROP_GETSET == 0 => {}
                1 => {
                    JS_FreeValue(context, found.getter);
                    JS_FreeValue(context, found.setter);
                    return Err(Stop::Slow);
                }
                0 => return Err(Stop::Slow),
                _ => return Err(Stop::Thrown),
            }
            let written = match JS_IsUndefined(found.value) {
                true => Ok(()),
                false => self.name(name, out).and_then(|()| self.value(found.value, depth, out)),
            };
            JS_FreeValue(context, found.value);
            written
        }
    }

    /// Writes `,"name":`, without the comma after a brace.
    fn name(&self, name: JSAtom, out: &mut Vec<u8>) -> Result<(), Stop> {
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        let mut length: size_t = 0;
        // SAFETY: an atom of this context; the bytes are valid until they are freed.
        unsafe {
            let text = JS_AtomToCStringLen(self.context, &raw mut length, name);
            if text.is_null() {
                return Err(Stop::Thrown);
            }
            let written = quote_bytes(slice::from_raw_parts(text.cast::<u8>(), length as usize), out);
            JS_FreeCString(self.context, text);
            written?;
        }
        out.push(b':');
        Ok(())
    }
}

/// Writes as JSON what the engine says is text. Halves of characters, which it writes as escapes, are left to it, and so
/// is what is long.
fn quote_bytes(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Stop> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= MAX_BYTES => {
            quote(text, out);
            Ok(())
        }
        _ => Err(Stop::Slow),
    }
}

/// Writes a text as JSON.
fn quote(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let (bytes, mut plain) = (text.as_bytes(), 0);
    for (at, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => *byte,
            8 => b'b',
            9 => b't',
            10 => b'n',
            12 => b'f',
            13 => b'r',
            0..=31 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..at]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        plain = at + 1;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}
