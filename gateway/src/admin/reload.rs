//! `/tyk/reload`: this gateway or all of its group.

use std::sync::Arc;

use super::{
    answer::{Answer, Outcome, Refused},
    call::Call,
};
use crate::serve::reload::AskedBy;

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

/// Reloads all gateways of the same store; this one at least.
pub async fn group(call: Call) -> Outcome {
    tracing::info!(target: super::TARGET, client = %call.client, "a reload of the group was asked for");
    let gateway = Arc::clone(&call.gateway);
    tokio::spawn(async move { gateway.reload_for(AskedBy::Operator).await });
    Ok(Answer::ok(""))
}
