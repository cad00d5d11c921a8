//! Maps of headers that are used again: an answer's is that of an earlier request of its thread, which has its memory already.

use std::cell::RefCell;

use http::HeaderMap;

use super::ADDED_HEADERS;

/// Headers that a spare map may have room for: one that was made large by one request gives its memory back.
const LARGEST: usize = 64;

thread_local! {
    static SPARE: RefCell<Option<HeaderMap>> = const { RefCell::new(None) };
}

/// An empty map with room for so many headers and those that the gateway adds.
pub fn with_room(headers: usize) -> HeaderMap {
    let mut map = SPARE.take().unwrap_or_default();
    map.reserve(headers + ADDED_HEADERS);
    map
}

/// Keeps the map of a request that is over for an answer.
pub fn keep(mut map: HeaderMap) {
    if !(1..=LARGEST).contains(&map.capacity()) {
        return;
    }
    SPARE.with_borrow_mut(|spare| {
        if spare.is_none() {
            map.clear();
            *spare = Some(map);
        }
    });
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{LARGEST, SPARE, keep, with_room};

    #[test]
    fn a_kept_map_comes_back_empty_and_once() {
        let mut map = HeaderMap::with_capacity(40);
        map.append(header::COOKIE, HeaderValue::from_static("a=1"));
        map.append(header::COOKIE, HeaderValue::from_static("b=2"));
        let room = map.capacity();
        keep(map);
        let map = with_room(1);
        assert_eq!((map.len(), map.get(header::COOKIE), map.capacity()), (0, None, room));
        assert!(with_room(1).capacity() < room);
    }

    #[test]
    fn a_large_map_is_not_kept() {
        keep(HeaderMap::with_capacity(4 * LARGEST));
        assert!(SPARE.take().is_none());
    }
}
