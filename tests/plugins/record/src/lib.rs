//! Changes the analytics record, and claims a session.
#![forbid(unsafe_code)]

use gatehouse_plugin::prelude::*;

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
