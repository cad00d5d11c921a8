//! The seam between the gateway and a JavaScript engine.
//!
//! A [`Driver`] loads a [`Program`] once, with effects, and then makes [`Vm`]s of it on the threads that use them;
//! a `Vm` runs one [`Call`] at a time and is pristine again for the next. Host functions take and give strings
//! only and are described once (see [`super::host`]), so that a driver binds a table and knows nothing of HTTP.

use std::{
    any::Any,
    borrow::Cow,
    ffi::CStr,
    fmt,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{host::HostFunction, tape::Tape};

/// One source of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Name for errors: the file's path, or `API-ID METHOD PATH (inline)` for a blob.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
}

/// All the sources of one API, which share one global scope; the last definition of a name wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Id of the API, for errors and logs.
    pub api_id: Arc<str>,
    /// Sources in load order.
    pub sources: Vec<Source>,
    /// The `config` argument of every call as JSON text: `APIID`, `OrgID`, `config_data`.
    pub config_json: Arc<str>,
    /// Where `Math.random` begins whenever its sources are loaded, so that what they compute is the same each time.
    pub seed: u64,
    /// Bytes of memory that its sources may take while they are loaded.
    pub memory_bytes: usize,
}

/// One call of one function; owned, because it crosses to a script thread, and plain, because it crosses to a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// Function as the definition names it: `name` or a member expression such as `handlers.inner.go`.
    pub function: Arc<str>,
    /// What the function is, and what it gets besides.
    pub kind: CallKind,
    /// The `request` argument.
    pub request: RequestObject,
    /// The `session` argument as JSON text; `None` is an empty object.
    pub session_json: Option<Arc<str>>,
}

/// What `request.ReturnOverrides` is before a hook changes it, as JSON text.
pub const RETURN_OVERRIDES: &CStr =
    c"{\"ResponseCode\":0,\"ResponseError\":\"\",\"ResponseBody\":\"\",\"ResponseHeaders\":null,\"OverrideError\":false}";

/// What is called: it decides the arguments.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum CallKind {
    /// `(request, session, config)`, for an answer.
    #[default]
    VirtualEndpoint,
    /// `(request, session, config)`, for changes of the request or an answer; authentication too.
    RequestHook(HookRequest),
    /// `(response, request, session, config)`, for changes of the answer.
    ResponseHook(HookRequest, ResponseObject),
    /// `(event, config)`, for its effects; the event as JSON text.
    Event(Arc<str>),
}

impl CallKind {
    /// How many arguments the function gets.
    pub fn arguments(&self) -> usize {
        match self {
            Self::VirtualEndpoint | Self::RequestHook(_) => 3,
            Self::ResponseHook(..) => 4,
            Self::Event(_) => 2,
        }
    }
}

/// What hooks see of a request besides what virtual endpoints see.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct HookRequest {
    /// Path and query as the client sent them, whatever became of them since.
    pub request_uri: String,
}

/// The `response` argument of a response hook.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ResponseObject {
    /// Its status.
    pub status: u16,
    /// Header names in canonical form with their values.
    pub headers: Vec<(String, Vec<String>)>,
    /// Exact bytes of the body.
    pub body: bytes::Bytes,
}

/// The `request` argument.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RequestObject {
    /// Header names in canonical form (`X-Test`) with their values; `Host` is for hooks only.
    pub headers: Vec<(String, Vec<String>)>,
    /// Exact bytes of the body; `Body` shows them as text, `BodyBase64` as they are.
    pub body: bytes::Bytes,
    /// Path and query as the client sent them, listen path included.
    pub url: String,
    /// Form fields, then query fields; hooks see the latter only.
    pub params: Vec<(String, Vec<String>)>,
    /// `http` or `https`.
    pub scheme: Cow<'static, str>,
    /// Request method (not enumerable in the object of a virtual endpoint).
    pub method: Cow<'static, str>,
    /// Request id (not enumerable in the script's object).
    pub request_id: String,
}

/// Why a call or a load failed; the word stands in logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorClass {
    /// Ran past its deadline.
    Timeout,
    /// Asked for more memory than it may have.
    Memory,
    /// Made more outbound calls than it may.
    Calls,
    /// Returned more than it may.
    Output,
    /// Threw.
    Exception,
    /// Does not parse.
    Syntax,
    /// The function is not there.
    MissingFunction,
    /// Returned something that is not a response.
    BadResult,
    /// No thread was free and the queue was full.
    Overload,
    /// The source could not be read.
    Source,
    /// The engine failed; a defect of ours.
    Engine,
}

impl ErrorClass {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Timeout,
        Self::Memory,
        Self::Calls,
        Self::Output,
        Self::Exception,
        Self::Syntax,
        Self::MissingFunction,
        Self::BadResult,
        Self::Overload,
        Self::Source,
        Self::Engine,
    ];

    /// The word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Calls => "calls",
            Self::Output => "output",
            Self::Exception => "exception",
            Self::Syntax => "syntax",
            Self::MissingFunction => "missing_function",
            Self::BadResult => "bad_result",
            Self::Overload => "overload",
            Self::Source => "source",
            Self::Engine => "engine",
        }
    }
}

/// A position in a source, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Name of the source.
    pub source: Arc<str>,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

/// A script's failure as its author needs it.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct ScriptError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// The message, with the error's name (`TypeError: x is not a function`).
    pub message: String,
    /// Where it was thrown, when known.
    pub position: Option<Position>,
    /// JS stack, innermost first, one `at NAME (SOURCE:LINE:COLUMN)` for each frame.
    pub stack: Vec<String>,
}

impl ScriptError {
    /// A failure without a position.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), position: None, stack: Vec::new() }
    }
}

/// What a host function gives back to the script.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum HostReturn {
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// Throws an `Error` with this message.
    Throw(String),
    /// Ends the call: the script must not be able to catch it.
    Abort(ScriptError),
}

impl HostReturn {
    /// As a reader of a rehearsal sees it.
    pub fn shown(&self) -> String {
        match self {
            Self::Undefined => "undefined".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Bool(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Throw(message) => format!("throws {message}"),
            Self::Abort(error) => format!("ends the script: {error}"),
        }
    }
}

/// What a running script can reach; one for each call, used from the script's thread only.
pub trait Host {
    /// Runs one host function. Missing arguments are not in `arguments`.
    fn call(&mut self, function: HostFunction, arguments: &[String]) -> HostReturn;

    /// Waits for something that this thread does not compute; other scripts may run meanwhile.
    fn while_waiting(&mut self, wait: &mut dyn FnMut()) {
        wait();
    }
}

/// Until when something may run.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// The instant at which it ends.
    pub at: Instant,
    /// The whole time it was given, for the message.
    pub limit: Duration,
}

impl Deadline {
    /// A deadline that starts now.
    pub fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    /// Whether it has passed.
    pub fn passed(&self) -> bool {
        Instant::now() >= self.at
    }

    /// The time that is left.
    pub fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// The failure of what ran past it.
    pub fn error(&self) -> ScriptError {
        ScriptError::new(ErrorClass::Timeout, format!("did not end within {} ms", self.limit.as_millis()))
    }
}

/// What bounds one call.
#[derive(Debug, Clone, Copy)]
pub struct CallBounds {
    /// Until when it may run, host calls included.
    pub deadline: Deadline,
    /// Bytes of memory that it may take.
    pub memory_bytes: usize,
    /// Bytes of the text it may return.
    pub response_bytes: usize,
}

/// A program that was loaded once, and what later VMs need in order to load it again without effects.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoadedProgram {
    /// The program.
    pub program: Arc<Program>,
    /// Which sources failed, by index; they are left out of every later VM.
    pub failed: Vec<bool>,
    /// The answers of the host calls that sources made while they were loaded.
    pub tape: Arc<Tape>,
    /// Wall clock of the first load in milliseconds: what `Date` shows to sources that are loaded again.
    pub loaded_at_millis: i64,
    /// Time for one load of all the sources.
    pub load_limit: Duration,
    /// What the driver keeps of it for all its VMs; empty until the first.
    #[serde(skip)]
    pub prepared: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl LoadedProgram {
    /// The sources that loaded, in order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let failed = self.failed.iter().copied().chain(std::iter::repeat(false));
        self.program.sources.iter().zip(failed).filter(|(_, failed)| !failed).map(|(source, _)| source)
    }
}

/// A VM with a program loaded; stays on the thread that made it.
pub trait Vm {
    /// Runs one call and gives the text that the function returned.
    ///
    /// # Errors
    /// As [`ErrorClass`] says; the engine stops by itself at the deadline where it can.
    fn call(&mut self, call: &Call, host: Box<dyn Host>, bounds: &CallBounds) -> Result<String, ScriptError>;

    /// Makes the VM as it was after loading; called after each call, once the answer has gone out.
    ///
    /// # Errors
    /// When the VM cannot be used again; the caller drops it and makes another.
    fn reset(&mut self) -> Result<(), ScriptError>;
}

/// How far a call has come.
#[derive(Debug)]
pub enum Progress {
    /// It is over.
    Over(Result<String, ScriptError>),
    /// It waits for this host function: [`Begun::answer`], then let it go on.
    Asks(HostFunction, Vec<String>),
    /// It needs a script thread, because it takes long.
    TakesLong,
}

/// What became of a call in its first piece.
pub enum FirstPiece {
    /// It is over, as most calls are.
    Over(Result<String, ScriptError>),
    /// It goes on, from where it came to.
    GoesOn(Box<dyn Begun>, Progress),
}

/// A call that goes on a piece at a time, between which it may change threads; what is left of it when it is dropped is
/// tidied up.
pub trait Begun: Send {
    /// Whether anything of the script has run; its time counts from then on.
    fn has_begun(&self) -> bool;

    /// Goes on for a moment where nothing may block: host functions that reach out are asked for, not called.
    fn run_briefly(&mut self, call: &Call, host: &mut dyn Host, bounds: &CallBounds) -> Progress;

    /// Goes on, on a script thread, until it is over or asks for a host function that reaches out, or until its turn is
    /// over and others want the thread.
    fn run_on(
        &mut self,
        call: &Call,
        host: &mut dyn Host,
        bounds: &CallBounds,
        is_wanted: &dyn Fn() -> bool,
    ) -> Progress;

    /// Lets others use what it does not need while it waits.
    fn stand_aside(&mut self);

    /// Gives the answer of the host function that it asked for.
    ///
    /// # Errors
    /// What ends the script instead.
    fn answer(&mut self, answer: HostReturn) -> Result<(), ScriptError>;

    /// Whether it has again what it stood aside from; until then it goes on on script threads only.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

/// A JavaScript engine.
pub trait Driver: Send + Sync {
    /// The name in definitions and logs.
    fn name(&self) -> &'static str;

    /// Runs the program's sources in order for the first time, with `host` behind the functions that they call
    /// while they load. A source that fails does not keep the others from loading; its failure is in the result
    /// by index into `program.sources`.
    ///
    /// # Errors
    /// When the engine itself cannot start.
    fn load(
        &self,
        program: &Arc<Program>,
        host: Box<dyn Host>,
        deadline: Deadline,
    ) -> Result<Vec<(usize, ScriptError)>, ScriptError>;

    /// Makes a VM of a loaded program on this thread.
    ///
    /// # Errors
    /// When the engine cannot start, or a source that loaded the first time now fails.
    fn vm(&self, loaded: &Arc<LoadedProgram>) -> Result<Box<dyn Vm>, ScriptError>;

    /// Begins a call that can go on a piece at a time, for a moment and where nothing may block; `None` when calls need a VM on a
    /// script thread.
    fn begin(
        &self,
        _loaded: &Arc<LoadedProgram>,
        _call: &Call,
        _host: &mut dyn Host,
        _bounds: &CallBounds,
    ) -> Option<FirstPiece> {
        None
    }

    /// How many idle VMs a thread keeps for its next calls.
    fn idle_vms_per_thread(&self) -> usize;
}
