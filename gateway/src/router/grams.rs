//! Which texts of three bytes a path has, roughly: most patterns that are not in a path are ruled out without a look at them.
//!
//! With thousands of endpoints, patterns are not in the processor's caches when they are asked for. What is kept here of each is eight
//! bytes, and those of a list lie beside each other.

/// A set of texts of three bytes, in 64 places that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grams(u64);

impl Grams {
    /// The empty set: what has to be looked at in any case.
    pub(super) const NONE: Self = Self(0);

    /// Of a longer path nearly all places would be taken.
    const LONGEST: usize = 128;

    /// Those of a text that a path has to have.
    pub(super) fn of_text(text: &[u8]) -> Self {
        let places = text.windows(3).map(|gram| match gram {
            [first, second, third] => {
                let number = u32::from_le_bytes([*first, *second, *third, 0]);
                1 << (number.wrapping_mul(0x9E37_79B1) >> 26)
            }
            _ => 0,
        });
        Self(places.fold(0, |all, place: u64| all | place))
    }

    /// Those of a path.
    pub(super) fn of_path(path: &[u8]) -> Self {
        if path.len() > Self::LONGEST { Self(u64::MAX) } else { Self::of_text(path) }
    }

    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `part` may be in here. A path that has a text has the text's grams.
    pub(super) fn may_have(self, part: Self) -> bool {
        part.0 & !self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Grams;

    #[test]
    fn a_path_may_have_each_of_its_parts() {
        for path in ["", "/", "/a", "/api/users/7.json", "/ä/ö", &"/segment".repeat(40)] {
            let path = path.as_bytes();
            let grams = Grams::of_path(path);
            for start in 0..=path.len() {
                for end in start..=path.len() {
                    assert!(grams.may_have(Grams::of_text(&path[start..end])));
                }
            }
        }
    }

    #[test]
    fn what_is_not_in_a_path_is_mostly_ruled_out() {
        let path = Grams::of_path(b"/api-0007/mock_response/some-id/4");
        let others = ["/virtual/", "/transform_headers/1", "/ignored/", "/users/", "/orders"];
        assert!(others.iter().all(|other| !path.may_have(Grams::of_text(other.as_bytes()))));
        assert!(path.may_have(Grams::NONE));
    }
}
