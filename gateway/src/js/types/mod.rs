//! The types of what scripts see, for editors: `gatehouse types` prints them.
//!
//! They are written by hand, in the files beside this one. Tests compare them with what the engines have
//! (`driver_tests.rs`) and with what the gateway reads and writes (`tests.rs`), both ways.

#[cfg(test)]
pub(crate) mod declared;
#[cfg(test)]
pub(crate) mod tests;

/// The files, in the order in which they are printed.
const FILES: [&str; 5] = [
    include_str!("requests.d.ts"),
    include_str!("session.d.ts"),
    include_str!("functions.d.ts"),
    include_str!("tyk_js.d.ts"),
    include_str!("underscore.d.ts"),
];

/// All declarations as one TypeScript declaration file.
pub fn declarations() -> String {
    format!("// Gatehouse {}\n\n{}", env!("CARGO_PKG_VERSION"), FILES.join("\n"))
}
