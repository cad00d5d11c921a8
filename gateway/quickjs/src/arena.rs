//! One engine in its own memory, and what it knows of programs.
//!
//! An arena holds the *base*: the engine with what all programs share. A program's *image* is what the arena holds once
//! its sources are loaded; only the bytes that differ from a *model* are kept for each. That is the first program's image,
//! which has more in common with the others than the base has: all of them count references to the same objects, and
//! take the same blocks for much the same things. A run works in the arena, and afterwards the image is copied back,
//! whatever the run did. An image belongs to the arena in which it was made, since
//! it is full of addresses; another arena makes its own when it needs it.

mod content;
mod images;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub(crate) use self::images::Image;
use self::{
    content::{Holds, WATCHED_RUNS},
    images::{Caller, snapshot},
};
use crate::{
    control::{Answer, Control},
    coroutine::execute,
    engine::{Engine, Program},
    failure::{Failure, FailureKind},
    heap,
    image::Delta,
    js::{CallTexts, Context, Handles, Held, Js, Text, c_text},
    preempt,
    reservation::Reservation,
    run::{Call, Run},
    value::Value,
};

/// Bytes of stack below what the engine may use: our native functions, and the frame of a signal handler.
const STACK_RESERVE: usize = 128 << 10;
/// Runs after a load until pages are watched anew: it writes to nearly all of them, since it collects garbage at its end.
const RUNS_AFTER_LOAD: u32 = 64;
/// Time that looking up a function may take.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What the host says to a call while a program is loaded.
#[derive(Debug)]
pub enum HostReply {
    /// Its answer.
    Answer(Answer),
    /// The load ends here.
    End,
}

/// A call that did not begin.
#[derive(Debug)]
pub struct NotStarted {
    /// The arena, as it was.
    pub arena: Arena,
    /// Why not.
    pub failure: Failure,
}

/// An engine with its own memory. It runs one thing at a time, on any thread.
pub struct Arena {
    id: u64,
    engine: Arc<Engine>,
    pub(crate) control: Box<Control>,
    context: Context,
    handles: Handles,
    /// What images are kept as differences from: the base at first, then the image of the first program. It never changes
    /// after that, since parked runs have images too.
    model: Vec<u8>,
    /// The base as such a difference.
    base: Box<Delta>,
    base_bytes: usize,
    /// Bytes from the heap's start of which any may be other than zero beyond what the heap holds.
    marked: usize,
    /// What the heap holds when it holds an image that runs used again: the model with the image's bytes, or the base's.
    pristine: Vec<u8>,
    /// Whose image that is.
    pristine_of: Option<Arc<Image>>,
    /// The image that the last run began with, or the heap was made to hold; none is the base.
    current: Option<Arc<Image>>,
    holds: Holds,
    /// Whether the last run's program was another one than the one before.
    in_turn: bool,
    /// Whether the heap held the current image already when its pages were watched anew, so that those where it differs from the model
    /// may not count as written to. Otherwise the differences were written to the heap since.
    settled: bool,
    /// The parts of the image that runs write to: as of which change, for which length, offset and end of each.
    written: (u32, usize, Vec<(usize, usize)>),
    images: HashMap<*const Program, Arc<Image>>,
    uses: u64,
    /// Bytes that the next load or run may use.
    memory: usize,
    /// Runs until pages are watched anew.
    watch_in: u32,
    // Last: everything else points into it.
    pub(crate) reservation: Reservation,
}

// SAFETY: the pointers in it lead into its own reservation, to its own control, or (those of programs) are compared
// only. The engine and our native functions keep nothing in thread-local storage, see `crate::coroutine`.
#[allow(unsafe_code, reason = "a promise that the compiler cannot check")]
unsafe impl Send for Arena {}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arena")
            .field("id", &self.id)
            .field("images", &self.images.len())
            .finish_non_exhaustive()
    }
}

impl Arena {
    /// A new engine in new memory, with the core sources loaded. Takes some hundred microseconds.
    ///
    /// # Errors
    /// When there is no memory for it, or a core source does not load.
    pub fn new(engine: &Arc<Engine>) -> Result<Self, Failure> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let no_memory =
            |error| Failure::new(FailureKind::Engine, format!("no memory for a JavaScript engine: {error}"));
        let reservation = Reservation::new(engine.stack + STACK_RESERVE, engine.memory, engine.most_memory);
        let mut reservation = reservation.map_err(no_memory)?;
        let heap = heap::create(&reservation);
        let mut control = Control::new(Arc::clone(engine), heap, reservation.stack());
        let core: Vec<Text> = engine.core.iter().map(Text::from).collect();
        let made = execute(&reservation, &control, None, &mut |_, _| HostReply::End, |control| {
            let js = Js::create(control)?;
            let handles = js.prepare(engine, &core)?;
            Ok((js.context(), handles))
        });
        let (context, handles) = made.and_then(|made| made)?;
        let base = snapshot(&mut reservation);
        control.dirty_mut().watch(base.len());
        Ok(Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            engine: Arc::clone(engine),
            control,
            context,
            handles,
            base: Box::new(Delta::between(&base, &base)),
            base_bytes: base.len(),
            marked: base.len(),
            pristine: base.clone(),
            model: base,
            pristine_of: None,
            current: None,
            holds: Holds::Image,
            in_turn: false,
            settled: false,
            written: (0, 0, Vec::new()),
            images: HashMap::new(),
            uses: 0,
            memory: engine.memory,
            watch_in: WATCHED_RUNS,
            reservation,
        })
    }

    /// A number that no other arena has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether the program is loaded here.
    pub fn has(&self, program: &Arc<Program>) -> bool {
        self.images.contains_key(&Arc::as_ptr(program))
    }

    /// Lets the loads and runs that begin from now on use so many bytes of memory, what the program has in it included.
    pub fn set_memory(&mut self, bytes: usize) {
        self.memory = bytes;
    }

    /// Puts the limit on memory in place, before engine code runs.
    fn limit_memory(&mut self) {
        // Without more memory there is as much as before, and the script hears of it when that is full.
        let _ = self.reservation.grow(self.memory);
        let limit = self.memory.min(self.reservation.heap_bytes());
        heap::of_mut(&mut self.reservation).set_limit(limit);
    }

    /// Loads a program: runs its sources in order, with `host` behind the host functions. A source that fails does not
    /// keep the others from loading; the failures are returned by index.
    ///
    /// The state after it is what every run of the program begins with in this arena. A source that does not end until
    /// `deadline`, or that the host ends, fails with all those after it, and nothing is kept.
    ///
    /// # Errors
    /// When the config is not JSON.
    pub fn load(
        &mut self,
        program: &Arc<Program>,
        deadline: Option<Instant>,
        host: &mut dyn FnMut(usize, Vec<String>) -> HostReply,
    ) -> Result<Vec<(usize, Failure)>, Failure> {
        let config = c_text(&program.config_json)?;
        let sources: Vec<Text> = program.sources.iter().map(Text::from).collect();
        let skipped = |index: usize| program.skipped.get(index).copied().unwrap_or(false);
        self.activate(None);
        // What earlier runs left above the base would be kept as part of the image.
        let (base, marked) = (self.base_bytes, self.marked.max(self.model.len()));
        self.reservation.contents_mut(marked)[base.min(marked)..].fill(0);
        self.marked = base;
        self.holds = Holds::Remains;
        self.limit_memory();
        self.control.clock_millis.set(program.clock_millis);
        let (context, failures, at) = (self.context, RefCell::new(Vec::new()), Cell::new(0));
        let loaded = execute(&self.reservation, &self.control, deadline, host, |control| {
            let js = context.on(control);
            js.bound_garbage();
            js.seed(program.seed);
            for index in (0..u32::BITS).filter(|index| program.warm & (1 << index) != 0) {
                let made = js.make_lazy_global(index as usize);
                made.map_err(|_| js.failure(FailureKind::Engine))?;
            }
            for (index, source) in sources.iter().enumerate() {
                if skipped(index) {
                    continue;
                }
                at.set(index);
                if let Err(failure) = js.run_source(source) {
                    failures.borrow_mut().push((index, failure));
                }
            }
            let config = js.parse_json(&config).map_err(|_| js.failure(FailureKind::Engine))?;
            // What sources threw and nobody took is not what runs throw.
            js.forget_back_trace();
            js.collect_garbage();
            Ok(Held(config))
        });
        self.control.clock_millis.set(None);
        self.watch_in = self.watch_in.min(RUNS_AFTER_LOAD);
        let mut failures = failures.into_inner();
        match loaded {
            Ok(config) => {
                self.keep(program, config?, Vec::new());
            }
            Err(failure) => {
                failures.extend((at.get()..sources.len()).map(|index| (index, failure.clone())));
            }
        }
        Ok(failures)
    }

    /// Begins a call of one of the program's functions, which must be loaded here, with at most four arguments. `random` is what `Math.random` begins
    /// with, `limit` the bytes of text that the function may return.
    ///
    /// # Errors
    /// When the function is not there or the arguments do not fit; the arena comes back.
    pub fn start(
        mut self,
        program: &Arc<Program>,
        function: &Arc<str>,
        arguments: &[Value<'_>],
        random: u64,
        limit: usize,
    ) -> Result<Run, Box<NotStarted>> {
        let caller = match self.caller(program, function, arguments.len()) {
            Ok(caller) => caller,
            Err(failure) => return Err(Box::new(NotStarted { arena: self, failure })),
        };
        self.activate(Some(&caller.0));
        self.holds = Holds::Remains;
        self.limit_memory();
        let call = Call { function: caller.1, config: caller.0.config, arguments, random, limit };
        Run::start(self, caller.0, &call)
    }

    /// The function that calls the named one, and the image that holds it; made at the first call.
    fn caller(
        &mut self,
        program: &Arc<Program>,
        function: &Arc<str>,
        count: usize,
    ) -> Result<(Arc<Image>, Held), Failure> {
        let Some(image) = self.images.get(&Arc::as_ptr(program)).map(Arc::clone) else {
            return Err(Failure::new(FailureKind::Engine, "the program is not loaded in this arena"));
        };
        self.uses += 1;
        image.used.store(self.uses, Ordering::Relaxed);
        let known = |caller: &&Caller| caller.count == count && caller.function == *function;
        if let Some(caller) = image.callers.iter().find(known) {
            let held = caller.held.clone()?;
            return Ok((image, held));
        }
        let (texts, context) = (CallTexts::new(function, count), self.context);
        let begun = preempt::thread_time();
        let made = loop {
            self.activate(Some(&image));
            self.holds = Holds::Remains;
            self.limit_memory();
            // Looking a name up may run a getter, but waits for nobody.
            let deadline = Some(Instant::now() + LOOK_UP);
            let end = &mut |_, _| HostReply::End;
            let made = execute(&self.reservation, &self.control, deadline, end, |control| {
                context.on(control).caller(&texts)
            });
            let made = made.and_then(|made| made);
            let late = matches!(&made, Err(failure) if failure.kind == FailureKind::Timeout);
            // What becomes of it is remembered, so the time must have been its own, not that of others on a busy machine.
            if !late || preempt::thread_time().saturating_sub(begun) >= LOOK_UP / 2 {
                break made;
            }
        };
        let caller = match made {
            Ok(Some(caller)) => Ok(Held(caller)),
            Ok(None) => Err(format!("`{function}` is not defined by the program's sources")),
            Err(failure) if failure.kind == FailureKind::Syntax => {
                Err(format!("`{function}` is not a name that can be called ({failure})"))
            }
            Err(failure) => Err(format!("`{function}` is not there ({failure})")),
        };
        let caller = caller.map_err(|message| Failure::new(FailureKind::MissingFunction, message));
        if caller.is_err() {
            // Nothing of it may stay.
            self.activate(Some(&image));
        }
        let mut callers = image.callers.clone();
        callers.push(Caller { function: Arc::clone(function), count, held: caller.clone() });
        let image = self.keep(program, image.config, callers);
        Ok((image, caller?))
    }

    pub(crate) fn touched(&self) -> usize {
        heap::of(&self.reservation).touched().max(heap::of(&self.reservation).used())
    }

    pub(crate) fn used(&self) -> usize {
        heap::of(&self.reservation).used()
    }

    pub(crate) fn engine(&self) -> (Context, &Handles) {
        (self.context, &self.handles)
    }
}
