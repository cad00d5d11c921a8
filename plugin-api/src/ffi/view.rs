//! Bytes that cross: views of the other side's, and owned ones.

use std::slice;

use gatehouse_plugin_abi::{Buffer, Slice};

/// The bytes of a view; `None` when it is absent.
///
/// # Safety
/// The view is absent or valid for `'a`.
pub(crate) unsafe fn bytes<'a>(view: Slice) -> Option<&'a [u8]> {
    if view.data.is_null() {
        return None;
    }
    // SAFETY: the caller says that a view with a pointer is valid for 'a.
    Some(unsafe { slice::from_raw_parts(view.data, view.length) })
}

/// The text of a view, empty when it is absent or not UTF-8, which neither side sends where text is meant.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn text<'a>(view: Slice) -> &'a str {
    // SAFETY: as the caller says.
    unsafe { bytes(view) }.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
}

/// Bytes that may have been allocated on the other side of the boundary, and are freed where they were allocated.
///
/// ```
/// use gatehouse_plugin::host::ForeignBytes;
///
/// let bytes = ForeignBytes::from(vec![1, 2, 3]);
/// assert_eq!(bytes.as_ref(), [1, 2, 3]);
/// ```
pub struct ForeignBytes(Buffer);

// SAFETY: the bytes are not changed by anyone while they are owned here, and `free` may be called on any thread
// (invariant 5).
unsafe impl Send for ForeignBytes {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for ForeignBytes {}

impl ForeignBytes {
    /// Bytes that live for ever.
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self(Buffer { data: Slice::new(bytes), owner: std::ptr::null_mut(), capacity: 0, free: None })
    }

    /// The bytes of `owner`, without a copy.
    pub fn from_owner<T: AsRef<[u8]> + Send + 'static>(owner: T) -> Self {
        /// # Safety
        /// As [`Buffer`] says of its `free`.
        unsafe extern "C" fn free<T>(owner: *mut (), _: usize) {
            // SAFETY: `owner` is the box made below, and `free` is called once.
            super::panics::quietly(|| drop(unsafe { Box::from_raw(owner.cast::<T>()) }));
        }
        let owner = Box::into_raw(Box::new(owner));
        // SAFETY: the box was just made; nobody else has it.
        let data = Slice::new(unsafe { &*owner }.as_ref());
        Self(Buffer { data, owner: owner.cast(), capacity: 0, free: Some(free::<T>) })
    }

    /// Takes the buffer out of where the other side has it, and leaves nothing there.
    ///
    /// # Safety
    /// `buffer` is valid, and what is in it is as invariant 5 says.
    pub(super) unsafe fn take(buffer: *mut Buffer) -> Self {
        // SAFETY: as the caller says; what is left frees nothing.
        Self(unsafe { buffer.replace(Buffer::ABSENT) })
    }

    /// The buffer, for the other side, which then owns it.
    pub(super) fn into_buffer(self) -> Buffer {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is not used or dropped after this move.
        unsafe { std::ptr::read(&raw const this.0) }
    }

    /// Whether it says "nothing there", which is not the same as no bytes.
    pub fn is_absent(&self) -> bool {
        self.0.data.data.is_null()
    }

    /// The bytes, when they live for ever.
    ///
    /// # Errors
    /// Itself, when they do not.
    pub fn into_static(self) -> Result<&'static [u8], Self> {
        if self.0.free.is_some() {
            return Err(self);
        }
        // SAFETY: without `free` the bytes live for ever (documented on `Buffer`).
        Ok(unsafe { bytes(self.0.data) }.unwrap_or_default())
    }
}

impl From<Vec<u8>> for ForeignBytes {
    fn from(mut bytes: Vec<u8>) -> Self {
        /// # Safety
        /// As [`Buffer`] says of its `free`.
        unsafe extern "C" fn free(data: *mut (), capacity: usize) {
            // SAFETY: pointer and capacity are those of the vector taken apart below; its length does not matter for
            // freeing bytes.
            drop(unsafe { Vec::from_raw_parts(data.cast::<u8>(), 0, capacity) });
        }
        let (data, capacity) = (bytes.as_mut_ptr(), bytes.capacity());
        let length = bytes.len();
        std::mem::forget(bytes);
        Self(Buffer { data: Slice { data, length }, owner: data.cast(), capacity, free: Some(free) })
    }
}

impl AsRef<[u8]> for ForeignBytes {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the buffer is owned here, so its bytes live as long as `self`.
        unsafe { bytes(self.0.data) }.unwrap_or_default()
    }
}

impl Drop for ForeignBytes {
    fn drop(&mut self) {
        if let Some(free) = self.0.free {
            // SAFETY: this is the one owner, and these are the arguments that belong to `free`.
            unsafe { free(self.0.owner, self.0.capacity) };
        }
    }
}

impl std::fmt::Debug for ForeignBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForeignBytes").field("length", &self.as_ref().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::ForeignBytes;

    #[test]
    fn bytes_survive_the_way_there_and_back() {
        let owned = [ForeignBytes::from(b"abc".to_vec()), ForeignBytes::from_owner(String::from("abc"))];
        for bytes in owned {
            let mut buffer = bytes.into_buffer();
            // SAFETY: the buffer comes from `into_buffer` and is taken once.
            let bytes = unsafe { ForeignBytes::take(&raw mut buffer) };
            assert_eq!(bytes.as_ref(), b"abc");
            assert!(buffer.data.data.is_null() && buffer.free.is_none());
            assert!(bytes.into_static().is_err());
        }
        assert_eq!(ForeignBytes::from_static(b"abc").into_static().unwrap(), b"abc");
        assert!(ForeignBytes::from(Vec::new()).as_ref().is_empty());
    }

    #[test]
    fn bytes_may_be_freed_elsewhere() {
        let bytes = ForeignBytes::from_owner(vec![7; 100]);
        std::thread::spawn(move || assert_eq!(bytes.as_ref().len(), 100)).join().unwrap();
    }
}
