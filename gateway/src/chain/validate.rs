//! Requests that must look as the definition says.

use super::Exchange;
use crate::{
    reply::error::GatewayError,
    router::endpoints::PathForms,
    serve::Gateway,
    validation::{Refusal, Validation},
};

/// Bytes of a body from which on its check has a thread of its own, so that other requests do not wait for it.
const LARGE: usize = 64 * 1024;

/// Bytes of an answer's message: a client's own words may stand in it.
const MAX_MESSAGE: usize = 2_048;

/// Checks the request.
///
/// # Errors
/// [`GatewayError::RequestInvalid`], or what reading the body gives.
pub async fn check(
    gateway: &Gateway,
    rule: &Validation,
    forms: PathForms<'_>,
    exchange: &mut Exchange,
) -> Result<(), GatewayError> {
    rule.check_head(forms.stripped(), exchange.uri.query(), &exchange.headers).map_err(invalid)?;
    if !rule.reads_body() {
        return Ok(());
    }
    let body = exchange.buffer_body(gateway.settings.limits.buffered_body_bytes).await?;
    if body.len() < LARGE {
        return rule.check_body(&exchange.headers, &body).map_err(invalid);
    }
    let (rule, headers) = (rule.clone(), exchange.headers.clone());
    let checked = tokio::task::spawn_blocking(move || rule.check_body(&headers, &body)).await;
    match checked {
        Ok(checked) => checked.map_err(invalid),
        Err(error) => {
            tracing::error!(request_id = %exchange.request_id, %error, "the check of a body did not end");
            Err(GatewayError::Overloaded)
        }
    }
}

fn invalid(refusal: Refusal) -> GatewayError {
    let Refusal { status, mut message } = refusal;
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push('…');
    }
    GatewayError::RequestInvalid { status, message }
}
