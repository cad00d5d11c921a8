//! The request and the answer of a test, as the chain has them, and as they are shown.

use std::net::SocketAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, Uri, Version, header};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    super::answer::Refused,
    given::{self, GivenRequest, GivenResponse, HookType, PluginTest},
};
use crate::{
    exchange::{Arrived, Exchange, RequestBody, SentTo},
    js::header_name,
    telemetry::request_id::RequestId,
};

/// Host of requests that name none; Tyk's.
const HOST: &str = "__sandbox__";

/// What a call is about.
pub(super) struct Messages {
    pub(super) exchange: Box<Exchange>,
    /// For response hooks.
    pub(super) response: Response<Bytes>,
    /// For analytics.
    pub(super) record: Value,
}

impl Messages {
    /// Reads both.
    pub(super) fn read(test: &PluginTest, hook: HookType, client: SocketAddr) -> Result<Self, Refused> {
        let exchange =
            exchange(&test.request, client).map_err(|why| Refused::bad(format!("request.{why}")))?;
        let response = match (&test.response, hook) {
            (None, HookType::Response) => {
                return Err(Refused::bad("response is required for response hooks"));
            }
            (None, _) => Response::default(),
            (Some(given), _) => response(given).map_err(|why| Refused::bad(format!("response.{why}")))?,
        };
        let record = test.record.clone().unwrap_or_else(|| json!({}));
        Ok(Self { exchange: Box::new(exchange), response, record })
    }

    /// What the test began with, under Tyk's names.
    pub(super) fn before(&self, hook: HookType) -> Map<String, Value> {
        let (name, value) = match hook {
            HookType::Response => ("response_before", shown_response(&self.response)),
            HookType::Analytics => ("record_before", self.record.clone()),
            _ => ("request_before", shown_request(&self.exchange)),
        };
        Map::from_iter([(name.to_owned(), value)])
    }
}

fn exchange(given: &GivenRequest, client: SocketAddr) -> Result<Exchange, String> {
    let method = if given.Method.is_empty() { "GET" } else { &given.Method };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("Method: `{method}` is none"))?;
    let whole = match given.URL.as_str() {
        "" => None,
        url if url.starts_with('/') => None,
        url => Some(Url::parse(url).map_err(|error| format!("URL: `{url}` is none: {error}"))?),
    };
    let scheme = match given.Scheme.as_str() {
        "" => whole.as_ref().map_or("https", Url::scheme),
        scheme => scheme,
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => "http",
        "https" => "https",
        other => return Err(format!("Scheme: `{other}` is not http or https")),
    };
    let target = target(given, whole.as_ref());
    let uri: Uri = target.parse().map_err(|error| format!("Path: `{target}` is not a path: {error}"))?;
    let mut headers = given::headers(&given.Headers)?;
    let body = given::body(&given.Body, "BodyBase64", &given.BodyBase64)?;
    let host = whole.as_ref().and_then(Url::host_str).unwrap_or(HOST);
    if let Ok(host) = host.parse() {
        headers.entry(header::HOST).or_insert(host);
    }
    if !body.is_empty() {
        headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
    let exchange = Exchange::from(Arrived {
        method,
        uri,
        version: Version::HTTP_11,
        headers,
        body: if body.is_empty() { RequestBody::Empty } else { RequestBody::Full(body) },
        client,
        scheme,
        request_id: RequestId::next(),
    });
    Ok(Exchange { checks_limits: false, ..exchange })
}

/// Path and query: as they are given, or else put together as Tyk does.
fn target(given: &GivenRequest, whole: Option<&Url>) -> String {
    if !given.RequestURI.is_empty() {
        return with_slash(&given.RequestURI);
    }
    if given.Path.is_empty() && !given.URL.is_empty() {
        return match whole {
            Some(url) => with_slash(&url[url::Position::BeforePath..url::Position::AfterQuery]),
            None => given.URL.clone(),
        };
    }
    let path = with_slash(&given.Path);
    if given.Params.is_empty() {
        return path;
    }
    let pairs = given.Params.iter();
    let pairs = pairs.flat_map(|(name, values)| values.all().iter().map(move |value| (name, value)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{query}")
}

fn with_slash(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn response(given: &GivenResponse) -> Result<Response<Bytes>, String> {
    let code = if given.StatusCode == 0 { 200 } else { given.StatusCode };
    let status =
        StatusCode::from_u16(code).map_err(|_| format!("StatusCode: {code} is not from 100 to 999"))?;
    let mut response = Response::new(given::body(&given.Body, "BodyBase64", &given.BodyBase64)?);
    *response.status_mut() = status;
    *response.headers_mut() = given::headers(&given.Headers)?;
    Ok(response)
}

/// A request under Tyk's names.
pub(super) fn shown_request(exchange: &Exchange) -> Value {
    let path_and_query = exchange.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = match &exchange.sent_to {
        SentTo::Url(url) => url.to_string(),
        _ => format!("{}://{}{path_and_query}", exchange.scheme, exchange.host()),
    };
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(exchange.uri.query().unwrap_or("").as_bytes()) {
        let values = parameters.entry(name).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(value.into());
        }
    }
    let body = match &exchange.body {
        RequestBody::Full(bytes) => bytes.clone(),
        _ => Bytes::new(),
    };
    let mut shown = json!({
        "Method": exchange.method.as_str(),
        "Path": exchange.uri.path(),
        "URL": url,
        "RequestURI": exchange.client_uri().path_and_query().map_or("/", |path| path.as_str()),
        "Headers": shown_headers(&exchange.headers),
        "Params": parameters,
        "Scheme": exchange.scheme,
    });
    put_body(&mut shown, &body);
    shown
}

/// An answer under Tyk's names.
pub(super) fn shown_response(response: &Response<Bytes>) -> Value {
    let mut shown =
        json!({ "StatusCode": response.status().as_u16(), "Headers": shown_headers(response.headers()) });
    put_body(&mut shown, response.body());
    shown
}

/// The body as text, and exactly where that is not the same.
fn put_body(shown: &mut Value, body: &Bytes) {
    let text = String::from_utf8_lossy(body);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        shown["BodyBase64"] = STANDARD.encode(body).into();
    }
    shown["Body"] = text.into_owned().into();
}

fn shown_headers(headers: &HeaderMap) -> Value {
    let mut shown = Map::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter();
        let values: Vec<Value> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned().into()).collect();
        shown.insert(header_name::canonical(name), values.into());
    }
    shown.into()
}
