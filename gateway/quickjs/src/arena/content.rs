//! What an arena's heap holds: made pristine after runs, compared, put back.

use std::sync::Arc;

use super::{Arena, Image};
use crate::{heap, image::Delta, preempt, reservation::PAGE};

/// Runs after which pages are watched anew.
pub(super) const WATCHED_RUNS: u32 = 4096;
/// Bytes above an image that stay in memory after a run.
const KEPT_BYTES: usize = 1 << 20;

/// What an arena's heap holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// The current image as it was.
    Image,
    /// The model, without the differences of any image.
    Model,
    /// Whatever the last run left of the current image.
    Remains,
}

impl Arena {
    /// Makes the heap what the image says, or the base.
    pub(crate) fn activate(&mut self, image: Option<&Arc<Image>>) {
        let again = is_same(self.current.as_ref(), image);
        if self.holds == Holds::Remains {
            self.clear_away(!again);
        }
        let Self { control, reservation, model, base, current, .. } = self;
        let (before, after) = (delta_of(current.as_ref(), base), delta_of(image, base));
        let length = model.len().max(before.length()).max(after.length());
        match self.holds {
            Holds::Image if again => return,
            held => preempt::writing(control, || {
                let memory = reservation.contents_mut(length);
                if held == Holds::Image {
                    before.undo_in(model, memory);
                }
                after.write_over(model, memory);
            }),
        }
        self.holds = Holds::Image;
        self.in_turn = !again;
        self.settled = false;
        if !again {
            self.current = image.map(Arc::clone);
        }
    }

    /// Clears away what the run left while the processor still has it in its cache. Where programs take turns
    /// the next one begins with the model, over which its differences are written; otherwise with a copy that has them already.
    pub(crate) fn end_run(&mut self) {
        self.clear_away(self.in_turn);
    }

    /// Makes the heap hold the model or the current image again.
    fn clear_away(&mut self, model: bool) {
        self.forget_touched();
        // To a settled image pages belong that do not count as written to.
        let model = model && !self.settled;
        if !model {
            self.hold();
        }
        self.put_pages_back(model);
        self.holds = if model { Holds::Model } else { Holds::Image };
        self.watch_in = self.watch_in.saturating_sub(1);
        if self.watch_in == 0 {
            self.watch_in = WATCHED_RUNS;
            self.settled = !model;
            self.control.dirty_mut().watch(self.base_bytes);
        }
    }

    /// Copies the pages that count as written to from the model or from `pristine`.
    fn put_pages_back(&mut self, model: bool) {
        let source: &[u8] = if model { &self.model } else { &self.pristine };
        let (changes, length) = (self.control.dirty().changes(), source.len());
        if (self.written.0, self.written.1) != (changes, length) {
            self.written = (changes, length, self.control.dirty().parts(length));
        }
        let memory = self.reservation.contents_mut(length);
        for (start, end) in &self.written.2 {
            memory[*start..*end].copy_from_slice(&source[*start..*end]);
        }
    }

    /// Makes `pristine` what the heap holds when it holds the current image.
    fn hold(&mut self) {
        let Self { model, base, pristine, pristine_of, current, .. } = self;
        if is_same(pristine_of.as_ref(), current.as_ref()) {
            return;
        }
        delta_of(pristine_of.as_ref(), base).undo(model, pristine);
        delta_of(current.as_ref(), base).apply(pristine);
        pristine_of.clone_from(current);
    }

    /// Makes the heap what it was before the last run.
    fn make_pristine(&mut self) {
        let current = self.current.clone();
        self.activate(current.as_ref());
    }

    /// The same after a run that left these changes and no others, which are fewer than what it may have written to.
    pub(crate) fn restore_changed(&mut self, changed: &Delta) {
        let length = self.length();
        if changed.length() < length {
            // What is above it was not looked at.
            return self.make_pristine();
        }
        self.forget_touched();
        changed.undo_in(&self.pristine, self.reservation.contents_mut(length));
        self.holds = Holds::Image;
    }

    /// Notes how far the last run went, and gives memory back that it took far above its image.
    fn forget_touched(&mut self) {
        let (touched, length) = (self.touched(), self.length());
        self.marked = self.marked.max(touched.min((length + KEPT_BYTES).next_multiple_of(PAGE)));
        if touched > length + KEPT_BYTES {
            self.reservation.give_back(length + KEPT_BYTES, touched);
        }
    }

    /// Length of the image that the heap held before the last run.
    fn length(&self) -> usize {
        delta_of(self.current.as_ref(), &self.base).length()
    }

    /// Makes the arena ready for the next run of the same program; whether the heap is byte for byte what it was before the last one.
    pub fn is_pristine(&mut self) -> bool {
        self.make_pristine();
        let mut image = self.model.clone();
        delta_of(self.current.as_ref(), &self.base).apply(&mut image);
        self.reservation.contents(image.len()) == image
    }

    /// Makes allocation number `count` of the next run fail, and all after it; for tests.
    #[doc(hidden)]
    pub fn fail_after(&mut self, count: usize) {
        heap::of_mut(&mut self.reservation).fail_after(count);
    }

    /// How the heap differs from the image.
    pub(crate) fn changed(&mut self) -> Delta {
        self.hold();
        let parts = self.control.dirty().parts(self.used());
        Delta::within(&self.pristine, self.reservation.contents(self.used()), &parts)
    }

    /// Makes the heap and the stack what they were when a run was parked.
    pub(crate) fn put_back(&mut self, image: &Arc<Image>, heap: &Delta, stack: &[u8]) {
        self.activate(Some(image));
        self.holds = Holds::Remains;
        let length = heap.length();
        let memory = self.reservation.contents_mut(length);
        let pristine = image.delta.length().min(memory.len());
        preempt::writing(&self.control, || {
            memory[pristine..].fill(0);
            heap.write(memory);
        });
        let end = self.reservation.stack().end;
        self.reservation.stack_from(end - stack.len()).copy_from_slice(stack);
    }
}

fn is_same(one: Option<&Arc<Image>>, other: Option<&Arc<Image>>) -> bool {
    one.map(Arc::as_ptr) == other.map(Arc::as_ptr)
}

fn delta_of<'a>(image: Option<&'a Arc<Image>>, base: &'a Delta) -> &'a Delta {
    image.map_or(base, |image| &image.delta)
}
