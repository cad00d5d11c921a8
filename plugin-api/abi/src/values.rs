//! Bytes, borrowed and owned.

use abi_stable::StableAbi;

/// Borrowed bytes. A null pointer is "absent", which is not the same as empty.
#[repr(C)]
#[derive(Debug, Clone, Copy, StableAbi)]
pub struct Slice {
    /// First byte, or null.
    pub data: *const u8,
    /// Bytes.
    pub length: usize,
}

impl Slice {
    /// Nothing there.
    pub const ABSENT: Self = Self { data: std::ptr::null(), length: 0 };

    /// A view of `bytes`; the view does not keep them alive.
    pub const fn new(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), length: bytes.len() }
    }

    /// A view of the bytes of `text`.
    pub const fn text(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

/// A header, or a label of a metric.
#[repr(C)]
#[derive(Debug, Clone, Copy, StableAbi)]
pub struct Pair {
    /// Its name.
    pub name: Slice,
    /// Its value.
    pub value: Slice,
    /// [`numbers::pair`](crate::numbers::pair): what lives for ever and need not be copied.
    pub flags: u32,
}

/// Owned bytes. Whoever allocated them frees them, through the pointer that travels along, so that the two sides may
/// have different allocators.
///
/// # Safety
/// `free` is called at most once, on any thread, with `owner` and `capacity` as they came, by whoever has the buffer then.
/// Until then `data` is readable and unchanged; afterwards it is not touched. Without `free`, `data` lives for ever.
#[repr(C)]
#[derive(Debug, StableAbi)]
pub struct Buffer {
    /// The bytes; absent where a buffer says "nothing there".
    pub data: Slice,
    /// What `free` gets.
    pub owner: *mut (),
    /// What `free` gets, too.
    pub capacity: usize,
    /// Frees the bytes; `None` for bytes that live for ever.
    pub free: Option<unsafe extern "C" fn(*mut (), usize)>,
}

impl Buffer {
    /// Nothing there.
    pub const ABSENT: Self =
        Self { data: Slice::ABSENT, owner: std::ptr::null_mut(), capacity: 0, free: None };
}
