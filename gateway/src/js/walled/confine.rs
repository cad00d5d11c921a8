//! What a process of scripts gives up before it runs any.
//!
//! It ends with its parent, has no descriptors but its socket, can open none, and can do nothing but compute, take memory
//! up to a limit, and speak through its socket.
#![allow(
    unsafe_code,
    reason = "closing descriptors that nobody owns, and ignoring signals, have no safe interface"
)]

use std::{fs::File, io, os::unix::fs::FileExt as _};

use rustix::process::{
    Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Bytes above what it takes at its start that it can never be allowed.
const MOST_DATA: u64 = 4 << 30;

/// By how much its priority is below the gateway's.
const NICE: i32 = 5;

/// What the process may still ask of the system; all else fails with `EPERM`.
const ALLOWED: [i64; 32] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_pread64,
    libc::SYS_close,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_getpid,
    // A signal to itself only: to others it would need more than it may.
    libc::SYS_tgkill,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_prlimit64,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Closes all descriptors but the first three, and ignores signals that tell the gateway to stop: they may be sent to the
/// whole group of processes, and requests in flight are to end. Before anything else in the process happens.
pub(super) fn detach() {
    // SAFETY: at the start of the process, before anything owns a descriptor above the standard ones; ignoring a signal
    // runs no code.
    unsafe {
        libc::close_range(3, libc::c_uint::MAX, 0);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}

/// Has the system end this process with the thread that started it.
///
/// # Errors
/// When the system refuses, or the parent is gone already.
pub(super) fn end_with(parent: u32) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let here =
        getppid().is_some_and(|pid| u32::try_from(pid.as_raw_nonzero().get()).is_ok_and(|pid| pid == parent));
    if here { Ok(()) } else { Err(io::Error::other("the gateway is gone")) }
}

/// Gives up everything else, for all threads.
///
/// # Errors
/// When the system refuses.
pub(super) fn confine() -> io::Result<()> {
    for (resource, most) in [(Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nofile, 16)] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    // The gateway's own threads, and whatever answers quickly, come before scripts that compute.
    rustix::process::setpriority_process(None, NICE)?;
    rustix::thread::set_no_new_privs(true)?;
    let rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let arch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch).map_err(io::Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(io::Error::other)?;
    seccompiler::apply_filter_all_threads(&program).map_err(io::Error::other)
}

/// What the process takes, and the limit on it.
pub(super) struct Memory {
    statm: File,
    page: u64,
    at_start: u64,
    most: u64,
}

impl Memory {
    /// # Errors
    /// When `/proc` does not tell.
    pub(super) fn new() -> io::Result<Self> {
        let page = u64::try_from(rustix::param::page_size()).map_err(io::Error::other)?;
        let mut memory = Self { statm: File::open("/proc/self/statm")?, page, at_start: 0, most: 0 };
        let hard = getrlimit(Resource::Data).maximum.unwrap_or(u64::MAX);
        memory.at_start = memory.data()?;
        memory.most = hard.min(memory.at_start + MOST_DATA);
        memory.lift()?;
        Ok(memory)
    }

    /// Bytes of data, which is what the limit is on: the sixth of some numbers of pages.
    fn data(&self) -> io::Result<u64> {
        let mut text = [0; 128];
        let length = self.statm.read_at(&mut text, 0)?;
        let text = std::str::from_utf8(&text[..length]).map_err(io::Error::other)?;
        let pages = text.split_ascii_whitespace().nth(5).and_then(|number| number.parse::<u64>().ok());
        Ok(pages.ok_or_else(|| io::Error::other("/proc/self/statm is not understood"))? * self.page)
    }

    /// Allows so many bytes more than it takes now.
    pub(super) fn allow(&self, bytes: usize) -> io::Result<()> {
        self.limit(self.data()? + u64::try_from(bytes).unwrap_or(u64::MAX / 2))
    }

    /// Allows all that it may ever take.
    pub(super) fn lift(&self) -> io::Result<()> {
        self.limit(self.most)
    }

    fn limit(&self, bytes: u64) -> io::Result<()> {
        let limit = Rlimit { current: Some(bytes.min(self.most)), maximum: Some(self.most) };
        Ok(setrlimit(Resource::Data, limit)?)
    }

    /// Bytes that it takes more than at its start.
    pub(super) fn grown_bytes(&self) -> u64 {
        self.data().map_or(0, |now| now.saturating_sub(self.at_start))
    }
}
