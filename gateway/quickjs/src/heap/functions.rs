//! How the engine asks for memory.
#![allow(unsafe_code, reason = "called by C")]

use std::{
    ffi::c_void,
    ptr::{self, null_mut},
};

use rquickjs_sys::{JSMallocFunctions, size_t};

use super::{Block, HEAD, Heap};

/// The engine's way to an arena's heap, which is the `opaque` that it gets.
pub(crate) const FUNCTIONS: JSMallocFunctions = JSMallocFunctions {
    js_calloc: Some(js_calloc),
    js_malloc: Some(js_malloc),
    js_free: Some(js_free),
    js_realloc: Some(js_realloc),
    js_malloc_usable_size: Some(js_usable_size),
};

unsafe extern "C" fn js_malloc(heap: *mut c_void, bytes: size_t) -> *mut c_void {
    // SAFETY: the engine hands back the heap that it was made with, and runs on one thread at a time.
    unsafe { (*heap.cast::<Heap>()).allocate(bytes as usize).cast() }
}

unsafe extern "C" fn js_calloc(heap: *mut c_void, count: size_t, each: size_t) -> *mut c_void {
    let Some(bytes) = (count as usize).checked_mul(each as usize) else { return null_mut() };
    // SAFETY: as in `js_malloc`; the content is at least `bytes` long. Memory is used again, so it is not zero.
    unsafe {
        let content = (*heap.cast::<Heap>()).allocate(bytes);
        if !content.is_null() {
            ptr::write_bytes(content, 0, bytes);
        }
        content.cast()
    }
}

unsafe extern "C" fn js_free(heap: *mut c_void, content: *mut c_void) {
    if !content.is_null() {
        // SAFETY: as in `js_malloc`; the engine frees what it got from here, once.
        unsafe { (*heap.cast::<Heap>()).release(content.cast()) }
    }
}

unsafe extern "C" fn js_realloc(heap: *mut c_void, content: *mut c_void, bytes: size_t) -> *mut c_void {
    // SAFETY: as in `js_free`.
    unsafe {
        let heap = &mut *heap.cast::<Heap>();
        if content.is_null() {
            return heap.allocate(bytes as usize).cast();
        }
        heap.resize(content.cast(), bytes as usize).cast()
    }
}

unsafe extern "C" fn js_usable_size(content: *const c_void) -> size_t {
    if content.is_null() {
        return 0;
    }
    // SAFETY: the engine asks about what it got from here.
    unsafe { (*content.cast::<u8>().sub(HEAD).cast::<Block>()).size as size_t }
}
