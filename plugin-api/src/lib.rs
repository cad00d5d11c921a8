//! The contract between Gatehouse and endpoint plugins.
//!
//! For now it holds only the number both sides will check first; the SDK grows here, and nothing in this
//! crate may know the gateway, tokio or hyper.

/// The version of the boundary between gateway and plugin, compared before any plugin code runs.
///
/// A plugin built for another major version is refused with both versions named.
pub const ABI_VERSION: u32 = 1;
