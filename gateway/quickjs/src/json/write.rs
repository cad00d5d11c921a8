//! `JSON.stringify`.
//!
//! Runs outside of what may be suspended, since the text is written to memory of ours; how long that takes is bounded by
//! the text's length. No script runs meanwhile, so that shapes stay what they are.
#![allow(unsafe_code, reason = "called by C, and calls it")]

use std::{ffi::c_int, ops::Range, ptr::null_mut, slice};

use rquickjs_sys::*;

use super::{
    Json,
    layout::{Object, Shape, ShapeProperty},
};
use crate::{js::Js, native};

/// Objects and lists within others that are written here. What is deeper, or in itself, is for the engine.
const MAX_DEPTH: u32 = 32;
/// Bytes of text that are written here. It lies outside of the arena, whose bound does not hold for it.
const MAX_BYTES: usize = 1 << 20;
/// Values and names that are looked at: some of them add nothing to the text.
const MAX_STEPS: u32 = 1 << 17;
/// Shapes whose names are known at a time.
const MAX_SHAPES: usize = 16;
/// Bytes of text that there is room for at first.
const FIRST_BYTES: usize = 1024;
/// Bytes of memory that are kept for the next text.
const MAX_KEPT: usize = 64 << 10;
/// Numbers below this are written alike as whole numbers and as others.
const WHOLE: f64 = 1e15;

/// Why something is not read or written here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    /// It is for the engine.
    Slow,
    /// An exception is pending.
    Thrown,
}

/// `JSON.stringify`.
pub(crate) unsafe extern "C" fn stringify(
    context: *mut JSContext,
    _this: JSValue,
    _count: c_int,
    arguments: *mut JSValue,
) -> JSValue {
    // SAFETY: the engine calls with its own context and at least as many arguments as the function takes, which is
    // three. What is written has no Rust values left before engine code that may be suspended runs.
    unsafe {
        let control = native::control(context);
        let js = Js::of(context, control);
        let given = slice::from_raw_parts(arguments, 3);
        // Texts and numbers alone are as quick there.
        if JS_IsObject(given[0]) && given[1..].iter().all(|value| JS_IsUndefined(*value) || JS_IsNull(*value))
        {
            let written = js.outside(|| {
                let json = control.json.get().ok_or(Stop::Slow)?;
                let mut writer = Writer::new(&js, json)?;
                writer.value(given[0], MAX_DEPTH)?;
                writer.finish()
            });
            match written {
                Ok(text) => return text,
                Err(Stop::Thrown) => return JS_EXCEPTION,
                Err(Stop::Slow) => {}
            }
        }
        JS_JSONStringify(context, given[0], given[1], given[2])
    }
}

/// A shape whose names are known.
struct Known {
    shape: *const Shape,
    /// Where its fields are in [`Buffers::fields`].
    fields: Range<usize>,
}

/// A name of a shape.
#[derive(Clone, Copy)]
struct Field {
    /// Where it is in [`Buffers::names`], as it is written, with a comma and a colon.
    start: u32,
    end: u32,
    /// Which value it is the name of.
    place: u32,
}

/// Memory to write in. Empty between two texts, it is kept with what else belongs to an arena.
#[derive(Default)]
pub(crate) struct Buffers {
    known: Vec<Known>,
    fields: Vec<Field>,
    names: Vec<u8>,
    out: Vec<u8>,
}

impl Buffers {
    /// Emptied for the next text; `None` when they have become too large to be kept.
    fn for_next(mut self) -> Option<Self> {
        if self.out.capacity().max(self.names.capacity()) > MAX_KEPT {
            return None;
        }
        self.known.clear();
        self.fields.clear();
        self.names.clear();
        self.out.clear();
        Some(self)
    }
}

/// Writes values as `JSON.stringify` does.
pub(crate) struct Writer<'json> {
    context: *mut JSContext,
    json: &'json Json,
    buffers: Buffers,
    /// Values and names that may still be looked at.
    steps: u32,
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.json.buffers.set(std::mem::take(&mut self.buffers).for_next());
    }
}

impl<'json> Writer<'json> {
    /// Nothing is written here while all objects have a `toJSON`.
    pub(crate) fn new(js: &Js<'_>, json: &'json Json) -> Result<Self, Stop> {
        let (context, none) = (js.raw(), null_mut());
        // SAFETY: objects and an atom of this context.
        unsafe {
            let usual = (*json.array_prototype).prototype() == json.object_prototype
                && [json.object_prototype, json.array_prototype].iter().all(|prototype| {
                    let prototype = JS_MKPTR(JS_TAG_OBJECT, prototype.cast());
                    JS_GetOwnProperty(context, none, prototype, json.to_json) == 0
                });
            if !usual {
                return Err(Stop::Slow);
            }
        }
        let mut buffers = json.buffers.take().unwrap_or_default();
        buffers.out.reserve(FIRST_BYTES);
        Ok(Self { context, json, buffers, steps: MAX_STEPS })
    }

    /// The text as a string of the engine.
    pub(crate) fn finish(self) -> Result<JSValue, Stop> {
        // SAFETY: as many bytes as it says; what was written is text.
        let text = unsafe {
            JS_NewStringLen(self.context, self.buffers.out.as_ptr().cast(), self.buffers.out.len() as size_t)
        };
        // SAFETY: looks at the value's tag only.
        if unsafe { JS_IsException(text) } { Err(Stop::Thrown) } else { Ok(text) }
    }

    /// Writes what belongs between values.
    pub(crate) fn punctuation(&mut self, byte: u8) {
        self.buffers.out.push(byte);
    }

    /// Writes `,"name":value`, without the comma after a brace; nothing for `undefined`.
    pub(crate) fn field(&mut self, head: &[u8], value: JSValue) -> Result<(), Stop> {
        // SAFETY: looks at the value's tag only.
        if unsafe { JS_IsUndefined(value) } {
            return Ok(());
        }
        let first = self.buffers.out.last() == Some(&b'{');
        self.buffers.out.extend_from_slice(&head[usize::from(first)..]);
        self.value(value, MAX_DEPTH)
    }

    /// One more value or name is looked at.
    fn step(&mut self) -> Result<(), Stop> {
        self.steps = self.steps.checked_sub(1).ok_or(Stop::Slow)?;
        Ok(())
    }

    fn value(&mut self, value: JSValue, depth: u32) -> Result<(), Stop> {
        if self.buffers.out.len() > MAX_BYTES {
            return Err(Stop::Slow);
        }
        // SAFETY: looks at tags, and at the number or truth value that the tag says is there.
        unsafe {
            match JS_VALUE_GET_NORM_TAG(value) {
                _ if JS_IsString(value) => return self.text(value),
                JS_TAG_INT => self.whole_number(i64::from(JS_VALUE_GET_INT(value))),
                JS_TAG_FLOAT64 => return self.number(value, JS_VALUE_GET_FLOAT64(value)),
                JS_TAG_BOOL if JS_VALUE_GET_BOOL(value) => self.buffers.out.extend_from_slice(b"true"),
                JS_TAG_BOOL => self.buffers.out.extend_from_slice(b"false"),
                JS_TAG_NULL => self.buffers.out.extend_from_slice(b"null"),
                JS_TAG_OBJECT => return self.object(value, depth),
                _ => return Err(Stop::Slow),
            }
        }
        Ok(())
    }

    fn whole_number(&mut self, number: i64) {
        let mut digits = [0; 20];
        let (mut rest, mut first) = (number.unsigned_abs(), digits.len());
        loop {
            first -= 1;
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            self.buffers.out.push(b'-');
        }
        self.buffers.out.extend_from_slice(&digits[first..]);
    }

    fn number(&mut self, value: JSValue, number: f64) -> Result<(), Stop> {
        if !number.is_finite() {
            self.buffers.out.extend_from_slice(b"null");
        } else if number.abs() < WHOLE && number.trunc() == number {
            self.whole_number(number as i64);
        } else {
            return self.with_text(value, |bytes, out| {
                out.extend_from_slice(bytes);
                Ok(())
            });
        }
        Ok(())
    }

    fn text(&mut self, value: JSValue) -> Result<(), Stop> {
        self.with_text(value, quote_bytes)
    }

    /// Writes something of the text of a string or number.
    fn with_text(
        &mut self,
        value: JSValue,
        write: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut length: size_t = 0;
        // SAFETY: a string or number of this context; the bytes are valid until they are freed.
        unsafe {
            let text = JS_ToCStringLen2(self.context, &raw mut length, value, false);
            if text.is_null() {
                return Err(Stop::Thrown);
            }
            let written =
                write(slice::from_raw_parts(text.cast::<u8>(), length as usize), &mut self.buffers.out);
            JS_FreeCString(self.context, text);
            written
        }
    }

    fn object(&mut self, value: JSValue, depth: u32) -> Result<(), Stop> {
        let depth = depth.checked_sub(1).ok_or(Stop::Slow)?;
        // SAFETY: an object of this context, which whatever holds `value` keeps alive; so are its values.
        let object = unsafe { &*Object::of(value) };
        // SAFETY: as above.
        if let Some((shape, properties, values)) = unsafe { object.plain(self.json) } {
            return self.plain_object(shape, properties, values, depth);
        }
        // SAFETY: as above.
        let elements = unsafe { object.elements(self.json) }.ok_or(Stop::Slow)?;
        self.buffers.out.push(b'[');
        for (index, element) in elements.iter().enumerate() {
            self.step()?;
            if index > 0 {
                self.buffers.out.push(b',');
            }
            // SAFETY: looks at the value's tag only.
            match unsafe { JS_IsUndefined(*element) } {
                true => self.buffers.out.extend_from_slice(b"null"),
                false => self.value(*element, depth)?,
            }
        }
        self.buffers.out.push(b']');
        Ok(())
    }

    fn plain_object(
        &mut self,
        shape: *const Shape,
        properties: &[ShapeProperty],
        values: &[JSValue],
        depth: u32,
    ) -> Result<(), Stop> {
        let known = self.buffers.known.iter().rposition(|known| known.shape == shape);
        let known = match known {
            Some(known) => known,
            None => self.learn(shape, properties)?,
        };
        self.buffers.out.push(b'{');
        let mut first = true;
        for index in self.buffers.known[known].fields.clone() {
            self.step()?;
            let Field { start, end, place } = self.buffers.fields[index];
            let value = values.get(place as usize).copied().ok_or(Stop::Slow)?;
            // SAFETY: looks at the value's tag only.
            if unsafe { JS_IsUndefined(value) } {
                continue;
            }
            let Buffers { names, out, .. } = &mut self.buffers;
            out.extend_from_slice(&names[start as usize + usize::from(first)..end as usize]);
            first = false;
            self.value(value, depth)?;
        }
        self.buffers.out.push(b'}');
        Ok(())
    }

    /// Writes down a shape's names.
    fn learn(&mut self, shape: *const Shape, properties: &[ShapeProperty]) -> Result<usize, Stop> {
        let first = self.buffers.fields.len();
        for (place, property) in properties.iter().enumerate() {
            self.step()?;
            // A property that was deleted has no name.
            if !property.is_normal() || property.atom == self.json.to_json || property.atom == 0 {
                return Err(Stop::Slow);
            }
            if !property.is_enumerable() {
                continue;
            }
            let start = self.buffers.names.len();
            self.buffers.names.push(b',');
            self.name(property.atom)?;
            self.buffers.names.push(b':');
            let (start, end, place) = (start as u32, self.buffers.names.len() as u32, place as u32);
            self.buffers.fields.push(Field { start, end, place });
        }
        if self.buffers.known.len() == MAX_SHAPES {
            // Whoever holds a place in the list is done with it, or is one of the objects around this one.
            return Err(Stop::Slow);
        }
        self.buffers.known.push(Known { shape, fields: first..self.buffers.fields.len() });
        Ok(self.buffers.known.len() - 1)
    }

    /// A property's name with quotes.
    fn name(&mut self, atom: JSAtom) -> Result<(), Stop> {
        let mut length: size_t = 0;
        // SAFETY: an atom of this context; what is made of it is given back, the bytes are valid until then.
        unsafe {
            let name = JS_AtomToValue(self.context, atom);
            if !JS_IsString(name) {
                JS_FreeValue(self.context, name);
                return Err(Stop::Slow);
            }
            let text = JS_ToCStringLen2(self.context, &raw mut length, name, false);
            JS_FreeValue(self.context, name);
            if text.is_null() {
                return Err(Stop::Thrown);
            }
            let bytes = slice::from_raw_parts(text.cast::<u8>(), length as usize);
            // Those that are numbers come before all others, whenever they were set.
            let written = match bytes.first() {
                Some(b'0'..=b'9') => Err(Stop::Slow),
                _ => quote_bytes(bytes, &mut self.buffers.names),
            };
            JS_FreeCString(self.context, text);
            written
        }
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
pub(crate) fn quote(text: &str, out: &mut Vec<u8>) {
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
