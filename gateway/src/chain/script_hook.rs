//! Hooks in JavaScript: what they see, and what their results do to a request or an answer.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use serde_json::{Map, Value};

use super::{hook::Authenticated, hook_url, query::QueryValues, virtual_endpoint};
use crate::{
    exchange::{Exchange, RequestBody, SentRequest},
    js::{
        budget::Budget,
        engine::{Call, CallKind, ErrorClass, HookRequest, RequestObject, ResponseObject, ScriptError},
        hook_result::{OverridingAnswer, RequestChanges, ResponseChanges},
        large,
        runtime::Script,
    },
    reply::{self, Reply, body::ReplyBody, error::GatewayError},
    serve::Gateway,
    telemetry::metrics::Failures,
};

/// A place in a definition that names a hook in JavaScript, ready to be called.
#[derive(Debug)]
pub struct LiveScriptHook {
    /// What there is to call.
    pub state: ScriptState,
    /// The method of its object, such as `mine.DoProcessRequest`.
    pub function: Arc<str>,
    /// What one call may use.
    pub budget: Budget,
    /// It gets the session, and its metadata are written back.
    pub use_session: bool,
    /// Id of the API, for the log.
    pub api_id: Arc<str>,
    /// The place in the definition, for the log, such as `custom_middleware.pre[0]`.
    pub place: Arc<str>,
    /// By the classes of errors.
    pub failures: Failures,
}

/// What there is to call at a place.
#[derive(Debug)]
pub enum ScriptState {
    /// The API's program.
    Ready(Arc<Script>),
    /// Nothing: its own source did not load.
    Failed(Arc<ScriptError>),
    /// Nothing: scripts are off.
    Off,
}

/// Calls a request hook; `None` when the request goes on.
///
/// `after_authentication` says whether there can be a session, which hooks before it do not get.
///
/// # Errors
/// [`GatewayError::HookRefused`] when the hook refuses the request, [`GatewayError::Hook`] for whatever the script does
/// wrong, which has been logged.
pub async fn request(
    hook: &LiveScriptHook,
    gateway: &Gateway,
    exchange: &mut Exchange,
    after_authentication: bool,
) -> Result<Option<Reply>, GatewayError> {
    let use_session = hook.use_session && after_authentication;
    let mut changes = call_for_request(hook, gateway, exchange, use_session).await?;
    if use_session {
        keep_metadata(exchange, changes.session_meta.take());
    }
    changes.answer.map(|answer| answered(answer, exchange)).transpose()
}

/// Calls an authentication hook. As in Tyk, a caller whom the hook does not refuse comes in, with an empty session if it
/// gave none.
///
/// # Errors
/// As for [`request`]; nobody is let in then.
pub async fn authenticate(
    hook: &LiveScriptHook,
    gateway: &Gateway,
    exchange: &mut Exchange,
) -> Result<Authenticated, GatewayError> {
    let changes = call_for_request(hook, gateway, exchange, false).await?;
    match changes.answer {
        Some(answer) => answered(answer, exchange).map(Authenticated::Answer),
        None => {
            let session = Value::Object(changes.session.unwrap_or_default());
            let session = serde_json::from_value(session).map_err(|error| {
                let message = format!("returned a session that is none: {error}");
                failed(hook, exchange, &ScriptError::new(ErrorClass::BadResult, message))
            });
            session.map(Authenticated::As)
        }
    }
}

/// Calls a response hook on an answer in memory.
///
/// # Errors
/// [`GatewayError::Middleware`] for whatever the script does wrong, which has been logged.
pub async fn response(
    hook: &LiveScriptHook,
    gateway: &Gateway,
    exchange: &Exchange,
    answer: &mut Response<Bytes>,
) -> Result<(), GatewayError> {
    let object = ResponseObject {
        status: answer.status().as_u16(),
        headers: sorted_headers(answer.headers(), None),
        body: answer.body().clone(),
    };
    let request = request_object(exchange, Bytes::new(), exchange.sent.as_deref());
    let call = Call {
        function: Arc::clone(&hook.function),
        kind: CallKind::ResponseHook(hook_request(exchange), object),
        request,
        session_json: exchange.session_seen().map(|session| session.whole().to_json().into()),
    };
    let called = run(hook, gateway, call)
        .await
        .and_then(|text| large::work(text.len(), || ResponseChanges::parse(&text)));
    let changed = called.and_then(|changes| change_answer(changes, answer));
    changed.map_err(|error| {
        log(hook, exchange, &error);
        GatewayError::Middleware { class: error.class }
    })
}

async fn call_for_request(
    hook: &LiveScriptHook,
    gateway: &Gateway,
    exchange: &mut Exchange,
    use_session: bool,
) -> Result<RequestChanges, GatewayError> {
    let body = exchange.buffer_body(gateway.settings.limits.buffered_body_bytes).await?;
    let call = Call {
        function: Arc::clone(&hook.function),
        kind: CallKind::RequestHook(hook_request(exchange)),
        request: request_object(exchange, body.clone(), None),
        session_json: use_session
            .then(|| exchange.session_seen())
            .flatten()
            .map(|session| session.whole().to_json().into()),
    };
    let called = run(hook, gateway, call)
        .await
        .and_then(|text| large::work(text.len(), || RequestChanges::parse(&text)));
    let changed = called.and_then(|changes| change_request(changes, &body, exchange));
    changed.map_err(|error| failed(hook, exchange, &error))
}

async fn run(hook: &LiveScriptHook, gateway: &Gateway, call: Call) -> Result<String, ScriptError> {
    match &hook.state {
        ScriptState::Ready(script) => gateway.js.call(script, call, &hook.budget).await,
        ScriptState::Failed(error) => Err(ScriptError::clone(error)),
        ScriptState::Off => Err(ScriptError::new(
            ErrorClass::Source,
            "is not called because `enable_jsvm` is false in the configuration",
        )),
    }
}

fn failed(hook: &LiveScriptHook, exchange: &Exchange, error: &ScriptError) -> GatewayError {
    log(hook, exchange, error);
    match hook.state {
        ScriptState::Off => GatewayError::Middleware { class: error.class },
        _ => GatewayError::Hook { class: error.class },
    }
}

/// Counts a failure and tells of it, once.
fn log(hook: &LiveScriptHook, exchange: &Exchange, error: &ScriptError) {
    if let ScriptState::Ready(script) = &hook.state
        && let Some(rehearsal) = script.rehearsal()
    {
        return rehearsal.failed(error.into());
    }
    hook.failures.count(error.class.as_str());
    let position = error.position.as_ref().map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        api_id = &*hook.api_id,
        hook = &*hook.place,
        method = %exchange.method,
        function = &*hook.function,
        request_id = %exchange.request_id,
        class = error.class.as_str(),
        position,
        stack = error.stack.join("\n"),
        "hook failed: {error}"
    );
}

fn hook_request(exchange: &Exchange) -> HookRequest {
    let uri = exchange.client_uri();
    HookRequest { request_uri: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned() }
}

/// What a hook sees of the request, or of what the upstream was sent.
fn request_object(exchange: &Exchange, body: Bytes, sent: Option<&SentRequest>) -> RequestObject {
    let (method, headers) = match sent {
        Some(sent) => (&sent.method, &sent.headers),
        None => (&exchange.method, &exchange.headers),
    };
    let host = sent.and_then(|sent| Some(sent.uri.authority()?.as_str())).unwrap_or(exchange.host());
    let (url, query) = match sent {
        Some(sent) => (sent.uri.to_string(), sent.uri.query()),
        None => (hook_url::shown(exchange).to_owned(), exchange.uri.query()),
    };
    RequestObject {
        headers: sorted_headers(headers, Some(host)),
        body,
        url,
        params: query.map(|query| QueryValues::parse(query).texts()).unwrap_or_default(),
        scheme: exchange.scheme.into(),
        method: virtual_endpoint::method_text(method),
        request_id: exchange.request_id.into(),
    }
}

/// Headers in the order of their names, as Go writes maps; with a `Host` if one is given.
fn sorted_headers(headers: &HeaderMap, host: Option<&str>) -> Vec<(String, Vec<String>)> {
    let mut lists = virtual_endpoint::header_lists(headers);
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        lists.push(("Host".to_owned(), vec![host.to_owned()]));
    }
    lists.sort_unstable();
    lists
}

fn bad_result(message: String) -> ScriptError {
    ScriptError::new(ErrorClass::BadResult, format!("returned a request with {message}"))
}

fn change_request(
    mut changes: RequestChanges,
    body: &Bytes,
    exchange: &mut Exchange,
) -> Result<RequestChanges, ScriptError> {
    hook_url::change(&changes, exchange).map_err(bad_result)?;
    if let Some(body) = std::mem::take(&mut changes.body).applied_to(body) {
        exchange.headers.remove(header::TRANSFER_ENCODING);
        exchange.headers.insert(header::CONTENT_LENGTH, body.len().into());
        exchange.body = RequestBody::Full(body);
    }
    change_headers(&mut exchange.headers, &changes.delete_headers, &changes.set_headers)
        .map_err(bad_result)?;
    Ok(changes)
}

fn change_answer(changes: ResponseChanges, answer: &mut Response<Bytes>) -> Result<(), ScriptError> {
    let bad =
        |message| ScriptError::new(ErrorClass::BadResult, format!("returned a response with {message}"));
    // As in Tyk, a header that HTTP does not allow is left out of an answer.
    let allowed = changes.set_headers.into_iter().filter(|(name, value)| header(name, value).is_ok());
    let allowed: Vec<(String, String)> = allowed.collect();
    change_headers(answer.headers_mut(), &changes.delete_headers, &allowed).map_err(bad)?;
    if let Some(body) = changes.body.applied_to(answer.body()) {
        *answer.body_mut() = body;
    }
    if let Some(code) = changes.code {
        *answer.status_mut() = reply::script_status(code)
            .ok_or_else(|| bad(format!("`StatusCode` {code}, which no answer can have")))?;
    }
    Ok(())
}

/// Takes headers out, then sets others. Names that cannot be one are not there to be taken out.
fn change_headers(
    headers: &mut HeaderMap,
    delete: &[String],
    set: &[(String, String)],
) -> Result<(), String> {
    for name in delete {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes())
            && !is_framing(&name)
        {
            headers.remove(name);
        }
    }
    for (name, value) in set {
        let (name, value) = header(name, value)?;
        if !is_framing(&name) {
            headers.insert(name, value);
        }
    }
    Ok(())
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    let value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| format!("a value of the header {name:?} that HTTP does not allow"))?;
    Ok((parsed.map_err(|_| format!("the header {name:?}, a name that HTTP does not allow"))?, value))
}

/// How a message goes out is the gateway's affair, and, as in Tyk, who it is for the connection's.
fn is_framing(name: &HeaderName) -> bool {
    name == header::HOST || name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING
}

/// Metadata that differ from the session's become the session's; none at all empty them.
fn keep_metadata(exchange: &mut Exchange, meta: Option<Map<String, Value>>) {
    let Some(session) = &mut exchange.session else { return };
    let meta = meta.unwrap_or_default();
    let same = match &session.meta_data {
        Value::Object(known) => *known == meta,
        known => known.is_null() && meta.is_empty(),
    };
    if same {
        return;
    }
    Arc::make_mut(session).meta_data = Value::Object(meta);
}

/// The answer, or the gateway's own error with the hook's message; the hook's headers are on either.
fn answered(answer: OverridingAnswer, exchange: &mut Exchange) -> Result<Reply, GatewayError> {
    let mut headers = reply::header_map::with_room(answer.headers.len());
    for (name, values) in &answer.headers {
        for value in values {
            // As in Tyk, a header that HTTP does not allow is left out of an answer.
            if let Ok((name, value)) = header(name, value)
                && !is_framing(&name)
            {
                headers.append(name, value);
            }
        }
    }
    let Some(status) = reply::script_status(answer.code) else {
        return Err(GatewayError::Hook { class: ErrorClass::BadResult });
    };
    if answer.is_error {
        // The gateway's error has a content type of its own.
        headers.remove(header::CONTENT_TYPE);
        for name in headers.keys() {
            for (index, value) in headers.get_all(name).iter().enumerate() {
                exchange.response_headers.push(name.clone(), value.clone(), index == 0);
            }
        }
        return Err(GatewayError::HookRefused { status, message: answer.text });
    }
    let mut reply = Response::new(ReplyBody::from(Bytes::from(answer.text)));
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    reply::set_keyless_limits(reply.headers_mut());
    Ok(reply)
}
