//! `/tyk/gatehouse/status`: what is loaded, what is refused and why. Not in Tyk.

use serde_json::json;

use super::{
    answer::{Answer, Outcome},
    call::Call,
};
use crate::live::snapshot::{DefinitionState, DefinitionStatus};

/// The state of the gateway as of its last reload.
pub fn get(call: &Call) -> Outcome {
    let gateway = &call.gateway;
    let snapshot = gateway.snapshot();
    let definitions: Vec<_> = snapshot.definitions.iter().map(definition).collect();
    let plugins = gateway.plugins.registry().plugins();
    Ok(Answer::json(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": gateway.uptime().as_secs(),
        "ready": snapshot.not_ready().is_empty(),
        "not_ready": snapshot.not_ready(),
        "apis_served": snapshot.apis().count(),
        "plugins_loaded": plugins.len(),
        "requests_in_flight": gateway.in_flight(),
        "definitions": definitions,
    })))
}

fn definition(status: &DefinitionStatus) -> serde_json::Value {
    let findings: Vec<_> = status
        .findings
        .iter()
        .map(|(place, problem)| json!({ "field": problem.field, "place": place, "message": problem.message }))
        .collect();
    json!({
        "api_id": &*status.api_id,
        "file": status.path.to_string_lossy(),
        "state": match status.state {
            DefinitionState::Served => "served",
            DefinitionState::Inactive => "inactive",
            DefinitionState::Refused => "refused",
        },
        "findings": findings,
    })
}
