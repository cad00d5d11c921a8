//! Boa's errors as their authors need them. Nothing here runs JavaScript: a thrown object's getters stay untouched.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use boa_engine::{
    JsError, JsObject, JsValue,
    error::{EngineError, RuntimeLimitError},
    js_string,
    property::PropertyKey,
};

use super::run::CALL_PATH;
use crate::js::engine::{Deadline, ErrorClass, Position, ScriptError, Source};

/// Bytes of an error's text that are looked at, and so of what is kept of it.
const MAX_TEXT: usize = 64 * 1024;
/// Bytes of a message.
const MAX_MESSAGE: usize = 2_000;
/// Objects in a thrown one that are shown, and how deep they may lie in it.
const MAX_OBJECTS: usize = 100;
const MAX_DEPTH: usize = 8;
/// Prototypes that are asked for an error's name and message.
const MAX_PROTOTYPES: usize = 32;

/// What a script threw.
pub(super) fn thrown(error: &JsError, deadline: Deadline) -> ScriptError {
    if is_out_of_memory(error) {
        return ScriptError::new(ErrorClass::Memory, "ran out of memory");
    }
    let class = match error.as_engine() {
        // Only loops that the budget does not see reach this bound.
        Some(EngineError::RuntimeLimit(RuntimeLimitError::LoopIteration)) => return deadline.error(),
        Some(EngineError::RuntimeLimit(_)) | None => ErrorClass::Exception,
        Some(_) => ErrorClass::Engine,
    };
    let stack = trace(error);
    let position = stack.iter().find_map(|frame| frame.position.clone());
    let stack = stack.into_iter().map(|frame| frame.text).collect();
    ScriptError { class, message: message(error), position, stack }
}

/// Whether there was no memory for a buffer, the one allocation that Boa lets fail.
fn is_out_of_memory(error: &JsError) -> bool {
    error.as_native().is_some_and(|native| native.message().ends_with("while allocating data block"))
}

/// Boa does not say where an unknown name stands, only where its function begins: looks for the first such name from
/// there on, in the source that the innermost frame is of.
pub(super) fn with_place_of_name(mut error: ScriptError, sources: &[Source]) -> ScriptError {
    let name =
        error.message.strip_prefix("ReferenceError: ").and_then(|rest| rest.strip_suffix(" is not defined"));
    let place = error.stack.first().and_then(|frame| frame.strip_suffix(')')?.split_once(" ("));
    let (Some(name), Some((_, place))) = (name, place) else { return error };
    let mut parts = place.rsplitn(3, ':');
    let (column, line, source_name) = (parts.next(), parts.next(), parts.next().unwrap_or(place));
    let Some(source) = sources.iter().find(|source| &*source.name == source_name) else { return error };
    let number = |text: Option<&str>| {
        text.and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0).unwrap_or(1)
    };
    let start = offset(&source.text, number(line), number(column));
    let of_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    let stands_alone = |at: &usize| {
        let (before, after) = (&source.text[..*at], &source.text[at + name.len()..]);
        !before.ends_with(|character| of_name(character) || character == '.') && !after.starts_with(of_name)
    };
    // `{name: …}` is a key.
    let is_key = |at: &usize| source.text[at + name.len()..].trim_start().starts_with(':');
    let from = source.text.get(start..).unwrap_or("");
    let mut places = from.match_indices(name).map(|(at, _)| start + at).filter(stands_alone);
    if let Some(at) = places.find(|at| !is_key(at)) {
        let before = &source.text[..at];
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) as u32 + 1;
        error.position = Some(Position { source: Arc::clone(&source.name), line, column });
    }
    error
}

/// Where a line and column, counted from 1 and in characters, are in a text.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let in_line =
        text.get(before..).unwrap_or("").chars().take(column - 1).map(char::len_utf8).sum::<usize>();
    before + in_line
}

/// Why a source does not parse.
pub(super) fn syntax(error: &JsError, source: &Source) -> ScriptError {
    let mut message = message(error);
    let end_of_source = || {
        let line = source.text.lines().count().max(1);
        (line as u32, source.text.lines().last().map_or(1, |line| line.chars().count() as u32 + 1))
    };
    let (line, column) = match message.rfind(" at line ").map(|at| (at, &message[at + " at line ".len()..])) {
        Some((at, place)) => {
            let mut numbers =
                place.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
            let found = numbers.next().zip(numbers.next());
            if found.is_some() {
                message.truncate(at);
            }
            found.unwrap_or_else(end_of_source)
        }
        None => end_of_source(),
    };
    let position = Position { source: Arc::clone(&source.name), line, column };
    ScriptError { class: ErrorClass::Syntax, message, position: Some(position), stack: Vec::new() }
}

/// The message with the error's name.
pub(super) fn message(error: &JsError) -> String {
    let mut message = if let Some(native) = error.as_native() {
        named(&native.kind().to_string(), native.message())
    } else if let Some(value) = error.as_opaque() {
        opaque_message(value)
    } else {
        match error.as_engine() {
            Some(EngineError::RuntimeLimit(RuntimeLimitError::Recursion | RuntimeLimitError::StackSize)) => {
                "RangeError: too much recursion".to_owned()
            }
            Some(other) => other.to_string(),
            None => String::new(),
        }
    };
    message.truncate(message.floor_char_boundary(MAX_MESSAGE));
    message
}

fn named(name: &str, message: &str) -> String {
    match (name.is_empty(), message.is_empty()) {
        (true, _) => message.to_owned(),
        (false, true) => name.to_owned(),
        (false, false) => format!("{name}: {message}"),
    }
}

fn opaque_message(value: &JsValue) -> String {
    let Some(object) = value.as_object() else {
        return match value.as_string() {
            // No more of a long text than is shown.
            Some(text) => {
                let start: Vec<u16> = text.iter().take(MAX_MESSAGE).collect();
                format!("Uncaught {:?}", String::from_utf16_lossy(&start))
            }
            None => format!("Uncaught {}", value.display()),
        };
    };
    let text = |key| property(&object, &PropertyKey::from(key)).and_then(|value| value.as_string());
    let (name, message) = (text(js_string!("name")), text(js_string!("message")));
    match (name, message) {
        (Some(name), message) => {
            let message = message.unwrap_or_default();
            named(&name.to_std_string_lossy(), &message.to_std_string_lossy())
        }
        (None, Some(message)) => format!("Uncaught object: {}", message.to_std_string_lossy()),
        (None, None) if is_small(value, MAX_DEPTH, &mut { MAX_OBJECTS }) => {
            let mut text = BoundedText("Uncaught ".to_owned());
            // Fails at the bound, which only ever costs what is beyond it.
            let _ = show(value, &mut text);
            text.0
        }
        (None, None) => "Uncaught object".to_owned(),
    }
}

/// Writes a small value as JSON has it, data properties only.
fn show(value: &JsValue, text: &mut BoundedText) -> fmt::Result {
    let Some(object) = value.as_object() else {
        return match value.as_string() {
            Some(string) => write!(text, "{:?}", string.to_std_string_lossy()),
            None => write!(text, "{}", value.display()),
        };
    };
    let Ok(borrowed) = object.try_borrow() else { return write!(text, "…") };
    let properties = borrowed.properties();
    let is_array = object.is_array();
    let indexed = properties.index_property_keys().map(PropertyKey::from);
    let named = borrowed.shape().keys().into_iter().filter(|_| !is_array);
    text.write_str(if is_array { "[" } else { "{" })?;
    let mut first = true;
    for key in indexed.chain(named) {
        let Some(held) = properties.get(&key).and_then(|property| property.value().cloned()) else {
            continue;
        };
        if !std::mem::take(&mut first) {
            text.write_str(",")?;
        }
        if !is_array {
            write!(text, "{:?}:", key.to_string())?;
        }
        show(&held, text)?;
    }
    text.write_str(if is_array { "]" } else { "}" })
}

/// A data property of the object or of one of its prototypes, without running anything.
fn property(object: &JsObject, key: &PropertyKey) -> Option<JsValue> {
    let mut current = object.clone();
    for _ in 0..MAX_PROTOTYPES {
        let next = {
            let borrowed = current.try_borrow().ok()?;
            if let Some(found) = borrowed.properties().get(key) {
                return found.value().cloned();
            }
            borrowed.prototype()
        };
        current = next?;
    }
    None
}

/// Whether a value and what its data properties hold can be shown; Boa panics over deep objects.
fn is_small(value: &JsValue, depth: usize, objects_left: &mut usize) -> bool {
    let Some(object) = value.as_object() else { return true };
    if depth == 0 || *objects_left == 0 {
        return false;
    }
    *objects_left -= 1;
    let Ok(borrowed) = object.try_borrow() else { return false };
    let properties = borrowed.properties();
    let indexed: Vec<PropertyKey> =
        properties.index_property_keys().take(MAX_OBJECTS + 1).map(PropertyKey::from).collect();
    let named = borrowed.shape().keys();
    indexed.len() + named.len() <= MAX_OBJECTS
        && indexed.iter().chain(&named).all(|key| {
            let property = properties.get(key);
            let held = property.as_ref().and_then(|property| property.value());
            held.is_none_or(|held| is_small(held, depth - 1, objects_left))
        })
}

struct Frame {
    text: String,
    position: Option<Position>,
}

/// The frames of an error, innermost first. Boa keeps them to itself and shows them as the last lines of the
/// error's text, after the thrown value with all that it holds; without frames when that is much.
fn trace(error: &JsError) -> Vec<Frame> {
    if error.as_opaque().is_some_and(|value| !is_small(value, MAX_DEPTH, &mut { MAX_OBJECTS })) {
        return Vec::new();
    }
    let mut text = BoundedText::default();
    // Fails at the bound, which only ever costs frames.
    let _ = write!(text, "{error}");
    let mut frames: Vec<Frame> =
        text.0.lines().rev().map_while(|line| line.strip_prefix("    at ")).filter_map(frame).collect();
    frames.reverse();
    frames
}

fn frame(line: &str) -> Option<Frame> {
    // A source's name may hold parentheses; a function's hardly does.
    let (name, place) = line.split_once(" (")?;
    let place = place.strip_suffix(')')?;
    if place.starts_with(CALL_PATH) {
        return None;
    }
    let mut parts = place.rsplitn(3, ':');
    let (column, line, source) = (parts.next(), parts.next(), parts.next());
    let position = match (column.map(str::parse), line.map(str::parse), source) {
        (Some(Ok(column)), Some(Ok(line)), Some(source)) => {
            Some(Position { source: source.into(), line, column })
        }
        _ => None,
    };
    Some(Frame { text: format!("at {name} ({place})"), position })
}

/// Text up to a bound, then an error: a thrown object may be of any size and depth.
#[derive(Default)]
struct BoundedText(String);

impl fmt::Write for BoundedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_TEXT {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
