//! Any bytes as a plugin's file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = gatehouse_fuzz::file::inspect(bytes);
});
