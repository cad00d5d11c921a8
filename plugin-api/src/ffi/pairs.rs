//! Headers of an answer as they cross, a view of the plugin's memory.

use gatehouse_plugin_abi::{Pair, Slice, numbers::pair};

use super::{host::Text, view};

/// Headers of an answer that a plugin gives, names and values in order.
#[derive(Clone, Copy)]
pub struct HeaderPairs<'a>(&'a [Pair]);

impl<'a> HeaderPairs<'a> {
    /// # Safety
    /// What the pairs show lives for `'a`, and for ever where it is marked so.
    pub(super) unsafe fn new(pairs: &'a [Pair]) -> Self {
        Self(pairs)
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Each name with its value.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (Text<'a>, Text<'a>)> {
        // SAFETY: as whoever made this has said.
        self.0.iter().map(|pair| unsafe {
            (
                lived_text(pair.name, pair.flags & pair::STATIC_NAME != 0),
                lived_text(pair.value, pair.flags & pair::STATIC_VALUE != 0),
            )
        })
    }
}

impl std::fmt::Debug for HeaderPairs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// # Safety
/// The view lives for `'a`, and for ever when it is marked so.
unsafe fn lived_text<'a>(text: Slice, lives_for_ever: bool) -> Text<'a> {
    // SAFETY: as the caller says.
    unsafe {
        if lives_for_ever {
            Text::Static(view::bytes(text).unwrap_or_default())
        } else {
            Text::Borrowed(view::bytes(text).unwrap_or_default())
        }
    }
}
