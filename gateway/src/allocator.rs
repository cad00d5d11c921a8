//! mimalloc as the process's allocator.
//!
//! The crate `mimalloc` asks for each block by its alignment. For blocks of more than a kilobyte whose size is no power of two, mimalloc then takes
//! the long way of alignments that it does not have by nature, and allocates more than was asked for. Blocks of a request are such:
//! hyper's buffer, the request's future, a map of headers. What needs no more than the alignment that every
//! block has is asked for without one here.
//!
//! For any block of more than a kilobyte mimalloc looks through its pages, and for one of half a kilobyte, when it is the only one of its
//! size that comes and goes, each time as well. Each thread keeps some that were given back for the
//! next of their size: a request's are the same each time, and the one that was used last is still in the processor's cache.

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

/// Blocks that a thread keeps at most.
const SPARES: usize = 8;

/// The blocks that a thread keeps. Nobody else has them.
struct Spares([Spare; SPARES]);

/// A block and its size; null and 0 are none.
struct Spare {
    block: Cell<*mut u8>,
    size: Cell<usize>,
}

thread_local! {
    static OWN: Spares = const {
        Spares([const { Spare { block: Cell::new(ptr::null_mut()), size: Cell::new(0) } }; SPARES])
    };
}

impl Spares {
    /// The two places where blocks of a size are: sizes that have one in common still have one each.
    fn places(&self, size: usize) -> [&Spare; 2] {
        let first = ((size / 64) ^ (size / 512)) % SPARES;
        let second = (first + 1 + (size / 16) % (SPARES - 1)) % SPARES;
        [&self.0[first], &self.0[second]]
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        for spare in &self.0 {
            // SAFETY: the block is mimalloc's and nobody has it; null is let through.
            unsafe { mi::mi_free(spare.block.replace(ptr::null_mut()).cast::<c_void>()) };
        }
    }
}

/// Whether blocks of a layout are kept.
fn is_kept(layout: Layout) -> bool {
    layout.align() <= NATURAL && KEPT.contains(&layout.size())
}

/// A kept block of this size, for the caller alone; null if there is none.
fn take(size: usize) -> *mut u8 {
    let take = |own: &Spares| {
        let of_size = own.places(size).into_iter().find(|spare| spare.size.get() == size);
        of_size.map_or(ptr::null_mut(), |spare| {
            spare.size.set(0);
            spare.block.replace(ptr::null_mut())
        })
    };
    // When the thread is ending there are none any more.
    OWN.try_with(take).unwrap_or(ptr::null_mut())
}

/// Keeps a block that nobody has any more, and gives back the block that has to make room for it: one of a size that is not
/// asked for again must not stay for ever. False if the thread keeps none.
fn keep(block: *mut u8, size: usize) -> bool {
    let keep = |own: &Spares| {
        let places = own.places(size);
        let spare = places.iter().find(|spare| spare.block.get().is_null()).unwrap_or(&places[0]);
        spare.size.set(size);
        let old = spare.block.replace(block);
        if !old.is_null() {
            // SAFETY: the block is mimalloc's, and nobody has it.
            unsafe { mi::mi_free(old.cast::<c_void>()) };
        }
    };
    OWN.try_with(keep).is_ok()
}

// SAFETY: each block comes from mimalloc with the size that was asked for and at least the alignment, or is null; it is given
// back or grown by mimalloc alone, which knows its blocks whichever function they came from. A kept block was given back by its
// owner and is given out once, for the same size and an alignment that every block of that size has. Nothing here unwinds.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        if is_kept(layout) {
            let block = take(size);
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
        let (size, align) = (layout.size(), layout.align());
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
        let (block, align) = (block.cast::<c_void>(), layout.align());
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
    use std::alloc::{GlobalAlloc as _, Layout};

    use super::{KEPT, Mimalloc};

    #[test]
    fn a_kept_block_is_given_out_once_and_for_its_size_alone() {
        let layout = |size| Layout::from_size_align(size, 8).unwrap();
        for size in [*KEPT.start(), 728, 4000, 6016, *KEPT.end()] {
            // SAFETY: blocks are given back once, with their layout.
            unsafe {
                let first = Mimalloc.alloc(layout(size));
                Mimalloc.dealloc(first, layout(size));
                let blocks = [0, 0, 8].map(|more| (Mimalloc.alloc(layout(size + more)), layout(size + more)));
                assert_eq!(blocks[0].0, first, "{size}");
                assert!(blocks[1].0 != first && blocks[2].0 != first, "{size}");
                blocks.into_iter().for_each(|(block, layout)| Mimalloc.dealloc(block, layout));
            }
        }
    }

    #[test]
    fn a_size_that_is_not_asked_for_again_makes_room() {
        let layout = |size| Layout::from_size_align(size, 8).unwrap();
        let all = || (0..64).map(|at| layout(*KEPT.start() + 8 * at));
        // SAFETY: blocks are given back once, with their layout.
        unsafe {
            for rare in all() {
                let block = Mimalloc.alloc(rare);
                Mimalloc.dealloc(block, rare);
            }
            for common in all() {
                let blocks = [(); 2].map(|()| {
                    let block = Mimalloc.alloc(common);
                    Mimalloc.dealloc(block, common);
                    block
                });
                assert_eq!(blocks[0], blocks[1], "{common:?}");
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
