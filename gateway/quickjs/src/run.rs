//! One call of one function: started, resumed for a slice at a time, suspended where it asks the host.

use std::{sync::Arc, time::Duration};

use crate::{
    arena::{Arena, Image, NotStarted},
    control::{Answer, Input, Output},
    coroutine::{Routine, Stage},
    failure::{Failure, FailureKind},
    image::Delta,
    js::Held,
    preempt,
    value::Value,
};

/// The most arguments that a called function gets.
const MAX_ARGUMENTS: usize = 4;

/// What a call is made of.
pub(crate) struct Call<'a> {
    pub(crate) function: Held,
    pub(crate) config: Held,
    pub(crate) arguments: &'a [Value<'a>],
    pub(crate) random: u64,
    pub(crate) limit: usize,
}

/// Why a run came back.
#[derive(Debug)]
pub enum Step {
    /// It asks the host; [`Run::answer`], then resume it.
    HostCall {
        /// Index in the engine's [`functions`](crate::Engine::functions).
        function: usize,
        /// Its arguments as text; missing ones are not there.
        arguments: Vec<String>,
    },
    /// Its slice is over; resume it, here or on another thread, or drop it.
    Preempted,
    /// It is over: the text that the function returned, or why there is none.
    Done(Result<String, Failure>),
}

/// A call that is on its way, with the arena in which it runs. It may be moved between threads whenever it is not being
/// resumed. Dropped, it takes the arena with it; [`Run::finish`] gets it back.
pub struct Run {
    // Before the arena: it uses the arena's stack.
    routine: Routine<Result<String, Failure>>,
    image: Arc<Image>,
    input: Option<Input>,
    touched: u32,
    arena: Arena,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("arena", &self.arena).finish_non_exhaustive()
    }
}

impl Run {
    pub(crate) fn start(arena: Arena, image: Arc<Image>, call: &Call<'_>) -> Result<Self, Box<NotStarted>> {
        let (context, handles) = arena.engine();
        let body = |control: &crate::control::Control| {
            let js = context.on(control);
            let (function, limit) = (call.function, call.limit);
            js.bound_garbage();
            js.seed(call.random);
            let mut values = [rquickjs_sys::JS_UNDEFINED; MAX_ARGUMENTS];
            let count = call.arguments.len().min(MAX_ARGUMENTS);
            for (value, argument) in values.iter_mut().zip(call.arguments) {
                match js.argument(argument, call.config, handles) {
                    Ok(made) => *value = made,
                    Err(_) => return Err(js.failure(FailureKind::Engine)),
                }
            }
            // From here on nothing that was borrowed is used.
            let _ = control.suspend(Output::Ready);
            match js.call(function, &mut values[..count]) {
                Ok(value) => js.returned(value, limit),
                Err(_) => Err(js.failure(FailureKind::Exception)),
            }
        };
        // SAFETY: the body uses what it borrows before it suspends itself, which happens below; the reservation and the
        // control belong to the arena, which lives as long as the routine, and do not move with it.
        #[allow(unsafe_code, reason = "see there")]
        let mut routine = unsafe { Routine::new(&arena.reservation, &arena.control, body) };
        arena.control.touched.set(0);
        match preempt::watched(&arena.control, u64::MAX, || routine.resume(Input::Go)) {
            Stage::Suspended(_) => Ok(Self { routine, image, input: Some(Input::Go), touched: 0, arena }),
            Stage::Over(result) => {
                drop(routine);
                let mut arena = arena;
                arena.end_run();
                let none = Failure::new(FailureKind::Engine, "the call ended before it began");
                Err(Box::new(NotStarted { arena, failure: result.err().unwrap_or(none) }))
            }
        }
    }

    /// Goes on for at most `slice`. What a host call asked for should have been given by [`Run::answer`]; otherwise it
    /// is `undefined`.
    pub fn resume(&mut self, slice: Duration) -> Step {
        let Some(input) = self.input.take() else {
            return Step::Done(Err(Failure::new(FailureKind::Engine, "the call is over")));
        };
        let slice = u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX);
        let end = preempt::now().saturating_add(slice);
        let control = &self.arena.control;
        control.touched.set(self.touched);
        let stage = preempt::watched(control, end, || self.routine.resume(input));
        self.touched = control.touched.get();
        match stage {
            Stage::Suspended(Output::HostCall { function, arguments }) => {
                self.input = Some(Input::Answer(Answer::Undefined));
                Step::HostCall { function, arguments }
            }
            Stage::Suspended(Output::Preempted | Output::Ready) => {
                self.input = Some(Input::Go);
                Step::Preempted
            }
            Stage::Over(result) => Step::Done(result),
        }
    }

    /// Gives the answer of the host function that the run waits for.
    pub fn answer(&mut self, answer: Answer) {
        if let Some(input @ Input::Answer(_)) = &mut self.input {
            *input = Input::Answer(answer);
        }
    }

    /// The [`id`](Arena::id) of its arena.
    pub fn arena(&self) -> u64 {
        self.arena.id()
    }

    /// Lazy globals that the run touched, by bit.
    pub fn touched(&self) -> u32 {
        self.touched
    }

    /// Bytes that [`Run::park`] would look at, at most.
    pub fn used_bytes(&self) -> usize {
        self.arena.used()
    }

    /// Ends the run, wherever it stands, and gives its arena back. Nothing that runs in it finds anything of this run.
    pub fn finish(self) -> Arena {
        let Self { routine, mut arena, .. } = self;
        drop(routine);
        arena.end_run();
        arena
    }

    /// Takes a suspended run out of its arena, so that others can run there until it goes on. Only what differs from the
    /// image is kept.
    pub fn park(self) -> (Parked, Arena) {
        let Self { routine, image, input, touched, mut arena } = self;
        let heap = arena.changed();
        let low = arena.control.stack_pointer();
        let stack = arena.reservation.stack_from(low).into();
        let parked = Parked { arena: arena.id(), routine, image, input, touched, heap, stack };
        arena.restore_changed(&parked.heap);
        (parked, arena)
    }
}

/// A suspended run without its arena.
pub struct Parked {
    arena: u64,
    routine: Routine<Result<String, Failure>>,
    image: Arc<Image>,
    input: Option<Input>,
    touched: u32,
    heap: Delta,
    stack: Box<[u8]>,
}

impl std::fmt::Debug for Parked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parked")
            .field("arena", &self.arena)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

impl Parked {
    /// The [`id`](Arena::id) of the arena in which it goes on.
    pub fn arena(&self) -> u64 {
        self.arena
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.heap.size() + self.stack.len()
    }

    /// Puts it back into its arena.
    ///
    /// # Errors
    /// When that is another arena; both come back.
    pub fn unpark(self, mut arena: Arena) -> Result<Run, Box<(Self, Arena)>> {
        if self.arena != arena.id() {
            return Err(Box::new((self, arena)));
        }
        let Self { routine, image, input, touched, heap, stack, .. } = self;
        arena.put_back(&image, &heap, &stack);
        Ok(Run { routine, image, input, touched, arena })
    }
}
