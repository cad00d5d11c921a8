//! Files that must not be loaded, and bytes that are no files at all.

use std::{fs, sync::LazyLock};

use super::{library, registry};
use crate::plugins::{Kind, Mode, Problem, file::inspect};

static HELLO: LazyLock<Vec<u8>> = LazyLock::new(|| fs::read(library("hello")).unwrap());

/// The library with other bytes at `offset` after the first `needle`.
fn patched(needle: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = HELLO.clone();
    for at in memchr::memmem::find_iter(&HELLO, needle) {
        file[at + offset..at + offset + bytes.len()].copy_from_slice(bytes);
    }
    file
}

const MAGIC: &[u8] = b"GATEHOUSE-PLUGIN\x01\0\0\0";

fn refusal(bytes: &[u8]) -> String {
    inspect(bytes).unwrap_err().to_string()
}

#[test]
fn a_plugin_tells_of_itself_without_being_loaded() {
    let file = inspect(&HELLO).unwrap();
    assert_eq!(file.built_with.abi, (1, 0));
    assert!(file.built_with.rustc.starts_with("rustc "));
    assert!(file.has_init);
    let functions = file.functions.iter().map(|entry| (&*entry.name, entry.kind, entry.mode));
    let expected = ["add_foo_bar_header", "bench_plain", "fragile", "hello", "visits"];
    assert!(functions.eq(expected.map(|name| (name, Some(Kind::Request), Some(Mode::Sync)))));
}

#[test]
fn each_kind_of_file_has_its_reason() {
    assert_eq!(refusal(b""), "is not a shared library (no ELF header)");
    assert_eq!(refusal(b"#!/bin/sh\n"), "is not a shared library (no ELF header)");
    let executable = fs::read(std::env::current_exe().unwrap()).unwrap();
    let message = refusal(&executable);
    assert!(message.contains("no symbol `gatehouse_plugin_header`"), "{message}");

    let foreign = patched(b"\x7fELF\x02\x01\x01", 18, &[0xb7, 0]);
    assert!(refusal(&foreign).starts_with("was built for Aarch64, this gateway runs on"));

    let newer = patched(MAGIC, 16, &[2]);
    let message = refusal(&newer);
    assert!(message.starts_with("was built with ABI 2.0 (gatehouse-plugin 0.1.0, rustc "), "{message}");
    assert!(message.ends_with("this gateway speaks ABI 1.0"), "{message}");
    let newer = inspect(&patched(MAGIC, 20, &[1])).unwrap_err();
    assert!(newer.remedy().starts_with("use a newer gateway"), "{newer}");
    assert!(refusal(&patched(MAGIC, 24, &[2])).contains("panic = \"abort\""));
    assert!(matches!(inspect(&patched(MAGIC, 28, &[10])), Err(Problem::Layout { .. })));
}

#[test]
fn a_go_library_is_known_by_what_its_linker_leaves() {
    let other = patched(b"gatehouse_plugin_header\0", 0, b"G");
    assert!(matches!(inspect(&other), Err(Problem::NoHeader)));
    let mut go = other;
    let name = memchr::memmem::find(&go, b".eh_frame_hdr\0").unwrap();
    go[name..name + 13].copy_from_slice(b".go.buildinfo");
    let problem = inspect(&go).unwrap_err();
    assert!(matches!(problem, Problem::Go), "{problem}");
    assert!(problem.remedy().contains("in Rust"));
}

#[test]
fn a_file_that_is_cut_off_is_never_opened() {
    let length = HELLO.len();
    for part in 0..64 {
        let cut = &HELLO[..length * part / 64];
        assert!(inspect(cut).is_err(), "{} of {length} bytes", cut.len());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libcut.so");
    fs::write(&path, &HELLO[..length / 2]).unwrap();
    let error = registry().load(&path, "hello", Kind::Request).unwrap_err();
    assert!(matches!(error.problem, Problem::Truncated { .. } | Problem::Damaged(_)), "{error}");
}
