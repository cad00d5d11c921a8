//! What the dynamic loader will make of a library: whether its tables lead anywhere but into the library itself.
//!
//! The dynamic loader believes what it reads. A wrong number in the tables that it goes by does not give an error but a
//! fault or a failed assertion, in our process. Linkers write most of these numbers twice, for the loader and for other
//! tools (sections), so that both can be held against each other. What is in code, data and relocations is not looked at.

use object::{
    Endianness, Object as _, ObjectSection as _, elf,
    read::elf::{Dyn as _, ElfFile64, ProgramHeader as _, SectionHeader as _},
};

use super::error::Problem;

type Elf<'a> = ElfFile64<'a, Endianness>;

/// What a number in a table can be wrong about.
type Checked = Result<(), Problem>;

fn damaged(what: impl Into<String>) -> Problem {
    Problem::Damaged(what.into())
}

/// A part of the file that will be in memory.
#[derive(Clone, Copy)]
struct Area {
    start: u64,
    /// Of what is in memory.
    end: u64,
    /// Of what comes from the file.
    file_end: u64,
    offset: u64,
    flags: u32,
}

/// All of them, in order.
struct Image(Vec<Area>);

const PAGE: u64 = 4096;
const READ: u32 = elf::PF_R.0;
const WRITE: u32 = elf::PF_W.0;
const EXECUTE: u32 = elf::PF_X.0;

/// Checks the tables that the dynamic loader goes by.
///
/// # Errors
/// [`Problem::Truncated`] or [`Problem::Damaged`].
pub(super) fn check(elf: &Elf<'_>, length: u64) -> Checked {
    let image = Image::of(elf, length)?;
    check_segments(elf, &image)?;
    let dynamic = Dynamic::of(elf, &image)?;
    dynamic.check(elf, &image)?;
    check_sections(elf, &image, &dynamic)
}

impl Image {
    fn of(elf: &Elf<'_>, length: u64) -> Result<Self, Problem> {
        let endian = elf.endian();
        let mut areas: Vec<Area> = Vec::new();
        for header in elf.elf_program_headers() {
            if header.p_type(endian) != elf::PT_LOAD {
                continue;
            }
            let (offset, start) = (header.p_offset(endian), header.p_vaddr(endian));
            let (in_file, in_memory) = (header.p_filesz(endian), header.p_memsz(endian));
            let endless = || damaged("a segment has no end");
            let needed = offset.checked_add(in_file).ok_or_else(endless)?;
            // A file that ends before its segments do is mapped all the same, and kills the process when a page is touched.
            if needed > length {
                return Err(Problem::Truncated { length, needed });
            }
            let end = start.checked_add(in_memory).ok_or_else(endless)?;
            let area = Area {
                start,
                end,
                file_end: start + in_file.min(in_memory),
                offset,
                flags: header.p_flags(endian).0,
            };
            let align = header.p_align(endian);
            let places =
                align.is_power_of_two() && align >= PAGE && (offset ^ start) % align.min(1 << 16) == 0;
            let order = areas.last().is_none_or(|last| last.end <= start);
            if !places || !order || in_file > in_memory || in_memory > MOST || area.flags & READ == 0 {
                return Err(damaged("its segments do not fit together"));
            }
            if area.flags & WRITE == 0 && in_file < in_memory {
                return Err(damaged("a segment that cannot be written to has zeros behind it"));
            }
            areas.push(area);
        }
        match (areas.first(), areas.last()) {
            (Some(first), Some(last)) if first.start < PAGE && last.end < MOST => Ok(Self(areas)),
            (Some(_), _) => Err(damaged("its segments do not fit together")),
            _ => Err(damaged("it has no segments")),
        }
    }

    /// The area where so many bytes are, from the file or as zeros behind it.
    fn area(&self, address: u64, size: u64) -> Option<&Area> {
        let end = address.checked_add(size)?;
        self.0.iter().find(|area| area.start <= address && end <= area.end)
    }

    /// The area where so many bytes come from the file.
    fn filled(&self, address: u64, size: u64) -> Option<&Area> {
        self.area(address, size).filter(|area| address + size <= area.file_end)
    }
}

/// No library is as large as this, and address spaces are larger.
const MOST: u64 = 1 << 36;

/// The same for thread-local variables, which each thread gets; the loader ends the process when it cannot give them.
const MOST_THREAD_LOCAL: u64 = 1 << 24;

fn check_segments(elf: &Elf<'_>, image: &Image) -> Checked {
    let endian = elf.endian();
    for header in elf.elf_program_headers() {
        let (address, in_memory) = (header.p_vaddr(endian), header.p_memsz(endian));
        let in_file = header.p_filesz(endian);
        let kind = header.p_type(endian);
        let there = match kind {
            elf::PT_LOAD | elf::PT_NULL | elf::PT_GNU_STACK => continue,
            // Zeros of thread-local variables take no place in the image. An alignment of 0 is a division by zero.
            elf::PT_TLS => {
                let align = header.p_align(endian);
                in_memory < MOST_THREAD_LOCAL
                    && in_file <= in_memory
                    && align.is_power_of_two()
                    && align <= PAGE
                    && image.filled(address, in_file).is_some()
            }
            // Its pages are made unwritable. What is of one that it shares with others stays writable.
            elf::PT_GNU_RELRO => image.area(address, 1).is_some_and(|area| {
                area.flags & WRITE != 0
                    && address
                        .checked_add(in_memory)
                        .is_some_and(|end| end <= area.end.next_multiple_of(PAGE))
            }),
            // All others are found in memory where the file says.
            _ => image.filled(address, in_file).is_some_and(|area| {
                in_memory == in_file
                    && address - area.start == header.p_offset(endian).wrapping_sub(area.offset)
            }),
        };
        if !there {
            return Err(damaged(format!("its segment of type {:#x} is not where it says", kind.0)));
        }
    }
    Ok(())
}

/// What tells the dynamic loader where everything is.
struct Dynamic {
    address: u64,
    size: u64,
    entries: Vec<(i64, u64)>,
}

impl Dynamic {
    fn of(elf: &Elf<'_>, image: &Image) -> Result<Self, Problem> {
        let endian = elf.endian();
        let mut headers =
            elf.elf_program_headers().iter().filter(|header| header.p_type(endian) == elf::PT_DYNAMIC);
        let (Some(header), None) = (headers.next(), headers.next()) else {
            return Err(damaged("it has no dynamic section, or several"));
        };
        let (address, size) = (header.p_vaddr(endian), header.p_filesz(endian));
        let writable = image.filled(address, size).is_some_and(|area| area.flags & WRITE != 0);
        let list = header.dynamic(endian, elf.data()).ok().flatten().unwrap_or_default();
        let end = list.iter().position(|entry| entry.d_tag(endian) == elf::DT_NULL);
        match end {
            Some(end) if writable && address.is_multiple_of(8) => {
                let entries = list[..end].iter().map(|entry| (entry.d_tag(endian).0, entry.d_val(endian)));
                Ok(Self { address, size, entries: entries.collect() })
            }
            _ => Err(damaged("its dynamic section has no end, or is not where it can be written to")),
        }
    }

    /// The value of a tag; the last one counts.
    fn get(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.entries.iter().rfind(|(known, _)| *known == tag.0).map(|(_, value)| *value)
    }

    fn check(&self, elf: &Elf<'_>, image: &Image) -> Checked {
        let wrong = |what: &str| damaged(format!("its dynamic section is wrong about {what}"));
        for table in &TABLES {
            let (address, size) = (self.get(table.address), table.size.and_then(|tag| self.get(tag)));
            let element = table.element.and_then(|(tag, wanted)| Some((self.get(tag)?, wanted)));
            match (address, table.size, size) {
                (None, _, None) if !table.needed => continue,
                (Some(_), Some(_), None) | (None, ..) => return Err(wrong(table.name)),
                (Some(address), _, size) => {
                    let size = size.unwrap_or(8);
                    let element = match (table.element, element) {
                        (None, _) => 1,
                        // The loader ends the process when it is another.
                        (Some(_), Some((found, wanted))) if found == wanted => wanted,
                        _ => return Err(wrong(table.name)),
                    };
                    let whole =
                        table.size.is_none() || element == 1 || size.is_multiple_of(table.step.max(1));
                    if !whole || image.filled(address, size).is_none() || !address.is_multiple_of(table.align)
                    {
                        return Err(wrong(table.name));
                    }
                }
            }
        }
        self.check_relocations(elf).then_some(()).ok_or_else(|| wrong("relocations"))?;
        self.check_names().then_some(()).ok_or_else(|| wrong("names"))?;
        self.check_versions().then_some(()).ok_or_else(|| wrong("versions"))
    }

    /// Relocations are of the kind that their numbers say.
    fn check_relocations(&self, elf: &Elf<'_>) -> bool {
        let relative =
            if cfg!(target_arch = "aarch64") { elf::R_AARCH64_RELATIVE } else { elf::R_X86_64_RELATIVE };
        let count = self.get(elf::DT_RELACOUNT).unwrap_or(0);
        let relocations = elf.section_by_name(".rela.dyn").and_then(|section| section.data().ok());
        let length = usize::try_from(count.saturating_mul(RELA)).unwrap_or(usize::MAX);
        let counted =
            relocations.unwrap_or_default().get(..length).map(|bytes| bytes.chunks_exact(RELA as usize));
        let kind = |relocation: &[u8]| {
            let kind = relocation.get(8..12).and_then(|kind| kind.try_into().ok()).map(u32::from_le_bytes);
            kind == Some(relative.0)
        };
        // The loader ends the process when it meets another among those.
        counted.is_some_and(|mut counted| counted.all(kind))
            && self.get(elf::DT_PLTREL).is_none_or(|kind| kind == elf::DT_RELA.0.cast_unsigned())
            && self.get(elf::DT_PLTREL).is_some() == self.get(elf::DT_JMPREL).is_some()
    }

    /// Names are in the table of names.
    fn check_names(&self) -> bool {
        const NAMES: [elf::DynamicTag; 8] = [
            elf::DT_NEEDED,
            elf::DT_SONAME,
            elf::DT_RPATH,
            elf::DT_RUNPATH,
            elf::DT_AUXILIARY,
            elf::DT_FILTER,
            elf::DT_AUDIT,
            elf::DT_DEPAUDIT,
        ];
        let length = self.get(elf::DT_STRSZ).unwrap_or(0);
        let names = self.entries.iter().filter(|(tag, _)| NAMES.iter().any(|name| name.0 == *tag));
        names.into_iter().all(|(_, offset)| *offset < length)
    }

    /// Numbers of versions mean nothing without the versions, and the other way round.
    fn check_versions(&self) -> bool {
        let has = |tag| self.get(tag).is_some();
        has(elf::DT_VERNEED) == has(elf::DT_VERNEEDNUM)
            && has(elf::DT_VERDEF) == has(elf::DT_VERDEFNUM)
            && has(elf::DT_VERSYM) == (has(elf::DT_VERNEED) || has(elf::DT_VERDEF))
    }
}

/// A table that the dynamic section leads to.
struct Table {
    name: &'static str,
    address: elf::DynamicTag,
    size: Option<elf::DynamicTag>,
    /// The size of an element, as it must be.
    element: Option<(elf::DynamicTag, u64)>,
    /// The size of all is so many times something.
    step: u64,
    align: u64,
    needed: bool,
    /// The section that holds it.
    section: &'static [u8],
}

const RELA: u64 = 24;

const fn table(name: &'static str, section: &'static [u8], address: elf::DynamicTag) -> Table {
    Table { name, address, size: None, element: None, step: 1, align: 1, needed: false, section }
}

const TABLES: [Table; 14] = [
    Table { size: Some(elf::DT_STRSZ), needed: true, ..table("names", b".dynstr", elf::DT_STRTAB) },
    Table {
        element: Some((elf::DT_SYMENT, 24)),
        align: 8,
        needed: true,
        ..table("symbols", b".dynsym", elf::DT_SYMTAB)
    },
    Table {
        size: Some(elf::DT_RELASZ),
        element: Some((elf::DT_RELAENT, RELA)),
        step: RELA,
        align: 8,
        ..table("relocations", b".rela.dyn", elf::DT_RELA)
    },
    Table {
        size: Some(elf::DT_RELRSZ),
        element: Some((elf::DT_RELRENT, 8)),
        step: 8,
        align: 8,
        ..table("relocations", b".relr.dyn", elf::DT_RELR)
    },
    Table {
        size: Some(elf::DT_PLTRELSZ),
        step: RELA,
        align: 8,
        ..table("relocations", b".rela.plt", elf::DT_JMPREL)
    },
    Table {
        size: Some(elf::DT_INIT_ARRAYSZ),
        step: 8,
        align: 8,
        ..table("its first functions", b".init_array", elf::DT_INIT_ARRAY)
    },
    Table {
        size: Some(elf::DT_FINI_ARRAYSZ),
        step: 8,
        align: 8,
        ..table("its last functions", b".fini_array", elf::DT_FINI_ARRAY)
    },
    table("its first function", b".init", elf::DT_INIT),
    table("its last function", b".fini", elf::DT_FINI),
    table("symbols", b".gnu.hash", elf::DT_GNU_HASH),
    table("symbols", b".hash", elf::DT_HASH),
    table("versions", b".gnu.version", elf::DT_VERSYM),
    table("versions", b".gnu.version_r", elf::DT_VERNEED),
    table("versions", b".gnu.version_d", elf::DT_VERDEF),
];

/// Holds what the loader reads against what is written for other tools. `strip` leaves that; without it nothing tells whether
/// the rest is right.
fn check_sections(elf: &Elf<'_>, image: &Image, dynamic: &Dynamic) -> Checked {
    let endian = elf.endian();
    let sections = elf.elf_section_table();
    if sections.iter().all(|section| section.sh_type(endian) != elf::SHT_DYNSYM) {
        return Err(damaged("it has no table of sections, or not all of it"));
    }
    let thread_local = elf.elf_program_headers().iter().find(|header| header.p_type(endian) == elf::PT_TLS);
    let thread_local = thread_local.map(|header| (header.p_vaddr(endian), header.p_memsz(endian)));
    let mut seen = [false; TABLES.len()];
    for section in sections.iter() {
        let flags = section.sh_flags(endian).0;
        let Ok(name) = sections.section_name(endian, section) else { continue };
        let (address, size) = (section.sh_addr(endian), section.sh_size(endian));
        let (zeros, thread) = (section.sh_type(endian) == elf::SHT_NOBITS, flags & elf::SHF_TLS.0 != 0);
        if flags & elf::SHF_ALLOC.0 == 0 || size == 0 {
            continue;
        }
        let wrong = || damaged(format!("its section {} is not where it says", String::from_utf8_lossy(name)));
        if thread
            && thread_local
                .is_none_or(|(start, room)| address.wrapping_sub(start).saturating_add(size) > room)
        {
            return Err(wrong());
        }
        if zeros && thread {
            continue;
        }
        let area = match zeros {
            // What begins as zeros must not come from the file.
            true => image.area(address, size).filter(|area| area.file_end <= address),
            false => image.filled(address, size),
        };
        let area = area.ok_or_else(wrong)?;
        let code = flags & elf::SHF_EXECINSTR.0 == 0 || area.flags & EXECUTE != 0;
        let data = flags & elf::SHF_WRITE.0 == 0 || area.flags & WRITE != 0;
        let offset = section.sh_offset(endian);
        let place = zeros || address - area.start == offset.wrapping_sub(area.offset);
        if !code || !data || !place {
            return Err(wrong());
        }
        let same = match TABLES.iter().position(|table| table.section == name) {
            Some(index) => {
                let table = &TABLES[index];
                seen[index] = true;
                dynamic.get(table.address) == Some(address)
                    && table.size.is_none_or(|tag| dynamic.get(tag) == Some(size))
            }
            None if name == b".dynamic" => (dynamic.address, dynamic.size) == (address, size),
            None => true,
        };
        if !same {
            return Err(wrong());
        }
    }
    let unseen = TABLES.iter().zip(seen).find(|(table, seen)| !seen && dynamic.get(table.address).is_some());
    match unseen {
        Some((table, _)) => Err(damaged(format!("its dynamic section is wrong about {}", table.name))),
        None => Ok(()),
    }
}
