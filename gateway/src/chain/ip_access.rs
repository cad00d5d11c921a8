//! Which client addresses may call an API.

use std::net::IpAddr;

use crate::{apidef::model::ClientAddresses, reply::error::GatewayError};

/// Refuses a client that is not on the allow list, or that is on the block list.
///
/// The address is that of the connection: `X-Forwarded-For` can be made up by anybody.
///
/// # Errors
/// [`GatewayError::AddressForbidden`].
pub fn check(rules: &ClientAddresses, client: IpAddr) -> Result<(), GatewayError> {
    let allowed = !rules.allow_list || rules.allowed.iter().any(|range| range.contains(client));
    if allowed && !rules.blocked.iter().any(|range| range.contains(client)) {
        return Ok(());
    }
    Err(GatewayError::AddressForbidden)
}
