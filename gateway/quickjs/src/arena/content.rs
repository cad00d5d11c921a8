//! What an arena's heap holds: made pristine after runs, compared, put back.

use std::sync::Arc;

use super::{Arena, Image};
use crate::{heap, image::Delta, preempt, reservation::PAGE};

/// Runs after which pages are watched anew.
pub(super) const WATCHED_RUNS: u32 = 4096;
/// Bytes above an image that stay in memory after a run.
const KEPT_BYTES: usize = 1 << 20;

impl Arena {
    /// Makes the heap pristine again.
    pub(crate) fn restore(&mut self) {
        let (touched, length) = (self.touched(), self.pristine.len());
        let changes = self.control.dirty().changes();
        if (self.written.0, self.written.1) != (changes, length) {
            self.written = (changes, length, self.control.dirty().parts(length));
        }
        let memory = self.reservation.contents_mut(length);
        for (start, end) in &self.written.2 {
            memory[*start..*end].copy_from_slice(&self.pristine[*start..*end]);
        }
        self.restored(touched);
    }

    /// The same after a run that left these changes and no others, which are fewer than what it may have written to.
    pub(crate) fn restore_changed(&mut self, changed: &Delta) {
        let (touched, length) = (self.touched(), self.pristine.len());
        if changed.length() < length {
            // What is above it was not looked at.
            return self.restore();
        }
        changed.undo_in(&self.pristine, self.reservation.contents_mut(length));
        self.restored(touched);
    }

    /// Notes that the heap is pristine, after a run that touched so many bytes of it.
    fn restored(&mut self, touched: usize) {
        let length = self.pristine.len();
        self.watch_in = self.watch_in.saturating_sub(1);
        if self.watch_in == 0 {
            self.watch_in = WATCHED_RUNS;
            self.control.dirty_mut().watch(self.base_bytes);
        }
        self.marked = self.marked.max(touched.min((length + KEPT_BYTES).next_multiple_of(PAGE)));
        if touched > length + KEPT_BYTES {
            self.reservation.give_back(length + KEPT_BYTES, touched);
        }
        self.clean = true;
    }

    /// Whether the heap is byte for byte what it was before the last run.
    pub fn is_pristine(&self) -> bool {
        self.reservation.contents(self.pristine.len()) == self.pristine
    }

    /// Makes allocation number `count` of the next run fail, and all after it; for tests.
    #[doc(hidden)]
    pub fn fail_after(&mut self, count: usize) {
        heap::of_mut(&mut self.reservation).fail_after(count);
    }

    /// How the heap differs from the image.
    pub(crate) fn changed(&self) -> Delta {
        let parts = self.control.dirty().parts(self.used());
        Delta::within(&self.pristine, self.reservation.contents(self.used()), &parts)
    }

    /// Makes the heap and the stack what they were when a run was parked.
    pub(crate) fn put_back(&mut self, image: &Arc<Image>, heap: &Delta, stack: &[u8]) {
        self.activate(Some(image));
        self.clean = false;
        let length = heap.length();
        let memory = self.reservation.contents_mut(length);
        let pristine = self.pristine.len().min(memory.len());
        preempt::writing(&self.control, || {
            memory[pristine..].fill(0);
            heap.write(memory);
        });
        let end = self.reservation.stack().end;
        self.reservation.stack_from(end - stack.len()).copy_from_slice(stack);
    }
}
