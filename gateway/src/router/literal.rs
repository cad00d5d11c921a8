//! Short texts searched in paths: kept in place, so that a look at a pattern touches no other memory.

/// A text without special characters.
#[derive(Debug, Clone)]
pub(super) enum Literal {
    /// In place.
    Inline {
        /// Bytes used.
        length: u8,
        /// The text.
        bytes: [u8; Literal::INLINE],
    },
    /// Too long for that.
    Heap(Box<[u8]>),
}

impl Literal {
    /// With the length and the variant's tag this makes 32 bytes.
    const INLINE: usize = 30;

    /// Keeps a text.
    pub(super) fn new(text: &[u8]) -> Self {
        match u8::try_from(text.len()) {
            Ok(length) if text.len() <= Self::INLINE => {
                let mut bytes = [0; Self::INLINE];
                bytes[..text.len()].copy_from_slice(text);
                Self::Inline { length, bytes }
            }
            _ => Self::Heap(text.into()),
        }
    }

    /// The text.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { length, bytes } => &bytes[..usize::from(*length)],
            Self::Heap(bytes) => bytes,
        }
    }

    /// Whether the text is somewhere in `path`.
    pub(super) fn is_in(&self, path: &[u8]) -> bool {
        self.places(path).next().is_some()
    }

    /// Where the text begins in `path`, each place from the first on.
    pub(super) fn places<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let needle = self.as_bytes();
        let places = path.len().checked_sub(needle.len()).map_or(0, |last| last + 1);
        // Paths are a few dozen bytes: setting up a search by vectors takes longer than a loop over them.
        (0..places).filter(move |at| match needle {
            [] => true,
            [first, others @ ..] => path[*at] == *first && path[at + 1..].starts_with(others),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Literal;

    #[test]
    fn all_places_are_found() {
        let places = |needle: &str, path: &str| {
            Literal::new(needle.as_bytes()).places(path.as_bytes()).collect::<Vec<_>>()
        };
        assert_eq!(places("/a", "/a/ab/a"), [0, 2, 5]);
        assert_eq!(places("aa", "aaaa"), [0, 1, 2]);
        assert_eq!(places("", "ab"), [0, 1, 2]);
        assert!(places("abc", "ab").is_empty());
        let long = "x".repeat(40);
        assert_eq!(places(&long, &format!("/{long}")), [1]);
        assert_eq!(size_of::<Literal>(), 32);
    }
}
