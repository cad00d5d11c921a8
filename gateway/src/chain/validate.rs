//! Requests that must look as the definition says, and get what it says of those that leave something out.

use bytes::Bytes;
use http::{HeaderValue, header};

use super::{
    Exchange,
    query::{QueryValues, with_query},
};
use crate::{
    exchange::RequestBody,
    reply::error::GatewayError,
    router::endpoints::PathForms,
    serve::Gateway,
    validation::{Addition, Refusal, Validation},
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
    let additions = rule.check_head(forms.stripped(), exchange.uri.query(), &exchange.headers);
    add(additions.map_err(invalid)?, exchange);
    if !rule.reads_body() {
        return Ok(());
    }
    let body = exchange.buffer_body(gateway.settings.limits.buffered_body_bytes).await?;
    let checked = if body.len() < LARGE {
        rule.check_body(&exchange.headers, &body)
    } else {
        let (rule, headers) = (rule.clone(), exchange.headers.clone());
        let checked = tokio::task::spawn_blocking(move || rule.check_body(&headers, &body)).await;
        checked.map_err(|error| {
            tracing::error!(request_id = %exchange.request_id, %error, "the check of a body did not end");
            GatewayError::Overloaded
        })?
    };
    if let Some(body) = checked.map_err(invalid)? {
        exchange.headers.insert(header::CONTENT_LENGTH, body.len().into());
        exchange.body = RequestBody::Full(Bytes::from(body));
    }
    Ok(())
}

/// Adds defaults of parameters; the query is then in the order of the names, as Go writes it.
fn add(additions: Vec<Addition>, exchange: &mut Exchange) {
    let mut query: Option<QueryValues> = None;
    for addition in additions {
        match addition {
            Addition::Query(name, texts) => {
                let parse = || QueryValues::parse(exchange.uri.query().unwrap_or(""));
                let query = query.get_or_insert_with(parse);
                texts.iter().for_each(|text| query.add(&name, text));
            }
            Addition::Header(name, text) => {
                if let Ok(value) = HeaderValue::from_str(&text) {
                    exchange.headers.append(name, value);
                }
            }
            Addition::Cookie(name, text) => {
                let before = exchange.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
                let added = format!("{name}={text}");
                let cookies: Vec<&[u8]> = before.chain([added.as_bytes()]).collect();
                if let Ok(value) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
                    exchange.headers.insert(header::COOKIE, value);
                }
            }
        }
    }
    if let Some(query) = query
        && let Some(uri) = with_query(&exchange.uri, &query.encode())
    {
        exchange.uri = uri;
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
