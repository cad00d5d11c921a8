//! Where the gateway comes into a plugin: the header, and a trampoline for each function. What the attributes expand to
//! names this module; authors do not.

use std::{any::Any, mem::MaybeUninit, pin::Pin, task::Poll};

use gatehouse_plugin_abi::{
    ABI_MAJOR, ABI_MINOR, Buffer, Call, Descriptor, ForeignFuture, ForeignWaker, InitAnswer, InitDescriptor,
    LAYOUT_FORMAT, MAGIC, PluginHeader, Slice, layout, numbers, padded,
};

pub use super::guest_message::Arguments;
use super::{
    function::{Message, Status},
    future::poll_with,
    guest::Context,
    panics::{Caught, catch, install_hook, quietly},
    view::ForeignBytes,
};
use crate::outcome::Decision;

/// The header that every plugin carries. Data only: reading it runs no code.
#[unsafe(export_name = "gatehouse_plugin_header")]
static HEADER: PluginHeader = PluginHeader {
    magic: MAGIC,
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    panic: if cfg!(panic = "abort") { numbers::panic::ABORT } else { numbers::panic::UNWIND },
    layout_format: LAYOUT_FORMAT,
    sdk_version: padded(env!("CARGO_PKG_VERSION")),
    rustc: padded(env!("GATEHOUSE_RUSTC")),
    target: padded(env!("GATEHOUSE_TARGET")),
    layout,
    start,
    reserved: [0; 4],
};

extern "C" fn start() {
    quietly(install_hook);
}

/// A function that runs to its end when it is called.
pub trait SyncFunction {
    /// Runs it.
    fn run(arguments: Arguments<'_>) -> Result<Decision, String>;
}

/// A function that may wait.
pub trait AsyncFunction {
    /// Starts it.
    fn run(arguments: Arguments<'_>) -> impl Future<Output = Result<Decision, String>> + Send;
}

/// What a descriptor says of its function.
pub struct About {
    /// See [`numbers::kind`].
    pub kind: u32,
    /// See [`numbers::flag`].
    pub flags: u32,
    /// Line of its source.
    pub line: u32,
    /// Name.
    pub name: &'static str,
    /// Source file.
    pub file: &'static str,
    /// Package of the plugin.
    pub package: &'static str,
    /// Version of that package.
    pub version: &'static str,
}

/// A descriptor that can only be made here, and so is right.
#[repr(transparent)]
pub struct Exported(pub(super) Descriptor);

// SAFETY: a descriptor is never changed, and points to statics and functions.
unsafe impl Sync for Exported {}

impl Exported {
    /// Describes a function that is run on the thread of the request.
    pub const fn sync<F: SyncFunction>(about: About) -> Self {
        Self(Descriptor { run: Some(run::<F>), ..describe(about, numbers::mode::SYNC) })
    }

    /// Describes a function that is run where it may block.
    pub const fn blocking<F: SyncFunction>(about: About) -> Self {
        Self(Descriptor { run: Some(run::<F>), ..describe(about, numbers::mode::BLOCKING) })
    }

    /// Describes an async function.
    pub const fn asynchronous<F: AsyncFunction>(about: About) -> Self {
        Self(Descriptor { start: Some(begin::<F>), ..describe(about, numbers::mode::ASYNC) })
    }
}

const fn describe(about: About, mode: u32) -> Descriptor {
    Descriptor {
        kind: about.kind,
        mode,
        flags: about.flags,
        line: about.line,
        name: Slice::text(about.name),
        file: Slice::text(about.file),
        package: Slice::text(about.package),
        version: Slice::text(about.version),
        run: None,
        start: None,
        reserved: [0; 4],
    }
}

/// # Safety
/// As [`Descriptor`] says of its `run`.
unsafe extern "C" fn run<F: SyncFunction>(call: *const Call) -> u32 {
    // SAFETY: the gateway gives a valid call, which lasts until this function returns (invariant 2).
    let call = unsafe { &*call };
    // SAFETY: `context` ends with this function.
    let context = unsafe { Context::new(call) };
    // SAFETY: the arguments are taken this once, and end with this function.
    let result = catch(|| conclude(&context, F::run(unsafe { Arguments::new(call, &context) })));
    result.unwrap_or_else(|caught| report_panic(&context, &caught))
}

/// Tells the gateway what the function came to.
fn conclude(context: &Context, result: Result<Decision, String>) -> u32 {
    use numbers::{item, status};
    let told = match result {
        Ok(Decision::Continue) => Ok(status::CONTINUE),
        Ok(Decision::Respond(response)) => context.respond(response).map(|()| status::RESPONDED),
        Ok(Decision::Allow(session)) => {
            context.put(item::SESSION, "", Some(session.to_json().as_bytes())).map(|()| status::ALLOWED)
        }
        Ok(Decision::Deny(denial)) => {
            let code = denial.status().to_string();
            context.put(item::DENIAL, &code, Some(denial.message().as_bytes())).map(|()| status::DENIED)
        }
        Err(message) => {
            // Nothing can be done when even this is refused; the status says that it failed.
            let _ = context.put(item::ERROR, "", Some(message.as_bytes()));
            return status::FAILED;
        }
    };
    told.unwrap_or_else(|error| {
        let _ = context.put(item::ERROR, "", Some(error.to_string().as_bytes()));
        status::FAILED
    })
}

fn report_panic(context: &Context, caught: &Caught) -> u32 {
    quietly(|| {
        let _ = context.put(numbers::item::PANIC, &caught.place, Some(caught.message.as_bytes()));
    });
    numbers::status::PANICKED
}

/// An async function under way. Its future borrows from its context, so it stays where it is.
struct Task<F> {
    context: Context,
    future: MaybeUninit<F>,
    /// Whether `future` is there: not before it was made, nor after it panicked or ended.
    live: bool,
}

/// # Safety
/// As [`Descriptor`] says of its `start`.
unsafe extern "C" fn begin<F: AsyncFunction>(call: *const Call) -> ForeignFuture<u32> {
    // SAFETY: the gateway gives a valid call, which lasts until the future made here is released (invariant 2).
    unsafe { start_task(call, F::run) }
}

/// # Safety
/// `call` lasts until the future is released.
unsafe fn start_task<F>(call: *const Call, run: impl FnOnce(Arguments<'static>) -> F) -> ForeignFuture<u32>
where
    F: Future<Output = Result<Decision, String>> + Send,
{
    // SAFETY: as the caller says.
    let call = unsafe { &*call };
    // SAFETY: the context is in the task, which ends when the future is released.
    let context = unsafe { Context::new(call) };
    let task = Box::into_raw(Box::new(Task { context, future: MaybeUninit::<F>::uninit(), live: false }));
    // SAFETY: the context stays where it is until `release_task`, which ends the future before it; 'static stands for
    // "until then", and neither the future nor what it gives is let out.
    let arguments = unsafe { Arguments::new(call, &(*task).context) };
    if let Ok(future) = catch(|| run(arguments)) {
        // SAFETY: the task was just made and is not shared; `future` is written once.
        unsafe {
            (&raw mut (*task).future).cast::<F>().write(future);
            (*task).live = true;
        }
    }
    ForeignFuture { state: task.cast(), poll: poll_task::<F>, release: release_task::<F> }
}

/// # Safety
/// As [`ForeignFuture`] says of its `poll`, with a state made by `start_task`.
unsafe extern "C" fn poll_task<F>(state: *mut (), waker: *const ForeignWaker, result: *mut u32) -> u32
where
    F: Future<Output = Result<Decision, String>>,
{
    let task = state.cast::<Task<F>>();
    // SAFETY: `state` is the task of `start_task`, polled by one thread at a time and not released; its context is only
    // ever shared.
    let (context, live) = unsafe { (&(*task).context, (*task).live) };
    if !live {
        return numbers::poll::PANICKED;
    }
    let polled = catch(|| {
        // SAFETY: the future is there, and does not move out of its task.
        let future = unsafe { Pin::new_unchecked(&mut *(&raw mut (*task).future).cast::<F>()) };
        // SAFETY: the gateway lends the waker for this call.
        unsafe { poll_with(waker, |cx| future.poll(cx)) }.map(|outcome| conclude(context, outcome))
    });
    let status = match polled {
        Ok(Poll::Pending) => return numbers::poll::PENDING,
        Ok(Poll::Ready(status)) => status,
        Err(caught) => report_panic(context, &caught),
    };
    // SAFETY: `result` is a place for the status.
    unsafe { result.write(status) };
    numbers::poll::READY
}

/// # Safety
/// As [`ForeignFuture`] says of its `release`, with a state made by `start_task`.
unsafe extern "C" fn release_task<F>(state: *mut ()) {
    let task = state.cast::<Task<F>>();
    // SAFETY: `state` is the task of `start_task`, released once. The future goes first, as it borrows from the context.
    quietly(|| unsafe {
        if (*task).live {
            (*task).live = false;
            (&raw mut (*task).future).cast::<F>().drop_in_place();
        }
    });
    // SAFETY: as above; nothing borrows from the task any more.
    quietly(|| drop(unsafe { Box::from_raw(task) }));
}

/// Makes the state of a plugin.
pub trait Init {
    /// Runs the function.
    fn run() -> Result<Box<dyn Any + Send + Sync>, String>;
}

/// An `init` that can only be described here.
#[repr(transparent)]
pub struct ExportedInit(pub(super) InitDescriptor);

impl ExportedInit {
    /// Describes it.
    pub const fn new<I: Init>() -> Self {
        Self(InitDescriptor { run: run_init::<I> })
    }
}

/// A state as it crosses: the address of a box that is never freed.
pub(super) fn state(state: Box<dyn Any + Send + Sync>) -> *const () {
    Box::into_raw(Box::new(state)).cast_const().cast()
}

/// # Safety
/// As [`InitDescriptor`] says of its `run`; it touches nothing that a caller could get wrong.
unsafe extern "C" fn run_init<I: Init>() -> InitAnswer {
    let failed = |message: String| InitAnswer {
        state: std::ptr::null(),
        error: ForeignBytes::from(message.into_bytes()).into_buffer(),
    };
    match catch(I::run) {
        Ok(Ok(made)) => InitAnswer { state: state(made), error: Buffer::ABSENT },
        Ok(Err(message)) => failed(message),
        Err(Caught { place, message }) => failed(format!("panicked at {place}: {message}")),
    }
}

/// Calls a function of this process as a gateway would, for tests.
pub(crate) fn run_here(
    mut message: Message<'_>,
    function: impl FnOnce(Arguments<'_>) -> Result<Decision, String>,
) -> Status {
    let call = message.call();
    // SAFETY: what the call points to is borrowed by `message`, which lives longer than `context`.
    let context = unsafe { Context::new(&call) };
    // SAFETY: the arguments are taken this once, and end with this function.
    let result = catch(|| conclude(&context, function(unsafe { Arguments::new(&call, &context) })));
    Status::from_number(result.unwrap_or_else(|caught| report_panic(&context, &caught)))
}
