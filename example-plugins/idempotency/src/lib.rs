//! A request that a client sends twice, with the same `Idempotency-Key`, reaches the upstream once: the second gets the first
//! one's answer. What is remembered lies in the gateway's store, so that all gateways of one Redis know of it.
//!
//! ```json
//! {"custom_middleware": {"driver": "rust",
//!   "post_key_auth": [{"name": "once", "path": "libidempotency.so"}],
//!   "response": [{"name": "remember", "path": "libidempotency.so"}]}}
//! ```
//!
//! For an API with keys; one without has no `post_key_auth` hooks, and names `once` as a `pre` hook.
#![forbid(unsafe_code)]

use std::time::Duration;

use gatehouse_plugin::prelude::*;
use serde_json::{Value, json};

/// How long an upstream may take: until then a second request is refused instead of sent.
const UNDER_WAY: Duration = Duration::from_secs(60);
/// How long an answer is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// The name under which a request is remembered; none for a request that has no key.
fn name(api: &str, key: Option<&str>) -> Option<String> {
    key.map(|key| format!("idempotency/{api}/{key}"))
}

/// Lets the first request with a key through and answers every further one.
#[request_hook(no_body)]
async fn once(request: &mut Request, context: &Context) -> gatehouse_plugin::Result<Option<Response>> {
    let Some(name) = name(context.api().id(), request.header("idempotency-key")) else { return Ok(None) };
    // One of several at once gets to write this, also with several gateways.
    if context.storage().set_if_absent(&name, "", Some(UNDER_WAY)).await? {
        return Ok(None);
    }
    let remembered = context.storage().get(&name).await?.unwrap_or_default();
    if remembered.is_empty() {
        let body = json!({ "error": "the first request with this Idempotency-Key is under way" });
        return Response::json(409, &body).map(Some);
    }
    let answer: Value = serde_json::from_slice(&remembered)?;
    let status = answer["status"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or(200);
    let body = answer["body"].as_str().unwrap_or_default().to_owned();
    let kind = answer["type"].as_str().unwrap_or("application/octet-stream").to_owned();
    let response = Response::new(status).header("content-type", kind).header("idempotency-replayed", "true");
    Ok(Some(response.body(body)))
}

/// Remembers what the upstream answered. After an error of the upstream's the client may try again.
#[response_hook]
async fn remember(
    response: &mut UpstreamResponse,
    request: &Request,
    context: &Context,
) -> gatehouse_plugin::Result<()> {
    let Some(name) = name(context.api().id(), request.header("idempotency-key")) else { return Ok(()) };
    if response.status() >= 500 {
        context.storage().delete(&name).await?;
        return Ok(());
    }
    let answer = json!({
        "status": response.status(),
        "type": response.header("content-type"),
        "body": std::str::from_utf8(response.body())?,
    });
    context.storage().set(&name, answer.to_string(), Some(REMEMBERED)).await
}

#[cfg(test)]
mod tests {
    use gatehouse_plugin::{Response, test};

    use super::{once, remember};

    fn request() -> test::TestRequest {
        test::request("POST", "/orders").header("idempotency-key", "k")
    }

    #[test]
    fn the_first_goes_on_and_the_second_waits() {
        let first = test::call_async(request().store(), once).unwrap();
        assert!(first.continued());
        assert_eq!(first.stored("idempotency/test/k"), Some(&b""[..]));
        let second = test::call_async(request().stored("idempotency/test/k", ""), once);
        assert_eq!(second.response().unwrap().status(), 409);
        assert!(test::call_async(test::request("POST", "/orders").store(), once).unwrap().continued());
    }

    #[test]
    fn what_was_answered_is_answered_again() {
        let answer = Response::new(201).header("content-type", "text/plain").body("made");
        let done = test::respond_async(request().store(), answer, remember).unwrap();
        let remembered = done.stored("idempotency/test/k").unwrap();
        let again = test::call_async(request().stored("idempotency/test/k", remembered), once);
        let again = again.response().unwrap();
        assert_eq!((again.status(), again.body_bytes()), (201, &b"made"[..]));
        assert_eq!(again.header_value("idempotency-replayed"), Some("true"));
    }

    #[test]
    fn an_error_of_the_upstream_is_not_remembered() {
        let request = request().stored("idempotency/test/k", "");
        let done = test::respond_async(request, Response::new(502), remember).unwrap();
        assert_eq!(done.stored("idempotency/test/k"), None);
    }
}
