//! The engine's interface, as far as it is used, behind safe functions.
//!
//! Invariants: a [`Js`] exists only while its arena runs and its functions are called on the arena's stack; values are
//! plain copies of the engine's, all of its own arena and not used after the arena was restored to a state before they
//! were made. Nobody frees what a run made, since the arena is restored after it; only what a loop might make without
//! bound is freed at once.
#![allow(unsafe_code, reason = "the engine is C")]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    mem,
    ptr::null_mut,
    slice,
};

use rquickjs_sys::*;

use crate::{
    control::Control,
    engine::{Engine, Envelope, Field, FieldKind, Source},
    envelope::{self, Fields},
    failure::{Failure, FailureKind, frames},
    heap,
    json::{self, Json},
    native,
    reservation::PAGE,
    value::Value,
};

/// Bytes of a message that are kept.
const MAX_MESSAGE: usize = 4096;
/// Prototypes that are looked through for an error's name and message.
const MAX_PROTOTYPES: usize = 32;
/// Name of the source through which functions are called; left out of stacks.
const CALL_SOURCE: &CStr = c"gatehouse:call";

/// Bytes of the engine's chunks of blocks of one size, and the sizes of blocks that most programs need.
const CHUNK: usize = 4096;
const BLOCKS: std::ops::RangeInclusive<usize> = 2..=32;

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

/// What the base image holds for runs.
pub(crate) struct Handles {
    objects: Vec<Filled>,
}

/// An object that runs fill.
struct Filled {
    object: Held,
    /// Its properties that take a value.
    fields: Vec<JSAtom>,
}

/// A source as the engine reads it: both end in a zero byte.
pub(crate) struct Text {
    name: CString,
    text: Vec<u8>,
    hidden: bool,
}

impl Text {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let name: Vec<u8> = name.bytes().filter(|byte| *byte != 0).collect();
        let mut text = text.as_bytes().to_vec();
        text.push(0);
        Self { name: CString::new(name).unwrap_or_default(), text, hidden: false }
    }

    fn of_call(text: String) -> Self {
        let mut text = text.into_bytes();
        text.push(0);
        Self { name: CALL_SOURCE.to_owned(), text, hidden: true }
    }
}

impl From<&Source> for Text {
    fn from(source: &Source) -> Self {
        Self::new(&source.name, &source.text)
    }
}

/// Sources that ask for a function and call it.
pub(crate) struct CallTexts {
    probe: Text,
    call: Text,
}

impl CallTexts {
    /// For a function named by any expression, such as `handlers.inner.go`. Only a source finds what `let`, `const` and
    /// `class` declare at the top level.
    ///
    /// The function gets this many arguments, so that its `arguments` has no more.
    pub(crate) fn new(function: &str, count: usize) -> Self {
        let names: Vec<String> = (0..count).map(|index| format!("$a_{index}")).collect();
        let names = names.join(",");
        Self {
            probe: Text::of_call(format!("typeof {function}===\"function\"")),
            call: Text::of_call(format!("(function({names}){{return {function}({names})}})")),
        }
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

    /// Makes an engine in the arena's heap.
    pub(crate) fn create(control: &'a Control) -> Result<Self, Failure> {
        let failed = || Failure::new(FailureKind::Engine, "the engine does not start: too little memory");
        let opaque: *mut c_void = (control as *const Control).cast_mut().cast();
        // SAFETY: the heap was made before, and the functions work on it; the control outlives the engine, at the same
        // address. The runtime is never freed: its memory goes with the arena.
        unsafe {
            let runtime = JS_NewRuntime2(&heap::FUNCTIONS, control.heap.cast_mut().cast());
            if runtime.is_null() {
                return Err(failed());
            }
            JS_UpdateStackTop(runtime);
            let stack = control.engine.stack;
            JS_SetMaxStackSize(runtime, stack as size_t);
            JS_SetInterruptHandler(runtime, Some(native::on_poll), opaque);
            JS_SetGCThreshold(runtime, (control.engine.memory / 4) as size_t);
            let context = JS_NewContextRaw(runtime);
            if context.is_null() {
                return Err(failed());
            }
            JS_SetContextOpaque(context, opaque);
            let parts = [
                JS_AddIntrinsicBaseObjects,
                JS_AddIntrinsicDate,
                JS_AddIntrinsicEval,
                JS_AddIntrinsicRegExp,
                JS_AddIntrinsicJSON,
                JS_AddIntrinsicProxy,
                JS_AddIntrinsicMapSet,
                JS_AddIntrinsicTypedArrays,
                JS_AddIntrinsicPromise,
                JS_AddIntrinsicWeakRef,
            ];
            if parts.iter().any(|add| add(context) != 0) {
                return Err(failed());
            }
            let js = Self { context, control };
            js.find_counters()?;
            Ok(js)
        }
    }

    /// Everything that all programs of the arena share.
    pub(crate) fn prepare(&self, engine: &Engine, core: &[Text]) -> Result<Handles, Failure> {
        self.install(engine).map_err(|Thrown| self.failure(FailureKind::Engine))?;
        for source in core {
            self.run_source(source).map_err(|mut failure| {
                failure.message = format!("a core source failed: {}", failure.message);
                failure.kind = FailureKind::Engine;
                failure
            })?;
        }
        self.collect_garbage();
        self.make_room();
        // What runs write to comes last, next to where their own blocks will be.
        self.new_handles(engine).map_err(|Thrown| self.failure(FailureKind::Engine))
    }

    fn install(&self, engine: &Engine) -> Result<(), Thrown> {
        let global = self.global();
        for (index, function) in engine.functions.iter().enumerate() {
            if function.global {
                let value =
                    self.new_magic(&function.name, native::host_function, function.arguments, index)?;
                self.define(global, self.atom(&function.name)?, value, PLAIN)?;
            }
        }
        for (index, lazy) in engine.lazy_globals.iter().enumerate() {
            let getter = self.new_magic(&lazy.name, native::lazy_getter, 0, index)?;
            let setter = self.new_magic(&lazy.name, native::lazy_setter, 1, index)?;
            self.define_accessor(global, self.atom(&lazy.name)?, getter, setter)?;
        }
        // They could make a thread wait, and share memory between what must know nothing of each other.
        // Nothing ever calls what is given to `queueMicrotask`, and Tyk does not have it.
        for name in ["SharedArrayBuffer", "Atomics", "queueMicrotask"] {
            // SAFETY: a valid object and atom.
            unsafe {
                JS_DeleteProperty(self.context, global, self.atom(name)?, 0);
            }
        }
        self.install_date(global)?;
        self.install_json(global)?;
        self.install_envelope(engine, global)
    }

    fn new_handles(&self, engine: &Engine) -> Result<Handles, Thrown> {
        for name in &engine.names {
            self.atom(name)?;
        }
        let objects =
            engine.objects.iter().map(|fields| self.new_filled(fields)).collect::<Result<_, _>>()?;
        Ok(Handles { objects })
    }

    /// An object that runs fill, without what they give.
    fn new_filled(&self, fields: &[Field]) -> Result<Filled, Thrown> {
        // SAFETY: the context's own object.
        let object = self.checked(unsafe { JS_NewObject(self.context) })?;
        let mut taking = Vec::with_capacity(fields.len());
        for field in fields {
            // The names stay with the image.
            let atom = self.atom(&field.name)?;
            match field.kind {
                FieldKind::Visible => self.define(object, atom, JS_UNDEFINED, JS_PROP_C_W_E)?,
                FieldKind::Hidden => self.define(object, atom, JS_UNDEFINED, PLAIN)?,
                FieldKind::Given(json) => {
                    self.define(object, atom, self.parse_json(json)?, JS_PROP_C_W_E)?;
                    continue;
                }
                FieldKind::Asked(function) => {
                    let getter = self.new_magic(&field.name, native::host_function, 0, function)?;
                    self.define_accessor(object, atom, getter, JS_UNDEFINED)?;
                    continue;
                }
            }
            taking.push(atom);
        }
        Ok(Filled { object: Held(object), fields: taking })
    }

    /// Leaves a chunk of free blocks of each size in the base image, and all others full. A program that comes to need a
    /// chunk of its own would have the whole of it in its image; and what runs write to is what has to be copied back
    /// after them, so that their blocks should lie next to each other.
    fn make_room(&self) {
        // SAFETY: memory of the context; the heap is not borrowed while the arena runs.
        unsafe {
            let used = || (*self.control.heap).used();
            // The chunks begin within a page, and each a little earlier than the one before it, so that the head and the
            // first blocks of each lie in one page.
            let from = used().next_multiple_of(PAGE) + PAGE / 2;
            js_malloc(self.context, (from - used() - 2 * heap::HEAD) as size_t);
            for size in BLOCKS.map(|units| units * 8 - 8) {
                // Until one is the first of a new chunk; it stays, so that the chunk does.
                for _ in 0..4 * CHUNK / (size + 8) {
                    let before = used();
                    js_malloc(self.context, size as size_t);
                    if used() != before {
                        break;
                    }
                }
            }
        }
    }

    fn install_envelope(&self, engine: &Engine, global: JSValue) -> Result<(), Thrown> {
        let Some(Envelope { name, fields }) = &engine.envelope else { return Ok(()) };
        let (c_name, count) = (CString::new(name.as_str()).unwrap_or_default(), fields.len() as c_int);
        let kind = JSCFunctionEnum_JS_CFUNC_generic;
        // SAFETY: a function of this kind.
        let function = unsafe {
            JS_NewCFunction2(self.context, Some(envelope::envelope), c_name.as_ptr(), count, kind, 0)
        };
        let _ = self.control.envelope.set(Fields::new(self, fields)?);
        self.define(global, self.atom(name)?, function, PLAIN)
    }

    /// Puts our `Date` before the engine's own.
    fn install_date(&self, global: JSValue) -> Result<(), Thrown> {
        let own = self.property(global, c"Date")?;
        let prototype = self.property(own, c"prototype")?;
        self.control.date.set(own);
        // SAFETY: functions of the right kinds, values of this context.
        unsafe {
            let kind = JSCFunctionEnum_JS_CFUNC_constructor_or_func;
            let date = JS_NewCFunction2(self.context, Some(native::date), c"Date".as_ptr(), 7, kind, 0);
            let kind = JSCFunctionEnum_JS_CFUNC_generic;
            let now = JS_NewCFunction2(self.context, Some(native::date_now), c"now".as_ptr(), 0, kind, 0);
            self.define(date, self.atom("prototype")?, prototype, 0)?;
            self.define(date, self.atom("now")?, now, PLAIN)?;
            for (name, text) in [(c"UTC", "UTC"), (c"parse", "parse")] {
                self.define(date, self.atom(text)?, self.property(own, name)?, PLAIN)?;
            }
            self.define(prototype, self.atom("constructor")?, JS_DupValue(self.context, date), PLAIN)?;
            self.define(global, self.atom("Date")?, date, PLAIN)
        }
    }

    /// Puts our `JSON.parse` and `JSON.stringify` in place of the engine's own.
    fn install_json(&self, global: JSValue) -> Result<(), Thrown> {
        let object = self.property(global, c"JSON")?;
        let parse = self.property(object, c"parse")?;
        let Some(json) = Json::new(self, parse, self.control.memory())? else { return Ok(()) };
        let _ = self.control.json.set(json);
        let kind = JSCFunctionEnum_JS_CFUNC_generic;
        // SAFETY: functions of this kind.
        unsafe {
            let parse = JS_NewCFunction2(self.context, Some(json::parse), c"parse".as_ptr(), 2, kind, 0);
            self.define(object, self.atom("parse")?, parse, PLAIN)?;
            let name = c"stringify".as_ptr();
            let stringify = JS_NewCFunction2(self.context, Some(json::stringify), name, 3, kind, 0);
            self.define(object, self.atom("stringify")?, stringify, PLAIN)
        }
    }

    /// Finds the engine's counter of polls and state of `Math.random` in its context, which tells nobody where they are.
    fn find_counters(&self) -> Result<(), Failure> {
        const WORDS: usize = 256;
        let failed =
            || Failure::new(FailureKind::Engine, "the engine does not start: its context has changed");
        let math = self.property(self.global(), c"Math").map_err(|Thrown| failed())?;
        let random = self.property(math, c"random").map_err(|Thrown| failed())?;
        let words = self.context.cast::<u64>();
        // SAFETY: the context is an allocation of the arena, which is readable for longer than that behind it. The
        // counter's place is written to only if it behaved like the counter.
        unsafe {
            let before: Vec<u64> = (0..WORDS).map(|index| words.add(index).read_volatile()).collect();
            JS_Call(self.context, random, JS_UNDEFINED, 0, null_mut());
            let next = |mut state: u64| {
                state ^= state >> 12;
                state ^= state << 25;
                state ^ (state >> 27)
            };
            let place = (0..WORDS - 2).find(|index| {
                before[*index] != 0 && words.add(*index).read_volatile() == next(before[*index])
            });
            let state = words.add(place.ok_or_else(failed)?);
            self.control.random.set(state);
            // After the state: the seed of hashes, then the counter.
            let counter = state.cast::<i32>().add(3);
            counter.write_volatile(1_000);
            let text = Text::new("", "(function(){for(var i=0;i<100;i++);})()");
            self.run_source(&text)?;
            // Once or twice for each iteration.
            if (700..=900).contains(&counter.read_volatile()) {
                self.control.poll_counter.set(counter);
                return Ok(());
            }
        }
        Err(failed())
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

    /// Makes an argument; nothing of it is needed afterwards.
    pub(crate) fn argument(
        &self,
        value: &Value<'_>,
        config: Held,
        handles: &Handles,
    ) -> Result<JSValue, Thrown> {
        // SAFETY: values and atoms of this context.
        unsafe {
            self.checked(match value {
                Value::Undefined => JS_UNDEFINED,
                Value::Config => JS_DupValue(self.context, config.0),
                Value::Text(text) => self.new_text(text),
                Value::Json(text) if text.to_bytes() == b"{}" => JS_NewObject(self.context),
                Value::Json(text) => return self.parse_json(text),
                Value::Lists(lists) => {
                    let object = JS_NewObject(self.context);
                    for (name, values) in *lists {
                        let list = self.new_list(values)?;
                        self.define(object, self.atom(name)?, list, JS_PROP_C_W_E)?;
                    }
                    object
                }
                Value::Object(index, values) => {
                    let Some(Filled { object: Held(object), fields }) = handles.objects.get(*index) else {
                        return Ok(JS_UNDEFINED);
                    };
                    let object = *object;
                    for (value, atom) in values.iter().zip(fields) {
                        let value = self.argument(value, config, handles)?;
                        if JS_SetProperty(self.context, object, *atom, value) < 0 {
                            return Err(Thrown);
                        }
                    }
                    JS_DupValue(self.context, object)
                }
            })
        }
    }

    fn new_list(&self, texts: &[String]) -> Result<JSValue, Thrown> {
        // Nearly all have one element.
        let mut few = [JS_UNDEFINED; 4];
        let mut many = Vec::new();
        let values = if texts.len() <= few.len() {
            &mut few[..texts.len()]
        } else {
            many.resize(texts.len(), JS_UNDEFINED);
            &mut many[..]
        };
        for (value, text) in values.iter_mut().zip(texts) {
            *value = self.checked(self.new_text(text))?;
        }
        // SAFETY: as many values as it says.
        self.checked(unsafe { JS_NewArrayFrom(self.context, values.len() as c_int, values.as_ptr()) })
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

    fn define_accessor(
        &self,
        object: JSValue,
        name: JSAtom,
        getter: JSValue,
        setter: JSValue,
    ) -> Result<(), Thrown> {
        let flags = JS_PROP_CONFIGURABLE as c_int;
        // SAFETY: values of this context, given away.
        let defined = unsafe { JS_DefinePropertyGetSet(self.context, object, name, getter, setter, flags) };
        if defined < 0 { Err(Thrown) } else { Ok(()) }
    }

    fn new_magic(
        &self,
        name: &str,
        function: WithMagic,
        arguments: usize,
        magic: usize,
    ) -> Result<JSValue, Thrown> {
        let name = CString::new(name).unwrap_or_default();
        let kind = JSCFunctionEnum_JS_CFUNC_generic_magic;
        // SAFETY: the engine calls a function of this kind with the magic as one more argument, as its type here has it.
        self.checked(unsafe {
            let function = mem::transmute::<WithMagic, WithoutMagic>(function);
            JS_NewCFunction2(
                self.context,
                Some(function),
                name.as_ptr(),
                arguments as c_int,
                kind,
                magic as c_int,
            )
        })
    }

    pub(crate) fn checked(&self, value: JSValue) -> Result<JSValue, Thrown> {
        // SAFETY: looks at the value's tag only.
        if unsafe { JS_IsException(value) } { Err(Thrown) } else { Ok(value) }
    }

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

/// Writable and configurable, not enumerable.
const PLAIN: u32 = JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE;

type WithMagic = unsafe extern "C" fn(*mut JSContext, JSValue, c_int, *mut JSValue, c_int) -> JSValue;
type WithoutMagic = unsafe extern "C" fn(*mut JSContext, JSValue, c_int, *mut JSValue) -> JSValue;

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

/// Text that ends in a zero byte.
pub(crate) fn c_text(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure::new(FailureKind::Engine, "JSON with a zero byte in it"))
}
