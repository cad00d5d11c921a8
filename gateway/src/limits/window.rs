//! A rate as a sliding window: never more than so many requests in any span of its length.

use std::collections::VecDeque;

use super::{nanos, sharded::Entry};
use crate::apidef::model::RateLimit;

/// Times that are kept one by one; beyond, requests close together share one.
const EXACT: usize = 1024;
/// Parts of the window in which requests share a time beyond [`EXACT`].
const GRAINS: u64 = 1024;

/// The times of the requests that passed within the window.
///
/// Up to 1024 of them are exact. Requests beyond that within a 1024th of the window are kept as if all had come with the
/// last of them: they leave the window that much too late, never too early, so that memory is bounded (32 KiB) for
/// any limit and no span of the window's length ever holds more requests than the limit.
#[derive(Debug, Default)]
pub struct Window {
    slots: VecDeque<Slot>,
    /// Sum of the slots' counts.
    passed: u64,
    /// Time of the first request in the newest slot.
    newest_began: u64,
    /// When the window is empty again.
    empty_at: u64,
}

/// Requests at one time.
#[derive(Debug)]
struct Slot {
    last: u64,
    count: u64,
}

impl Window {
    /// Takes one request at `now`, in nanoseconds, and gives the time it is counted at; `None` when there is no room.
    ///
    /// A `now` before the last request's counts as that one's: clocks of two threads may be read in another order
    /// than they get here.
    pub fn take(&mut self, now: u64, limit: RateLimit) -> Option<u64> {
        let per = nanos(limit.per);
        let now = self.slots.back().map_or(now, |slot| slot.last.max(now));
        while let Some(slot) = self.slots.front()
            && now - slot.last >= per
        {
            self.passed -= slot.count;
            self.slots.pop_front();
        }
        if self.passed >= limit.requests {
            return None;
        }
        let many = self.slots.len() >= EXACT;
        match self.slots.back_mut() {
            Some(slot) if slot.last == now || (many && now - self.newest_began < per / GRAINS) => {
                slot.last = now;
                slot.count += 1;
            }
            _ => {
                self.slots.push_back(Slot { last: now, count: 1 });
                self.newest_began = now;
            }
        }
        self.passed += 1;
        self.empty_at = now.saturating_add(per);
        Some(now)
    }

    /// Gives back a request that was taken at this time.
    pub fn give_back(&mut self, taken: u64) {
        // The slot that has it: the first that is not older. It is near the end.
        let newer = self.slots.iter().rev().take_while(|slot| slot.last >= taken).count();
        let index = self.slots.len() - newer;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.count -= 1;
            self.passed -= 1;
            if slot.count == 0 {
                self.slots.remove(index);
            }
        }
    }

    /// Slots in use, which bounds the memory.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }
}

impl Entry for Window {
    fn is_idle(&self, now: u64) -> bool {
        self.empty_at <= now
    }
}
