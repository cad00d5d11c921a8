//! The driver alone: one VM, calls one after the other.

/// What a call that goes too deep is told.
const TOO_DEEP: &str = "RangeError: too much recursion";

/// Globals of the engine beside those of the language; not declared, because another driver lacks them.
const GLOBALS_OF_THE_ENGINE: &[&str] = &["TypedArray"];

fn driver() -> BoaDriver {
    BoaDriver
}

include!("../driver_tests.rs");
include!("../types/driver_tests.rs");
include!("../underscore_tests.rs");

#[test]
fn a_panic_of_the_engine_is_an_error_and_the_next_call_works() {
    // Boa 0.22: https://github.com/boa-dev/boa, an inline cache that a delete does not clear.
    let mut vm = load(
        "function P() {} P.prototype = {a: 1, q: 2}; function get(o) { return o.q; }
         function f() { var o = new P(); for (var i = 0; i < 9; i++) get(o); delete P.prototype.q; for (i = 0; i < 9; i++) get(o); return 'x'; }
         function g() { return 'g'; }",
    );
    let result = call(&mut vm, "f");
    assert!(
        result.as_ref().is_ok_and(|text| text == "x")
            || result.is_err_and(|error| error.class == ErrorClass::Engine)
    );
    assert_eq!(call(&mut vm, "g").unwrap(), "g");
}
