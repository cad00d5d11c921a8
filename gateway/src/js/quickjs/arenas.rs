//! The arenas of all scripts: who has which, who waits for which.
//!
//! There are twice as many as scripts that run at the same time. A new call takes any that is free, best one that has its
//! program; a run that stood aside needs the one it began in.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use gatehouse_quickjs::{Arena, Engine, Program};

use super::failure;
use crate::js::engine::{Deadline, ScriptError};

#[derive(Default)]
struct State {
    /// Those that nobody uses, the one used last at the end.
    free: Vec<Arena>,
    /// How many there are, or are being made.
    made: usize,
    /// How many runs wait for an arena, by its id.
    awaited: HashMap<u64, usize>,
}

/// All arenas.
pub(super) struct Arenas {
    engine: Arc<Engine>,
    most: usize,
    state: Mutex<State>,
    given: Condvar,
}

impl Arenas {
    /// None yet; they are made when they are needed.
    pub(super) fn new(engine: Arc<Engine>, slots: usize) -> Self {
        Self { engine, most: (2 * slots).max(4), state: Mutex::default(), given: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An arena for a new call; waits for one if all are in use.
    pub(super) fn take(&self, program: Option<&Arc<Program>>) -> Result<Arena, ScriptError> {
        let mut state = self.state();
        loop {
            let awaited = |arena: &Arena| state.awaited.contains_key(&arena.id());
            let known = |arena: &Arena| program.is_some_and(|program| arena.has(program));
            let place = state.free.iter().rposition(|arena| !awaited(arena) && known(arena));
            let place = place.or_else(|| state.free.iter().rposition(|arena| !awaited(arena)));
            if let Some(place) = place {
                return Ok(state.free.remove(place));
            }
            if state.made < self.most {
                state.made += 1;
                drop(state);
                return Arena::new(&self.engine).map_err(|failure| {
                    self.state().made -= 1;
                    self.given.notify_all();
                    failure::of_script(failure, Deadline::after(std::time::Duration::ZERO))
                });
            }
            state = self.given.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A free arena that has this program; does not wait.
    pub(super) fn take_known(&self, program: &Arc<Program>) -> Option<Arena> {
        let mut state = self.state();
        let place = state
            .free
            .iter()
            .rposition(|arena| arena.has(program) && !state.awaited.contains_key(&arena.id()))?;
        Some(state.free.remove(place))
    }

    /// The arena of a run that stood aside; waits for it.
    pub(super) fn take_back(&self, id: u64) -> Arena {
        let mut state = self.state();
        *state.awaited.entry(id).or_default() += 1;
        loop {
            if let Some(place) = state.free.iter().position(|arena| arena.id() == id) {
                if let Some(count) = state.awaited.get_mut(&id) {
                    *count -= 1;
                    if *count == 0 {
                        state.awaited.remove(&id);
                    }
                }
                return state.free.remove(place);
            }
            state = self.given.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a run waits for this arena.
    pub(super) fn is_awaited(&self, id: u64) -> bool {
        self.state().awaited.contains_key(&id)
    }

    /// Takes an arena back.
    pub(super) fn give(&self, arena: Arena) {
        let mut state = self.state();
        state.free.push(arena);
        drop(state);
        self.given.notify_all();
    }
}
