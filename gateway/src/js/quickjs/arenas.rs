//! The arenas of all scripts: who has which, who waits for which.
//!
//! There are twice as many as scripts that run at the same time. A new call takes any that is free, best one that has its
//! program and was used last by the same thread, whose processor has its memory at hand; a run that stood aside needs the
//! one it began in, which is handed to it before anybody else gets it.

use std::{
    collections::{HashMap, VecDeque},
    future::Future as _,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use gatehouse_quickjs::{Arena, Engine, Program};
use tokio::sync::oneshot;

use super::failure;
use crate::{
    js::engine::{Deadline, ScriptError},
    shard::thread_number,
};

#[derive(Default)]
struct State {
    /// Those that nobody uses or waits for, each with the thread that used it; the one used last at the end.
    free: Vec<(usize, Arena)>,
    /// How many there are, or are being made.
    made: usize,
    /// The runs that wait for an arena, by its id.
    awaited: HashMap<u64, VecDeque<oneshot::Sender<Box<Arena>>>>,
}

impl State {
    fn take_known(&mut self, program: &Arc<Program>) -> Option<Arena> {
        let own = thread_number();
        let mut found = None;
        for (place, (thread, arena)) in self.free.iter().enumerate().rev() {
            if arena.has(program) {
                found = found.or(Some(place));
                if *thread == own {
                    found = Some(place);
                    break;
                }
            }
        }
        found.map(|place| self.free.remove(place).1)
    }

    /// Who waits longest for this arena.
    fn next_awaiting(&mut self, id: u64) -> Option<oneshot::Sender<Box<Arena>>> {
        let waiting = self.awaited.get_mut(&id)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.awaited.remove(&id);
        }
        next
    }
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
            if let Some(arena) = program.and_then(|program| state.take_known(program)) {
                return Ok(arena);
            }
            if let Some((_, arena)) = state.free.pop() {
                return Ok(arena);
            }
            if state.made < self.most {
                state.made += 1;
                drop(state);
                return Arena::new(&self.engine).map_err(|failure| {
                    self.state().made -= 1;
                    self.given.notify_one();
                    failure::of_script(failure, Deadline::after(Duration::ZERO))
                });
            }
            state = self.given.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A free arena that has this program; does not wait.
    pub(super) fn take_known(&self, program: &Arc<Program>) -> Option<Arena> {
        self.state().take_known(program)
    }

    /// The arena of a run that stood aside.
    pub(super) fn take_back(self: &Arc<Self>, id: u64) -> Awaited {
        let mut state = self.state();
        if let Some(place) = state.free.iter().position(|(_, arena)| arena.id() == id) {
            let (_, arena) = state.free.remove(place);
            return Awaited { arenas: Arc::clone(self), way: Way::There(Some(Box::new(arena))) };
        }
        let (sender, receiver) = oneshot::channel();
        state.awaited.entry(id).or_default().push_back(sender);
        Awaited { arenas: Arc::clone(self), way: Way::Comes(receiver) }
    }

    /// Whether a run waits for this arena.
    pub(super) fn is_awaited(&self, id: u64) -> bool {
        self.state().awaited.contains_key(&id)
    }

    /// Takes an arena back.
    pub(super) fn give(&self, mut arena: Arena) {
        let mut state = self.state();
        while let Some(next) = state.next_awaiting(arena.id()) {
            match next.send(Box::new(arena)) {
                Ok(()) => return,
                // It has gone away.
                Err(back) => arena = *back,
            }
        }
        state.free.push((thread_number(), arena));
        drop(state);
        self.given.notify_one();
    }
}

/// An arena that comes when those before are done with it. Dropped, it leaves it to others.
pub(super) struct Awaited {
    arenas: Arc<Arenas>,
    way: Way,
}

enum Way {
    There(Option<Box<Arena>>),
    Comes(oneshot::Receiver<Box<Arena>>),
}

impl Awaited {
    /// Waits for it on a thread that may block; `None` when it is lost.
    pub(super) fn wait(mut self) -> Option<Arena> {
        match std::mem::replace(&mut self.way, Way::There(None)) {
            Way::There(arena) => arena.map(|arena| *arena),
            Way::Comes(receiver) => receiver.blocking_recv().ok().map(|arena| *arena),
        }
    }

    /// Whether it, or its loss, has come; then [`Awaited::wait`] does not wait.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Way::Comes(receiver) = &mut self.way else { return Poll::Ready(()) };
        let Poll::Ready(arena) = Pin::new(receiver).poll(context) else { return Poll::Pending };
        self.way = Way::There(arena.ok());
        Poll::Ready(())
    }

    /// Whether [`Awaited::wait`] would not wait.
    pub(super) fn is_there(&self) -> bool {
        matches!(self.way, Way::There(_))
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let arena = match &mut self.way {
            Way::There(arena) => arena.take(),
            Way::Comes(receiver) => {
                receiver.close();
                receiver.try_recv().ok()
            }
        };
        if let Some(arena) = arena {
            self.arenas.give(*arena);
        }
    }
}
