//! Calls that begin on an async thread.
//!
//! Most are over within a moment, without a change of threads. One that is not stands aside, so that its arena is free,
//! and goes on on a script thread from where it stands.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use gatehouse_quickjs::{Answer, Parked, Run, Step};

use super::{Prepared, arenas::Arenas, call, failure, globals};
use crate::js::{
    engine::{Begun, Call, CallBounds, Host, LoadedProgram, ScriptError},
    host::HOST_FUNCTIONS,
};

/// How long a call may run on an async thread.
const MOMENT: Duration = Duration::from_millis(1);
/// How many calls of a program begin on script threads after one that took longer.
const SLOW_CALLS: u32 = 64;

/// Begins a call if an arena with its program is free and its program is not known to take long.
pub(super) fn begin(
    arenas: &Arc<Arenas>,
    loaded: &Arc<LoadedProgram>,
    prepared: Arc<Prepared>,
    call: &Call,
    bounds: &CallBounds,
) -> Option<Result<Box<dyn Begun>, ScriptError>> {
    let slow = &prepared.slow;
    if slow.load(Ordering::Relaxed) > 0 {
        slow.fetch_sub(1, Ordering::Relaxed);
        return None;
    }
    let program = prepared.current();
    let arena = arenas.take_known(&program)?;
    match call::start(arena, &program, call, bounds) {
        Ok(run) => {
            let (arenas, loaded) = (Arc::clone(arenas), Arc::clone(loaded));
            Some(Ok(Box::new(BegunRun { arenas, loaded, prepared, state: State::Runs(run) })))
        }
        Err(not) => {
            arenas.give(not.arena);
            Some(Err(failure::of_script(not.failure, bounds.deadline)))
        }
    }
}

enum State {
    Runs(Run),
    /// It waits for a script thread, and maybe for a host function.
    Aside(Parked, Option<(usize, Vec<String>)>),
    Over,
}

struct BegunRun {
    arenas: Arc<Arenas>,
    loaded: Arc<LoadedProgram>,
    prepared: Arc<Prepared>,
    state: State,
}

impl BegunRun {
    /// Frees the arena until there is a script thread.
    fn stand_aside(&mut self, run: Run, asks: Option<(usize, Vec<String>)>) {
        let (parked, arena) = run.park();
        self.arenas.give(arena);
        self.state = State::Aside(parked, asks);
    }
}

impl Begun for BegunRun {
    fn run_briefly(
        &mut self,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
    ) -> Option<Result<String, ScriptError>> {
        let State::Runs(mut run) = std::mem::replace(&mut self.state, State::Over) else { return None };
        let end = Instant::now() + MOMENT.min(bounds.deadline.remaining());
        let result = loop {
            match run.resume(end.saturating_duration_since(Instant::now())) {
                Step::Done(result) => {
                    break result.map_err(|failure| failure::of_script(failure, bounds.deadline));
                }
                Step::Preempted if bounds.deadline.passed() => break Err(bounds.deadline.error()),
                Step::Preempted => {
                    self.prepared.slow.store(SLOW_CALLS, Ordering::Relaxed);
                    self.stand_aside(run, None);
                    return None;
                }
                Step::HostCall { function: function @ globals::BODY_BASE64.., .. } => {
                    run.answer(Answer::Text(call::body_base64(call, function)));
                }
                Step::HostCall { function, arguments } => {
                    if HOST_FUNCTIONS.get(function).is_some_and(|entry| entry.function.reaches_out()) {
                        self.stand_aside(run, Some((function, arguments)));
                        return None;
                    }
                    match call::ask(host, function, &arguments) {
                        Ok(answer) => run.answer(answer),
                        Err(error) => break Err(error),
                    }
                }
            }
        };
        self.state = State::Runs(run);
        Some(result)
    }

    fn run_to_end(
        &mut self,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
    ) -> Result<String, ScriptError> {
        let run = match std::mem::replace(&mut self.state, State::Over) {
            State::Runs(run) => run,
            State::Aside(parked, asks) => {
                let answer =
                    asks.map(|(function, arguments)| call::ask(host, function, &arguments)).transpose()?;
                let arena = self.arenas.take_back(parked.arena());
                let Ok(mut run) = parked.unpark(arena) else {
                    return Err(failure::engine("a run lost its arena"));
                };
                if let Some(answer) = answer {
                    run.answer(answer);
                }
                run
            }
            State::Over => return Err(failure::engine("the call is over")),
        };
        let (run, result) = call::drive(run, &self.arenas, call, host, bounds);
        self.state = run.map_or(State::Over, State::Runs);
        result
    }
}

impl Drop for BegunRun {
    fn drop(&mut self) {
        if let State::Runs(run) = std::mem::replace(&mut self.state, State::Over) {
            self.arenas.give(self.prepared.finish(&self.loaded, run));
        }
    }
}
