//! mimalloc as the process's allocator.
//!
//! The crate `mimalloc` asks for each block by its alignment. For blocks of more than a kilobyte whose size is no power of two, mimalloc then takes
//! the long way of alignments that it does not have by nature, and allocates more than was asked for. Blocks of a request are such:
//! hyper's buffer, the request's future, a map of headers. What needs no more than the alignment that every
//! block has is asked for without one here.

#![allow(unsafe_code, reason = "an allocator has no safe interface")]

use std::{
    alloc::{GlobalAlloc, Layout},
    ffi::c_void,
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

// SAFETY: each block comes from mimalloc with the size that was asked for and at least the alignment, or is null; it is given
// back or grown by mimalloc alone, which knows its blocks whichever function they came from. Nothing here unwinds.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
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
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
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

    use super::Mimalloc;

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
