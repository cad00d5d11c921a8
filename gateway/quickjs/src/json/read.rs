//! `JSON.parse`.
//!
//! Runs like the engine's own code: it may be suspended anywhere, so that no value here needs dropping.
#![allow(unsafe_code, reason = "called by C, and calls it")]

use std::{
    ffi::{c_char, c_int},
    ptr::null_mut,
    slice, str,
};

use rquickjs_sys::*;

use super::{
    INPUT, Json,
    layout::{Object, number_value},
    write::Stop,
};
use crate::native;

/// Objects and lists within others that are read here.
const MAX_DEPTH: usize = 32;
/// How deep objects are compared with those before them.
const MODEL_DEPTH: usize = 6;
/// The most properties of an object that others are copied from.
const MAX_NAMES: usize = 16;
/// Bytes of text that are read here: where slices end only at the engine's looks at the clock, this is not one of them.
const MAX_TEXT: usize = 1 << 20;

/// `JSON.parse`.
pub(crate) unsafe extern "C" fn parse(
    context: *mut JSContext,
    this: JSValue,
    count: c_int,
    arguments: *mut JSValue,
) -> JSValue {
    // SAFETY: the engine calls with its own context and at least as many arguments as the function takes, which is two.
    // The text is valid until it is freed.
    unsafe {
        let control = native::control(context);
        let Some(json) = control.json.get() else { return JS_UNDEFINED };
        if count > 1 && JS_IsFunction(context, *arguments.add(1)) {
            return JS_Call(context, json.parse, this, count, arguments);
        }
        let mut length: size_t = 0;
        let text = JS_ToCStringLen2(context, &raw mut length, *arguments, false);
        if text.is_null() {
            return JS_EXCEPTION;
        }
        let bytes = slice::from_raw_parts(text.cast::<u8>(), length as usize);
        let value = match Reader::new(context, json, bytes).and_then(|mut reader| reader.whole()) {
            Ok(value) => value,
            Err(Stop::Thrown) => JS_EXCEPTION,
            Err(Stop::Slow) => JS_ParseJSON(context, text, length, INPUT.as_ptr()),
        };
        JS_FreeCString(context, text);
        value
    }
}

/// An object that the next ones at the same depth are likely to resemble.
#[derive(Clone, Copy)]
struct Model {
    /// `undefined` for none.
    object: JSValue,
    count: usize,
    /// The names in the text, quotes included, as offset and end.
    names: [(u32, u32); MAX_NAMES],
}

struct Reader<'text> {
    context: *mut JSContext,
    json: &'text Json,
    text: &'text [u8],
    at: usize,
    models: [Model; MODEL_DEPTH],
}

impl<'text> Reader<'text> {
    fn new(context: *mut JSContext, json: &'text Json, text: &'text [u8]) -> Result<Self, Stop> {
        if text.len() > MAX_TEXT || str::from_utf8(text).is_err() {
            return Err(Stop::Slow);
        }
        let none = Model { object: JS_UNDEFINED, count: 0, names: [(0, 0); MAX_NAMES] };
        Ok(Self { context, json, text, at: 0, models: [none; MODEL_DEPTH] })
    }

    /// The value of the whole text.
    fn whole(&mut self) -> Result<JSValue, Stop> {
        let read = self.value(0).and_then(|value| {
            self.skip_space();
            if self.at == self.text.len() {
                return Ok(value);
            }
            self.free(&[value]);
            Err(Stop::Slow)
        });
        self.free(&self.models.map(|model| model.object));
        read
    }

    fn free(&self, values: &[JSValue]) {
        for value in values {
            // SAFETY: values of this context, each held once here.
            unsafe { JS_FreeValue(self.context, *value) }
        }
    }

    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Goes past this byte and white space around it.
    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        self.skip_space();
        if self.byte() != byte {
            return Err(Stop::Slow);
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Goes past a comma, which is true, or this end.
    fn goes_on(&mut self, end: u8) -> Result<bool, Stop> {
        self.skip_space();
        let byte = self.byte();
        if byte != b',' && byte != end {
            return Err(Stop::Slow);
        }
        self.at += 1;
        if byte == b',' {
            self.skip_space();
        }
        Ok(byte == b',')
    }

    fn value(&mut self, depth: usize) -> Result<JSValue, Stop> {
        self.skip_space();
        match self.byte() {
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", JS_TRUE),
            b'f' => self.word(b"false", JS_FALSE),
            b'n' => self.word(b"null", JS_NULL),
            _ => Err(Stop::Slow),
        }
    }

    fn word(&mut self, word: &[u8], value: JSValue) -> Result<JSValue, Stop> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Stop::Slow);
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<JSValue, Stop> {
        let start = self.at;
        let negative = self.byte() == b'-';
        self.at += usize::from(negative);
        let first = self.at;
        let mut number = 0_i32;
        while let digit @ b'0'..=b'9' = self.byte() {
            number = number.wrapping_mul(10).wrapping_add(i32::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - first;
        if digits == 0 || digits > 1 && self.text[first] == b'0' {
            return Err(Stop::Slow);
        }
        if !matches!(self.byte(), b'.' | b'e' | b'E') && digits <= 9 && !(negative && number == 0) {
            return Ok(number_value(if negative { -number } else { number }));
        }
        self.fraction(start)
    }

    /// The number that begins there, whose first digits were read.
    fn fraction(&mut self, start: usize) -> Result<JSValue, Stop> {
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.digits()?;
        }
        let text = str::from_utf8(&self.text[start..self.at]).map_err(|_| Stop::Slow)?;
        text.parse().map(JS_NewFloat64).map_err(|_| Stop::Slow)
    }

    fn digits(&mut self) -> Result<(), Stop> {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(Stop::Slow) } else { Ok(()) }
    }

    /// Goes past a string without escapes and gives what it holds.
    fn plain_string(&mut self) -> Result<&'text [u8], Stop> {
        let start = self.at + 1;
        let rest = self.text.get(start..).ok_or(Stop::Slow)?;
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=31)).ok_or(Stop::Slow)?;
        if rest[length] != b'"' {
            return Err(Stop::Slow);
        }
        self.at = start + length + 1;
        Ok(&rest[..length])
    }

    fn string(&mut self) -> Result<JSValue, Stop> {
        let start = self.at;
        let Ok(text) = self.plain_string() else {
            self.at = start;
            return self.escaped();
        };
        // SAFETY: as many bytes as it says.
        let value = unsafe { JS_NewStringLen(self.context, text.as_ptr().cast(), text.len() as size_t) };
        self.checked(value)
    }

    /// A string with escapes, by the engine.
    fn escaped(&mut self) -> Result<JSValue, Stop> {
        let rest = &self.text[self.at..];
        let mut length = 1;
        loop {
            match rest.get(length) {
                Some(b'"') => break,
                Some(b'\\') => length += 2,
                Some(32..) => length += 1,
                _ => return Err(Stop::Slow),
            }
        }
        length += 1;
        unescape(self.context, &rest[..length]).inspect(|_| self.at += length)
    }

    fn checked(&self, value: JSValue) -> Result<JSValue, Stop> {
        // SAFETY: looks at the value's tag only.
        if unsafe { JS_IsException(value) } { Err(Stop::Thrown) } else { Ok(value) }
    }

    fn list(&mut self, depth: usize) -> Result<JSValue, Stop> {
        if depth >= MAX_DEPTH {
            return Err(Stop::Slow);
        }
        self.at += 1;
        self.skip_space();
        let mut list = List { context: self.context, values: null_mut(), count: 0, room: 0 };
        if self.byte() == b']' {
            self.at += 1;
            return list.finish();
        }
        loop {
            let read = self.value(depth + 1).and_then(|value| list.push(value));
            let goes_on = read.and_then(|()| self.goes_on(b']'));
            match goes_on {
                Ok(true) => {}
                Ok(false) => return list.finish(),
                Err(stop) => {
                    list.discard();
                    return Err(stop);
                }
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<JSValue, Stop> {
        if depth >= MAX_DEPTH {
            return Err(Stop::Slow);
        }
        self.at += 1;
        self.skip_space();
        if self.byte() == b'}' {
            self.at += 1;
            // SAFETY: the context is valid.
            return self.checked(unsafe { JS_NewObject(self.context) });
        }
        let mut values = [JS_UNDEFINED; MAX_NAMES];
        let mut count = 0;
        let known = self.models.get(depth).map_or(0, |model| model.count);
        while count < known {
            let (start, end) = self.models[depth].names[count];
            let name = &self.text[start as usize..end as usize];
            if !self.text[self.at..].starts_with(name) {
                break;
            }
            self.at += name.len();
            let read = self.expect(b':').and_then(|()| self.value(depth + 1));
            let goes_on = read.and_then(|value| {
                values[count] = value;
                count += 1;
                self.goes_on(b'}')
            });
            match goes_on {
                Ok(true) => {}
                Ok(false) if count == known => return self.copy(depth, &values[..count]),
                Ok(false) => return self.other(depth, &values[..count], false),
                Err(stop) => {
                    self.free(&values[..count]);
                    return Err(stop);
                }
            }
        }
        self.other(depth, &values[..count], true)
    }

    /// One like the model, with these values.
    fn copy(&self, depth: usize, values: &[JSValue]) -> Result<JSValue, Stop> {
        // SAFETY: the model is alive, unchanged since it became one, and has as many properties.
        let object = unsafe { Object::copy(self.context, Object::of(self.models[depth].object), values) };
        if object.is_null() {
            self.free(values);
            return Err(Stop::Thrown);
        }
        Ok(JS_MKPTR(JS_TAG_OBJECT, object.cast()))
    }

    /// One that is not like the model beyond these values; with more properties, or not.
    fn other(&mut self, depth: usize, values: &[JSValue], more: bool) -> Result<JSValue, Stop> {
        // SAFETY: the context is valid.
        let object = self.checked(unsafe { JS_NewObject(self.context) });
        let object = object.inspect_err(|_| self.free(values))?;
        let mut names = [(0, 0); MAX_NAMES];
        if let Some(model) = self.models.get(depth) {
            names[..values.len()].copy_from_slice(&model.names[..values.len()]);
        }
        let mut given = values.iter();
        while let Some(value) = given.next() {
            let place = values.len() - given.len() - 1;
            let (start, end) = names[place];
            let name = &self.text[start as usize + 1..end as usize - 1];
            if let Err(stop) = self.define(object, name, *value) {
                self.free(given.as_slice());
                self.free(&[object]);
                return Err(stop);
            }
        }
        let count = if more { self.rest(depth, object, &mut names, values.len()) } else { Ok(values.len()) };
        let count = count.inspect_err(|_| self.free(&[object]))?;
        if let Some(model) = self.models.get_mut(depth)
            // SAFETY: an object that the engine made.
            && count <= MAX_NAMES && unsafe { (*Object::of(object)).is_model(self.json, count) }
        {
            let before = model.object;
            // SAFETY: values of this context; the model counts for itself.
            let held = unsafe { JS_DupValue(self.context, object) };
            *model = Model { object: held, count, names };
            self.free(&[before]);
        }
        Ok(object)
    }

    /// Reads the rest of an object's properties. Gives how many there are, or more than can be in a model.
    fn rest(
        &mut self,
        depth: usize,
        object: JSValue,
        names: &mut [(u32, u32); MAX_NAMES],
        mut count: usize,
    ) -> Result<usize, Stop> {
        loop {
            if self.byte() != b'"' {
                return Err(Stop::Slow);
            }
            let start = self.at;
            let name = self.plain_string()?;
            if let Some(place) = names.get_mut(count) {
                *place = (start as u32, self.at as u32);
            }
            count += 1;
            self.expect(b':')?;
            let value = self.value(depth + 1)?;
            self.define(object, name, value)?;
            if !self.goes_on(b'}')? {
                return Ok(count);
            }
        }
    }

    /// Defines a property as the engine does; the value is given away.
    fn define(&self, object: JSValue, name: &[u8], value: JSValue) -> Result<(), Stop> {
        // SAFETY: values of this context; as many bytes as it says; the atom is given back.
        unsafe {
            let (bytes, length) = (name.as_ptr().cast(), name.len() as size_t);
            let atom = if name.is_ascii() {
                JS_NewAtomLen(self.context, bytes, length)
            } else {
                let text = JS_NewStringLen(self.context, bytes, length);
                let atom = JS_ValueToAtom(self.context, text);
                JS_FreeValue(self.context, text);
                atom
            };
            if atom == 0 {
                JS_FreeValue(self.context, value);
                return Err(Stop::Thrown);
            }
            let defined = JS_DefinePropertyValue(self.context, object, atom, value, JS_PROP_C_W_E as c_int);
            JS_FreeAtom(self.context, atom);
            if defined < 0 { Err(Stop::Thrown) } else { Ok(()) }
        }
    }
}

/// Reads a string with its quotes.
fn unescape(context: *mut JSContext, quoted: &[u8]) -> Result<JSValue, Stop> {
    // SAFETY: the engine wants a zero byte behind the text, for which the copy has room; it is given back.
    unsafe {
        let copy: *mut u8 = js_malloc(context, quoted.len() as size_t + 1).cast();
        if copy.is_null() {
            return Err(Stop::Thrown);
        }
        copy.copy_from_nonoverlapping(quoted.as_ptr(), quoted.len());
        *copy.add(quoted.len()) = 0;
        let text = copy.cast::<c_char>();
        let value = JS_ParseJSON(context, text, quoted.len() as size_t, INPUT.as_ptr());
        js_free(context, copy.cast());
        if JS_IsException(value) {
            // Whatever it is, the engine says it of the whole text.
            JS_FreeValue(context, JS_GetException(context));
            return Err(Stop::Slow);
        }
        Ok(value)
    }
}

/// The elements of a list that grows, in the engine's memory.
struct List {
    context: *mut JSContext,
    values: *mut JSValue,
    count: usize,
    room: usize,
}

impl List {
    fn push(&mut self, value: JSValue) -> Result<(), Stop> {
        // SAFETY: there is room for the value once the memory was made larger; what was there moves along.
        unsafe {
            if self.count == self.room {
                let room = (2 * self.room).max(8);
                let bytes = (room * size_of::<JSValue>()) as size_t;
                let values: *mut JSValue = js_realloc(self.context, self.values.cast(), bytes).cast();
                if values.is_null() {
                    JS_FreeValue(self.context, value);
                    return Err(Stop::Thrown);
                }
                (self.values, self.room) = (values, room);
            }
            *self.values.add(self.count) = value;
            self.count += 1;
        }
        Ok(())
    }

    /// An array of them.
    fn finish(self) -> Result<JSValue, Stop> {
        // SAFETY: as many values as it says, which it takes over; their memory is given back.
        unsafe {
            let array = JS_NewArrayFrom(self.context, self.count as c_int, self.values);
            js_free(self.context, self.values.cast());
            if JS_IsException(array) { Err(Stop::Thrown) } else { Ok(array) }
        }
    }

    fn discard(self) {
        // SAFETY: each value is held once here.
        unsafe {
            for index in 0..self.count {
                JS_FreeValue(self.context, *self.values.add(index));
            }
            js_free(self.context, self.values.cast());
        }
    }
}
