//! What the signals that end slices leave behind on the threads that they come to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(unsafe_code, reason = "sends signals to threads and asks what state of theirs it is")]

mod common;

use std::{
    mem::MaybeUninit,
    ptr::null,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use common::{loaded, start};
use gatehouse_quickjs::{Run, Step, stops_native_loops};

/// What a thread has of its own and sigreturn sets: where its alternate stack lies, and which signals it blocks.
#[derive(Debug, PartialEq, Eq)]
struct Own {
    alternate_stack: (usize, usize),
    blocked: Vec<i32>,
}

impl Own {
    fn now() -> Self {
        // SAFETY: both calls write all of what they are given, and change nothing.
        unsafe {
            let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
            assert_eq!(libc::sigaltstack(null(), stack.as_mut_ptr()), 0);
            let stack = stack.assume_init();
            let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
            assert_eq!(libc::pthread_sigmask(libc::SIG_BLOCK, null(), mask.as_mut_ptr()), 0);
            let blocked =
                (1..=libc::SIGRTMAX()).filter(|signal| libc::sigismember(mask.as_ptr(), *signal) == 1);
            Self { alternate_stack: (stack.ss_sp as usize, stack.ss_size), blocked: blocked.collect() }
        }
    }
}

/// The signal that ends slices: the first real-time one with a handler.
fn signal() -> i32 {
    (libc::SIGRTMIN()..=libc::SIGRTMAX())
        .find(|signal| {
            let mut action = MaybeUninit::<libc::sigaction>::zeroed();
            // SAFETY: asks only, and zeroed bytes are an action.
            unsafe {
                libc::sigaction(*signal, null(), action.as_mut_ptr()) == 0
                    && action.assume_init().sa_sigaction != libc::SIG_DFL
            }
        })
        .unwrap()
}

/// A signal may come while the handler of the one before it has only just begun. The run is then suspended with both
/// handlers on its stack, and goes on elsewhere.
#[test]
fn signals_on_the_heels_of_others_leave_every_thread_what_is_its_own() {
    const MOVES: usize = 4_000;
    if !stops_native_loops() {
        return;
    }
    let signal = signal();
    let body = "function f() { return Array.prototype.indexOf.call({length: Math.pow(2, 53) - 1}, 1); }";
    let (here, from_there) = mpsc::channel::<Run>();
    let (there, from_here) = mpsc::channel::<Run>();
    for to in [&here, &there] {
        let (arena, program) = loaded(body);
        to.send(start(arena, &program, "f").unwrap()).unwrap();
    }
    let (done, moves) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let (done, moves) = (&done, &moves);
        let sides = [(from_there, there), (from_here, here)].map(|(from, to)| {
            let (tell, thread) = mpsc::channel();
            let side = scope.spawn(move || {
                let own = Own::now();
                // SAFETY: has no requirements.
                tell.send(unsafe { libc::gettid() }).unwrap();
                for _ in 0..MOVES {
                    let mut run = from.recv().unwrap();
                    assert!(matches!(run.resume(Duration::from_micros(20)), Step::Preempted));
                    assert_eq!(Own::now(), own);
                    moves.fetch_add(1, Ordering::Relaxed);
                    // The other side has made its moves, or has failed.
                    let _ = to.send(run);
                }
                from
            });
            (side, thread.recv().unwrap())
        });
        let threads = [sides[0].1, sides[1].1];
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                // A few for each move: without end, they would leave the threads no time to go on.
                if moves.swap(0, Ordering::Relaxed) == 0 {
                    continue;
                }
                for thread in threads.repeat(4) {
                    // SAFETY: a number, not a handle: a thread that has ended is not found.
                    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) };
                }
            }
        });
        let ends = sides.map(|(side, _)| side.join());
        done.store(true, Ordering::Relaxed);
        for end in ends {
            end.unwrap();
        }
    });
}
