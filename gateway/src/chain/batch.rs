//! The batch endpoint: several requests to one API in one, run inside the process as if each had come by itself.
//!
//! As in Tyk it is at `tyk/batch/` below the listen path and needs no key; the requests in it go through the whole chain.

use std::{collections::BTreeMap, pin::Pin, sync::Arc, time::Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, Version, header};
use http_body_util::{BodyExt as _, Limited};
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};

use super::hook_url;
use crate::{
    exchange::{Arrived, Exchange, RequestBody},
    js::header_name,
    live::api::LiveApi,
    reply::{Reply, body::ReplyBody, error::GatewayError},
    serve::Gateway,
    telemetry::request_id::RequestId,
};

/// Path of the endpoint below the listen path.
const PATH: &str = "tyk/batch/";

/// What the endpoint gets.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Batch {
    #[serde(deserialize_with = "null_is_default")]
    requests: Vec<BatchRequest>,
    #[serde(deserialize_with = "null_is_default")]
    suppress_parallel_execution: bool,
}

/// One request of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BatchRequest {
    #[serde(deserialize_with = "null_is_default")]
    method: String,
    #[serde(deserialize_with = "null_is_default")]
    headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_is_default")]
    body: String,
    #[serde(deserialize_with = "null_is_default")]
    relative_url: String,
}

/// Its answer.
#[derive(Debug, Serialize)]
struct BatchAnswer {
    relative_url: String,
    code: u16,
    headers: BTreeMap<String, Vec<String>>,
    body: String,
    /// The exact bytes of a body that is not UTF-8.
    #[serde(rename = "BodyBase64", skip_serializing_if = "Option::is_none")]
    exact: Option<String>,
}

/// Whether a request is for the batch endpoint of its API.
pub fn is_for(api: &LiveApi, listen_length: usize, exchange: &Exchange) -> bool {
    api.batch
        && exchange.uri.path().get(listen_length..).is_some_and(|rest| rest.trim_start_matches('/') == PATH)
}

/// Runs the requests and answers with their answers, in the order of the requests.
///
/// # Errors
/// When the body does not come whole.
pub async fn answer(
    gateway: &Arc<Gateway>,
    listen_length: usize,
    exchange: &mut Exchange,
) -> Result<Reply, GatewayError> {
    if exchange.method != Method::POST {
        // As in Tyk.
        return Ok(Response::new(ReplyBody::Empty));
    }
    let settings = gateway.settings.batch;
    let body = exchange.buffer_body(gateway.settings.limits.buffered_body_bytes).await?;
    let batch = match read(&body) {
        Ok(batch) => batch,
        Err(why) => return Ok(malformed(exchange, "Batch request malformed", &why)),
    };
    if exchange.in_batch {
        return Ok(refused("Batch request malformed: a request of a batch cannot be a batch"));
    }
    if batch.requests.len() > settings.max_requests {
        let message = format!(
            "Batch request malformed: {} requests are more than {}",
            batch.requests.len(),
            settings.max_requests
        );
        return Ok(refused(&message));
    }
    // As it was asked for: a listen path may have parameters.
    let base = exchange.uri.path().get(..listen_length).unwrap_or("");
    let base = format!("{}/", base.trim_end_matches('/'));
    let mut exchanges = Vec::with_capacity(batch.requests.len());
    for (index, request) in batch.requests.into_iter().enumerate() {
        match inner(&base, &request, exchange) {
            Ok(inner) => exchanges.push((request.relative_url, inner)),
            Err(why) => {
                let message = "Batch request creation failed , request structure malformed";
                return Ok(malformed(exchange, message, &format!("requests[{index}].{why}")));
            }
        }
    }
    let parallel = if batch.suppress_parallel_execution { 1 } else { settings.parallel };
    let runs = exchanges.into_iter().map(|(url, inner)| run(Arc::clone(gateway), url, inner));
    let mut runs = futures_util::stream::iter(runs).buffered(parallel);
    let mut left = settings.max_answer_bytes;
    let mut answers = Vec::new();
    while let Some(answer) = runs.next().await {
        let Some(rest) = left.checked_sub(answer.body.len()) else {
            let message = format!(
                "Batch request failed: its answers have more than {} bytes",
                settings.max_answer_bytes
            );
            return Ok(failed(StatusCode::BAD_GATEWAY, &message));
        };
        left = rest;
        answers.push(answer);
    }
    // Texts and numbers cannot fail to be JSON.
    let mut text = serde_json::to_string(&answers).unwrap_or_default();
    text.push('\n');
    Ok(json_reply(StatusCode::OK, text))
}

/// Like Go's decoder: one value, whatever follows it, and objects only where there are names.
fn read(body: &[u8]) -> Result<Batch, String> {
    let value = serde_json::Deserializer::from_slice(body).into_iter::<Value>().next();
    let value = value.ok_or("it is empty")?.map_err(|error| error.to_string())?;
    if !value.is_object() {
        return Err("it is not an object".to_owned());
    }
    let requests = value.get("requests").and_then(Value::as_array);
    if let Some(index) = requests.and_then(|requests| requests.iter().position(|one| !one.is_object())) {
        return Err(format!("requests[{index}] is not an object"));
    }
    Batch::deserialize(value).map_err(|error| error.to_string())
}

/// The request of a batch as an exchange: of the same client, with nothing of the outer request's headers.
fn inner(base: &str, request: &BatchRequest, outer: &Exchange) -> Result<Exchange, String> {
    let method = if request.method.is_empty() { "GET" } else { &request.method };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("method: `{method}` is none"))?;
    let url = request.relative_url.trim_start_matches('/');
    let url = url.split('#').next().unwrap_or("");
    if url.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(format!("relative_url: {url:?} has a control character"));
    }
    // Spaces and their like are escaped as Go's client does.
    let uri: Uri = format!("{base}{}", utf8_percent_encode(url, hook_url::ESCAPED))
        .parse()
        .map_err(|error| format!("relative_url: `{}` is none ({error})", request.relative_url))?;
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 3);
    let agent = HeaderValue::from_static(concat!("gatehouse/", env!("CARGO_PKG_VERSION")));
    headers.insert(header::USER_AGENT, agent);
    for (name, value) in &request.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("headers: `{name}` is not a header name"))?;
        let value = HeaderValue::from_bytes(value.trim().as_bytes())
            .map_err(|_| format!("headers.{name}: has characters that HTTP does not allow"))?;
        headers.insert(header, value);
    }
    // The connection's own, as Go's client sets them.
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE] {
        headers.remove(name);
    }
    if let Ok(host) = HeaderValue::from_str(outer.host()) {
        headers.insert(header::HOST, host);
    }
    let body = Bytes::copy_from_slice(request.body.as_bytes());
    if !body.is_empty() {
        headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
    let exchange = Exchange::from(Arrived {
        method,
        uri,
        version: Version::HTTP_11,
        headers,
        body: if body.is_empty() { RequestBody::Empty } else { RequestBody::Full(body) },
        client: outer.client,
        scheme: outer.scheme,
        request_id: RequestId::next(),
    });
    Ok(Exchange { loop_limit: outer.loop_limit, in_batch: true, ..exchange })
}

/// Boxed because the way leads back to where it came from.
fn run(
    gateway: Arc<Gateway>,
    relative_url: String,
    mut exchange: Exchange,
) -> Pin<Box<dyn Future<Output = BatchAnswer> + Send>> {
    Box::pin(async move {
        let settings = gateway.settings.batch;
        let whole = async {
            let reply = gateway.answer_inside(&mut exchange, Instant::now()).await;
            let (head, body) = reply.into_parts();
            let body = Limited::new(body, settings.max_answer_bytes).collect().await;
            body.map(|body| (head, body.to_bytes()))
        };
        let error = match tokio::time::timeout(settings.timeout, whole).await {
            Ok(Ok((head, body))) => return BatchAnswer::new(relative_url, head.status, head.headers, &body),
            Ok(Err(error)) => GatewayError::Upstream {
                cause: format!("an answer of a batch (at most {} bytes): {error}", settings.max_answer_bytes),
                unreachable: false,
            },
            Err(_) => GatewayError::UpstreamTimeout,
        };
        let reply = gateway.error_reply(&error, &exchange, None);
        let body = reply.body().full().cloned().unwrap_or_default();
        let (head, _) = reply.into_parts();
        BatchAnswer::new(relative_url, head.status, head.headers, &body)
    })
}

impl BatchAnswer {
    fn new(relative_url: String, status: StatusCode, mut headers: HeaderMap, body: &Bytes) -> Self {
        // What the connection would say.
        headers.remove(header::TRANSFER_ENCODING);
        headers.entry(header::CONTENT_LENGTH).or_insert_with(|| body.len().into());
        if let Ok(date) = HeaderValue::from_str(&http_date()) {
            headers.entry(header::DATE).or_insert(date);
        }
        let mut canonical: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            canonical.entry(header_name::canonical(name)).or_default().push(value);
        }
        let text = String::from_utf8_lossy(body);
        let exact = matches!(text, std::borrow::Cow::Owned(_)).then(|| STANDARD.encode(body));
        Self { relative_url, code: status.as_u16(), headers: canonical, body: text.into_owned(), exact }
    }
}

/// Headers of an error inside a batch. They are in the text of the answer, which callers may compare as a whole, so they
/// are exactly those that a Tyk gives there (recorded).
pub fn mark_error(headers: &mut HeaderMap) {
    headers.remove(header::SERVER);
    headers.insert(HeaderName::from_static("x-generator"), HeaderValue::from_static("tyk.io"));
}

fn http_date() -> String {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    OffsetDateTime::now_utc().format(format).unwrap_or_default()
}

/// Refused in exactly Tyk's words, which callers may compare; the log says what is wrong.
fn malformed(exchange: &Exchange, message: &str, why: &str) -> Reply {
    let (request_id, path) = (exchange.request_id, exchange.uri.path());
    tracing::warn!(%request_id, path, "a batch is refused: {message}: {why}");
    refused(message)
}

fn refused(message: &str) -> Reply {
    failed(StatusCode::BAD_REQUEST, message)
}

/// In the form of Tyk's own answers.
fn failed(status: StatusCode, message: &str) -> Reply {
    json_reply(status, format!("{}\n", json!({ "status": "error", "message": message })))
}

fn json_reply(status: StatusCode, text: String) -> Reply {
    let mut reply = Response::new(ReplyBody::Full(text.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// `null` is Go's zero value.
fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
