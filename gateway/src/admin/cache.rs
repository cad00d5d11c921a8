//! `/tyk/cache`: kept answers are thrown away.

use http::StatusCode;

use super::{
    answer::{Answer, Outcome, Refused},
    call::Call,
};
use crate::session::Signal;

/// Throws away what is kept for an API, here and at the gateways of the same store; also for one that is not there any more.
pub async fn drop_api(call: Call) -> Outcome {
    let id = call.parameter("apiID");
    let failed = |error| {
        let message = format!("Cache invalidation failed: {error}");
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, message)
    };
    call.gateway.cache.invalidate(id).await.map_err(failed)?;
    let signal = Signal::ApiCacheDropped(id.to_owned());
    call.gateway.sessions.store().publish(&signal).await.map_err(failed)?;
    Ok(Answer::ok("cache invalidated").about(id.to_owned()))
}
