//! Which pages of an arena's base image runs write to.
//!
//! To copy the whole image back after each run would be most of the cost of a short call, and half of its pages are never
//! written to. They are therefore read-only until the first write to them: the fault makes the page writable for good,
//! and notes that it has to be copied from then on. Which pages these are settles after a few calls; now and then all are
//! watched anew, since one call out of the ordinary (a garbage collection looks at every object) would otherwise make all
//! later ones slower.
//!
//! The handler of faults treats those of our pages on a thread that runs their arena, and leaves all others to the
//! handler that was there before. It looks at one constant thread-local and calls `mprotect` only.
#![allow(unsafe_code, reason = "signal handlers have no safe interface")]

use std::{
    cell::UnsafeCell,
    ffi::{c_int, c_void},
    mem::MaybeUninit,
    ptr::null,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use crate::{preempt, reservation::PAGE};

/// Pages that can be told apart; those beyond are copied always.
const PAGES: usize = 1024;

/// The pages of one arena's base image.
pub(crate) struct Dirty {
    heap: usize,
    /// How many pages from the heap's start are watched.
    watched: usize,
    pages: [AtomicU64; PAGES / 64],
    /// Counts changes of `pages`.
    changes: AtomicU32,
}

impl Dirty {
    /// Watches no page yet.
    pub(crate) fn new(heap: usize) -> Self {
        Self {
            heap,
            watched: 0,
            pages: [const { AtomicU64::new(0) }; PAGES / 64],
            changes: AtomicU32::new(1),
        }
    }

    /// Watches the pages that lie wholly within the heap's first bytes; all count as not written to, except the first,
    /// which has the allocator.
    pub(crate) fn watch(&mut self, bytes: usize) {
        install();
        self.watched = (bytes / PAGE).min(PAGES);
        for pages in &self.pages {
            pages.store(0, Ordering::Relaxed);
        }
        self.note(0);
        let pages = 1..self.watched.max(1);
        // SAFETY: the pages belong to the heap of the arena whose part this is; only our own code and the engine write to
        // them, on whose threads the handler finds this.
        let failed = unsafe { libc::mprotect(self.address(1), pages.len() * PAGE, libc::PROT_READ) != 0 };
        if failed {
            pages.for_each(|page| self.note(page));
        }
    }

    fn address(&self, page: usize) -> *mut c_void {
        (self.heap + page * PAGE) as *mut c_void
    }

    fn note(&self, page: usize) {
        self.pages[page / 64].fetch_or(1 << (page % 64), Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    fn is_written(&self, page: usize) -> bool {
        page >= self.watched || self.pages[page / 64].load(Ordering::Relaxed) & (1 << (page % 64)) != 0
    }

    /// A number that is another one once other pages were written to.
    pub(crate) fn changes(&self) -> u32 {
        self.changes.load(Ordering::Relaxed)
    }

    /// The parts of the heap's first bytes that may have been written to, as offset and end.
    pub(crate) fn parts(&self, bytes: usize) -> Vec<(usize, usize)> {
        let mut parts: Vec<(usize, usize)> = Vec::new();
        for page in (0..bytes.div_ceil(PAGE)).filter(|page| self.is_written(*page)) {
            let (start, end) = (page * PAGE, ((page + 1) * PAGE).min(bytes));
            match parts.last_mut() {
                Some((_, last)) if *last == start => *last = end,
                _ => parts.push((start, end)),
            }
        }
        parts
    }

    /// Makes the page writable that this address lies in; false when it is none of ours.
    fn write_to(&self, address: usize) -> bool {
        let Some(page) = address.checked_sub(self.heap).map(|offset| offset / PAGE) else { return false };
        if self.is_written(page) {
            return false;
        }
        self.note(page);
        // SAFETY: as in `watch`; the page was readable, and the engine may write to all of its heap.
        unsafe { libc::mprotect(self.address(page), PAGE, libc::PROT_READ | libc::PROT_WRITE) == 0 }
    }
}

/// The handler that was there before ours.
struct Before(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: written once, under a lock, before our handler is in place.
unsafe impl Sync for Before {}

static BEFORE: Before = Before(UnsafeCell::new(MaybeUninit::zeroed()));

/// Puts our handler before the one that is there, unless it is ours.
fn install() {
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = on_fault as *const () as libc::sighandler_t;
    // SAFETY: all-zero bytes are a valid `sigaction`; the handler has the signature that SA_SIGINFO asks for and keeps to
    // the module's rules. Not masked while it runs, because the handler before it may never return.
    unsafe {
        let mut found = MaybeUninit::<libc::sigaction>::zeroed();
        if libc::sigaction(libc::SIGSEGV, null(), found.as_mut_ptr()) != 0
            || (*found.as_ptr()).sa_sigaction == ours
        {
            return;
        }
        *BEFORE.0.get() = found;
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        let action = action.assume_init_mut();
        action.sa_sigaction = ours;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        // None but faults meanwhile: alternate stacks have room for little more than one frame with all registers.
        libc::sigfillset(&raw mut action.sa_mask);
        for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGTRAP] {
            libc::sigdelset(&raw mut action.sa_mask, fault);
        }
        libc::sigaction(libc::SIGSEGV, action, std::ptr::null_mut());
    }
}

extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel hands a valid siginfo to handlers with SA_SIGINFO; that of a fault has an address.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    // Positive codes come from the kernel, others from whoever sends a signal.
    if code > 0 && preempt::current().is_some_and(|control| control.dirty().write_to(address)) {
        return;
    }
    // SAFETY: written before this handler was in place, and not after; its flags say what signature it has. The default
    // action is restored for the signal that comes again as soon as this returns.
    unsafe {
        let before = (*BEFORE.0.get()).assume_init_ref();
        match before.sa_sigaction {
            libc::SIG_DFL | libc::SIG_IGN => {
                libc::signal(signal, libc::SIG_DFL);
            }
            handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
                let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            }
            handler => {
                let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
                handler(signal);
            }
        }
    }
}
