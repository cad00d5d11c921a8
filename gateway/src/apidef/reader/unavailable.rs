//! What this version does not have, in the words of every kind of definition: the one place to change when it does.
//!
//! What protects is refused, what only adds is warned about. Messages are about the field that they are reported at.

/// An endpoint rule that protects.
pub(in crate::apidef) const ENDPOINT_RULE: &str = "is not available in this version of Gatehouse; the API is not served because its endpoints would be \
     unprotected";
/// A proxy between the gateway and its upstreams.
pub(in crate::apidef) const UPSTREAM_PROXY: &str = "has no effect: upstreams are called directly";
/// Certificates that upstreams would see.
pub(in crate::apidef) const UPSTREAM_CERTIFICATES: &str =
    "have no effect: upstreams see no client certificate";

/// Limits to the TLS that upstreams are called with.
pub(in crate::apidef) const UPSTREAM_TLS: &str = "has no effect: TLS 1.2 and 1.3 with authenticated ciphers are offered to upstreams, and their certificates are checked for \
     the target's host";
/// Targets that are left out while they do not answer.
pub(in crate::apidef) const UPTIME: &str =
    "has no effect: all targets are called in turn, whether they answer or not";

/// A field that asks for a way to let callers in, or to protect what goes on, that is not there.
pub(in crate::apidef) fn protection(what: &str) -> String {
    format!(
        "asks for {what}, which this version of Gatehouse does not have; the API is not served because it would be \
         open. Switch it off, or protect the API another way"
    )
}

/// A hook for a driver that is not there; `switch` says how to switch it off.
pub(in crate::apidef) fn driver(driver: &str, switch: &str) -> String {
    format!(
        "is for the driver `{driver}`, which Gatehouse does not have; the API is not served because a hook may be what \
         protects it. Write it in JavaScript or Rust, or {switch}"
    )
}

/// A bundle of plugins.
pub(in crate::apidef) fn bundle(switch: &str) -> String {
    format!("names a bundle that has not been loaded; {switch} to serve the API without it")
}

/// Pinned certificates.
pub(in crate::apidef) fn certificate_pinning(switch: &str) -> String {
    format!("certificate pinning is not available; {switch}")
}

/// A plugin that is to let callers in and is not named at `place`.
pub(in crate::apidef) fn plugin_missing(place: &str) -> String {
    format!(
        "asks for authentication by a plugin, and `{place}` names none; the API is not served because it would be \
         open"
    )
}
