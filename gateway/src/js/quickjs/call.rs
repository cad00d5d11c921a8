//! One call, from its arguments to its result.

use std::{
    ffi::{CStr, CString},
    sync::Arc,
    time::Duration,
};

use gatehouse_quickjs::{Answer, Arena, NotStarted, Program, Run, Step, Value};

use super::{arenas::Arenas, failure, globals};
use crate::js::{
    engine::{Call, CallBounds, Host, HostReturn, ScriptError},
    go_base64::{self, Padding},
    host::HOST_FUNCTIONS,
    seed,
};

/// How long a run goes on before it looks whether another one waits for its arena.
const SLICE: Duration = Duration::from_millis(2);

/// Begins a call in an arena that has its program.
pub(super) fn start(
    arena: Arena,
    program: &Arc<Program>,
    call: &Call,
    bounds: &CallBounds,
) -> Result<Run, Box<NotStarted>> {
    let request = &call.request;
    let body = String::from_utf8_lossy(&request.body);
    let fields = [
        Value::Lists(&request.headers),
        Value::Text(&body),
        Value::Text(&request.url),
        Value::Lists(&request.params),
        Value::Text(request.scheme),
        Value::Text(&request.method),
        Value::Text(&request.request_id),
    ];
    let session = call.session_json.as_deref().map(|json| CString::new(json).unwrap_or_default());
    let session: &CStr = session.as_deref().unwrap_or(c"{}");
    let arguments = [Value::Object(&fields), Value::Json(session), Value::Config];
    arena.start(program, &call.function, arguments, seed::fresh(), bounds.response_bytes)
}

/// Asks a host function; the error ends the script.
pub(super) fn ask(host: &mut dyn Host, function: usize, arguments: &[String]) -> Result<Answer, ScriptError> {
    let Some(entry) = HOST_FUNCTIONS.get(function) else { return Ok(Answer::Undefined) };
    match host.call(entry.function, arguments) {
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
    arenas: &Arenas,
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
            Step::HostCall { function: globals::BODY_BASE64, .. } => {
                run.answer(Answer::Text(go_base64::encode(&call.request.body, Padding::Required)));
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
fn stand_aside<T>(run: Run, arenas: &Arenas, act: impl FnOnce() -> T) -> (Option<Run>, T) {
    let (parked, arena) = run.park();
    let id = parked.arena();
    arenas.give(arena);
    let result = act();
    (parked.unpark(arenas.take_back(id)).ok(), result)
}

fn lost() -> (Option<Run>, Result<String, ScriptError>) {
    (None, Err(failure::engine("a run lost its arena")))
}
