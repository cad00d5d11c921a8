//! The hashes that keys are stored under, as Tyk has them.

use std::{fmt::Write as _, io::Cursor};

use ring::digest::{SHA256, digest};

use crate::config::settings::HashFunction;

/// The hash of a name in lower-case hex, most significant digit first.
pub fn hash(function: HashFunction, name: &str) -> String {
    match function {
        HashFunction::Murmur32 => format!("{:08x}", murmur32(name.as_bytes())),
        HashFunction::Murmur64 => format!("{:016x}", murmur128(name).0),
        HashFunction::Murmur128 => {
            let (first, second) = murmur128(name);
            format!("{first:016x}{second:016x}")
        }
        HashFunction::Sha256 => {
            let mut hex = String::with_capacity(64);
            for byte in digest(&SHA256, name.as_bytes()).as_ref() {
                let _ = write!(hex, "{byte:02x}");
            }
            hex
        }
    }
}

const SEED: u32 = 0;

/// MurmurHash3 with 32 bits as Tyk has it: the state after the whole words, without the bytes that are left over and
/// without the last mixing. Names that differ in their last one to three bytes alone therefore share a hash.
fn murmur32(name: &[u8]) -> u32 {
    let (words, _) = name.as_chunks::<4>();
    words.iter().fold(SEED, |state, word| {
        let mixed =
            u32::from_le_bytes(*word).wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        (state ^ mixed).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    })
}

/// The two halves of the x64 variant.
fn murmur128(name: &str) -> (u64, u64) {
    // Reading from memory does not fail.
    let hash = murmur3::murmur3_x64_128(&mut Cursor::new(name), SEED).unwrap_or_default();
    #[allow(clippy::cast_possible_truncation, reason = "the halves of it")]
    (hash as u64, (hash >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed on a Tyk.
    #[test]
    fn hashes_are_those_of_tyk() {
        let base64 = |end: &str| format!("eyJvcmciOiJkZWZhdWx0IiwiaWQiOiJteWtleTEiLCJoIjoi{end}");
        for (name, function, expected) in [
            ("defaultmykey1".to_owned(), HashFunction::Murmur32, "259d945d"),
            ("defaultcdfd6ef8b79742898ccc437a5db6cd15".to_owned(), HashFunction::Murmur32, "3b2db553"),
            (base64("bXVybXVyMzIifQ=="), HashFunction::Murmur32, "849b3f15"),
            (base64("bXVybXVyNjQifQ=="), HashFunction::Murmur64, "6ba98c7b43fd03fa"),
            (base64("bXVybXVyMTI4In0="), HashFunction::Murmur128, "2d6de8baa2be6eb9825e42e05323b2ef"),
            (
                base64("c2hhMjU2In0="),
                HashFunction::Sha256,
                "070ab5180d882a8036ad8c8d859d25382648a845b096bdb0cd10518356385375",
            ),
        ] {
            assert_eq!(hash(function, &name), expected, "{name}");
        }
    }
}
