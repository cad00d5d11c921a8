//! The header of a plugin: what is read first, from the file, before any of the plugin's code can run.

use crate::layout::Layout;

/// The first bytes of every header.
pub const MAGIC: [u8; 16] = *b"GATEHOUSE-PLUGIN";

/// Major version of the boundary: both sides must have the same.
pub const ABI_MAJOR: u32 = 1;

/// Minor version of the boundary: a plugin's must not be above the gateway's.
pub const ABI_MINOR: u32 = 0;

/// Form of the layout description: abi_stable 0.11.
pub const LAYOUT_FORMAT: u32 = 11;

/// Name of the header's symbol.
pub const HEADER_SYMBOL: &str = "gatehouse_plugin_header";

/// What the symbol of a function begins with; its name follows.
pub const FUNCTION_PREFIX: &str = "gatehouse_function_";

/// Name of the symbol of `init`.
pub const INIT_SYMBOL: &str = "gatehouse_plugin_init";

/// Bytes of each text in a header.
pub const HEADER_TEXTS: usize = 64;

/// Exported once by each plugin. Its functions are safe to call once magic and major version were seen to be right: they
/// take no pointers and let no panic out. The fields before `layout` are the same in all versions there will be: plain
/// bytes that need no relocation, so that they can be read from a file.
#[repr(C)]
pub struct PluginHeader {
    /// [`MAGIC`].
    pub magic: [u8; 16],
    /// [`ABI_MAJOR`] of the SDK that the plugin was built with.
    pub abi_major: u32,
    /// [`ABI_MINOR`] of that SDK.
    pub abi_minor: u32,
    /// See [`numbers::panic`](crate::numbers::panic).
    pub panic: u32,
    /// [`LAYOUT_FORMAT`] of that SDK.
    pub layout_format: u32,
    /// Version of `gatehouse-plugin`, padded with zeros, as are the next two.
    pub sdk_version: [u8; HEADER_TEXTS],
    /// The compiler.
    pub rustc: [u8; HEADER_TEXTS],
    /// The target it was compiled for.
    pub target: [u8; HEADER_TEXTS],
    /// Describes the types of this crate as the plugin sees them.
    pub layout: extern "C" fn() -> Layout,
    /// Called once after the checks and before anything else.
    pub start: extern "C" fn(),
    /// Zero.
    pub reserved: [usize; 4],
}

/// A text for a header, cut where it does not fit.
pub const fn padded(text: &str) -> [u8; HEADER_TEXTS] {
    let bytes = text.as_bytes();
    let mut padded = [0; HEADER_TEXTS];
    let mut index = 0;
    while index < bytes.len() && index < HEADER_TEXTS {
        padded[index] = bytes[index];
        index += 1;
    }
    padded
}

/// The text of a header without its padding.
pub fn unpadded(text: &[u8]) -> String {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    String::from_utf8_lossy(&text[..end]).into_owned()
}
