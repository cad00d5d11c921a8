//! The driver alone: one VM, calls one after the other, and what only this driver does.

/// What a call that goes too deep is told.
const TOO_DEEP: &str = "RangeError: Maximum call stack size exceeded";

use crate::js::engine::ErrorClass;

/// Globals of the engine beside those of the language; not declared, because another driver lacks them.
const GLOBALS_OF_THE_ENGINE: &[&str] = &["InternalError"];

fn driver() -> &'static QuickJsDriver {
    static DRIVER: std::sync::OnceLock<QuickJsDriver> = std::sync::OnceLock::new();
    DRIVER.get_or_init(|| QuickJsDriver::new(2))
}

include!("../driver_tests.rs");
include!("../types/driver_tests.rs");
include!("../underscore_tests.rs");

#[test]
fn native_loops_are_ended_too() {
    for body in [
        "Array.prototype.reverse.call({length: Math.pow(2, 53) - 1})",
        "Array.prototype.indexOf.call({length: Math.pow(2, 53) - 1}, 1)",
        "/(a+)+b/.test(new Array(60).join('a'))",
    ] {
        let mut vm = load(&format!("function f() {{ {body}; return 'x'; }} function g() {{ return 'g'; }}"));
        let error =
            call_within(&mut vm, &call_of("f"), FakeHost::default(), Duration::from_millis(30)).unwrap_err();
        assert_eq!(error.class, ErrorClass::Timeout, "{body}: {error}");
        assert_eq!(call(&mut vm, "g").unwrap(), "g");
    }
}

#[test]
fn memory_has_a_bound() {
    let error =
        fail("function f() { var all = []; for (;;) { all.push(new Array(1000).join('x') + all.length); } }");
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Memory, "ran out of memory"));
}
