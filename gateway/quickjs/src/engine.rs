//! What all arenas of a gateway have in common.

use std::{ffi::CStr, sync::Arc};

/// One source text.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name for errors.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

/// A function that the host answers.
#[derive(Debug, Clone)]
pub struct Function {
    /// Name in the global object, and what its `name` says.
    pub name: String,
    /// How many arguments it takes; further ones are not looked at.
    pub arguments: usize,
    /// Whether it stands in the global object; otherwise only a [`Field`] leads to it.
    pub global: bool,
}

/// A global that is made when a script first touches it.
#[derive(Debug, Clone)]
pub struct LazyGlobal {
    /// Name in the global object.
    pub name: String,
    /// Assigns it.
    pub source: Source,
}

/// One property of an object that [`Value::Object`](crate::Value::Object) fills.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name of the property.
    pub name: String,
    /// How scripts see it.
    pub kind: FieldKind,
}

/// How scripts see a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// An ordinary property.
    Visible,
    /// A property that is not enumerable.
    Hidden,
    /// Not enumerable; the host function of this index answers when it is read.
    Asked(usize),
    /// An ordinary property that no call gives a value: in each run it begins as what this JSON text says.
    Given(&'static CStr),
}

/// A function in the global object that gives the JSON text of an object of its arguments, as the `JSON.stringify` of a
/// pristine engine does.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Name of the function.
    pub name: String,
    /// Names of the object's fields, one for each argument.
    pub fields: Vec<String>,
}

/// What all arenas have in common: sizes, and what scripts find in their global object.
#[derive(Debug, Clone)]
pub struct Engine {
    /// Bytes of memory of a program and a run of it together.
    pub memory: usize,
    /// Bytes of stack; a script that needs more gets a `RangeError`.
    pub stack: usize,
    /// Functions that the host answers.
    pub functions: Vec<Function>,
    /// The function that makes a script's answer.
    pub envelope: Option<Envelope>,
    /// Sources that come before those of any program; their frames are left out of stacks.
    pub core: Vec<Source>,
    /// Globals that are made at first touch, at most 32.
    pub lazy_globals: Vec<LazyGlobal>,
    /// Objects that are filled for runs, each with its properties.
    pub objects: Vec<Vec<Field>>,
    /// Names that runs use often, such as those of headers.
    pub names: Vec<String>,
    /// Bytes of programs' images that an arena keeps; the least recently used go first and are made anew when needed.
    pub image_bytes: usize,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            memory: 32 << 20,
            stack: 4 << 20,
            functions: Vec::new(),
            envelope: None,
            core: Vec::new(),
            lazy_globals: Vec::new(),
            objects: Vec::new(),
            names: Vec::new(),
            image_bytes: 64 << 20,
        }
    }
}

/// The sources of one API, which share one global scope.
#[derive(Debug)]
pub struct Program {
    /// Sources in load order.
    pub sources: Vec<Source>,
    /// Which of them are left out, by index; those beyond its end are not.
    pub skipped: Vec<bool>,
    /// What [`Value::Config`](crate::Value::Config) is, as JSON text.
    pub config_json: Arc<str>,
    /// Where `Math.random` begins while the sources are loaded.
    pub seed: u64,
    /// Milliseconds at which `Date` stands while the sources are loaded; the clock goes on without.
    pub clock_millis: Option<i64>,
    /// Lazy globals that are made before the sources, by bit: those that runs touch anyway.
    pub warm: u32,
}

impl Program {
    /// A program of these sources with nothing else set.
    pub fn new(sources: Vec<Source>) -> Self {
        Self {
            sources,
            skipped: Vec::new(),
            config_json: "null".into(),
            seed: 1,
            clock_millis: None,
            warm: 0,
        }
    }
}
