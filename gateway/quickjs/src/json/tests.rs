//! The rest is compared in `tests/json.rs`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use crate::{Arena, Engine};

#[test]
fn the_engines_objects_lie_as_described() {
    let arena = Arena::new(&Arc::new(Engine::default())).unwrap();
    assert!(arena.control.json.get().is_some(), "the engine has changed; see `layout`");
}
