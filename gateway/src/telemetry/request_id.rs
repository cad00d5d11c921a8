//! Request ids: 16 hexadecimal digits, unique in a process and unlikely to repeat across processes.

use std::{
    cell::Cell,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// The id of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(u64);

/// Ids that a thread takes at a time, so that threads do not write to one place in memory for each request.
const BLOCK: u64 = 1024;

impl RequestId {
    /// The next id.
    pub fn next() -> Self {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        static START: OnceLock<u64> = OnceLock::new();
        thread_local! {
            static NEXT: Cell<u64> = const { Cell::new(0) };
        }
        let start = *START.get_or_init(|| RandomState::new().hash_one(std::process::id()));
        let count = match NEXT.get() {
            // The end of a block, or before the first one.
            next if next % BLOCK == 0 => COUNTER.fetch_add(BLOCK, Ordering::Relaxed),
            next => next,
        };
        NEXT.set(count + 1);
        // An odd multiplier is a bijection on 64 bits: neighbours look different and none repeats.
        Self((start ^ count).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

impl RequestId {
    fn digits(self) -> [u8; 16] {
        let digit = |at: usize| b"0123456789abcdef"[(self.0 >> (60 - 4 * at)) as usize & 15];
        std::array::from_fn(digit)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

/// The text without the detour of formatting: each call of a script needs it.
impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        Self::from_utf8(id.digits().into()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::RequestId;

    #[test]
    fn ids_are_different_and_of_one_form() {
        let some = || (0..10_000).map(|_| RequestId::next().to_string()).collect::<Vec<_>>();
        let threads = [(); 3].map(|()| thread::spawn(some));
        let ids: HashSet<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 30_000);
        assert!(ids.iter().all(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
        let id = RequestId(0x0123_4567_89ab_cdef);
        assert_eq!(
            (id.to_string(), String::from(id)),
            ("0123456789abcdef".to_owned(), "0123456789abcdef".to_owned())
        );
    }
}
