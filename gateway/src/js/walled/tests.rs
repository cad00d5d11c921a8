//! What every driver has to hold, with a process between; and what only processes do.

use crate::js::engine::ErrorClass;

/// What a call that goes too deep is told.
const TOO_DEEP: &str = if cfg!(feature = "boa") {
    "RangeError: too much recursion"
} else {
    "RangeError: Maximum call stack size exceeded"
};

#[cfg(feature = "boa")]
const INNER: DriverName = DriverName::Boa;
#[cfg(not(feature = "boa"))]
const INNER: DriverName = DriverName::QuickJs;

/// What `gatehouse js-worker` is in the binary of these tests: not a test, and not run as one.
#[test]
#[ignore = "the process of scripts that the tests start"]
fn process() {
    std::process::exit(if worker::run() == std::process::ExitCode::SUCCESS { 0 } else { 1 });
}

fn driver() -> &'static WalledDriver {
    static DRIVER: std::sync::OnceLock<WalledDriver> = std::sync::OnceLock::new();
    DRIVER.get_or_init(|| WalledDriver::new(INNER, 16))
}

include!("../driver_tests.rs");

#[test]
fn memory_has_a_bound() {
    let mut vm = load(
        "function f() { var all = []; for (;;) { all.push(new Uint8Array(1 << 20)); } }
         function g() { return 'g'; }",
    );
    let error = call(&mut vm, "f").unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Memory, "ran out of memory"));
    assert_eq!(call(&mut vm, "g").unwrap(), "g");
}

#[cfg(feature = "boa")]
#[test]
fn what_the_engine_cannot_end_is_ended() {
    let driver = WalledDriver::new(DriverName::Boa, 4);
    for body in [
        "Array.prototype.indexOf.call({length: Math.pow(2, 53) - 1}, 1)",
        "/(a+)+b/.test(new Array(60).join('a'))",
    ] {
        let mut vm = load(&format!("function f() {{ {body}; return 'x'; }} function g() {{ return 'g'; }}"));
        let begun = std::time::Instant::now();
        let error =
            call_within(&mut vm, &call_of("f"), FakeHost::default(), Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.class, ErrorClass::Timeout, "{body}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(call(&mut vm, "g").unwrap(), "g");
    }
    drop(driver);
}
