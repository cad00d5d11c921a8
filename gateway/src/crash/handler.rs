//! The handler of fatal signals.
//!
//! Invariants: it runs on the alternate stack that Rust gives each thread it starts, so that it survives a stack
//! overflow; it calls only async-signal-safe functions (`write`, `sigaction`) and touches only a constant
//! thread-local and a static; afterwards the signal has its default action again and ends the process.
#![allow(unsafe_code, reason = "signal handlers have no safe interface")]

use std::{
    ffi::c_int,
    mem::MaybeUninit,
    os::fd::{AsRawFd, OwnedFd},
    ptr,
    sync::atomic::{AtomicI32, Ordering},
};

use super::site;

/// Where reports go; -1 is nowhere.
static REPORT: AtomicI32 = AtomicI32::new(-1);

/// Signals that a defect in native code raises.
const FATAL: [c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];

/// Reports fatal signals of this process to `report` from now on; the descriptor stays open to the end.
pub fn install(report: OwnedFd) {
    // Leaked on purpose: the handler may need it until the last moment.
    REPORT.store(report.as_raw_fd(), Ordering::Relaxed);
    std::mem::forget(report);
    for signal in FATAL {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: all-zero bytes are a valid `sigaction` (no flags, empty mask, default action); the handler has the
        // signature that SA_SIGINFO asks for and keeps the module's invariants; the old action is not wanted.
        unsafe {
            let action = action.assume_init_mut();
            action.sa_sigaction = on_fatal as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(signal, action, ptr::null_mut());
        }
    }
}

extern "C" fn on_fatal(signal: c_int, _info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    let report = REPORT.load(Ordering::Relaxed);
    if report >= 0 {
        // `crash`, a tab, the signal's number, the site, a line end: one write, so that lines do not mix.
        let mut line = [0_u8; 1024];
        let mut length = 0;
        let digits = [b'0' + (signal / 10 % 10) as u8, b'0' + (signal % 10) as u8];
        for part in [&b"crash\t"[..], &digits, site::current(), b"\n"] {
            let room = line.len() - length - usize::from(part != b"\n");
            let taken = part.len().min(room);
            line[length..length + taken].copy_from_slice(&part[..taken]);
            length += taken;
        }
        // SAFETY: `line` is readable for `length` bytes, and `write` may be called from a handler. A failure is not
        // looked at: there is nobody to tell.
        unsafe {
            libc::write(report, line.as_ptr().cast(), length);
        }
    }
    let mut default = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all-zero bytes are the default action; `sigaction` may be called from a handler. When this returns, a
    // fault happens again and ends the process; `abort` does the same by itself.
    unsafe {
        libc::sigaction(signal, default.assume_init_mut(), ptr::null_mut());
    }
}
