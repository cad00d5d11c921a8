//! Switching between a run's stack and that of whoever resumes it.
//!
//! A run may be suspended in the middle of C code, or of any instruction of it ([`crate::preempt`]). Whoever drops a
//! suspended run forgets its stack: nothing is unwound, so nothing on the stack may need dropping while it can be
//! suspended.
#![allow(unsafe_code, reason = "changes stacks")]

use std::time::Instant;

use corosensei::{Coroutine, CoroutineResult};

use crate::{
    arena::HostReply,
    control::{Control, Input, Output, RunYielder},
    failure::{Failure, FailureKind},
    preempt,
    reservation::{Reservation, RunStack},
};

/// Suspends the run whose yielder this is.
pub(crate) fn suspend(yielder: *const RunYielder, output: Output) -> Input {
    // SAFETY: the yielder lies at the fixed end of the arena's stack, on which the caller runs.
    unsafe { (*yielder).suspend(output) }
}

/// Where a run stands.
pub(crate) enum Stage<T> {
    /// It suspended itself.
    Suspended(Output),
    /// It is over.
    Over(T),
}

/// Code on an arena's stack.
pub(crate) struct Routine<T> {
    coroutine: Coroutine<Input, Output, T, RunStack>,
}

impl<T> Routine<T> {
    /// Prepares `body` to run on the reservation's stack.
    ///
    /// # Safety
    /// What `body` borrows lives until it suspends itself for the first time, and what it uses after that until this
    /// is dropped; the reservation lives as long; its stack holds no other routine that will be resumed.
    pub(crate) unsafe fn new(
        reservation: &Reservation,
        control: &Control,
        body: impl FnOnce(&Control) -> T,
    ) -> Self {
        let control: *const Control = control;
        // SAFETY: the stack is free and lives long enough, as the caller promises; so does the control, which belongs
        // to the same arena.
        let coroutine = unsafe {
            Coroutine::with_stack_unchecked(reservation.run_stack(), move |yielder: &RunYielder, _| {
                let control = &*control;
                control.set_yielder(yielder);
                body(control)
            })
        };
        Self { coroutine }
    }

    /// Runs until the body is over or suspends itself.
    pub(crate) fn resume(&mut self, input: Input) -> Stage<T> {
        match self.coroutine.resume(input) {
            CoroutineResult::Yield(output) => Stage::Suspended(output),
            CoroutineResult::Return(result) => Stage::Over(result),
        }
    }
}

impl<T> Drop for Routine<T> {
    fn drop(&mut self) {
        if !self.coroutine.done() && self.coroutine.started() {
            // SAFETY: nothing on the stack needs dropping while the body is suspended, as the module says.
            unsafe { self.coroutine.force_reset() }
        }
    }
}

/// Runs `body` on the arena's stack to its end, with `host` behind the host functions.
pub(crate) fn execute<T>(
    reservation: &Reservation,
    control: &Control,
    deadline: Option<Instant>,
    host: &mut dyn FnMut(usize, Vec<String>) -> HostReply,
    body: impl FnOnce(&Control) -> T,
) -> Result<T, Failure> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).as_nanos() as u64);
    let end = left.map_or(u64::MAX, |left| preempt::now().saturating_add(left));
    // SAFETY: what the body borrows outlives this function, and so the routine; arenas are used by one at a time.
    let mut routine = unsafe { Routine::new(reservation, control, body) };
    let mut input = Input::Go;
    loop {
        input = match preempt::watched(control, end, || routine.resume(input)) {
            Stage::Over(result) => return Ok(result),
            Stage::Suspended(Output::Ready) => Input::Go,
            Stage::Suspended(Output::Preempted) => {
                return Err(Failure::new(FailureKind::Timeout, "did not end in time"));
            }
            Stage::Suspended(Output::HostCall { function, arguments }) => match host(function, arguments) {
                HostReply::Answer(answer) => Input::Answer(answer),
                HostReply::End => return Err(Failure::new(FailureKind::Ended, "ended by the host")),
            },
        };
    }
}

// SAFETY: a suspended stack holds frames of the engine, which keeps nothing in thread-local storage, and of our own
// native functions, which look at no thread-local either after they were suspended. The result is only moved.
unsafe impl<T: Send> Send for Routine<T> {}
