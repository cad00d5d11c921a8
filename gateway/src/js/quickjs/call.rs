//! One call, from its arguments to its result.

use std::{ffi::CString, sync::Arc, time::Duration};

use gatehouse_quickjs::{Answer, Arena, NotStarted, Program, Run, Step, Value};

use super::{arenas::Arenas, failure, globals};
use crate::js::{
    engine::{Call, CallBounds, CallKind, Host, HostReturn, ScriptError},
    go_base64::{self, Padding},
    host::HOST_FUNCTIONS,
    large::LARGE,
    seed,
};

/// How long a run goes on before it looks whether another one waits for its arena.
pub(super) const SLICE: Duration = Duration::from_millis(2);

/// Begins a call in an arena that has its program.
pub(super) fn start(
    mut arena: Arena,
    program: &Arc<Program>,
    call: &Call,
    bounds: &CallBounds,
) -> Result<Run, Box<NotStarted>> {
    arena.set_memory(bounds.memory_bytes);
    let request = &call.request;
    let body = String::from_utf8_lossy(&request.body);
    let (headers, params) = (Value::Lists(&request.headers), Value::Lists(&request.params));
    let [url, scheme, method, id] =
        [request.url.as_str(), &request.scheme, &request.method, &request.request_id].map(Value::Text);
    let session = call.session_json.as_deref().map(|json| CString::new(json).unwrap_or_default());
    let session = Value::Json(session.as_deref().unwrap_or(c"{}"));
    let (function, limit) = (&call.function, bounds.response_bytes);
    let start = |arguments: &[Value<'_>]| arena.start(program, function, arguments, seed::fresh(), limit);
    match &call.kind {
        CallKind::Event(json) => {
            let event = CString::new(&**json).unwrap_or_default();
            start(&[Value::Json(&event), Value::Config])
        }
        CallKind::VirtualEndpoint => {
            let fields = [headers, Value::Text(&body), url, params, scheme, method, id];
            start(&[Value::Object(globals::REQUEST, &fields), session, Value::Config])
        }
        CallKind::RequestHook(hook) => {
            let uri = Value::Text(&hook.request_uri);
            let fields = [headers, Value::Text(&body), url, params, method, uri, scheme, id];
            start(&[Value::Object(globals::HOOK_REQUEST, &fields), session, Value::Config])
        }
        CallKind::ResponseHook(hook, response) => {
            let uri = Value::Text(&hook.request_uri);
            let fields = [headers, Value::Json(c"null"), url, params, method, uri, scheme, id];
            let status = CString::new(response.status.to_string()).unwrap_or_default();
            let answered = String::from_utf8_lossy(&response.body);
            let answer = [Value::Json(&status), Value::Text(&answered), Value::Lists(&response.headers)];
            start(&[
                Value::Object(globals::RESPONSE, &answer),
                Value::Object(globals::HOOK_REQUEST, &fields),
                session,
                Value::Config,
            ])
        }
    }
}

/// What `BodyBase64` of a request or response stands for.
fn body(call: &Call, function: usize) -> &[u8] {
    match &call.kind {
        CallKind::ResponseHook(_, response) if function == globals::RESPONSE_BODY_BASE64 => &response.body,
        _ => &call.request.body,
    }
}

/// Whether making the arguments takes long.
pub(super) fn is_large(call: &Call) -> bool {
    let answered = match &call.kind {
        CallKind::ResponseHook(_, response) => response.body.len(),
        _ => 0,
    };
    call.request.body.len() + answered > LARGE
}

/// How many bytes an answer of the gateway itself is about.
pub(super) fn bytes_of(call: &Call, function: usize, arguments: &[String]) -> usize {
    match function {
        globals::BODY_BASE64.. => body(call, function).len(),
        _ => arguments.iter().map(String::len).sum(),
    }
}

/// Answers what the gateway itself is asked; the error ends the script.
pub(super) fn answer_here(
    call: &Call,
    host: &mut dyn Host,
    function: usize,
    arguments: &[String],
) -> Result<Answer, ScriptError> {
    match function {
        globals::BODY_BASE64.. => {
            Ok(Answer::Text(go_base64::encode(body(call, function), Padding::Required)))
        }
        _ => ask(host, function, arguments),
    }
}

/// Asks a host function; the error ends the script.
pub(super) fn ask(host: &mut dyn Host, function: usize, arguments: &[String]) -> Result<Answer, ScriptError> {
    let Some(entry) = HOST_FUNCTIONS.get(function) else { return Ok(Answer::Undefined) };
    answer(host.call(entry.function, arguments))
}

/// A host function's answer in the engine's words.
pub(super) fn answer(answer: HostReturn) -> Result<Answer, ScriptError> {
    match answer {
        HostReturn::Undefined => Ok(Answer::Undefined),
        HostReturn::Null => Ok(Answer::Null),
        HostReturn::Bool(value) => Ok(Answer::Bool(value)),
        HostReturn::Number(number) => Ok(Answer::Number(number)),
        HostReturn::Text(text) => Ok(Answer::Text(text)),
        HostReturn::Throw(message) => Ok(Answer::Throw(message)),
        HostReturn::Abort(error) => Err(error),
    }
}

/// Runs to the end. The run comes back, unless it is lost with its arena.
pub(super) fn drive(
    mut run: Run,
    arenas: &Arc<Arenas>,
    call: &Call,
    host: &mut dyn Host,
    bounds: &CallBounds,
) -> (Option<Run>, Result<String, ScriptError>) {
    loop {
        let slice = SLICE.min(bounds.deadline.remaining());
        match run.resume(slice) {
            Step::Done(result) => {
                let result = result.map_err(|failure| failure::of_script(failure, bounds.deadline));
                return (Some(run), result);
            }
            Step::Preempted if bounds.deadline.passed() => return (Some(run), Err(bounds.deadline.error())),
            Step::Preempted if arenas.is_awaited(run.arena()) => {
                let back = stand_aside(run, arenas, || ());
                run = match back {
                    (Some(back), ()) => back,
                    (None, ()) => return lost(),
                };
            }
            Step::Preempted => {}
            Step::HostCall { function: function @ globals::BODY_BASE64.., .. } => {
                match answer_here(call, host, function, &[]) {
                    Ok(answer) => run.answer(answer),
                    Err(error) => return (Some(run), Err(error)),
                }
            }
            Step::HostCall { function, arguments } => {
                let waits = HOST_FUNCTIONS.get(function).is_some_and(|entry| entry.function.reaches_out());
                let answer = if waits {
                    let (back, answer) = stand_aside(run, arenas, || ask(host, function, &arguments));
                    let Some(back) = back else { return lost() };
                    run = back;
                    answer
                } else {
                    ask(host, function, &arguments)
                };
                match answer {
                    Ok(answer) => run.answer(answer),
                    Err(error) => return (Some(run), Err(error)),
                }
            }
        }
    }
}

/// Does something while others may have the run's arena.
fn stand_aside<T>(run: Run, arenas: &Arc<Arenas>, act: impl FnOnce() -> T) -> (Option<Run>, T) {
    let (parked, arena) = run.park();
    let id = parked.arena();
    arenas.give(arena);
    let result = act();
    (arenas.take_back(id).wait().and_then(|arena| parked.unpark(arena).ok()), result)
}

fn lost() -> (Option<Run>, Result<String, ScriptError>) {
    (None, Err(failure::engine("a run lost its arena")))
}
