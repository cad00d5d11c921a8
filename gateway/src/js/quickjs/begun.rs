//! Calls that go on a piece at a time.
//!
//! They begin on the async thread that has the request, where most are over within a moment. One that takes longer goes on
//! on a script thread from where it stands; one that asks for something outside comes back to the task, which waits for
//! the answer. While it waits it stands aside, so that its arena is free for others.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use gatehouse_quickjs::{Answer, Parked, Run, Step, thread_time};

use super::{Prepared, arenas::Awaited, call, failure};
use crate::js::{
    engine::{Begun, Call, CallBounds, FirstPiece, Host, HostReturn, LoadedProgram, Progress, ScriptError},
    host::HOST_FUNCTIONS,
    large::LARGE,
};

/// How long a call runs on an async thread before anybody asks how much of that was its own.
const MOMENT: Duration = Duration::from_micros(500);
/// Processor time that a call may take on an async thread after that.
const MORE: Duration = Duration::from_micros(500);
/// Processor time that a call may take on async threads in all its pieces.
const BRIEF_PIECES: Duration = Duration::from_millis(5);
/// How late a piece may be before its call is taken for one that takes long, whoever's time it was.
const VERY_LATE: Duration = Duration::from_millis(10);
/// Bytes of a run that are put aside on the script thread that it comes from, since they take long to copy.
const LARGE_RUN: usize = 1 << 20;
/// How long a call runs on a script thread before it lets those go first that wait.
const TURN: Duration = Duration::from_millis(10);

/// Runs the first piece of a call, on an async thread.
pub(super) fn begin(
    loaded: &Arc<LoadedProgram>,
    prepared: &Arc<Prepared>,
    call: &Call,
    host: &mut dyn Host,
    bounds: &CallBounds,
) -> FirstPiece {
    let mut first = First { ties: Ties { loaded, prepared }, course: Course::new() };
    match first.course.run_briefly(first.ties, call, host, bounds) {
        Progress::Over(result) => FirstPiece::Over(result),
        progress => {
            let course = std::mem::replace(&mut first.course, Course::new());
            let (loaded, prepared) = (Arc::clone(loaded), Arc::clone(prepared));
            FirstPiece::GoesOn(Box::new(BegunRun { loaded, prepared, course }), progress)
        }
    }
}

/// What a call has to do with.
#[derive(Clone, Copy)]
struct Ties<'a> {
    loaded: &'a LoadedProgram,
    prepared: &'a Prepared,
}

/// A call in its first piece, where most are over: it borrows what all calls of its program share, whose counts of references
/// would otherwise be places in memory that threads fight for.
struct First<'a> {
    ties: Ties<'a>,
    course: Course,
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.course.end(self.ties);
    }
}

/// A call that goes on after its first piece.
struct BegunRun {
    loaded: Arc<LoadedProgram>,
    prepared: Arc<Prepared>,
    course: Course,
}

enum State {
    New,
    Runs(Run),
    Aside(Parked, Option<Awaited>),
    Over,
}

/// Where a call stands.
struct Course {
    state: State,
    /// What the run gets when it goes on.
    answer: Option<Answer>,
    /// What it asks the gateway itself, to be answered where it may take long.
    asked: Option<(usize, Vec<String>)>,
    weight: Weight,
    /// Time that its pieces took on async threads, of the clock while it is light, of the processor afterwards.
    taken: Duration,
}

/// What is known of a call's time on async threads: functions of the gateway get much to do from some scripts and do not look
/// at the clock, and pieces that are short may be many.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Light,
    /// A piece of it was late when it asked for something outside, or all its pieces together took long; that may have been the
    /// time of others.
    Suspect,
    /// It takes long on async threads, and stays away from them.
    Heavy,
}

/// How long a piece of a call may be.
#[derive(Clone, Copy)]
struct Slice {
    time: Duration,
    /// On an async thread, which is not to be kept from others.
    is_brief: bool,
}

impl Slice {
    fn brief(time: Duration) -> Self {
        Self { time, is_brief: true }
    }
}

/// Where a piece of a call ended.
enum Stop {
    At(Progress),
    /// At a question to the outside, after this time.
    Asks(Progress, Duration),
    Preempted,
    /// At a question to the gateway itself that takes long to answer.
    Large,
}

impl Course {
    fn new() -> Self {
        Self { state: State::New, answer: None, asked: None, weight: Weight::Light, taken: Duration::ZERO }
    }

    /// The run, if it can go on here without waiting; `None` when it needs a script thread.
    fn at_once(
        &mut self,
        ties: Ties<'_>,
        call: &Call,
        bounds: &CallBounds,
    ) -> Result<Option<Run>, ScriptError> {
        match std::mem::replace(&mut self.state, State::New) {
            State::New => {
                if call::is_large(call) || ties.prepared.slow.takes_long(&call.function) {
                    return Ok(None);
                }
                let program = ties.prepared.program.load();
                let Some(arena) = ties.prepared.arenas.take_known(&program) else { return Ok(None) };
                call::start(arena, &program, call, bounds).map(Some).map_err(|not| {
                    ties.prepared.arenas.give(not.arena);
                    failure::of_script(not.failure, bounds.deadline)
                })
            }
            State::Runs(run) => Ok(Some(run)),
            State::Aside(parked, Some(arena)) if arena.is_there() => unpark(parked, arena).map(Some),
            aside @ State::Aside(..) => {
                self.state = aside;
                Ok(None)
            }
            State::Over => Err(failure::engine("the call is over")),
        }
    }

    /// The run, on a script thread, where it may wait for an arena and load the program into it.
    fn on_thread(&mut self, ties: Ties<'_>, call: &Call, bounds: &CallBounds) -> Result<Run, ScriptError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::New => {
                let program = ties.prepared.program.load();
                let mut arena = ties.prepared.arenas.take(Some(&program))?;
                if !arena.has(&program)
                    && let Err(error) = super::load_again(ties.loaded, &mut arena, &program)
                {
                    ties.prepared.arenas.give(arena);
                    return Err(error);
                }
                call::start(arena, &program, call, bounds).map_err(|not| {
                    ties.prepared.arenas.give(not.arena);
                    failure::of_script(not.failure, bounds.deadline)
                })
            }
            State::Runs(run) => Ok(run),
            State::Aside(parked, arena) => {
                let arena = arena.unwrap_or_else(|| ties.prepared.arenas.take_back(parked.arena()));
                unpark(parked, arena)
            }
            State::Over => Err(failure::engine("the call is over")),
        }
    }

    /// Runs until it is over, asks for something outside, or has had its slice; on an async thread, also until it asks for
    /// something large.
    fn piece(
        &mut self,
        ties: Ties<'_>,
        run: &mut Run,
        slice: Slice,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
    ) -> Stop {
        // The clock is read once where a piece ends within its first slice.
        let begun = Instant::now();
        let end = begun + slice.time.min(bounds.deadline.at.saturating_duration_since(begun));
        let mut left = end - begun;
        if let Some((function, arguments)) = self.asked.take() {
            match call::answer_here(call, host, function, &arguments) {
                Ok(answer) => run.answer(answer),
                Err(error) => return Stop::At(Progress::Over(Err(error))),
            }
        }
        if let Some(answer) = self.answer.take() {
            run.answer(answer);
        }
        loop {
            let step = run.resume(left);
            let mut now = begun;
            if !matches!(step, Step::Done(_)) {
                now = Instant::now();
                left = end.saturating_duration_since(now);
            }
            match step {
                Step::Done(result) => {
                    if slice.is_brief && result.as_ref().is_ok_and(|text| text.len() > LARGE) {
                        ties.prepared.slow.took_long(&call.function);
                    }
                    let result = result.map_err(|failure| failure::of_script(failure, bounds.deadline));
                    return Stop::At(Progress::Over(result));
                }
                Step::Preempted if bounds.deadline.passed() => {
                    return Stop::At(Progress::Over(Err(bounds.deadline.error())));
                }
                Step::Preempted => return Stop::Preempted,
                Step::HostCall { function, arguments } => {
                    if let Some(entry) = HOST_FUNCTIONS.get(function)
                        && entry.function.reaches_out()
                    {
                        return Stop::Asks(Progress::Asks(entry.function, arguments), now - begun);
                    }
                    if slice.is_brief && call::bytes_of(call, function, &arguments) > LARGE {
                        self.asked = Some((function, arguments));
                        return Stop::Large;
                    }
                    match call::answer_here(call, host, function, &arguments) {
                        Ok(answer) => run.answer(answer),
                        Err(error) => return Stop::At(Progress::Over(Err(error))),
                    }
                }
            }
        }
    }
}

/// The run that stood aside, in its arena again.
fn unpark(parked: Parked, arena: Awaited) -> Result<Run, ScriptError> {
    let lost = || failure::engine("a run lost its arena");
    parked.unpark(arena.wait().ok_or_else(lost)?).map_err(|_| lost())
}

impl Course {
    /// Finds out whether a call belongs on script threads, after a piece that took so long by the clock. `weighed` is the processor
    /// time of this thread before it, where that was asked for.
    fn weigh(&mut self, ties: Ties<'_>, took: Duration, weighed: Option<Duration>, call: &Call) {
        let is_heavy = match weighed {
            Some(before) => {
                let processor = thread_time().saturating_sub(before);
                self.taken += processor;
                processor >= MOMENT + MORE || self.taken >= BRIEF_PIECES
            }
            None => {
                self.taken += took;
                if took >= MOMENT || self.taken >= BRIEF_PIECES {
                    (self.weight, self.taken) = (Weight::Suspect, Duration::ZERO);
                }
                false
            }
        };
        if is_heavy || took >= MOMENT + VERY_LATE {
            self.weight = Weight::Heavy;
            ties.prepared.slow.took_long(&call.function);
        }
    }
}

impl Course {
    fn run_briefly(
        &mut self,
        ties: Ties<'_>,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
    ) -> Progress {
        if self.weight == Weight::Heavy {
            self.stand_aside(ties);
            return Progress::TakesLong;
        }
        let weighed = (self.weight == Weight::Suspect).then(thread_time);
        let mut run = match self.at_once(ties, call, bounds) {
            Ok(Some(run)) => run,
            Ok(None) => return Progress::TakesLong,
            Err(error) => return Progress::Over(Err(error)),
        };
        let mut stop = self.piece(ties, &mut run, Slice::brief(MOMENT), call, host, bounds);
        if matches!(stop, Stop::Preempted) {
            // On a busy machine that may have been the time of others.
            let end = thread_time() + MORE;
            while matches!(stop, Stop::Preempted) && thread_time() < end {
                stop = self.piece(ties, &mut run, Slice::brief(MORE / 2), call, host, bounds);
            }
        }
        let is_large = run.used_bytes() > LARGE_RUN;
        self.state = State::Runs(run);
        match stop {
            Stop::At(progress) => progress,
            Stop::Asks(progress, took) => {
                self.weigh(ties, took, weighed, call);
                if is_large {
                    self.weight = Weight::Heavy;
                }
                progress
            }
            Stop::Preempted | Stop::Large => {
                ties.prepared.slow.took_long(&call.function);
                self.stand_aside(ties);
                Progress::TakesLong
            }
        }
    }

    fn run_on(
        &mut self,
        ties: Ties<'_>,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
        is_wanted: &dyn Fn() -> bool,
    ) -> Progress {
        let end = Instant::now() + TURN;
        loop {
            let mut run = match self.on_thread(ties, call, bounds) {
                Ok(run) => run,
                Err(error) => return Progress::Over(Err(error)),
            };
            let stop =
                self.piece(ties, &mut run, Slice { time: call::SLICE, is_brief: false }, call, host, bounds);
            let awaited = matches!(stop, Stop::Preempted) && ties.prepared.arenas.is_awaited(run.arena());
            let is_large = run.used_bytes() > LARGE_RUN;
            self.state = State::Runs(run);
            match stop {
                Stop::At(progress) => return progress,
                Stop::Asks(progress, _) => {
                    // Once its time is over it does not go on, and nothing of it need be kept.
                    if is_large && !bounds.deadline.passed() {
                        self.weight = Weight::Heavy;
                        self.stand_aside(ties);
                    }
                    return progress;
                }
                Stop::Preempted if Instant::now() >= end && is_wanted() => {
                    self.stand_aside(ties);
                    return Progress::TakesLong;
                }
                Stop::Preempted if awaited => self.stand_aside(ties),
                Stop::Preempted | Stop::Large => {}
            }
        }
    }

    fn stand_aside(&mut self, ties: Ties<'_>) {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Runs(run) => {
                let (parked, arena) = run.park();
                ties.prepared.arenas.give(arena);
                State::Aside(parked, None)
            }
            other => other,
        };
    }

    /// Gives its arena back as it was.
    fn end(&mut self, ties: Ties<'_>) {
        if let State::Runs(run) = std::mem::replace(&mut self.state, State::Over) {
            ties.prepared.arenas.give(ties.prepared.finish(ties.loaded, run));
        }
    }
}

impl BegunRun {
    fn parts(&mut self) -> (Ties<'_>, &mut Course) {
        (Ties { loaded: &self.loaded, prepared: &self.prepared }, &mut self.course)
    }
}

impl Begun for BegunRun {
    fn has_begun(&self) -> bool {
        !matches!(self.course.state, State::New)
    }

    fn run_briefly(&mut self, call: &Call, host: &mut dyn Host, bounds: &CallBounds) -> Progress {
        let (ties, course) = self.parts();
        course.run_briefly(ties, call, host, bounds)
    }

    fn run_on(
        &mut self,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
        is_wanted: &dyn Fn() -> bool,
    ) -> Progress {
        let (ties, course) = self.parts();
        course.run_on(ties, call, host, bounds, is_wanted)
    }

    fn stand_aside(&mut self) {
        let (ties, course) = self.parts();
        course.stand_aside(ties);
    }

    fn answer(&mut self, answer: HostReturn) -> Result<(), ScriptError> {
        self.course.answer = Some(call::answer(answer)?);
        Ok(())
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (ties, course) = self.parts();
        match &mut course.state {
            State::Aside(parked, arena) => {
                let id = parked.arena();
                arena.get_or_insert_with(|| ties.prepared.arenas.take_back(id)).poll(context)
            }
            _ => Poll::Ready(()),
        }
    }
}

impl Drop for BegunRun {
    fn drop(&mut self) {
        let (ties, course) = self.parts();
        course.end(ties);
    }
}
