//! Changes the analytics record.
#![forbid(unsafe_code)]

use gatehouse_plugin::prelude::*;

/// Hides who it was.
#[analytics]
fn mask(record: &mut Record, _: &Context) -> gatehouse_plugin::Result<()> {
    record.set("ip_address", "masked")
}
