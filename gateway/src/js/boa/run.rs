//! Running bytecode against the clock, and the small script that makes a call.

use std::{
    future::Future as _,
    pin::pin,
    task::{Context as TaskContext, Poll, Waker},
};

use boa_engine::{Context, JsResult, JsValue, Script, Source};

use crate::js::engine::Deadline;

/// Costs of instructions between two looks at the clock; some hundred microseconds.
const BUDGET: u32 = 10_000;
/// The global function from which the call script takes its arguments; gone before the call begins.
pub(super) const ARGUMENT_SOURCE: &str = "__gatehouse_argument__";
/// Path of the call script, which traces leave out.
pub(super) const CALL_PATH: &str = "gatehouse:call";

/// Runs a script; `None` when the deadline passed, after which its context is good for nothing.
pub(super) fn to_deadline(
    script: &Script,
    context: &mut Context,
    deadline: Deadline,
) -> Option<JsResult<JsValue>> {
    let mut run = pin!(script.evaluate_async_with_budget(context, BUDGET));
    let mut task = TaskContext::from_waker(Waker::noop());
    loop {
        match run.as_mut().poll(&mut task) {
            Poll::Ready(result) => return Some(result),
            Poll::Pending if deadline.passed() => return None,
            Poll::Pending => {}
        }
    }
}

/// Compiles the call of a function, named as in a definition (`handlers.inner.go`). Only a script can be run on a
/// budget, and only one finds what `let`, `const` and `class` declared at the top level.
///
/// The function gets this many arguments.
pub(super) fn call_script(function: &str, arguments: usize, context: &mut Context) -> JsResult<Script> {
    let taken: Vec<String> = (0..arguments).map(|index| format!("{ARGUMENT_SOURCE}({index})")).collect();
    let text = format!("typeof {function}===\"function\"?{function}({}):undefined", taken.join(","));
    let source = Source::from_bytes(&text).with_path(std::path::Path::new(CALL_PATH));
    let script = Script::parse(source, None, context)?;
    script.codeblock(context)?;
    Ok(script)
}
