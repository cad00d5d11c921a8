//! JavaScript: programs, the drivers that run them, the threads they run on and what scripts can call.
//!
//! Start at [`engine`] for the words of this room, then [`runtime`] for its face. This room knows nothing of
//! routes or the admin API: it takes a call and gives back a string or a [`engine::ScriptError`], and reads the
//! string as a [`response::VirtualResponse`].

#[cfg(not(any(feature = "boa", feature = "quickjs")))]
compile_error!("a gateway needs at least one JavaScript driver: feature `quickjs` or `boa`");

#[cfg(feature = "boa")]
pub mod boa;
pub mod budget;
pub mod engine;
pub mod go_base64;
pub mod header_name;
pub mod hook_result;
pub mod host;
mod known_scripts;
pub mod large;
pub mod outbound;
pub mod pool;
#[cfg(feature = "quickjs")]
pub mod quickjs;
pub mod response;
pub mod runtime;
pub mod script_log;
pub mod seed;
pub mod store;
pub mod tape;
pub mod types;
pub mod vms;
pub mod walled;

#[cfg(test)]
fn test_settings() -> crate::config::settings::JavaScriptSettings {
    crate::config::settings::JavaScriptSettings {
        enabled: true,
        blobs_disabled: false,
        timeout: std::time::Duration::from_secs(5),
        extra_source: None,
        driver: crate::config::settings::DriverName::DEFAULT,
        threads: Some(2),
        max_threads: 1024,
        queue: 4096,
        isolation: Some(crate::config::settings::Isolation::Thread),
        max_processes: 4,
        memory_bytes: 32 << 20,
        outbound_calls: 8,
        batch_parallel: 16,
        response_bytes: 1 << 20,
        outbound_body_bytes: 1 << 20,
    }
}
