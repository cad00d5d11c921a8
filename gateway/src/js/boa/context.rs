//! A context with a program in it, for one call.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use boa_engine::{
    Context, JsError, JsNativeError, JsObject, JsResult, JsValue, Script, Source as BoaSource,
    context::{
        ContextBuilder,
        time::{Clock, JsInstant, StdClock},
    },
    error::PanicError,
    job::IdleJobExecutor,
    module::IdleModuleLoader,
    value::Type,
    vm::RuntimeLimits,
};
use bytes::Bytes;

use super::{arguments, failure, globals, nesting, run};
use crate::js::engine::{Call, CallBounds, Deadline, ErrorClass, Host, ScriptError, Source};

/// Nested calls. Boa counts those that come back through native code too, which need up to 25 KB of stack each.
const RECURSION: usize = 4_000;
/// Values on the engine's own stack.
const STACK_VALUES: usize = 1 << 20;
/// Iterations of one loop for each millisecond of the limit. Boa's budget does not see loops inside native
/// callbacks, so those end here; an empty loop takes 4 ns, so that loops which the budget sees end by it first.
const LOOP_ITERATIONS_PER_MILLISECOND: u64 = 250_000;

/// Parts that are made when a script first touches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct WarmParts {
    /// `_`.
    pub underscore: bool,
    /// `TykJS`.
    pub tyk_js: bool,
}

impl WarmParts {
    pub(super) fn with(self, other: Self) -> Self {
        Self { underscore: self.underscore || other.underscore, tyk_js: self.tyk_js || other.tyk_js }
    }
}

/// A function and how many arguments it gets.
pub(super) type CallShape = (Arc<str>, usize);

/// What native functions of a context find in it.
pub(super) struct ContextState {
    host: RefCell<Option<Box<dyn Host>>>,
    /// Why the host ended the script.
    ended: RefCell<Option<ScriptError>>,
    /// `JSON.stringify` as it was before any script ran.
    pub stringify: JsObject,
    /// The arguments of the call that is about to begin.
    pub arguments: RefCell<Vec<JsValue>>,
    /// How many of them the call took.
    pub taken: Cell<usize>,
    /// Bytes of the request's body.
    pub body: RefCell<Bytes>,
    /// Bytes of the response's body.
    pub response_body: RefCell<Bytes>,
    /// What was touched.
    pub touched: Cell<WarmParts>,
    /// State of `Math.random`.
    pub random: Cell<u64>,
}

impl ContextState {
    /// The state of a context that [`Prepared`] made.
    pub(super) fn of(context: &Context) -> JsResult<Rc<Self>> {
        let state = context.get_data::<Rc<Self>>().map(Rc::clone);
        state.ok_or_else(|| JsNativeError::error().with_message("not a context of the gateway").into())
    }

    /// Runs one host function; an error of the script's call ends it and cannot be caught.
    pub(super) fn host_call(
        &self,
        function: crate::js::host::HostFunction,
        arguments: &[String],
    ) -> JsResult<crate::js::engine::HostReturn> {
        use crate::js::engine::HostReturn;
        if self.ended.borrow().is_some() {
            return Err(uncatchable());
        }
        let answer = match self.host.borrow_mut().as_mut() {
            Some(host) => host.call(function, arguments),
            None => HostReturn::Undefined,
        };
        if let HostReturn::Abort(error) = answer {
            *self.ended.borrow_mut() = Some(error);
            return Err(uncatchable());
        }
        Ok(answer)
    }
}

/// An error that no `catch` sees.
fn uncatchable() -> JsError {
    PanicError::new("ended by the gateway").into()
}

/// A context and what is kept beside it.
pub(super) struct Prepared {
    context: Context,
    state: Rc<ContextState>,
    clock: Rc<LoadClock>,
    config: JsValue,
    calls: Vec<(CallShape, Script)>,
}

impl Prepared {
    /// A context with all the functions of the gateway and no program. `Date` stands at `loaded_at_millis`, if
    /// given, until the context is made ready; until then `Math.random` begins at `random_seed`.
    pub(super) fn without_sources(
        loaded_at_millis: Option<i64>,
        random_seed: u64,
        warm: WarmParts,
    ) -> Result<Self, ScriptError> {
        let clock = Rc::new(LoadClock { real: StdClock::new(), stands_at: Cell::new(loaded_at_millis) });
        let context = ContextBuilder::new()
            .module_loader(Rc::new(IdleModuleLoader))
            // Promise jobs never run: a call is over when its function returns, as in Tyk.
            .job_executor(Rc::new(IdleJobExecutor))
            .clock(Rc::clone(&clock))
            .host_hooks(Rc::new(nesting::EvalHooks))
            .build();
        let mut context = context.map_err(|error| engine_failure(&error))?;
        super::note_context_made();
        let mut limits = RuntimeLimits::default();
        limits.set_recursion_limit(RECURSION);
        limits.set_stack_size_limit(STACK_VALUES);
        context.set_runtime_limits(limits);
        let stringify = globals::stringify(&mut context).map_err(|error| engine_failure(&error))?;
        let state = Rc::new(ContextState {
            host: RefCell::default(),
            ended: RefCell::default(),
            stringify,
            arguments: RefCell::default(),
            taken: Cell::new(0),
            body: RefCell::default(),
            response_body: RefCell::default(),
            touched: Cell::new(warm),
            random: Cell::new(random_seed),
        });
        context.insert_data(Rc::clone(&state));
        globals::install(&mut context, warm).map_err(|error| engine_failure(&error))?;
        Ok(Self { context, state, clock, config: JsValue::undefined(), calls: Vec::new() })
    }

    /// Does something with `host` behind the host functions.
    pub(super) fn with_host<T>(&mut self, host: Box<dyn Host>, act: impl FnOnce(&mut Self) -> T) -> T {
        *self.state.host.borrow_mut() = Some(host);
        let result = act(self);
        *self.state.host.borrow_mut() = None;
        result
    }

    /// What scripts touched so far.
    pub(super) fn touched(&self) -> WarmParts {
        self.state.touched.get()
    }

    /// Runs one source.
    pub(super) fn load(&mut self, source: &Source, deadline: Deadline) -> Result<(), ScriptError> {
        if !nesting::is_parsable(source.text.bytes().map(u16::from)) {
            return Err(ScriptError::new(ErrorClass::Syntax, nesting::TOO_DEEP));
        }
        self.limit_loops(deadline);
        let path = std::path::Path::new(&*source.name);
        let text = BoaSource::from_bytes(source.text.as_bytes()).with_path(path);
        let script =
            Script::parse(text, None, &mut self.context).map_err(|error| failure::syntax(&error, source))?;
        let result = run::to_deadline(&script, &mut self.context, deadline);
        self.settle(result, deadline).map(drop)
    }

    /// Everything that a call needs and that can be done before it is known.
    pub(super) fn make_ready(&mut self, config: &serde_json::Value, calls: &[CallShape]) {
        self.clock.stands_at.set(None);
        self.state.random.set(crate::js::seed::fresh());
        // Bounds that the program's size exceeds; the call then says so.
        self.config = arguments::value_of_json(config, &mut self.context);
        for shape in calls {
            if let Ok(script) = run::call_script(&shape.0, shape.1, &mut self.context) {
                self.calls.push((shape.clone(), script));
            }
        }
    }

    /// Calls a function and gives the text that it returns.
    pub(super) fn call(&mut self, call: &Call, bounds: &CallBounds) -> Result<String, ScriptError> {
        let count = call.kind.arguments();
        let is_shape = |(function, known): &CallShape| *known == count && *function == call.function;
        let ahead = self.calls.iter().position(|(shape, _)| is_shape(shape));
        let script = match ahead {
            Some(place) => self.calls.swap_remove(place).1,
            None => run::call_script(&call.function, count, &mut self.context).map_err(|error| {
                let reason = failure::message(&error);
                missing(&call.function, &format!(" is not a name that can be called ({reason})"))
            })?,
        };
        let context = &mut self.context;
        let mut values = arguments::before_config(call, &self.state, context)?;
        values.push(self.config.clone());
        *self.state.arguments.borrow_mut() = values;
        globals::offer_arguments(context);
        self.limit_loops(bounds.deadline);
        let result = run::to_deadline(&script, &mut self.context, bounds.deadline);
        let begun = self.state.taken.get() == count;
        match self.settle(result, bounds.deadline) {
            Ok(value) if begun => returned_text(&value, bounds),
            Ok(_) => Err(missing(&call.function, " is not defined by the program's sources")),
            Err(error) if begun || error.class != ErrorClass::Exception => Err(error),
            Err(error) => Err(missing(&call.function, &format!(" is not there ({})", error.message))),
        }
    }

    fn limit_loops(&mut self, deadline: Deadline) {
        let milliseconds = u64::try_from(deadline.limit.as_millis()).unwrap_or(u64::MAX).max(1);
        let iterations = milliseconds.saturating_mul(LOOP_ITERATIONS_PER_MILLISECOND);
        self.context.runtime_limits_mut().set_loop_iteration_limit(iterations);
    }

    fn settle(
        &mut self,
        result: Option<JsResult<JsValue>>,
        deadline: Deadline,
    ) -> Result<JsValue, ScriptError> {
        // A script that the host ended has failed, whatever it did after that.
        if let Some(ended) = self.state.ended.borrow_mut().take() {
            return Err(ended);
        }
        match result {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(failure::thrown(&error, deadline)),
            None => Err(deadline.error()),
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        super::note_context_dropped();
    }
}

fn engine_failure(error: &JsError) -> ScriptError {
    ScriptError::new(ErrorClass::Engine, format!("the engine does not start: {}", failure::message(error)))
}

fn missing(function: &str, what: &str) -> ScriptError {
    ScriptError::new(ErrorClass::MissingFunction, format!("function `{function}`{what}"))
}

fn returned_text(value: &JsValue, bounds: &CallBounds) -> Result<String, ScriptError> {
    let Some(text) = value.as_string() else {
        let message = format!("returned {}; return TykJsResponse(...)", kind(value));
        return Err(ScriptError::new(ErrorClass::BadResult, message));
    };
    let too_long = || {
        let message = format!("returned more than {} bytes", bounds.response_bytes);
        ScriptError::new(ErrorClass::Output, message)
    };
    if text.len() > bounds.response_bytes {
        return Err(too_long());
    }
    let text = text.to_std_string_lossy();
    if text.len() > bounds.response_bytes { Err(too_long()) } else { Ok(text) }
}

fn kind(value: &JsValue) -> &'static str {
    match value.get_type() {
        Type::Undefined => "undefined",
        Type::Null => "null",
        Type::Boolean => "true or false",
        Type::Number | Type::BigInt => "a number",
        Type::String => "a string",
        Type::Symbol => "a symbol",
        Type::Object if value.is_callable() => "a function",
        Type::Object => "an object",
    }
}

/// The real clock, or for sources that are loaded again the time of their first load: what they computed from
/// `Date` is then as it was.
struct LoadClock {
    real: StdClock,
    stands_at: Cell<Option<i64>>,
}

impl Clock for LoadClock {
    fn now(&self) -> JsInstant {
        self.real.now()
    }

    fn system_time_millis(&self) -> i64 {
        self.stands_at.get().unwrap_or_else(|| self.real.system_time_millis())
    }
}
