//! Heads of answers that were put together before. Code at an endpoint mostly gives the same headers again and again: a copy of
//! the map that came of them costs a fraction of checking, hashing and moving each once more.

use http::{HeaderMap, HeaderValue, header};

use super::{Reply, set_keyless_limits};

/// Heads that a thread keeps for each kind of code.
const PLACES: usize = 64;
/// Headers that a kept head may have room for.
const LARGEST: usize = 64;

/// An answer of code at an endpoint.
#[derive(Debug)]
pub struct Made {
    /// It.
    pub reply: Reply,
    /// See [`Head::is_complete`].
    pub is_complete: bool,
}

/// The headers of an answer.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// They.
    pub headers: HeaderMap,
    /// [`complete`](Self::complete) has been at work: nothing is to be added.
    pub is_complete: bool,
}

impl Head {
    /// Adds what all answers of code get that have a body and whose caller has no session. Not for a head without a content type,
    /// which only the body can tell.
    pub fn complete(&mut self, server: &HeaderValue) {
        if self.headers.contains_key(header::CONTENT_TYPE) {
            self.headers.insert(header::SERVER, server.clone());
            set_keyless_limits(&mut self.headers);
            self.is_complete = true;
        }
    }
}

/// What a head is made of.
pub trait HeadParts {
    /// The parts for longer than a call.
    type Kept;

    /// Where to look for the head, which is to be known quickly; the same for the same parts.
    fn place(&self) -> usize;
    /// Whether these are the same parts.
    fn are(&self, kept: &Self::Kept) -> bool;
    /// A number that other parts do not have, as far as they can be kept.
    fn fingerprint(&self) -> u64;
    /// A copy; `None` when there cannot be one.
    fn keep(&self) -> Option<Self::Kept>;
}

/// Heads that a thread has put together. Each thread has its own, so that no two count references to the same values.
pub struct Heads<K>(Box<[Place<K>]>);

struct Place<K> {
    /// Fingerprint of what was looked for last and not found. Parts that do not come twice are not worth keeping.
    missed: Option<u64>,
    kept: Option<(K, Head)>,
}

impl<K> Default for Heads<K> {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Place { missed: None, kept: None }).collect())
    }
}

impl<K> Place<K> {
    #[cold]
    fn missed_once_more<P: HeadParts<Kept = K>>(&mut self, parts: &P, head: &Head) {
        let fingerprint = Some(parts.fingerprint());
        if self.missed != fingerprint {
            self.missed = fingerprint;
        } else if head.headers.capacity() <= LARGEST
            && let Some(kept) = parts.keep()
        {
            *self = Self { missed: None, kept: Some((kept, head.clone())) };
        }
    }
}

impl<K> Heads<K> {
    /// The head of these parts: a copy of the kept one, or made.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get<P: HeadParts<Kept = K>, E>(
        &mut self,
        parts: &P,
        make: impl FnOnce() -> Result<Head, E>,
    ) -> Result<Head, E> {
        let place = &mut self.0[parts.place() % PLACES];
        if let Some((kept, head)) = &place.kept
            && parts.are(kept)
        {
            return Ok(head.clone());
        }
        let head = make()?;
        place.missed_once_more(parts, &head);
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{HeaderMap, HeaderName, HeaderValue, header};

    use super::{Head, HeadParts, Heads, LARGEST};

    /// A number that cannot be kept.
    const NOT_KEPT: u64 = 99;

    /// Numbers that share a place.
    impl HeadParts for u64 {
        type Kept = u64;

        fn place(&self) -> usize {
            7
        }
        fn are(&self, kept: &u64) -> bool {
            self == kept
        }
        fn fingerprint(&self) -> u64 {
            *self
        }
        fn keep(&self) -> Option<u64> {
            (*self != NOT_KEPT).then_some(*self)
        }
    }

    fn head(headers: usize) -> Head {
        let named = |number: usize| {
            (HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap(), number.into())
        };
        Head { headers: (0..headers).map(named).collect(), is_complete: false }
    }

    /// For each of the numbers whether its head had to be made.
    fn made(heads: &mut Heads<u64>, size: usize, asked: &[u64]) -> Vec<bool> {
        let ask = |parts: &u64| {
            let mut made = false;
            let make = || -> Result<Head, Infallible> {
                made = true;
                Ok(head(size))
            };
            assert_eq!(heads.get(parts, make).unwrap().headers, head(size).headers);
            made
        };
        asked.iter().map(ask).collect()
    }

    #[test]
    fn what_comes_twice_is_kept() {
        let mut heads = Heads::default();
        assert_eq!(made(&mut heads, 3, &[1, 1, 1, 1]), [true, true, false, false]);
    }

    #[test]
    fn what_comes_once_takes_nobody_s_place() {
        let mut heads = Heads::default();
        assert_eq!(
            made(&mut heads, 3, &[1, 1, 2, 1, 3, 1, 3, 3, 1]),
            [true, true, true, false, true, false, true, false, true]
        );
    }

    #[test]
    fn what_is_large_or_cannot_be_is_not_kept() {
        assert_eq!(made(&mut Heads::default(), 2 * LARGEST, &[1, 1, 1]), [true; 3]);
        assert_eq!(made(&mut Heads::default(), 3, &[NOT_KEPT; 3]), [true; 3]);
    }

    #[test]
    fn a_head_is_completed_when_it_says_what_the_body_is() {
        let server = HeaderValue::from_static("it");
        let mut head = Head { headers: HeaderMap::new(), is_complete: false };
        head.complete(&server);
        assert!(!head.is_complete && head.headers.is_empty());
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        head.headers.insert(header::SERVER, HeaderValue::from_static("another"));
        head.complete(&server);
        assert!(head.is_complete);
        assert_eq!(head.headers.get_all(header::SERVER).iter().collect::<Vec<_>>(), ["it"]);
        assert_eq!(head.headers["x-ratelimit-reset"], "0");
    }
}
