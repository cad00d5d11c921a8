//! The arenas of all scripts: who has which, who waits for which.
//!
//! There are twice as many as scripts that run at the same time. A new call takes any that is free, best one that has its
//! program and was used last by the same thread, whose processor has its memory at hand; a run that stood aside needs the
//! one it began in, which is handed to it before anybody else gets it.
//!
//! What a thread used last stays in its *hand*, behind a lock that others take only when they find nothing else: most calls
//! need no lock that threads share. Whoever waits for an arena is counted in `wanted` before it looks into the hands for the last time,
//! and nobody keeps one in hand while that is not zero.

use std::{
    collections::{HashMap, VecDeque},
    future::Future as _,
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use gatehouse_quickjs::{Arena, Engine, Program};
use tokio::sync::oneshot;

use super::failure;
use crate::{
    js::engine::{Deadline, ScriptError},
    shard::{self, thread_number},
};

/// The arena that a thread used last, if it is free; in a line of memory of its own.
#[derive(Default)]
#[repr(align(128))]
struct Hand(Mutex<Option<Arena>>);

impl Hand {
    fn lock(&self) -> MutexGuard<'_, Option<Arena>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_if(&self, fits: impl Fn(&Arena) -> bool) -> Option<Arena> {
        self.lock().take_if(|arena| fits(arena))
    }
}

#[derive(Default)]
struct State {
    /// Those that nobody uses, waits for or has in hand, each with the thread that used it; the one used last at the end.
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
    hands: Box<[Hand]>,
    /// Who waits for an arena, or is about to.
    wanted: AtomicUsize,
    /// Not to be locked by whoever holds a hand's lock.
    state: Mutex<State>,
    given: Condvar,
}

impl Arenas {
    /// None yet; they are made when they are needed.
    pub(super) fn new(engine: Arc<Engine>, slots: usize) -> Self {
        let most = (2 * slots).max(4);
        Self {
            engine,
            most,
            hands: (0..most).map(|_| Hand::default()).collect(),
            wanted: AtomicUsize::new(0),
            state: Mutex::default(),
            given: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own_hand(&self) -> &Hand {
        &self.hands[shard::own(self.hands.len())]
    }

    /// Takes what any thread has in hand that fits.
    fn take_from_hands(&self, fits: impl Fn(&Arena) -> bool) -> Option<Arena> {
        self.hands.iter().find_map(|hand| hand.take_if(&fits))
    }

    /// An arena for a new call; waits for one if all are in use.
    pub(super) fn take(&self, program: Option<&Arc<Program>>) -> Result<Arena, ScriptError> {
        if let Some(arena) = program.and_then(|program| self.take_known(program)) {
            return Ok(arena);
        }
        let mut state = self.state();
        let mut wish = None;
        loop {
            if let Some(arena) = program.and_then(|program| state.take_known(program)) {
                return Ok(arena);
            }
            if let Some(arena) =
                state.free.pop().map(|(_, arena)| arena).or_else(|| self.take_from_hands(|_| true))
            {
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
            if wish.is_none() {
                // Once more from the beginning: one may have come into a hand before this was seen.
                wish = Some(Wish::new(&self.wanted));
                continue;
            }
            state = self.given.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A free arena that has this program; does not wait.
    pub(super) fn take_known(&self, program: &Arc<Program>) -> Option<Arena> {
        let fits = |arena: &Arena| arena.has(program);
        let own = self.own_hand().take_if(fits);
        own.or_else(|| self.state().take_known(program)).or_else(|| self.take_from_hands(fits))
    }

    /// The arena of a run that stood aside.
    pub(super) fn take_back(self: &Arc<Self>, id: u64) -> Awaited {
        let there = |arena| Awaited { arenas: Arc::clone(self), way: Way::There(Some(Box::new(arena))) };
        if let Some(arena) = self.own_hand().take_if(|arena| arena.id() == id) {
            return there(arena);
        }
        let mut state = self.state();
        if let Some(place) = state.free.iter().position(|(_, arena)| arena.id() == id) {
            return there(state.free.remove(place).1);
        }
        let wish = Wish::new(&self.wanted);
        if let Some(arena) = self.take_from_hands(|arena| arena.id() == id) {
            return there(arena);
        }
        // Until `give` comes across it.
        std::mem::forget(wish);
        let (sender, receiver) = oneshot::channel();
        state.awaited.entry(id).or_default().push_back(sender);
        Awaited { arenas: Arc::clone(self), way: Way::Comes(receiver) }
    }

    /// Whether a run waits for this arena.
    pub(super) fn is_awaited(&self, id: u64) -> bool {
        self.wanted.load(Ordering::Relaxed) > 0 && self.state().awaited.contains_key(&id)
    }

    /// Takes an arena back.
    pub(super) fn give(&self, mut arena: Arena) {
        let mut hand = self.own_hand().lock();
        // Whoever is counted later looks into this hand later.
        if hand.is_none() && self.wanted.load(Ordering::Relaxed) == 0 {
            *hand = Some(arena);
            return;
        }
        drop(hand);
        let mut state = self.state();
        while let Some(next) = state.next_awaiting(arena.id()) {
            self.wanted.fetch_sub(1, Ordering::Relaxed);
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

/// Somebody who is counted as waiting for an arena.
struct Wish<'a>(&'a AtomicUsize);

impl<'a> Wish<'a> {
    fn new(wanted: &'a AtomicUsize) -> Self {
        wanted.fetch_add(1, Ordering::Relaxed);
        Self(wanted)
    }
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use std::thread;

    use gatehouse_quickjs::HostReply;

    use super::*;

    /// As many as four arenas.
    fn arenas() -> Arc<Arenas> {
        Arc::new(Arenas::new(Arc::new(Engine::default()), 1))
    }

    fn elsewhere<T: Send>(act: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| scope.spawn(act).join().unwrap())
    }

    #[test]
    fn a_thread_gets_what_it_used_last_and_another_finds_it_too() {
        let arenas = arenas();
        let program = Arc::new(Program::new(Vec::new()));
        let mut loaded = arenas.take(None).unwrap();
        loaded.load(&program, None, &mut |_, _| HostReply::End).unwrap();
        let (id, other) = (loaded.id(), arenas.take(None).unwrap());
        arenas.give(loaded);
        arenas.give(other);
        assert_eq!(arenas.take_known(&program).map(|arena| arena.id()), Some(id));
        assert!(arenas.take_known(&program).is_none(), "that one is gone");

        let mut loaded = arenas.take(None).unwrap();
        loaded.load(&program, None, &mut |_, _| HostReply::End).unwrap();
        let id = loaded.id();
        arenas.give(loaded);
        let found = elsewhere(|| arenas.take_known(&program).map(|arena| arena.id()));
        assert_eq!(found, Some(id));
    }

    #[test]
    fn who_waits_gets_the_next_that_is_given() {
        let arenas = arenas();
        let mut used: Vec<_> = (0..4).map(|_| arenas.take(None).unwrap()).collect();
        thread::scope(|scope| {
            let waits = scope.spawn(|| arenas.take(None).unwrap().id());
            while arenas.wanted.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            let given = used.pop().unwrap();
            let id = given.id();
            arenas.give(given);
            assert_eq!(waits.join().unwrap(), id);
        });
        assert_eq!(arenas.wanted.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_run_that_stood_aside_gets_its_own_arena_wherever_it_is() {
        let arenas = arenas();
        let (first, second) = (arenas.take(None).unwrap(), arenas.take(None).unwrap());
        let (id, second_id) = (first.id(), second.id());
        arenas.give(first);
        arenas.give(second);
        // One of them is in this thread's hand, the other is not.
        for id in [id, second_id] {
            let back = elsewhere(|| arenas.take_back(id).wait().unwrap());
            assert_eq!(back.id(), id);
            assert_eq!(arenas.wanted.load(Ordering::Relaxed), 0);
            arenas.give(back);
        }

        let used = arenas.take_back(id).wait().unwrap();
        assert!(!arenas.is_awaited(id));
        let (gone, awaited) = (arenas.take_back(id), arenas.take_back(id));
        assert!(arenas.is_awaited(id) && !awaited.is_there());
        drop(gone);
        arenas.give(used);
        assert_eq!(awaited.wait().unwrap().id(), id);
        assert!(!arenas.is_awaited(id));
        assert_eq!(arenas.wanted.load(Ordering::Relaxed), 0);
    }

    /// Threads that take, give and stand aside at random: nobody waits for ever, no arena is lost.
    #[test]
    fn nothing_is_lost_between_many_threads() {
        let arenas = arenas();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 0..2_000 {
                        let arena = arenas.take(None).unwrap();
                        let id = arena.id();
                        arenas.give(arena);
                        if round % 3 == 0 {
                            let back = arenas.take_back(id).wait().unwrap();
                            assert_eq!(back.id(), id);
                            arenas.give(back);
                        } else if round % 7 == 0 {
                            drop(arenas.take_back(id));
                        }
                    }
                });
            }
        });
        let all: Vec<_> = (0..4).map(|_| arenas.take(None).unwrap().id()).collect();
        assert_eq!(all.len(), 4);
    }
}
