//! What an arena holds after loading, and how one program's state differs from the state without any.

use std::cell::Cell;

use crate::reservation::PAGE;

/// What is compared at once: a cache line.
const LINE: usize = 64;
/// What is kept of a line that differs. Most of what differs is a count of references or a pointer, and programs that are called in
/// turn are copied from memory that no cache holds.
const UNIT: usize = 16;
/// Bytes that a thread keeps to collect the next difference in.
const SPARE_BYTES: usize = 64 << 10;

/// The bytes in which an image differs from another one of the same arena, its base.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    /// Length of the whole image.
    length: usize,
    /// Offset and length of each piece.
    pieces: Box<[(u32, u32)]>,
    /// The pieces' bytes, one after the other.
    bytes: Box<[u8]>,
}

impl Delta {
    /// What has to be written over `base`, continued with zeroes, to make it `image`. What is kept of a line is only what differs.
    pub(crate) fn between(base: &[u8], image: &[u8]) -> Self {
        let mut delta = Collected::new();
        for_each_line(base, image, &[(0, image.len())], |offset, line| {
            for (offset, unit) in (offset..).step_by(UNIT).zip(line.chunks(UNIT)) {
                if !is_known(base, offset, unit) {
                    delta.push(offset, unit);
                }
            }
        });
        delta.into_delta(image.len())
    }

    /// The same where they differ within some parts only, each given by its offset, a multiple of a page, and end. Lines are kept
    /// whole: this is for what a run made, which may be much.
    pub(crate) fn within(base: &[u8], image: &[u8], parts: &[(usize, usize)]) -> Self {
        let mut delta = Collected::new();
        for_each_line(base, image, parts, |offset, line| delta.push(offset, line));
        delta.into_delta(image.len())
    }

    /// Bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.pieces.len() * size_of::<(u32, u32)>()
    }

    /// Makes `image`, which holds `base` with `self` applied, the base again.
    pub(crate) fn undo(&self, base: &[u8], image: &mut Vec<u8>) {
        image.truncate(base.len());
        for (offset, length) in &self.pieces {
            let (start, end) = (*offset as usize, (*offset + *length) as usize);
            let end = end.min(base.len());
            if start < end {
                image[start..end].copy_from_slice(&base[start..end]);
            }
        }
        image.extend_from_slice(&base[image.len()..]);
    }

    /// The same where the image lies at the start of longer memory; what is beyond the base stays.
    pub(crate) fn undo_in(&self, base: &[u8], memory: &mut [u8]) {
        for (offset, length) in &self.pieces {
            let (start, end) = (*offset as usize, ((*offset + *length) as usize).min(base.len()));
            if start < end {
                memory[start..end].copy_from_slice(&base[start..end]);
            }
        }
        if self.length < base.len() {
            memory[self.length..base.len()].copy_from_slice(&base[self.length..]);
        }
    }

    /// Makes `image`, which holds the base, the image that this was made of.
    pub(crate) fn apply(&self, image: &mut Vec<u8>) {
        image.resize(self.length.max(image.len()), 0);
        self.write(image);
        image.truncate(self.length);
    }

    /// Makes memory that holds `base`, and anything beyond it, hold the image that this was made of; what is beyond the image stays.
    pub(crate) fn write_over(&self, base: &[u8], memory: &mut [u8]) {
        if self.length > base.len() {
            memory[base.len()..self.length].fill(0);
        }
        self.write(memory);
    }

    /// Writes the pieces over the base, which zeroes follow up to this length.
    pub(crate) fn write(&self, memory: &mut [u8]) {
        let mut rest = &self.bytes[..];
        for (offset, length) in &self.pieces {
            let (start, length) = (*offset as usize, *length as usize);
            let (piece, others) = rest.split_at(length);
            memory[start..start + length].copy_from_slice(piece);
            rest = others;
        }
    }

    /// Length of the whole image.
    pub(crate) fn length(&self) -> usize {
        self.length
    }
}

/// A difference that is being made, in memory that the thread uses for the next one again.
#[derive(Default)]
struct Collected {
    pieces: Vec<(u32, u32)>,
    bytes: Vec<u8>,
}

thread_local! {
    static SPARE: Cell<Collected> = const { Cell::new(Collected { pieces: Vec::new(), bytes: Vec::new() }) };
}

impl Collected {
    fn new() -> Self {
        SPARE.take()
    }

    fn push(&mut self, offset: usize, content: &[u8]) {
        match self.pieces.last_mut() {
            Some((start, length)) if (*start + *length) as usize == offset => *length += content.len() as u32,
            _ => self.pieces.push((offset as u32, content.len() as u32)),
        }
        self.bytes.extend_from_slice(content);
    }

    fn into_delta(mut self, length: usize) -> Delta {
        let delta = Delta { length, pieces: self.pieces[..].into(), bytes: self.bytes[..].into() };
        if self.bytes.capacity() + self.pieces.capacity() * size_of::<(u32, u32)>() <= SPARE_BYTES {
            self.pieces.clear();
            self.bytes.clear();
            SPARE.set(self);
        }
        delta
    }
}

/// Goes through the lines in which `image` differs from `base`, continued with zeroes.
fn for_each_line(base: &[u8], image: &[u8], parts: &[(usize, usize)], mut each: impl FnMut(usize, &[u8])) {
    let pages = parts
        .iter()
        .flat_map(|(start, end)| (*start..*end).step_by(PAGE).map(|page| (page, (*end).min(page + PAGE))));
    for (start, end) in pages {
        let page = &image[start..end];
        let known = base.get(start..end);
        // Many of the pages that were written to are what they were before.
        if known == Some(page) {
            continue;
        }
        match known.map(<[u8]>::as_chunks::<LINE>) {
            Some((known, known_rest)) => {
                let (lines, rest) = page.as_chunks::<LINE>();
                for (index, (known, line)) in known.iter().zip(lines).enumerate() {
                    if !is_same(known, line) {
                        each(start + index * LINE, line);
                    }
                }
                if known_rest != rest {
                    each(end - rest.len(), rest);
                }
            }
            None => {
                for (offset, line) in (start..).step_by(LINE).zip(page.chunks(LINE)) {
                    if !is_known(base, offset, line) {
                        each(offset, line);
                    }
                }
            }
        }
    }
}

/// Whether this is what `base`, continued with zeroes, has there.
fn is_known(base: &[u8], offset: usize, line: &[u8]) -> bool {
    match base.get(offset..offset + line.len()) {
        Some(known) => known == line,
        None => offset >= base.len() && line.iter().all(|byte| *byte == 0),
    }
}

/// Whether two lines are the same, without a call.
fn is_same(known: &[u8; LINE], line: &[u8; LINE]) -> bool {
    let (known, line) = (known.as_chunks::<8>().0, line.as_chunks::<8>().0);
    let differences = known.iter().zip(line);
    differences.fold(0, |all, (a, b)| all | (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_makes_one_image_of_the_other_and_back() {
        let base: Vec<u8> = (0..10_000_u32).map(|n| n as u8).collect();
        for length in [9_000, 10_000, 10_001, 10_063, 12_345] {
            let mut image = base.clone();
            image.resize(length, 0);
            for place in [0, 63, 64, 5_000, 8_999, length - 1] {
                image[place] ^= 0xFF;
            }
            let delta = Delta::between(&base, &image);
            assert!(delta.size() < 8 * 80, "{}", delta.size());
            let mut made = base.clone();
            delta.apply(&mut made);
            assert!(made == image);
            delta.undo(&base, &mut made);
            assert!(made == base);
        }
    }
}
