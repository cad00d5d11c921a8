//! The address range of one arena: a stack for its runs and the memory that its engine allocates from.
//!
//! Invariants: the range belongs to one [`Reservation`] from its making to its drop and never moves; below the stack
//! and on both sides of the heap lie pages that nobody may touch.
#![allow(unsafe_code, reason = "maps memory")]

use std::{io, ops::Range, ptr::null_mut, slice};

use corosensei::stack::{Stack, StackPointer};

/// Bytes of each untouchable part. Larger than any step that the engine's native frames make at once.
const GUARD: usize = 1 << 20;
/// Bytes of a page.
pub(crate) const PAGE: usize = 4096;

/// Memory of one arena.
pub(crate) struct Reservation {
    start: usize,
    stack_bytes: usize,
    /// Bytes of the heap that may be used.
    heap_bytes: usize,
    /// Bytes that the heap may grow to.
    most_heap_bytes: usize,
}

impl Reservation {
    /// Reserves a stack, and a heap with room to grow; pages take memory once they are touched.
    pub(crate) fn new(stack_bytes: usize, heap_bytes: usize, most_heap_bytes: usize) -> io::Result<Self> {
        let (stack_bytes, heap_bytes) =
            (stack_bytes.next_multiple_of(PAGE), heap_bytes.next_multiple_of(PAGE));
        let most_heap_bytes = most_heap_bytes.next_multiple_of(PAGE).max(heap_bytes);
        let whole = GUARD + stack_bytes + GUARD + most_heap_bytes + GUARD;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let start = unsafe { libc::mmap(null_mut(), whole, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let reservation = Self { start: start as usize, stack_bytes, heap_bytes, most_heap_bytes };
        for (place, bytes) in
            [(reservation.stack().start, stack_bytes), (reservation.heap_start(), heap_bytes)]
        {
            open(place, bytes)?;
        }
        Ok(reservation)
    }

    /// Lets so many bytes of the heap be used, or as many as were reserved if that is less; never fewer than before.
    pub(crate) fn grow(&mut self, heap_bytes: usize) -> io::Result<()> {
        let heap_bytes = heap_bytes.next_multiple_of(PAGE).min(self.most_heap_bytes);
        if heap_bytes > self.heap_bytes {
            open(self.heap_start() + self.heap_bytes, heap_bytes - self.heap_bytes)?;
            self.heap_bytes = heap_bytes;
        }
        Ok(())
    }

    /// Where the stack lies, without its guard.
    pub(crate) fn stack(&self) -> Range<usize> {
        let low = self.start + GUARD;
        low..low + self.stack_bytes
    }

    fn heap_start(&self) -> usize {
        self.stack().end + GUARD
    }

    /// The heap's first byte.
    pub(crate) fn heap(&self) -> *mut u8 {
        self.heap_start() as *mut u8
    }

    /// Bytes of the heap that may be used.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    /// The first bytes of the heap; no engine code runs while they are looked at.
    pub(crate) fn contents(&self, bytes: usize) -> &[u8] {
        let bytes = bytes.min(self.heap_bytes);
        // SAFETY: readable for its whole length, zero where never written; engine code, which writes to it, runs only
        // while the arena is borrowed mutably.
        unsafe { slice::from_raw_parts(self.heap(), bytes) }
    }

    /// The first bytes of the heap, to be written.
    pub(crate) fn contents_mut(&mut self, bytes: usize) -> &mut [u8] {
        let bytes = bytes.min(self.heap_bytes);
        // SAFETY: as in `contents`; the borrow is unique.
        unsafe { slice::from_raw_parts_mut(self.heap(), bytes) }
    }

    /// The stack from `low` to its end.
    pub(crate) fn stack_from(&mut self, low: usize) -> &mut [u8] {
        let stack = self.stack();
        let low = low.clamp(stack.start, stack.end);
        // SAFETY: inside the stack, which no code runs on while the arena is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(low as *mut u8, stack.end - low) }
    }

    /// Gives the heap's pages from `keep` bytes on back to the system; they read as zero afterwards.
    pub(crate) fn give_back(&mut self, keep: usize, until: usize) {
        let (keep, until) = (keep.next_multiple_of(PAGE), until.next_multiple_of(PAGE).min(self.heap_bytes));
        if keep < until {
            // SAFETY: inside the heap, and nothing of value lies there as the caller's unique borrow says.
            unsafe {
                libc::madvise(self.heap().add(keep).cast(), until - keep, libc::MADV_DONTNEED);
            }
        }
    }

    /// The stack for one coroutine after another.
    pub(crate) fn run_stack(&self) -> RunStack {
        let stack = self.stack();
        RunStack { base: stack.end, limit: stack.start - GUARD }
    }
}

/// Makes a part of a new reservation readable and writable.
fn open(place: usize, bytes: usize) -> io::Result<()> {
    // SAFETY: the callers' parts lie inside a mapping of their own that nothing uses there yet.
    unsafe {
        if libc::mprotect(place as *mut _, bytes, libc::PROT_READ | libc::PROT_WRITE) != 0 {
            return Err(io::Error::last_os_error());
        }
        // Huge pages would make a page that is touched once cost two megabytes; systems without them refuse.
        libc::madvise(place as *mut _, bytes, libc::MADV_NOHUGEPAGE);
    }
    Ok(())
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let whole = GUARD + self.stack_bytes + GUARD + self.most_heap_bytes + GUARD;
        // SAFETY: exactly the range that `new` mapped.
        unsafe {
            libc::munmap(self.start as *mut _, whole);
        }
    }
}

/// A reservation's stack as coroutines want it; valid as long as the reservation.
pub(crate) struct RunStack {
    base: usize,
    limit: usize,
}

fn pointer(address: usize) -> StackPointer {
    StackPointer::new(address).unwrap_or(StackPointer::MIN)
}

// SAFETY: the range is mapped, larger than the least size, has a guard at its low end and is aligned to pages.
unsafe impl Stack for RunStack {
    fn base(&self) -> StackPointer {
        pointer(self.base)
    }

    fn limit(&self) -> StackPointer {
        pointer(self.limit)
    }
}
