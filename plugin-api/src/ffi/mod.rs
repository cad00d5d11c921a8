//! The room with unsafe code: both ends of the boundary, and nothing else.
//!
//! A plugin's end is [`guest`] and [`guest_message`] (what it asks of the gateway) and [`entry`] (where the gateway comes in); a gateway's
//! end is [`host`] (tables over safe traits), [`pairs`] (headers that a plugin gives) and [`function`] (calls). [`view`], [`future`] and [`kept`] serve both. The
//! invariants, which every `SAFETY` comment in here leans on:
//!
//! 1. **Types agree.** The gateway compares layouts before it reads more than a plugin's header; so a value of a type
//!    of `gatehouse-plugin-abi` is what it says on both sides.
//! 2. **A call outlives its function.** Everything that a [`Call`](gatehouse_plugin_abi::Call) points to lives, and
//!    stays where it is, until the function has returned or its future has been released.
//! 3. **One writer.** The owner of a request or answer is reached only through the one [`Request`](crate::Request) or
//!    [`UpstreamResponse`](crate::UpstreamResponse) of the call, so `&mut` there is exclusive access on the host's side
//!    and `&` is shared; the context's owner is only ever shared, and is `Sync`.
//! 4. **Views end with their borrow.** A slice that a side gives is valid as long as the borrow it was asked with.
//! 5. **Who allocates frees**, through a pointer that travels along, on any thread.
//! 6. **No panic crosses.** Each function that the other side calls catches its own.
//! 7. **Plugins stay.** A library is never unloaded, so its code and statics live for ever.
//! 8. **Places outlive calls.** What is kept at a place of a definition lives until its last call is over; only the library
//!    that made it, known by its mark, gets it back.

pub(crate) mod entry;
pub(crate) mod function;
pub(crate) mod future;
pub(crate) mod guest;
pub(crate) mod guest_message;
pub mod host;
mod host_context;
mod host_message;
pub(crate) mod kept;
mod pairs;
pub(crate) mod panics;
#[cfg(test)]
mod tests;
pub(crate) mod view;
