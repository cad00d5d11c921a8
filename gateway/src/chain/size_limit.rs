//! Limits on the size of a request body: the endpoint's and the version's.

use crate::{
    exchange::{Exchange, RequestBody},
    live::api::LiveVersion,
    reply::error::GatewayError,
    router::endpoints::PathForms,
};

/// Refuses a body that is announced as too large, and bounds one that is not announced.
///
/// # Errors
/// [`GatewayError::SizeLimit`].
pub fn check(
    version: &LiveVersion,
    path: PathForms<'_>,
    exchange: &mut Exchange,
) -> Result<(), GatewayError> {
    let endpoint = version.endpoints.size_limits.find(&exchange.method, path).copied();
    let of_version = (version.size_limit > 0).then_some(version.size_limit);
    let Some(limit) = [endpoint, of_version].into_iter().flatten().min() else { return Ok(()) };
    if exchange.content_length().is_some_and(|length| length > limit) {
        return Err(GatewayError::SizeLimit);
    }
    if let RequestBody::Streaming(body) = &mut exchange.body {
        body.limit_to(limit);
    }
    Ok(())
}
