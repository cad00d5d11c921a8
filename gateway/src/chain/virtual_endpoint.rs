//! A virtual endpoint: a script answers instead of an upstream.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use http::{HeaderMap, HeaderValue, Method, Response, header};
use serde_json::{Map, Value};

use super::{query::is_valid_field, script_heads};
use crate::{
    exchange::Exchange,
    js::{
        budget::Budget,
        engine::{Call, CallKind, ErrorClass, RequestObject, ScriptError},
        header_name, large,
        response::VirtualResponse,
        runtime::Script,
    },
    reply::{
        self,
        body::ReplyBody,
        error::GatewayError,
        heads::{Head, Made},
    },
    serve::Gateway,
    telemetry::metrics::Failures,
};

/// So many names of parameters are looked through one by one.
const FEW_PARAMETERS: usize = 16;

/// A virtual endpoint, ready to be called.
#[derive(Debug)]
pub struct LiveVirtualEndpoint {
    /// Function to call.
    pub function: Arc<str>,
    /// The API's program.
    pub script: Arc<Script>,
    /// Why the endpoint's own source did not load, when it did not.
    pub load_error: Option<Arc<ScriptError>>,
    /// The function gets the session.
    pub use_session: bool,
    /// A failure goes to the upstream.
    pub proxy_on_error: bool,
    /// For the log.
    pub path: Arc<str>,
    /// By the classes of errors.
    pub failures: Failures,
    /// What a call may use.
    pub budget: Budget,
}

/// Calls the script and gives its answer. With a `server`, its head may be [completed](Head::complete).
///
/// # Errors
/// [`GatewayError::VirtualEndpoint`] for whatever the script does wrong, which is logged here once.
pub async fn answer(
    gateway: &Gateway,
    endpoint: &LiveVirtualEndpoint,
    server: Option<&HeaderValue>,
    exchange: &mut Exchange,
) -> Result<Made, GatewayError> {
    let body = exchange.buffer_body(gateway.settings.limits.buffered_body_bytes).await?;
    let answered = match &endpoint.load_error {
        Some(error) => Err(ScriptError::clone(error)),
        None => call(gateway, endpoint, exchange, body).await,
    };
    let answered = answered.and_then(|mut answer| {
        let metadata = answer.session_meta.take();
        let made = large::work(answer.headers_text().len(), || made(answer, server))?;
        // Of an answer that is none, nothing is kept.
        keep_metadata(endpoint, metadata, exchange);
        Ok(made)
    });
    answered.map_err(|error| {
        if let Some(rehearsal) = endpoint.script.rehearsal() {
            rehearsal.failed((&error).into());
            return GatewayError::VirtualEndpoint { class: error.class };
        }
        endpoint.failures.count(error.class.as_str());
        log(endpoint, exchange, &error);
        GatewayError::VirtualEndpoint { class: error.class }
    })
}

/// What the script says about the session's metadata, which nothing said empties.
fn keep_metadata(endpoint: &LiveVirtualEndpoint, metadata: Option<Value>, exchange: &mut Exchange) {
    let Some(session) = exchange.session.as_mut().filter(|_| endpoint.use_session) else { return };
    let metadata = metadata.unwrap_or_default();
    let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    if session.meta_data != metadata && !(is_empty(&session.meta_data) && is_empty(&metadata)) {
        Arc::make_mut(session).meta_data = metadata;
    }
}

async fn call(
    gateway: &Gateway,
    endpoint: &LiveVirtualEndpoint,
    exchange: &Exchange,
    body: bytes::Bytes,
) -> Result<VirtualResponse, ScriptError> {
    let call = Call {
        function: Arc::clone(&endpoint.function),
        kind: CallKind::VirtualEndpoint,
        request: request_object(exchange, body),
        session_json: endpoint
            .use_session
            .then(|| exchange.session_seen())
            .flatten()
            .map(|session| session.whole().to_value().to_string().into()),
    };
    let text = gateway.js.call(&endpoint.script, call, &endpoint.budget).await?;
    large::work(text.len(), || VirtualResponse::parse(text))
}

/// What the script sees of the request.
fn request_object(exchange: &Exchange, body: bytes::Bytes) -> RequestObject {
    RequestObject {
        headers: header_lists(&exchange.headers),
        params: parameters(exchange, &body),
        body,
        url: exchange.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        scheme: exchange.scheme.into(),
        method: method_text(&exchange.method),
        request_id: exchange.request_id.into(),
    }
}

/// A method's name, without a copy of one that is known.
pub(super) fn method_text(method: &Method) -> Cow<'static, str> {
    Cow::Borrowed(match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => return Cow::Owned(method.as_str().to_owned()),
    })
}

/// Headers by their canonical names; `Host` is left out.
pub(super) fn header_lists(headers: &HeaderMap) -> Vec<(String, Vec<String>)> {
    let mut lists = Vec::new();
    for name in headers.keys().filter(|name| **name != header::HOST) {
        // Only now: of a request that has nothing else, there is nothing to be kept.
        if lists.is_empty() {
            lists.reserve(headers.keys_len());
        }
        let values = headers.get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        lists.push((header_name::canonical(name), values));
    }
    lists
}

/// Form fields of the body, then query fields, as Go's `ParseForm` collects them.
fn parameters(exchange: &Exchange, body: &[u8]) -> Vec<(String, Vec<String>)> {
    let has_form =
        matches!(*exchange.method.as_str().as_bytes(), [b'P', b'O' | b'U' | b'A', ..]) && is_form(exchange);
    let form = if has_form { body } else { &[] };
    let query = exchange.uri.query().unwrap_or("").as_bytes();
    by_name(fields(form).chain(fields(query)))
}

/// The values of each name, in the order in which the names come first.
fn by_name(fields: impl Iterator<Item = (String, String)>) -> Vec<(String, Vec<String>)> {
    let mut parameters: Vec<(String, Vec<String>)> = Vec::new();
    // A form may have a million names: then their places are remembered.
    let mut places: HashMap<String, usize> = HashMap::new();
    for (name, value) in fields {
        let place = match parameters.len() {
            ..FEW_PARAMETERS => parameters.iter().position(|(known, _)| *known == name),
            FEW_PARAMETERS if places.is_empty() => {
                let all = parameters.iter().enumerate();
                places.extend(all.map(|(place, (name, _))| (name.clone(), place)));
                places.get(&name).copied()
            }
            _ => places.get(&name).copied(),
        };
        match place {
            Some(place) => parameters[place].1.push(value),
            None => {
                if !places.is_empty() {
                    places.insert(name.clone(), parameters.len());
                }
                parameters.push((name, vec![value]));
            }
        }
    }
    parameters
}

/// Go leaves out a field with a semicolon or with an escape that is none.
fn fields(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    let fields = text.split(|byte| *byte == b'&').filter(|field| !field.is_empty() && is_valid_field(field));
    fields.flat_map(|field| form_urlencoded::parse(field).into_owned())
}

fn is_form(exchange: &Exchange) -> bool {
    let content_type =
        exchange.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn made(response: VirtualResponse, server: Option<&HeaderValue>) -> Result<Made, ScriptError> {
    let status = reply::script_status(response.code).ok_or_else(|| {
        let message = format!("returned a response with `Code` {}, which no answer can have", response.code);
        ScriptError::new(ErrorClass::BadResult, message)
    })?;
    let server = server.filter(|_| reply::has_body(status));
    let Head { headers, is_complete } = script_heads::of(&response, server)?;
    let mut reply = Response::new(ReplyBody::from(response.body));
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    Ok(Made { reply, is_complete })
}

fn log(endpoint: &LiveVirtualEndpoint, exchange: &Exchange, error: &ScriptError) {
    let position = error.position.as_ref().map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        api_id = &**endpoint.script.api_id(),
        endpoint = &*endpoint.path,
        method = %exchange.method,
        function = &*endpoint.function,
        request_id = %exchange.request_id,
        class = error.class.as_str(),
        position,
        stack = error.stack.join("\n"),
        "virtual endpoint failed: {error}"
    );
}

#[cfg(test)]
mod tests {
    use super::{FEW_PARAMETERS, by_name, fields};

    #[test]
    fn values_are_with_their_names_however_many_there_are() {
        for names in [1, FEW_PARAMETERS - 1, FEW_PARAMETERS, FEW_PARAMETERS + 1, 3 * FEW_PARAMETERS] {
            // Each name again after all the others, and the last one once more.
            let twice = (0..names).chain(0..names).chain([names - 1]).enumerate();
            let read = by_name(twice.map(|(value, name)| (format!("n{name}"), value.to_string())));
            let expected = (0..names).map(|name| {
                let mut values = vec![name.to_string(), (names + name).to_string()];
                values.extend((name == names - 1).then(|| (2 * names).to_string()));
                (format!("n{name}"), values)
            });
            assert_eq!(read, expected.collect::<Vec<_>>(), "{names} names");
        }
    }

    #[test]
    fn fields_are_those_that_go_reads() {
        let read = |text: &str| fields(text.as_bytes()).collect::<Vec<_>>();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("a=x%20y&b=x+y&g"), [pair("a", "x y"), pair("b", "x y"), pair("g", "")]);
        assert_eq!(read("a=1;b=2&c=3&q=%zz&&=v"), [pair("c", "3"), pair("", "v")]);
    }
}
