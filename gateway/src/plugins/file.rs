//! What a file is, found out from its bytes: no code of it runs, and nothing of it is mapped.
//!
//! [`inspect`] is total: whatever the bytes are, it answers. A file that passes can still be wrong in ways that only loading
//! it shows.

use std::mem::offset_of;

use gatehouse_plugin::host::{Kind, Mode};
use gatehouse_plugin_abi::{
    ABI_MAJOR, ABI_MINOR, Descriptor, FUNCTION_PREFIX, HEADER_SYMBOL, HEADER_TEXTS, INIT_SYMBOL,
    LAYOUT_FORMAT, MAGIC, PluginHeader, numbers, unpadded,
};
use object::{
    Architecture, Object as _, ObjectKind, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _,
};

use super::{
    error::{BuiltWith, Problem},
    image,
};

/// What is known of a plugin before it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginFile {
    /// What it was built with.
    pub built_with: BuiltWith,
    /// The target it was built for.
    pub target: String,
    /// Its functions, by name.
    pub functions: Vec<FunctionEntry>,
    /// Whether it has an `#[init]`.
    pub has_init: bool,
}

/// A function, as its descriptor in the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionEntry {
    /// Name.
    pub name: String,
    /// Kind; `None` for one of a later version.
    pub kind: Option<Kind>,
    /// Mode; `None` for one of a later version.
    pub mode: Option<Mode>,
    /// Line of its source.
    pub line: u32,
}

/// Checks everything that can be checked without loading.
///
/// # Errors
/// The first problem, in the order of DESIGN §3.
pub fn inspect(bytes: &[u8]) -> Result<PluginFile, Problem> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(Problem::NotElf);
    }
    let elf = object::File::parse(bytes).map_err(|error| Problem::Damaged(error.to_string()))?;
    if elf.architecture() != native() {
        return Err(Problem::Architecture { found: format!("{:?}", elf.architecture()) });
    }
    if elf.kind() != ObjectKind::Dynamic {
        return Err(Problem::NotShared);
    }
    let object::File::Elf64(tables) = &elf else {
        return Err(Problem::Architecture { found: "32 bits".into() });
    };
    image::check(tables, bytes.len() as u64)?;
    let exported = exported(&elf);
    let find = |wanted: &str| exported.iter().find(|(name, _)| *name == wanted).map(|(_, address)| *address);
    let Some(header) = find(HEADER_SYMBOL) else {
        return Err(if is_go(&elf, bytes) { Problem::Go } else { Problem::NoHeader });
    };
    let (built_with, target) = check_header(&elf, header)?;
    let mut functions: Vec<FunctionEntry> = exported
        .iter()
        .filter_map(|(name, address)| Some(function(&elf, name.strip_prefix(FUNCTION_PREFIX)?, *address)))
        .collect();
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(PluginFile { built_with, target, functions, has_init: find(INIT_SYMBOL).is_some() })
}

fn native() -> Architecture {
    match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        _ => Architecture::Unknown,
    }
}

/// Names and addresses of what the dynamic loader can find.
fn exported<'a>(elf: &object::File<'a>) -> Vec<(&'a str, u64)> {
    let defined = elf.dynamic_symbols().filter(|symbol| symbol.is_definition());
    defined.filter_map(|symbol| Some((symbol.name().ok()?, symbol.address()))).collect()
}

/// So many bytes of the file that will be at `address`.
fn at<'a>(elf: &object::File<'a>, address: u64, length: usize) -> Option<&'a [u8]> {
    elf.segments().find_map(|segment| segment.data_range(address, length as u64).ok().flatten())
}

fn number(bytes: &[u8], offset: usize) -> Option<u32> {
    let number = bytes.get(offset..offset.checked_add(4)?)?;
    number.try_into().ok().map(u32::from_ne_bytes)
}

fn check_header(elf: &object::File<'_>, address: u64) -> Result<(BuiltWith, String), Problem> {
    let damaged = || Problem::Damaged("its plugin header cannot be read".into());
    let header = at(elf, address, offset_of!(PluginHeader, layout)).ok_or_else(damaged)?;
    if !header.starts_with(&MAGIC) {
        return Err(damaged());
    }
    let number = |offset| number(header, offset).ok_or_else(damaged);
    let text = |offset: usize| header.get(offset..offset + HEADER_TEXTS).map(unpadded).ok_or_else(damaged);
    let found = BuiltWith {
        abi: (number(offset_of!(PluginHeader, abi_major))?, number(offset_of!(PluginHeader, abi_minor))?),
        sdk: text(offset_of!(PluginHeader, sdk_version))?,
        rustc: text(offset_of!(PluginHeader, rustc))?,
    };
    if found.abi.0 != ABI_MAJOR || found.abi.1 > ABI_MINOR {
        return Err(Problem::Abi { found, ours: (ABI_MAJOR, ABI_MINOR) });
    }
    if number(offset_of!(PluginHeader, panic))? != numbers::panic::UNWIND {
        return Err(Problem::PanicAbort);
    }
    let format = number(offset_of!(PluginHeader, layout_format))?;
    if format != LAYOUT_FORMAT {
        let difference = format!("layouts are described in form {format} there and {LAYOUT_FORMAT} here");
        return Err(Problem::Layout { found, difference });
    }
    Ok((found, text(offset_of!(PluginHeader, target))?))
}

fn function(elf: &object::File<'_>, name: &str, address: u64) -> FunctionEntry {
    let descriptor = at(elf, address, size_of::<[u32; 4]>()).unwrap_or_default();
    let number = |offset| number(descriptor, offset);
    FunctionEntry {
        name: name.to_owned(),
        kind: number(offset_of!(Descriptor, kind)).and_then(Kind::from_number),
        mode: number(offset_of!(Descriptor, mode)).and_then(Mode::from_number),
        line: number(offset_of!(Descriptor, line)).unwrap_or(0),
    }
}

/// A Go library must not even be opened: its runtime would take over the process's signal handlers.
fn is_go(elf: &object::File<'_>, bytes: &[u8]) -> bool {
    const SECTIONS: [&str; 3] = [".go.buildinfo", ".note.go.buildid", ".gopclntab"];
    let mut sections = elf.sections().peekable();
    let has_sections = sections.peek().is_some();
    sections.any(|section| section.name().is_ok_and(|name| SECTIONS.contains(&name)))
        || elf.dynamic_symbols().any(|symbol| symbol.name().is_ok_and(|name| name.starts_with("runtime.")))
        // What `go version FILE` looks for. Only without sections: any program that looks for it holds these bytes, too.
        || (!has_sections && memchr::memmem::find(bytes, b"\xff Go buildinf:").is_some())
}
