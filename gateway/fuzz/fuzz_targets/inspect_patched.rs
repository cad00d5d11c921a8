//! A real plugin with other bytes at some places: the input is a list of places (three bytes), each with its new byte.
#![no_main]

use std::{env, fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;

static PLUGIN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = env::var("GATEHOUSE_FUZZ_PLUGIN").expect("GATEHOUSE_FUZZ_PLUGIN names a plugin that was built");
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
});

fuzz_target!(|patches: &[u8]| {
    let mut file = PLUGIN.clone();
    for patch in patches.chunks_exact(4) {
        let at = usize::from(patch[0]) << 16 | usize::from(patch[1]) << 8 | usize::from(patch[2]);
        let length = file.len();
        file[at % length] = patch[3];
    }
    let _ = gatehouse_fuzz::file::inspect(&file);
});
