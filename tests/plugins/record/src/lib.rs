//! Changes the analytics record, and claims a session or takes the one that is brought.
#![forbid(unsafe_code)]

use gatehouse_plugin::prelude::*;
use serde_json::Value;

/// Hides who it was.
#[analytics]
fn mask(record: &mut Record, _: &Context) -> gatehouse_plugin::Result<()> {
    record.set("ip_address", "masked")
}

/// Sets a session that nobody asked for.
#[request_hook(no_body)]
fn claim(_: &mut Request, context: &Context) -> gatehouse_plugin::Result<()> {
    context.set_session(&Session::new("somebody"))
}

/// Lets everybody in with the session that the request brings as JSON in `x-session`.
#[auth(no_body)]
fn brought(request: &mut Request, _: &Context) -> gatehouse_plugin::Result<Result<Session, Denied>> {
    let brought = request.header("x-session").and_then(|json| serde_json::from_str(json).ok());
    let Some(Value::Object(fields)) = brought else {
        return Ok(Err(Denied::unauthorized("x-session is not a session")));
    };
    let session = Session::new("");
    Ok(Ok(fields.iter().try_fold(session, |session, (name, value)| session.field(name, value))?))
}
