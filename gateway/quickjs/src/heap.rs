//! The allocator of one arena.
//!
//! All its state lies in the arena itself, so that copying the arena's used part back restores the allocator with
//! everything it gave out. Two-level segregated fit (Masmano, Ripoll, Crespo and Real, 2004): constant time, neighbours
//! that are free grow together. What lies above [`Heap::top`] was never given out, or came back.
//!
//! Invariants: blocks lie one after the other from the end of [`Heap`] to `top`; each knows its size and the block
//! before it; a free block is in the list of its class, and neither its neighbours nor the last block are free.
#![allow(unsafe_code, reason = "an allocator works on raw memory")]

mod functions;

use std::ptr::{self, null_mut};

pub(crate) use self::functions::FUNCTIONS;
use crate::reservation::Reservation;

/// Alignment of what is given out, and the unit of sizes.
const UNIT: usize = 16;
/// Bytes of a block before its content.
pub(crate) const HEAD: usize = size_of::<Block>();
/// Contents are at least this long: a free block keeps its links there.
const LEAST: usize = 16;
/// Classes of each power of two.
const STEPS: usize = 16;
/// Sizes below this have classes of one unit's width.
const FINE: usize = STEPS * UNIT;
/// Powers of two that have classes: the fine ones together, then up to 2^34.
const LEVELS: usize = 28;
/// Lowest bit of a size: the block is free.
const FREE: usize = 1;

#[repr(C)]
struct Block {
    /// The block before this one in memory, or null.
    before: *mut Block,
    /// Bytes of the content, with [`FREE`].
    size: usize,
}

/// Links of a free block, where its content was.
#[repr(C)]
struct Links {
    next: *mut Block,
    previous: *mut Block,
}

/// The allocator; stands at the start of its arena.
#[repr(C, align(16))]
pub(crate) struct Heap {
    /// Where the arena starts: here, as a pointer to all of it and not to its first bytes only.
    base: *mut u8,
    /// Offset of the first byte that belongs to no block.
    top: usize,
    /// The highest `top` since the last time the arena was restored.
    high: usize,
    /// Bytes of the arena that may be used.
    limit: usize,
    /// The block before `top`, or null.
    last: *mut Block,
    /// Times that there was no room.
    refused: usize,
    /// Allocations until one is refused on purpose; for tests.
    fail_after: usize,
    levels: u32,
    steps: [u32; LEVELS],
    lists: [[*mut Block; STEPS]; LEVELS],
}

impl Heap {
    /// Makes an allocator of zeroed memory.
    ///
    /// # Safety
    /// `base` is aligned to 16 and writable for `limit` bytes, which nothing else uses; `limit` is larger than a
    /// `Heap`.
    pub(crate) unsafe fn create(base: *mut u8, limit: usize) {
        let heap = base.cast::<Self>();
        // SAFETY: as the caller promises; zeroed bytes are null pointers and empty lists.
        unsafe {
            ptr::write_bytes(base, 0, size_of::<Self>());
            (*heap).base = base;
            (*heap).top = size_of::<Self>().next_multiple_of(UNIT);
            (*heap).high = (*heap).top;
            (*heap).limit = limit;
            (*heap).fail_after = usize::MAX;
        }
    }

    /// Bytes from the arena's start that hold anything.
    pub(crate) fn used(&self) -> usize {
        self.top
    }

    /// Bytes from the arena's start that may have been written to since the last restore.
    pub(crate) fn touched(&self) -> usize {
        self.high
    }

    /// Whether there was no room for something since the last restore.
    pub(crate) fn refused(&self) -> bool {
        self.refused > 0
    }

    /// Starts to count anew before an image is taken.
    pub(crate) fn settle(&mut self) {
        self.high = self.top;
        self.refused = 0;
    }

    /// Bytes of the arena that may be used.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Lets so many bytes of the arena be used, from now on; what lies above stays.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Refuses the allocation after `count` more, and those after it.
    pub(crate) fn fail_after(&mut self, count: usize) {
        self.fail_after = count;
    }

    /// # Safety
    /// `self` was made by [`Heap::create`]; so for all functions below.
    unsafe fn allocate(&mut self, bytes: usize) -> *mut u8 {
        if self.fail_after != usize::MAX {
            if self.fail_after == 0 {
                self.refused += 1;
                return null_mut();
            }
            self.fail_after -= 1;
        }
        if bytes > self.limit {
            self.refused += 1;
            return null_mut();
        }
        let size = bytes.max(LEAST).next_multiple_of(UNIT);
        // SAFETY: the invariants of the module hold before and after each of these.
        unsafe {
            let found = self.take(size);
            let block = if found.is_null() { self.extend(size) } else { found };
            if block.is_null() {
                self.refused += 1;
                return null_mut();
            }
            block.cast::<u8>().add(HEAD)
        }
    }

    /// A new block at the top, or null.
    unsafe fn extend(&mut self, size: usize) -> *mut Block {
        if self.limit.saturating_sub(self.top) < size + HEAD {
            return null_mut();
        }
        // SAFETY: the block lies between `top` and `limit`, which no other does.
        unsafe {
            let block = self.base.add(self.top).cast::<Block>();
            (*block).before = self.last;
            (*block).size = size;
            self.last = block;
            self.raise(self.top + HEAD + size);
            block
        }
    }

    fn raise(&mut self, top: usize) {
        self.top = top;
        self.high = self.high.max(top);
    }

    /// A free block of at least this size, cut down to it; or null.
    unsafe fn take(&mut self, size: usize) -> *mut Block {
        // Each block of the class that the rounded size falls in is large enough.
        let rounded = if size < FINE { size } else { size + (1 << (size.ilog2() - STEPS.ilog2())) - UNIT };
        let (level, step) = class(rounded);
        if level >= LEVELS {
            return null_mut();
        }
        let mut level = level;
        let mut steps = self.steps[level] & (!0 << step);
        if steps == 0 {
            let levels = self.levels & (!0_u32).checked_shl(level as u32 + 1).unwrap_or(0);
            if levels == 0 {
                return null_mut();
            }
            level = levels.trailing_zeros() as usize;
            steps = self.steps[level];
        }
        let block = self.lists[level][steps.trailing_zeros() as usize];
        // SAFETY: a listed block is free and valid; what is cut off lies inside it and gets a head of its own.
        unsafe {
            self.unlist(block);
            let whole = (*block).size & !FREE;
            if whole >= size + HEAD + LEAST {
                (*block).size = size;
                let rest = after(block);
                (*rest).before = block;
                (*rest).size = whole - size - HEAD;
                // A free block is never the last one, so there is one behind the rest.
                (*after(rest)).before = rest;
                self.list(rest);
            } else {
                (*block).size = whole;
            }
        }
        block
    }

    unsafe fn release(&mut self, content: *mut u8) {
        // SAFETY: `content` came from `allocate`, so its head lies before it; neighbours are found by the invariants.
        unsafe {
            let mut block = content.sub(HEAD).cast::<Block>();
            let before = (*block).before;
            if !before.is_null() && (*before).size & FREE != 0 {
                self.unlist(before);
                (*before).size = ((*before).size & !FREE) + HEAD + (*block).size;
                if block == self.last {
                    self.last = before;
                } else {
                    (*after(before)).before = before;
                }
                block = before;
            }
            if block == self.last {
                self.last = (*block).before;
                self.top = block as usize - self.base as usize;
                return;
            }
            let next = after(block);
            if (*next).size & FREE != 0 {
                self.unlist(next);
                (*block).size += HEAD + ((*next).size & !FREE);
                (*after(block)).before = block;
            }
            self.list(block);
        }
    }

    unsafe fn resize(&mut self, content: *mut u8, bytes: usize) -> *mut u8 {
        if bytes > self.limit {
            self.refused += 1;
            return null_mut();
        }
        // SAFETY: `content` came from `allocate`; the copy is as long as the shorter of the two contents.
        unsafe {
            let block = content.sub(HEAD).cast::<Block>();
            let old = (*block).size;
            let size = bytes.max(LEAST).next_multiple_of(UNIT);
            if block == self.last && self.fail_after == usize::MAX {
                let start = content as usize - self.base as usize;
                if size <= self.limit.saturating_sub(start) {
                    (*block).size = size;
                    self.raise(start + size);
                    return content;
                }
            }
            if bytes <= old && old <= 2 * size {
                return content;
            }
            let moved = self.allocate(bytes);
            if moved.is_null() {
                return if bytes <= old { content } else { moved };
            }
            ptr::copy_nonoverlapping(content, moved, old.min(bytes));
            self.release(content);
            moved
        }
    }

    /// Puts a block into the list of its class.
    unsafe fn list(&mut self, block: *mut Block) {
        // SAFETY: the block is free, so its content may hold links; what the list holds is valid.
        unsafe {
            let (level, step) = class((*block).size & !FREE);
            (*block).size |= FREE;
            let next = self.lists[level][step];
            *links(block) = Links { next, previous: null_mut() };
            if !next.is_null() {
                (*links(next)).previous = block;
            }
            self.lists[level][step] = block;
            self.steps[level] |= 1 << step;
            self.levels |= 1 << level;
        }
    }

    /// Takes a block out of the list of its class; its mark stays.
    unsafe fn unlist(&mut self, block: *mut Block) {
        // SAFETY: a free block's links are valid.
        unsafe {
            let Links { next, previous } = links(block).read();
            if !next.is_null() {
                (*links(next)).previous = previous;
            }
            if !previous.is_null() {
                (*links(previous)).next = next;
                return;
            }
            let (level, step) = class((*block).size & !FREE);
            self.lists[level][step] = next;
            if next.is_null() {
                self.steps[level] &= !(1 << step);
                if self.steps[level] == 0 {
                    self.levels &= !(1 << level);
                }
            }
        }
    }
}

/// Makes a heap in a new reservation.
pub(crate) fn create(reservation: &Reservation) -> *const Heap {
    // SAFETY: the reservation's heap is aligned to pages, writable and larger than a `Heap`; nothing uses it yet.
    unsafe { Heap::create(reservation.heap(), reservation.heap_bytes()) }
    reservation.heap().cast()
}

/// The heap in a reservation, while no engine code runs.
pub(crate) fn of(reservation: &Reservation) -> &Heap {
    // SAFETY: made by `create`; any bytes are a valid `Heap`, as far as its plain fields are read.
    unsafe { &*reservation.heap().cast::<Heap>() }
}

/// The heap in a reservation, while no engine code runs.
pub(crate) fn of_mut(reservation: &mut Reservation) -> &mut Heap {
    // SAFETY: as above; the borrow is unique.
    unsafe { &mut *reservation.heap().cast::<Heap>() }
}

/// Class of a size.
fn class(size: usize) -> (usize, usize) {
    if size < FINE {
        return (0, size / UNIT);
    }
    let power = size.ilog2() as usize;
    (power + 1 - FINE.ilog2() as usize, (size >> (power - STEPS.ilog2() as usize)) & (STEPS - 1))
}

/// The block behind one that is not the last.
///
/// # Safety
/// There is one.
unsafe fn after(block: *mut Block) -> *mut Block {
    // SAFETY: blocks lie one after the other.
    unsafe { block.cast::<u8>().add(HEAD + ((*block).size & !FREE)).cast() }
}

fn links(block: *mut Block) -> *mut Links {
    block.wrapping_add(1).cast()
}

#[cfg(test)]
mod tests;
