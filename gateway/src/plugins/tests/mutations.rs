//! A real plugin with wrong bytes: the checks never panic, and what they let pass is loaded or refused, but crashes nothing.
//!
//! All mutations come from their number, so that a failure can be repeated. What passes is loaded in other processes.

use std::{env, fs, ops::Range, process::Command, sync::LazyLock, time::Duration};

use object::{
    elf,
    read::elf::{FileHeader as _, SectionHeader as _},
};

use super::library;
use crate::plugins::{PluginRegistry, file::inspect};

/// The example without what only debuggers read, as that is most of the file.
static PLUGIN: LazyLock<Vec<u8>> = LazyLock::new(|| slim(&fs::read(library("hello")).unwrap()));

/// Environment variable for the process that loads: which mutations.
const ROUNDS: &str = "GATEHOUSE_TEST_MUTATIONS";

/// Keeps what is loaded, the headers of sections and their names.
fn slim(file: &[u8]) -> Vec<u8> {
    type Header = elf::FileHeader64<object::LittleEndian>;
    let endian = object::LittleEndian;
    let header = Header::parse(file).unwrap();
    let sections = header.section_headers(endian, file).unwrap();
    let loaded = |section: &&elf::SectionHeader64<object::LittleEndian>| {
        section.sh_flags(endian).0 & elf::SHF_ALLOC.0 != 0 && section.sh_type(endian) != elf::SHT_NOBITS
    };
    let end = sections
        .iter()
        .filter(loaded)
        .map(|section| section.sh_offset(endian) + section.sh_size(endian))
        .max();
    let mut slim = file[..end.unwrap() as usize].to_vec();
    let names_index = usize::from(header.e_shstrndx.get(endian).0);
    let names = sections[names_index].data(endian, file).unwrap();
    let names_at = slim.len() as u64;
    slim.extend_from_slice(names);
    slim.resize(slim.len().next_multiple_of(8), 0);
    let table_at = slim.len() as u64;
    for (index, section) in sections.iter().enumerate() {
        let mut section = *section;
        if index == names_index {
            section.sh_offset.set(endian, names_at);
        } else if section.sh_flags(endian).0 & elf::SHF_ALLOC.0 == 0 {
            section.sh_type.set(endian, elf::SHT_NULL);
            section.sh_size.set(endian, 0);
        }
        slim.extend_from_slice(object::pod::bytes_of(&section));
    }
    slim[40..48].copy_from_slice(&table_at.to_le_bytes());
    slim
}

/// A generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn of(round: u64) -> Self {
        let mut numbers = Self(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        numbers.next(1);
        numbers
    }

    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn byte(&mut self) -> u8 {
        let any = self.next(256) as u8;
        [0, 1, 0x7f, 0x80, 0xff, any, any, any][self.next(8)]
    }

    /// A place in these bytes.
    fn within(&mut self, range: &Range<usize>) -> usize {
        range.start + self.next(range.len())
    }
}

/// Header, program headers and dynamic section: what the dynamic loader goes by.
fn tables(file: &[u8]) -> [Range<usize>; 3] {
    let number = |at: usize, size: usize| {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&file[at..at + size]);
        u64::from_le_bytes(bytes) as usize
    };
    let (start, count) = (number(32, 8), number(56, 2));
    let mut segments = (0..count).map(|index| start + index * 56);
    let dynamic = segments.find(|at| number(*at, 4) == elf::PT_DYNAMIC.0 as usize).unwrap();
    let (offset, size) = (number(dynamic + 8, 8), number(dynamic + 32, 8));
    [0..64, start..start + count * 56, offset..offset + size]
}

/// The plugin with this mutation of what the dynamic loader goes by: some bits or bytes, or a word with the value of another.
fn mutated(round: u64) -> Vec<u8> {
    let (mut file, mut numbers) = (PLUGIN.clone(), Numbers::of(round));
    let tables = tables(&file);
    for _ in 0..=numbers.next(3) {
        let table = &tables[[0, 1, 1, 2, 2][numbers.next(5)]];
        let at = numbers.within(table);
        match numbers.next(4) {
            0 => file[at] ^= 1 << numbers.next(8),
            1 => file[at] = numbers.byte(),
            2 => {
                let (at, from) = (at & !7, numbers.within(table) & !7);
                file.copy_within(from..from + 8, at);
            }
            _ => {
                let value = (1_u64 << numbers.next(64)).wrapping_sub(numbers.next(3) as u64);
                file[at & !7..(at & !7) + 8].copy_from_slice(&value.to_le_bytes());
            }
        }
    }
    file
}

#[test]
fn the_slim_plugin_is_a_plugin() {
    assert_eq!(inspect(&PLUGIN).unwrap(), inspect(&fs::read(library("hello")).unwrap()).unwrap());
}

#[test]
fn no_bytes_make_the_checks_panic() {
    for round in 0..3_000 {
        let mut numbers = Numbers::of(round);
        // Often only the beginning, where the tables are: that is quick, and all of it is read.
        let length = if numbers.next(4) == 0 { PLUGIN.len() } else { numbers.next(1 << 15) + 1 };
        let mut bytes = PLUGIN[..length.min(PLUGIN.len())].to_vec();
        for _ in 0..=numbers.next(8) {
            let reach = if numbers.next(3) == 0 { bytes.len() } else { bytes.len().min(1024) };
            let at = numbers.next(reach);
            bytes[at] = numbers.byte();
        }
        let _ = inspect(&bytes);
    }
    for length in 0..300 {
        let mut numbers = Numbers::of(length);
        let mut bytes = b"\x7fELF\x02\x01\x01\0".to_vec();
        bytes.extend((0..length).map(|_| numbers.byte()));
        let _ = inspect(&bytes);
    }
}

/// Rounds of one process: what it maps stays until it ends.
const BATCH: u64 = 500;

#[test]
fn what_passes_the_checks_crashes_nothing() {
    for start in (0..3_000).step_by(BATCH as usize) {
        load_elsewhere(start..start + BATCH);
    }
}

fn load_elsewhere(rounds: Range<u64>) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "plugins::tests::mutations::loads_what_passes", "--ignored", "--nocapture"])
        .env(ROUNDS, format!("{} {}", rounds.start, rounds.end))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().rfind(|line| line.starts_with("round ")).unwrap_or("before the first round");
    assert!(
        output.status.success(),
        "{}: {last}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "the process that another test starts"]
fn loads_what_passes() {
    let Ok(rounds) = env::var(ROUNDS) else { return };
    let (start, end) = rounds.split_once(' ').unwrap();
    // What hangs is as bad as what crashes.
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(120));
        eprintln!("it hangs");
        std::process::exit(1);
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libmutated.so");
    let registry = PluginRegistry::new(folder.path().join("copies"));
    let (mut passed, mut loaded) = (0, 0);
    for round in start.parse().unwrap()..end.parse().unwrap() {
        let file = mutated(round);
        if inspect(&file).is_err() {
            continue;
        }
        passed += 1;
        println!("round {round}");
        // What remains where a test crashes is small.
        fs::write(&path, &file).unwrap();
        match registry.plugin(&path) {
            Ok(_) => loaded += 1,
            Err(error) => println!("{}", error.problem),
        }
    }
    println!("{passed} passed the checks, {loaded} were loaded");
    assert!(loaded > 0);
}
