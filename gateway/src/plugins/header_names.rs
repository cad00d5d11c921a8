//! Header names that plugins hold as constants, checked once for each thread.

use std::cell::RefCell;

use http::HeaderName;

/// Names that a thread remembers; one place for each, so that a look-up is one comparison.
const PLACES: usize = 128;

/// A name by where its text lies: constants of a library stay where they are, because none is ever unloaded.
struct Known {
    text: &'static [u8],
    name: HeaderName,
}

thread_local! {
    static KNOWN: RefCell<[Option<Known>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// The name that a constant says; `None` when it is none.
pub(super) fn of(text: &'static [u8]) -> Option<HeaderName> {
    let address = text.as_ptr().addr();
    KNOWN.with_borrow_mut(|known| {
        let place = &mut known[(address ^ (address >> 7)) % PLACES];
        if let Some(Known { text: known, name }) = place
            && std::ptr::eq(*known, text)
        {
            return Some(name.clone());
        }
        let name = named(text)?;
        *place = Some(Known { text, name: name.clone() });
        Some(name)
    })
}

/// Without a copy where it is written as HTTP/2 wants it.
fn named(text: &'static [u8]) -> Option<HeaderName> {
    match std::str::from_utf8(text) {
        Ok(name) if is_lower_token(text) => Some(HeaderName::from_static(name)),
        _ => HeaderName::from_bytes(text).ok(),
    }
}

/// Whether `HeaderName::from_static` takes it, which panics otherwise.
fn is_lower_token(name: &[u8]) -> bool {
    const LONGEST: usize = 1024;
    let allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (1..=LONGEST).contains(&name.len()) && name.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_constant_is_the_same_name_each_time() {
        for _ in 0..3 {
            assert_eq!(of(b"x-kept").unwrap().as_str(), "x-kept");
            assert_eq!(of(b"X-Kept").unwrap().as_str(), "x-kept");
            assert_eq!(of(b"not a name"), None);
            assert_eq!(of(b""), None);
        }
    }

    #[test]
    fn a_part_of_a_constant_is_another_name() {
        const TEXT: &[u8] = b"x-part-of";
        assert_eq!(of(TEXT).unwrap().as_str(), "x-part-of");
        assert_eq!(of(&TEXT[..6]).unwrap().as_str(), "x-part");
        assert_eq!(of(TEXT).unwrap().as_str(), "x-part-of");
    }
}
