//! What an engine has before any program: its parts, our functions, room for what runs make.
#![allow(unsafe_code, reason = "the engine is C")]

use std::{
    ffi::{CString, c_int, c_void},
    mem,
    ptr::null_mut,
};

use rquickjs_sys::*;

use super::{Handles, Js, PLAIN, Text, Thrown};
use crate::{
    control::Control,
    engine::{Engine, Envelope},
    envelope::{self, Fields},
    failure::{Failure, FailureKind},
    heap,
    json::{self, Json},
    native,
    reservation::PAGE,
};

/// Bytes of the engine's chunks of blocks of one size, and the sizes of blocks that most programs need.
const CHUNK: usize = 4096;
const BLOCKS: std::ops::RangeInclusive<usize> = 2..=32;

type WithMagic = unsafe extern "C" fn(*mut JSContext, JSValue, c_int, *mut JSValue, c_int) -> JSValue;
type WithoutMagic = unsafe extern "C" fn(*mut JSContext, JSValue, c_int, *mut JSValue) -> JSValue;

impl<'a> Js<'a> {
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

    pub(super) fn define_accessor(
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

    pub(super) fn new_magic(
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
}
