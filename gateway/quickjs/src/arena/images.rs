//! The images of an arena's programs: which it keeps, and which of them its heap is.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicU64, Ordering},
};

use super::{Arena, content::Holds};
use crate::{engine::Program, failure::Failure, heap, image::Delta, js::Held, reservation::Reservation};

/// Bytes in which the image that is the model may differ from the base.
const LARGEST_MODEL: usize = 32 << 10;

/// What calls a function with so many arguments, or why nothing does.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) function: Arc<str>,
    pub(super) count: usize,
    pub(super) held: Result<Held, Failure>,
}

/// A program as one arena has it in memory.
pub(crate) struct Image {
    pub(super) program: Weak<Program>,
    pub(super) delta: Delta,
    pub(super) config: Held,
    pub(super) callers: Vec<Caller>,
    pub(super) used: AtomicU64,
}

impl Arena {
    /// Keeps what the heap holds as the program's image.
    pub(super) fn keep(&mut self, program: &Arc<Program>, config: Held, callers: Vec<Caller>) -> Arc<Image> {
        self.pristine = snapshot(&mut self.reservation);
        if self.uses == 0 {
            self.take_model();
        }
        let delta = Delta::between(&self.model, &self.pristine);
        self.uses += 1;
        let used = AtomicU64::new(self.uses);
        let image = Arc::new(Image { program: Arc::downgrade(program), delta, config, callers, used });
        self.images.insert(Arc::as_ptr(program), Arc::clone(&image));
        self.pristine_of = Some(Arc::clone(&image));
        self.current = Some(Arc::clone(&image));
        self.holds = Holds::Image;
        self.forget_some();
        image
    }

    /// Makes the first image the model, unless it has so much of its own that it would make others larger.
    fn take_model(&mut self) {
        let own = Delta::between(&self.model, &self.pristine);
        if own.size() <= LARGEST_MODEL && self.pristine.len() <= self.base_bytes + LARGEST_MODEL {
            *self.base = Delta::between(&self.pristine, &self.model);
            self.model.clone_from(&self.pristine);
        }
    }

    /// Drops the images of programs that are gone, and the least recently used ones of too many.
    fn forget_some(&mut self) {
        self.images.retain(|_, image| image.program.strong_count() > 0);
        while self.image_bytes() > self.engine.image_bytes && self.images.len() > 1 {
            let oldest = self.images.iter().min_by_key(|(_, image)| image.used.load(Ordering::Relaxed));
            let Some(oldest) = oldest.map(|(program, _)| *program) else { return };
            self.images.remove(&oldest);
        }
    }

    /// Bytes that the images of programs take besides the base.
    pub fn image_bytes(&self) -> usize {
        self.images.values().map(|image| image.delta.size()).sum()
    }

    /// Bytes of the base image.
    pub fn base_bytes(&self) -> usize {
        self.base_bytes
    }
}

/// Takes what the heap holds.
pub(super) fn snapshot(reservation: &mut Reservation) -> Vec<u8> {
    heap::of_mut(reservation).settle();
    reservation.contents(heap::of(reservation).used()).to_vec()
}
