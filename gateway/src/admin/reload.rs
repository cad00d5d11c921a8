//! `/tyk/reload`: this gateway or all of its group.

use std::sync::Arc;

use http::StatusCode;

use super::{
    answer::{Answer, Outcome, Refused},
    call::Call,
};
use crate::{serve::reload::AskedBy, session::Signal};

/// Reloads this gateway. With `block=true` the answer comes after it and says how it went.
pub async fn this(call: Call) -> Outcome {
    tracing::info!(target: super::TARGET, client = %call.client, "a reload was asked for");
    let gateway = Arc::clone(&call.gateway);
    let reload = async move { gateway.reload_for(AskedBy::Operator).await };
    if call.query("block") != "true" {
        // It is logged when it is done; nobody waits for it here.
        tokio::spawn(reload);
        return Ok(Answer::ok(""));
    }
    match reload.await {
        Ok(_) => Ok(Answer::ok("")),
        Err(error) => Err(Refused::failed(&*error)),
    }
}

/// Reloads all gateways of the same store, this one too: it hears what it says to all.
pub async fn group(call: Call) -> Outcome {
    tracing::info!(target: super::TARGET, client = %call.client, "a reload of the group was asked for");
    match call.gateway.sessions.store().publish(&Signal::Reload).await {
        Ok(()) => Ok(Answer::ok("")),
        Err(error) => Err(Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("nobody was told to reload, {error}; /tyk/reload reloads this gateway alone"),
        )),
    }
}
