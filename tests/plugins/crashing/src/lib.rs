//! Ends the process in every way a plugin can.

use std::hint::black_box;

use gatehouse_plugin::prelude::*;

/// Writes to an address that is not there.
#[endpoint]
#[allow(unsafe_code, reason = "the crash is what this plugin is for")]
fn segfault(_: &mut Request, _: &Context) {
    let nowhere = black_box(std::ptr::without_provenance_mut::<u8>(8));
    // SAFETY: none: the process is to get a SIGSEGV.
    unsafe { nowhere.write_volatile(1) };
}

/// As [`segfault`], after having waited once.
#[endpoint]
async fn late_segfault(request: &mut Request, context: &Context) {
    let mut waited = false;
    std::future::poll_fn(|waiting| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        waiting.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
    segfault(request, context);
}

/// Calls itself until there is no stack left.
#[endpoint]
fn overflow(_: &mut Request, _: &Context) -> Response {
    Response::text(deeper(0).to_string())
}

#[allow(unconditional_recursion, reason = "the crash is what this plugin is for")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    black_box(deeper(depth + 1)) + frame[0]
}

/// Gives up.
#[endpoint]
fn abort(_: &mut Request, _: &Context) {
    std::process::abort();
}

/// Does what it should.
#[endpoint]
fn fine(_: &mut Request, _: &Context) -> Response {
    Response::text("fine")
}
