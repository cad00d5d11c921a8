//! The gateway's room with unsafe code: opens a library and reaches what it exports. Calls are in `gatehouse_plugin::host`.
//!
//! The invariants that the `SAFETY` comments lean on:
//!
//! 1. A library is opened only after [`super::file::inspect`] passed the very bytes that are opened: it has a plugin's
//!    header with a version that this gateway speaks. Its initialisers are the author's code, as all of it.
//! 2. A library is never closed (no `Drop`, and `RTLD_NODELETE`): what it exports lives for ever.
//! 3. Descriptors are reached only through [`Checked`], which exists only after layouts were compared.

use std::{ffi::CString, path::Path};

use gatehouse_plugin::host::{Function, Init};
use gatehouse_plugin_abi::{
    ABI_MAJOR, Descriptor, FUNCTION_PREFIX, HEADER_SYMBOL, INIT_SYMBOL, InitDescriptor, LayoutDifference,
    MAGIC, PluginHeader, layout_difference,
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

/// Keeps the library's mapping even if somebody closes it; libloading does not name it.
const RTLD_NODELETE: std::ffi::c_int = 0x1000;

/// A library that is open, and of which nothing but the header has been read.
pub(super) struct Opened {
    library: &'static Library,
    header: &'static PluginHeader,
}

/// A library whose types are this gateway's.
#[derive(Clone, Copy)]
pub(super) struct Checked {
    library: &'static Library,
}

impl Opened {
    /// Opens the library at `path`, an absolute path, whose bytes passed [`super::file::inspect`].
    ///
    /// # Errors
    /// The dynamic loader's message.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let flags = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
        // SAFETY: running the library's initialisers is what loading a plugin means (invariant 1).
        let library = unsafe { Library::open(Some(path), flags) }.map_err(|error| message(&error))?;
        let library: &'static Library = Box::leak(Box::new(library));
        let header: *const PluginHeader = symbol(library, HEADER_SYMBOL)?;
        // SAFETY: the bytes of this symbol were seen to be a header of this version (invariant 1); it lives for ever.
        let header = unsafe { &*header };
        // The file's tables were read with other eyes than the dynamic loader's: it must have found the same.
        if header.magic != MAGIC || header.abi_major != ABI_MAJOR {
            return Err(format!("{HEADER_SYMBOL} is not where the file says"));
        }
        Ok(Self { library, header })
    }

    /// Compares the library's types with the gateway's.
    ///
    /// # Errors
    /// The innermost difference.
    pub(super) fn check(self) -> Result<Checked, LayoutDifference> {
        match layout_difference((self.header.layout)()) {
            Some(difference) => Err(difference),
            None => {
                (self.header.start)();
                Ok(Checked { library: self.library })
            }
        }
    }
}

impl Checked {
    /// The function of this name.
    pub(super) fn function(self, name: &str) -> Option<Function> {
        let descriptor: *const Descriptor = symbol(self.library, &format!("{FUNCTION_PREFIX}{name}")).ok()?;
        // SAFETY: symbols with this prefix are descriptors, of the checked layout (invariant 3), that live for ever.
        Some(unsafe { Function::loaded(descriptor) })
    }

    /// The `#[init]`.
    pub(super) fn init(self) -> Option<Init> {
        let descriptor: *const InitDescriptor = symbol(self.library, INIT_SYMBOL).ok()?;
        // SAFETY: as in `function`.
        Some(unsafe { Init::loaded(descriptor) })
    }
}

/// The address of a symbol, as what the caller knows it to be.
fn symbol<T>(library: &'static Library, name: &str) -> Result<*const T, String> {
    let name = CString::new(name).map_err(|error| error.to_string())?;
    // SAFETY: only the address is taken; callers say why it is that of a `T` before they read it.
    let symbol =
        unsafe { library.get::<*const T>(name.as_bytes_with_nul()) }.map_err(|error| message(&error))?;
    Ok(symbol.into_raw().cast_const().cast())
}

/// What the dynamic loader said, without libloading's words around it.
fn message(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
