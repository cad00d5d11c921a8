//! What native code of a running engine finds outside the arena: where to suspend to, and what its run is allowed.

use std::{
    cell::{Cell, OnceCell},
    ops::Range,
    ptr::{null, null_mut},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use corosensei::Yielder;
use rquickjs_sys::JSValue;

use crate::{dirty::Dirty, engine::Engine, envelope::Fields, heap::Heap, json::Json};

/// Bytes of stack below a local of [`Control::suspend`] that changing stacks takes, by a wide margin.
const SWITCH_BYTES: usize = 2048;

/// What goes into a suspended run.
pub(crate) enum Input {
    /// Go on.
    Go,
    /// The answer of the host function that it waits for.
    Answer(Answer),
}

/// What comes out of a run that suspends itself.
pub(crate) enum Output {
    /// The arguments are made; they need not live any longer.
    Ready,
    /// It asks the host.
    HostCall {
        /// Index in [`Engine::functions`].
        function: usize,
        /// Its arguments as text.
        arguments: Vec<String>,
    },
    /// Its time slice is over.
    Preempted,
}

/// What a host function gives back to the script.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// Throws an `Error` with this message.
    Throw(String),
}

pub(crate) type RunYielder = Yielder<Input, Output>;

/// One for each arena, at the same address as long as it lives; the engine's context points to it.
///
/// Only the thread that runs the arena touches it, and signal handlers on that thread: plain cells for what no handler
/// looks at, atomics for the rest.
pub(crate) struct Control {
    pub(crate) engine: Arc<Engine>,
    pub(crate) heap: *const Heap,
    pub(crate) stack: Range<usize>,
    dirty: Dirty,
    yielder: Cell<*const RunYielder>,
    /// Engine code runs, which may be interrupted anywhere: no Rust value that needs dropping is on its stack, no lock
    /// is held.
    inside: AtomicBool,
    /// Monotonic nanoseconds at which the slice is over.
    slice_end: AtomicU64,
    /// The lowest address of its stack that a suspended run may need.
    stack_pointer: Cell<usize>,
    /// The engine's counter of polls, at whose end it calls the interrupt handler.
    pub(crate) poll_counter: Cell<*mut i32>,
    /// The engine's state of `Math.random`.
    pub(crate) random: Cell<*mut u64>,
    /// The engine's own `Date`, behind ours.
    pub(crate) date: Cell<JSValue>,
    /// What `JSON` without detours needs; empty where the engine's objects are otherwise than it knows them.
    pub(crate) json: OnceCell<Json>,
    /// The fields of the envelope, where the engine has one.
    pub(crate) envelope: OnceCell<Fields>,
    /// Milliseconds at which `Date` stands; the clock goes on without.
    pub(crate) clock_millis: Cell<Option<i64>>,
    /// Lazy globals that were made, by bit.
    pub(crate) touched: Cell<u32>,
}

impl Control {
    pub(crate) fn new(engine: Arc<Engine>, heap: *const Heap, stack: Range<usize>) -> Box<Self> {
        Box::new(Self {
            engine,
            heap,
            stack,
            dirty: Dirty::new(heap as usize),
            yielder: Cell::new(null()),
            inside: AtomicBool::new(false),
            slice_end: AtomicU64::new(u64::MAX),
            stack_pointer: Cell::new(0),
            poll_counter: Cell::new(null_mut()),
            random: Cell::new(null_mut()),
            date: Cell::new(rquickjs_sys::JS_UNDEFINED),
            json: OnceCell::new(),
            envelope: OnceCell::new(),
            clock_millis: Cell::new(None),
            touched: Cell::new(0),
        })
    }

    /// The addresses in which those of the engine's objects lie that it makes at first.
    pub(crate) fn memory(&self) -> Range<usize> {
        self.heap as usize..self.heap as usize + self.engine.memory
    }

    /// What was written to.
    pub(crate) fn dirty(&self) -> &Dirty {
        &self.dirty
    }

    /// What was written to, to be changed while nothing runs.
    pub(crate) fn dirty_mut(&mut self) -> &mut Dirty {
        &mut self.dirty
    }

    pub(crate) fn set_yielder(&self, yielder: &RunYielder) {
        self.yielder.set(yielder);
    }

    pub(crate) fn set_slice_end(&self, nanos: u64) {
        self.slice_end.store(nanos, Ordering::Relaxed);
    }

    pub(crate) fn slice_end(&self) -> u64 {
        self.slice_end.load(Ordering::Relaxed)
    }

    /// The lowest address of its stack that the run needs which suspended itself last.
    pub(crate) fn stack_pointer(&self) -> usize {
        self.stack_pointer.get()
    }

    pub(crate) fn is_inside(&self) -> bool {
        self.inside.load(Ordering::Relaxed)
    }

    pub(crate) fn set_inside(&self, inside: bool) {
        // A handler on the same thread sees stores in order; the compiler must not move them either.
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
        self.inside.store(inside, Ordering::Relaxed);
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    }

    /// Runs engine code that may be interrupted anywhere.
    pub(crate) fn inside<T>(&self, engine_code: impl FnOnce() -> T) -> T {
        self.set_inside(true);
        let result = engine_code();
        self.set_inside(false);
        result
    }

    /// Leaves the arena's stack for whoever resumed the run, until it is resumed again: maybe never, maybe on another
    /// thread. Nothing on the stack may need dropping.
    #[inline(never)]
    pub(crate) fn suspend(&self, output: Output) -> Input {
        let yielder = self.yielder.get();
        debug_assert!(!yielder.is_null());
        let here = 0_u8;
        self.stack_pointer.set((&raw const here as usize).saturating_sub(SWITCH_BYTES));
        crate::coroutine::suspend(yielder, output)
    }
}
