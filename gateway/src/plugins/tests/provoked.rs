//! What the dynamic loader says, made to say it: a real plugin with a wrong word in its tables.

use std::{fs, path::PathBuf};

use object::{Object as _, ObjectSection as _};

use super::{library, registry};
use crate::plugins::{Kind, PluginError, Problem};

/// The library with another word for one of its strings.
fn with_word(word: &str, other: &str) -> Vec<u8> {
    assert_eq!(word.len(), other.len());
    let (word, other) = (format!("\0{word}\0"), format!("\0{other}\0"));
    let mut file = fs::read(library("hello")).unwrap();
    let at = memchr::memmem::find(&file, word.as_bytes()).unwrap_or_else(|| panic!("no {word:?}"));
    file[at..at + other.len()].copy_from_slice(other.as_bytes());
    file
}

fn refused(file: &[u8]) -> PluginError {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("libprovoked.so");
    fs::write(&path, file).unwrap();
    registry().load(&path, "hello", Kind::Request).unwrap_err()
}

#[test]
fn a_library_that_is_not_there_is_named() {
    let error = refused(&with_word("libgcc_s.so.1", "libgcc_z.so.1"));
    assert!(
        matches!(&error.problem, Problem::MissingLibrary { library } if library == "libgcc_z.so.1"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .ends_with("remedy: install libgcc_z.so.1 where the gateway runs, or link it statically")
    );
}

#[test]
fn a_c_library_that_is_too_old_is_told_by_its_version() {
    let error = refused(&with_word("GLIBC_2.34", "GLIBC_2.99"));
    assert!(matches!(&error.problem, Problem::CLibrary { version } if version == "GLIBC_2.99"), "{error}");
}

#[test]
fn a_symbol_that_is_not_there_is_named() {
    let error = refused(&with_word("__xpg_strerror_r", "__xpg_strerror_q"));
    assert!(
        matches!(&error.problem, Problem::MissingSymbol { symbol } if symbol == "__xpg_strerror_q"),
        "{error}"
    );
}

/// As a C library does it that was built for executables: its thread-local variables must be beside the gateway's own, where
/// only so much is free after the start.
#[cfg(target_arch = "x86_64")]
#[test]
fn thread_local_variables_without_room_are_told() {
    const DTPMOD64: u8 = 16;
    const TPOFF64: u8 = 18;
    const PT_TLS: [u8; 4] = 7_u32.to_le_bytes();
    let mut file = fs::read(library("hello")).unwrap();
    let relocations = object::File::parse(&*file).unwrap().section_by_name(".rela.dyn").unwrap().file_range();
    let (start, size) = relocations.map(|(start, size)| (start as usize, size as usize)).unwrap();
    for relocation in file[start..start + size].chunks_exact_mut(24) {
        if relocation[8] == DTPMOD64 {
            relocation[8] = TPOFF64;
        }
    }
    let segments = &mut file[64..64 + 20 * 56];
    let tls = segments.chunks_exact_mut(56).find(|segment| segment[..4] == PT_TLS).unwrap();
    tls[40..48].copy_from_slice(&(1_u64 << 20).to_le_bytes());
    let error = refused(&file);
    assert!(matches!(error.problem, Problem::StaticTls), "{error}");
}
