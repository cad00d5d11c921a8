//! mimalloc as the process's allocator.
//!
//! The crate `mimalloc` asks for each block by its alignment. For blocks of more than a kilobyte whose size is no power of two, mimalloc then takes
//! the long way of alignments that it does not have by nature, and allocates more than was asked for. Blocks of a request are such:
//! hyper's buffer, the request's future, a map of headers. What needs no more than the alignment that every
//! block has is asked for without one here.
//!
//! For any block of more than a kilobyte mimalloc looks through its pages, and for one of half a kilobyte, when it is the only one of its
//! size that comes and goes, each time as well. Each thread keeps what was given back in lists by size, and gives out the one that came last: a request's
//! blocks have the same sizes each time, and the last one is still in the processor's cache.

#![allow(unsafe_code, reason = "an allocator has no safe interface")]

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    ffi::c_void,
    ptr,
};

use libmimalloc_sys as mi;

/// Alignment of every block that is at least as long, mimalloc's `MI_MAX_ALIGN_SIZE`: that of C's `max_align_t`.
const NATURAL: usize = 16;

/// The allocator; memory is given back by whichever thread has it last.
pub struct Mimalloc;

/// Whether mimalloc aligns a block as asked without being told. A block is aligned to 8 whatever its size, and to [`NATURAL`] if it
/// is as long.
fn is_natural(layout: Layout, size: usize) -> bool {
    layout.align() <= size_of::<usize>() || layout.align() <= NATURAL && size >= NATURAL
}

/// Bytes of blocks that are kept: mimalloc has a short way for smaller ones.
const KEPT: std::ops::RangeInclusive<usize> = 513..=8192;

/// What sizes in [`KEPT`] are rounded up to, so that each list has blocks of one size.
const STEP: usize = 64;

/// Lists of kept blocks. The first eight stay empty.
const LISTS: usize = *KEPT.end() / STEP;

/// Bytes that a thread keeps at most. When they are full all of it is given back, so that sizes which were asked for once make room
/// for those that are asked for always.
const MOST_KEPT: usize = 256 << 10;

/// The blocks that a thread keeps. Nobody else has them; the first bytes of each point to the next of its list.
struct Spares {
    lists: [Cell<*mut Spare>; LISTS],
    bytes: Cell<usize>,
}

/// The beginning of a kept block.
struct Spare {
    next: *mut Spare,
}

thread_local! {
    static OWN: Spares = const {
        Spares { lists: [const { Cell::new(ptr::null_mut()) }; LISTS], bytes: Cell::new(0) }
    };
}

impl Spares {
    /// Gives all blocks back.
    fn clear(&self) {
        for list in &self.lists {
            let mut block = list.replace(ptr::null_mut());
            while !block.is_null() {
                // SAFETY: what a list has was written by `keep`, into a block that nobody else has.
                let next = unsafe { (*block).next };
                // SAFETY: the block is mimalloc's and is in no list any more.
                unsafe { mi::mi_free(block.cast::<c_void>()) };
                block = next;
            }
        }
        self.bytes.set(0);
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Whether blocks of a layout are kept.
fn is_kept(layout: Layout) -> bool {
    layout.align() <= NATURAL && KEPT.contains(&layout.size())
}

/// The list of a size in [`KEPT`].
fn list_of(size: usize) -> usize {
    (size - 1) / STEP
}

/// What mimalloc is asked for: all blocks of a list are as long.
fn rounded(size: usize) -> usize {
    if KEPT.contains(&size) { size.next_multiple_of(STEP) } else { size }
}

/// A kept block for this size, for the caller alone; null if there is none.
fn take(size: usize) -> *mut u8 {
    let take = |own: &Spares| {
        let list = &own.lists[list_of(size)];
        let block = list.get();
        if !block.is_null() {
            // SAFETY: what a list has was written by `keep`, into a block that nobody else has.
            list.set(unsafe { (*block).next });
            own.bytes.set(own.bytes.get() - rounded(size));
        }
        block.cast()
    };
    // When the thread is ending there are none any more.
    OWN.try_with(take).unwrap_or(ptr::null_mut())
}

/// Keeps a block that nobody has any more. False if the thread keeps none.
fn keep(block: *mut u8, size: usize) -> bool {
    let keep = |own: &Spares| {
        if own.bytes.get() >= MOST_KEPT {
            own.clear();
        }
        let list = &own.lists[list_of(size)];
        #[allow(clippy::cast_ptr_alignment, reason = "every block is aligned for a pointer")]
        let block = block.cast::<Spare>();
        // SAFETY: the block is longer than a pointer and aligned for one, and nobody has it.
        unsafe { block.write(Spare { next: list.get() }) };
        list.set(block);
        own.bytes.set(own.bytes.get() + rounded(size));
    };
    OWN.try_with(keep).is_ok()
}

// SAFETY: each block comes from mimalloc with the size that was asked for and at least the alignment, or is null; it is given
// back or grown by mimalloc alone, which knows its blocks whichever function they came from. A kept block was given back by its
// owner and is given out once, for a size of the same list and an alignment that every block of that size has: wherever a size of that list
// comes from or goes to, mimalloc was asked for the longest of the list. Nothing here unwinds.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (rounded(layout.size()), layout.align());
        if is_kept(layout) {
            let block = take(layout.size());
            if !block.is_null() {
                return block;
            }
        }
        // SAFETY: the alignment is a power of two, as every layout's.
        unsafe {
            if is_natural(layout, size) { mi::mi_malloc(size) } else { mi::mi_malloc_aligned(size, align) }
        }
        .cast()
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (rounded(layout.size()), layout.align());
        // SAFETY: as for `alloc`.
        unsafe {
            if is_natural(layout, size) { mi::mi_zalloc(size) } else { mi::mi_zalloc_aligned(size, align) }
        }
        .cast()
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_kept(layout) && keep(block, layout.size()) {
            return;
        }
        // SAFETY: the caller says that the block is from here and not used any more.
        unsafe { mi::mi_free(block.cast::<c_void>()) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (block, align, size) = (block.cast::<c_void>(), layout.align(), rounded(size));
        // SAFETY: the caller says that the block is from here; the new one is aligned as the old one was.
        unsafe {
            if is_natural(layout, size) {
                mi::mi_realloc(block, size)
            } else {
                mi::mi_realloc_aligned(block, size, align)
            }
        }
        .cast()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        alloc::{GlobalAlloc as _, Layout},
        ffi::c_void,
    };

    use super::{KEPT, MOST_KEPT, Mimalloc, OWN, STEP};

    unsafe extern "C" {
        fn mi_usable_size(block: *const c_void) -> usize;
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    #[test]
    fn a_kept_block_is_given_out_once_and_to_sizes_of_its_list_alone() {
        for size in [*KEPT.start(), 728, 4000, 6016, *KEPT.end()] {
            let end = size.next_multiple_of(STEP);
            // SAFETY: blocks are given back once, with their layout.
            unsafe {
                let first = Mimalloc.alloc(layout(size));
                Mimalloc.dealloc(first, layout(size));
                let sizes = [end, end, (end + 1).min(*KEPT.end()), end - STEP];
                let blocks = sizes.map(|size| (Mimalloc.alloc(layout(size)), layout(size)));
                assert_eq!(blocks[0].0, first, "{size}");
                assert!(blocks[1..].iter().all(|(block, _)| *block != first), "{size}");
                blocks.into_iter().for_each(|(block, layout)| Mimalloc.dealloc(block, layout));
            }
        }
    }

    #[test]
    fn many_blocks_of_a_size_are_kept_and_the_last_one_comes_first() {
        // SAFETY: blocks are given back once, with their layout.
        unsafe {
            let blocks: Vec<*mut u8> = (0..20).map(|_| Mimalloc.alloc(layout(5000))).collect();
            blocks.iter().for_each(|block| Mimalloc.dealloc(*block, layout(5000)));
            let again: Vec<*mut u8> = (0..20).map(|_| Mimalloc.alloc(layout(5000))).collect();
            assert!(again.iter().eq(blocks.iter().rev()));
            again.iter().for_each(|block| Mimalloc.dealloc(*block, layout(5000)));
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_a_size_that_is_not_asked_for_again_makes_room() {
        let kept = || OWN.with(|own| own.bytes.get());
        let all = 2 * MOST_KEPT / 8000;
        // SAFETY: blocks are given back once, with their layout.
        unsafe {
            let rare: Vec<*mut u8> = (0..all).map(|_| Mimalloc.alloc(layout(8000))).collect();
            for block in rare {
                Mimalloc.dealloc(block, layout(8000));
                assert!(kept() <= MOST_KEPT + *KEPT.end(), "{}", kept());
            }
            let common: Vec<*mut u8> = (0..all).map(|_| Mimalloc.alloc(layout(2000))).collect();
            common.into_iter().for_each(|block| Mimalloc.dealloc(block, layout(2000)));
            assert!(kept() >= 2000 * 20, "{}", kept());
        }
        OWN.with(super::Spares::clear);
        assert_eq!(kept(), 0);
    }

    #[test]
    fn a_block_that_was_grown_is_as_long_as_the_others_of_its_list() {
        for (from, to) in [(100, 600), (100, 5057), (3000, 700), (8192, 4097), (20_000, 8129), (500, 513)] {
            // SAFETY: blocks are used within their sizes and given back once, with their layout.
            unsafe {
                let block = Mimalloc.alloc(layout(from));
                let block = Mimalloc.realloc(block, layout(from), to);
                Mimalloc.dealloc(block, layout(to));
                let longest = to.next_multiple_of(STEP);
                let again = Mimalloc.alloc(layout(longest));
                assert_eq!(again, block, "{to}");
                assert!(mi_usable_size(again.cast()) >= longest, "{to}");
                again.write_bytes(0xA5, longest);
                Mimalloc.dealloc(again, layout(longest));
            }
        }
    }

    #[test]
    fn blocks_go_from_thread_to_thread() {
        let given =
            |count: usize| (0..count).map(|at| vec![7_u8; 1100 + 600 * (at % 12)]).collect::<Vec<_>>();
        for _ in 0..20 {
            let blocks = std::thread::spawn(move || given(50)).join().unwrap();
            let others = given(50);
            assert!(blocks.iter().chain(&others).flatten().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn blocks_are_aligned_and_keep_what_they_hold() {
        let sizes = [1, 7, 8, 9, 15, 16, 17, 24, 40, 833, 1024, 1025, 5000, 8192, 70_000, 3 << 20];
        for align in [1, 2, 4, 8, 16, 32, 64, 256, 4096, 65_536] {
            for size in sizes {
                for grown in sizes {
                    let layout = Layout::from_size_align(size, align).unwrap();
                    let kept = size.min(grown);
                    // SAFETY: blocks are used within their sizes and given back once, with their layout.
                    unsafe {
                        let block = Mimalloc.alloc(layout);
                        assert!(!block.is_null() && block.addr().is_multiple_of(align), "{size} {align}");
                        block.write_bytes(0xA5, size);
                        let block = Mimalloc.realloc(block, layout, grown);
                        assert!(!block.is_null() && block.addr().is_multiple_of(align), "{grown} {align}");
                        assert!(std::slice::from_raw_parts(block, kept).iter().all(|byte| *byte == 0xA5));
                        Mimalloc.dealloc(block, Layout::from_size_align(grown, align).unwrap());
                        let zeros = Mimalloc.alloc_zeroed(layout);
                        assert!(zeros.addr().is_multiple_of(align));
                        assert!(std::slice::from_raw_parts(zeros, size).iter().all(|byte| *byte == 0));
                        Mimalloc.dealloc(zeros, layout);
                    }
                }
            }
        }
    }
}
