//! Request ids: 16 hexadecimal digits, unique in a process and unlikely to repeat across processes.

use std::{
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

impl RequestId {
    /// The next id.
    pub fn next() -> Self {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        static START: OnceLock<u64> = OnceLock::new();
        let start = *START.get_or_init(|| RandomState::new().hash_one(std::process::id()));
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        // An odd multiplier is a bijection on 64 bits: neighbours look different and none repeats.
        Self((start ^ count).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::RequestId;

    #[test]
    fn ids_are_different_and_of_one_form() {
        let ids: HashSet<String> = (0..10_000).map(|_| RequestId::next().to_string()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
}
