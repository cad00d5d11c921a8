//! Time slices that hold everywhere.
//!
//! The engine looks at the clock by itself while it runs bytecode or a regular expression ([`crate::native`]). Some of
//! its native loops never do (`reverse` of an array-like of any length). A watchdog therefore sends a signal of ours to
//! each thread whose run has had its slice, and the handler suspends the run right there: the handler's frame, with all
//! registers, stays on the run's own stack, and returns when the run is resumed, on whichever thread. A run that is
//! dropped instead is forgotten with its stack; its arena is restored from the image, so that it does not matter what
//! the engine was in the middle of.
//!
//! Why that is sound:
//! - It happens only while [`Control::is_inside`] holds: engine code runs, or our allocator called by it. No Rust value
//!   that needs dropping is on that stack and no lock of ours is held; all state is in the arena or on the run's stack.
//! - It happens only at an instruction of the engine's own object, never inside libc (`localtime_r` takes a lock) or the
//!   dynamic loader. The engine calls no libc function that calls back. Where libc is part of the same object (a static
//!   binary), slices end where the engine looks at the clock only.
//! - In libc the handler moves the engine's next look at the clock up instead, so that loops of long native calls
//!   (`fill` of a large array) end in time too.
//! - What sigreturn restores of the thread besides registers, its signal mask and alternate stack, is replaced with that
//!   of the thread that goes on. A run is suspended by the outermost handler on its stack only: one that a second signal
//!   had interrupted at its beginning might find itself on another thread, and return there with what is the first one's.
//! - The handler looks at one constant thread-local, before it suspends, and calls only `clock_gettime`,
//!   `sigaltstack` and `sigprocmask`.
#![allow(unsafe_code, reason = "signal handlers have no safe interface")]

use std::{
    cell::Cell,
    ffi::{c_int, c_void},
    mem::MaybeUninit,
    ops::Range,
    ptr::{null, null_mut},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use crate::control::{Control, Output};

/// Time between two looks of the watchdog.
const TICK: Duration = Duration::from_millis(4);
/// Looks without a run before the watchdog sleeps until there is one.
const IDLE_TICKS: u32 = 12;

/// Our signal; 0 until it is installed, or where it cannot be.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
static TEXT_START: AtomicUsize = AtomicUsize::new(0);
static TEXT_END: AtomicUsize = AtomicUsize::new(0);

static THREADS: Mutex<Vec<Arc<Watched>>> = Mutex::new(Vec::new());
static AWAKE: AtomicBool = AtomicBool::new(false);
static SLEEP: Mutex<()> = Mutex::new(());
static WAKE: Condvar = Condvar::new();

/// A thread that runs, or ran, engine code.
struct Watched {
    thread: libc::pthread_t,
    /// When its run's slice is over; 0 without a run.
    slice_end: AtomicU64,
}

/// Keeps a thread on the list as long as it lives.
struct Registration(Arc<Watched>);

impl Drop for Registration {
    fn drop(&mut self) {
        threads().retain(|watched| !Arc::ptr_eq(watched, &self.0));
    }
}

thread_local! {
    /// The arena that runs on this thread; for the handler.
    static CURRENT: Cell<*const Control> = const { Cell::new(null()) };
    static REGISTRATION: Registration = register();
}

fn threads() -> MutexGuard<'static, Vec<Arc<Watched>>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register() -> Registration {
    // SAFETY: has no requirements.
    let thread = unsafe { libc::pthread_self() };
    let watched = Arc::new(Watched { thread, slice_end: AtomicU64::new(0) });
    threads().push(Arc::clone(&watched));
    Registration(watched)
}

/// Monotonic nanoseconds.
pub(crate) fn now() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is valid for writes; the clock exists on every system that we build for, so that the time is
    // always written. May be called from signal handlers.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr());
        time.assume_init()
    };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Processor time of this thread so far. On a busy machine that is much less than what has passed.
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The arena that runs on this thread; for signal handlers on it.
pub(crate) fn current<'a>() -> Option<&'a Control> {
    // SAFETY: set for as long as the arena runs on this thread, which holds the arena; the handler is done before it
    // goes on, or keeps to the arena's stack.
    unsafe { CURRENT.get().as_ref() }
}

/// Writes to the arena's memory from outside of its runs: pages that are watched become writable as they do for runs.
pub(crate) fn writing<T>(control: &Control, write: impl FnOnce() -> T) -> T {
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            CURRENT.set(null());
        }
    }
    let _forget = Forget;
    CURRENT.set(control);
    write()
}

/// Whether native loops can be stopped too.
pub fn stops_native_loops() -> bool {
    start();
    SIGNAL.load(Ordering::Relaxed) != 0
}

/// Runs `switch`, which goes into a run of the arena, with an end to its slice.
pub(crate) fn watched<T>(control: &Control, slice_end: u64, switch: impl FnOnce() -> T) -> T {
    control.set_slice_end(slice_end);
    // While the thread ends there is no registration any more; the engine's own looks at the clock remain.
    let watched = REGISTRATION.try_with(|registration| Arc::as_ptr(&registration.0)).unwrap_or(null());
    CURRENT.set(control);
    let _ = REGISTRATION.try_with(|registration| {
        // Ordered against the watchdog's falling asleep: it sees this run, or we see it sleep.
        registration.0.slice_end.store(slice_end.max(1), Ordering::SeqCst);
        if !AWAKE.load(Ordering::SeqCst) {
            wake();
        }
    });
    let result = switch();
    CURRENT.set(null());
    if !watched.is_null() {
        // SAFETY: this thread's registration lives until the thread ends.
        unsafe { (*watched).slice_end.store(0, Ordering::Relaxed) }
    }
    result
}

#[cold]
fn wake() {
    start();
    let _sleep = SLEEP.lock().unwrap_or_else(PoisonError::into_inner);
    AWAKE.store(true, Ordering::SeqCst);
    WAKE.notify_one();
}

/// Starts the watchdog, once.
fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(text) = engine_text() else { return };
        TEXT_START.store(text.start, Ordering::Relaxed);
        TEXT_END.store(text.end, Ordering::Relaxed);
        let Some(signal) = install() else { return };
        if thread::Builder::new().name("js-watchdog".to_owned()).spawn(move || watch(signal)).is_ok() {
            SIGNAL.store(signal, Ordering::Release);
        }
    });
}

fn watch(signal: c_int) {
    let mut idle = 0;
    loop {
        thread::sleep(TICK);
        idle = if look(signal) { 0 } else { idle + 1 };
        if idle >= IDLE_TICKS {
            let mut sleep = SLEEP.lock().unwrap_or_else(PoisonError::into_inner);
            AWAKE.store(false, Ordering::SeqCst);
            while !AWAKE.load(Ordering::SeqCst) && !look(signal) {
                sleep = WAKE.wait(sleep).unwrap_or_else(PoisonError::into_inner);
            }
            AWAKE.store(true, Ordering::SeqCst);
            idle = 0;
        }
    }
}

/// Signals each thread whose run has had its slice; false when there is no run at all.
fn look(signal: c_int) -> bool {
    let now = now();
    let mut runs = false;
    for watched in threads().iter() {
        let end = watched.slice_end.load(Ordering::SeqCst);
        runs |= end != 0;
        if end != 0 && now >= end {
            // SAFETY: a thread on the list has not ended: it takes itself off, for which it waits for our lock.
            unsafe {
                libc::pthread_kill(watched.thread, signal);
            }
        }
    }
    runs
}

/// Takes a real-time signal that nobody uses.
fn install() -> Option<c_int> {
    (libc::SIGRTMIN() + 5..=libc::SIGRTMAX()).find(|signal| {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        let mut found = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: all-zero bytes are a valid `sigaction`; the handler has the signature that SA_SIGINFO asks for and
        // keeps the invariants of the module. Not on the alternate stack, so that its frame stays with the run. Masked
        // until the run is suspended, see `leave`.
        unsafe {
            if libc::sigaction(*signal, null(), found.as_mut_ptr()) != 0
                || (*found.as_ptr()).sa_sigaction != libc::SIG_DFL
            {
                return false;
            }
            let action = action.assume_init_mut();
            action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            libc::sigaction(*signal, action, null_mut()) == 0
        }
    })
}

extern "C" fn on_signal(signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(control) = current() else { return };
    if !control.is_inside() || now() < control.slice_end() {
        return;
    }
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the kernel hands a valid context to handlers with SA_SIGINFO.
    let (instruction, stack) = unsafe { registers(&*context) };
    if !control.stack.contains(&stack) {
        return;
    }
    let text = TEXT_START.load(Ordering::Relaxed)..TEXT_END.load(Ordering::Relaxed);
    if !text.contains(&instruction) {
        let counter = control.poll_counter.get();
        if !counter.is_null() {
            // SAFETY: points into the engine's context, which nobody else writes to while its thread is here.
            unsafe { counter.write_volatile(1) }
        }
        return;
    }
    control.set_inside(false);
    leave(signal);
    let _ = control.suspend(Output::Preempted);
    // From here on this may be another thread.
    adopt(context, signal);
    control.set_inside(true);
}

/// Lets our signal come again on this thread, which does something else now: this handler may never return. What comes
/// before the run is suspended returns at once, since no engine code runs any more.
fn leave(signal: c_int) {
    mask(libc::SIG_UNBLOCK, signal);
}

fn mask(how: c_int, signal: c_int) {
    let mut ours = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is made before it is used; all three may be called from handlers.
    unsafe {
        libc::sigemptyset(ours.as_mut_ptr());
        libc::sigaddset(ours.as_mut_ptr(), signal);
        libc::pthread_sigmask(how, ours.as_ptr(), null_mut());
    }
}

/// Makes what sigreturn restores besides registers that of the thread that goes on.
#[inline(never)]
fn adopt(context: *mut libc::ucontext_t, signal: c_int) {
    // SAFETY: the context lies on the run's stack, in the handler's frame; both calls write what they are asked for and
    // may be called from handlers. Of the mask the kernel's frame holds the first eight bytes only.
    unsafe {
        let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
        if libc::sigaltstack(null(), stack.as_mut_ptr()) == 0 {
            (*context).uc_stack = stack.assume_init();
        }
        let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
        if libc::pthread_sigmask(libc::SIG_BLOCK, null(), mask.as_mut_ptr()) == 0 {
            (&raw mut (*context).uc_sigmask).cast::<u64>().write(mask.as_ptr().cast::<u64>().read());
        }
    }
    // None of ours until the mask is restored: a second suspension in this handler would spoil what was adopted.
    mask(libc::SIG_BLOCK, signal);
}

/// Instruction and stack pointer of a context.
#[cfg(target_arch = "x86_64")]
fn registers(context: &libc::ucontext_t) -> (usize, usize) {
    let registers = &context.uc_mcontext.gregs;
    (registers[libc::REG_RIP as usize] as usize, registers[libc::REG_RSP as usize] as usize)
}

/// Instruction and stack pointer of a context.
#[cfg(target_arch = "aarch64")]
fn registers(context: &libc::ucontext_t) -> (usize, usize) {
    (context.uc_mcontext.pc as usize, context.uc_mcontext.sp as usize)
}

/// The executable segment that holds the engine; `None` when libc may be in it too.
fn engine_text() -> Option<Range<usize>> {
    if cfg!(target_feature = "crt-static") || !cfg!(target_env = "gnu") {
        return None;
    }
    struct Search {
        address: usize,
        found: Option<Range<usize>>,
    }
    unsafe extern "C" fn visit(object: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
        // SAFETY: the loader hands over a valid object, with as many headers as it says, and what we gave it.
        unsafe {
            let (object, search) = (&*object, &mut *search.cast::<Search>());
            for index in 0..object.dlpi_phnum as usize {
                let header = &*object.dlpi_phdr.add(index);
                if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_X == 0 {
                    continue;
                }
                let start = object.dlpi_addr as usize + header.p_vaddr as usize;
                let range = start..start + header.p_memsz as usize;
                if range.contains(&search.address) {
                    search.found = Some(range);
                    return 1;
                }
            }
        }
        0
    }
    let mut search = Search { address: rquickjs_sys::JS_Call as *const () as usize, found: None };
    // SAFETY: the callback keeps to the interface and the search outlives the call.
    unsafe {
        libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast());
    }
    search.found
}
