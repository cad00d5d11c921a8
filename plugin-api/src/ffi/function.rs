//! A host's calls of plugin functions.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use gatehouse_plugin_abi::{
    Call, ContextTable_Ref, Descriptor, InitDescriptor, RequestView, ResponseView, Slice, numbers,
};

use super::{
    entry::{Exported, ExportedInit},
    future::Imported,
    host::{ContextSide, RequestSide, ResponseSide},
    host_context::context_table,
    host_message::{request_view, response_view},
    view::{self, ForeignBytes},
};

/// What kind of function it is, and so where it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `#[endpoint]` and `#[request_hook]`: endpoints, `pre`, `post_key_auth` and `post`.
    Request,
    /// `#[auth]`: `auth_check`.
    Auth,
    /// `#[response_hook]`: `response`.
    Response,
    /// `#[analytics]`: `analytics_plugin`.
    Analytics,
}

impl Kind {
    /// The kind with this number; `None` for one of a later version.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            numbers::kind::REQUEST => Self::Request,
            numbers::kind::AUTH => Self::Auth,
            numbers::kind::RESPONSE => Self::Response,
            numbers::kind::ANALYTICS => Self::Analytics,
            _ => return None,
        })
    }

    /// The attributes that make one.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Request => "#[endpoint] or #[request_hook]",
            Self::Auth => "#[auth]",
            Self::Response => "#[response_hook]",
            Self::Analytics => "#[analytics]",
        }
    }
}

/// How a function is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// On the thread of the request, at once.
    Sync,
    /// As a future on the runtime.
    Async,
    /// On a thread where it may block.
    Blocking,
}

impl Mode {
    /// The mode with this number; `None` for one of a later version.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            numbers::mode::SYNC => Self::Sync,
            numbers::mode::ASYNC => Self::Async,
            numbers::mode::BLOCKING => Self::Blocking,
            _ => return None,
        })
    }
}

/// What a call came to; the details went through the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The request goes on.
    Continue,
    /// The plugin answered.
    Responded,
    /// The caller is let in.
    Allowed,
    /// The caller is refused.
    Denied,
    /// The function gave an error.
    Failed,
    /// The function panicked.
    Panicked,
}

impl Status {
    pub(super) fn from_number(number: u32) -> Self {
        match number {
            numbers::status::CONTINUE => Self::Continue,
            numbers::status::RESPONDED => Self::Responded,
            numbers::status::ALLOWED => Self::Allowed,
            numbers::status::DENIED => Self::Denied,
            numbers::status::PANICKED => Self::Panicked,
            _ => Self::Failed,
        }
    }
}

/// What a plugin's `init` made, for as long as the process lives.
#[derive(Debug, Clone, Copy)]
pub struct State(*const ());

// SAFETY: a state is a box of something `Send + Sync` that is never freed (`entry::state`).
unsafe impl Send for State {}
// SAFETY: as above.
unsafe impl Sync for State {}

impl State {
    /// No state.
    pub const NONE: Self = Self(std::ptr::null());

    /// A state made here; never freed.
    pub fn new<T: Send + Sync + 'static>(state: T) -> Self {
        Self(super::entry::state(Box::new(state)))
    }
}

/// The `init` of a plugin.
#[derive(Clone, Copy)]
pub struct Init(&'static InitDescriptor);

impl Init {
    /// One of this process itself.
    pub const fn local(exported: &'static ExportedInit) -> Self {
        Self(&exported.0)
    }

    /// One of a loaded library.
    ///
    /// # Safety
    /// `descriptor` is that of a library whose layout was checked and that is never unloaded.
    pub unsafe fn loaded(descriptor: *const InitDescriptor) -> Self {
        // SAFETY: as the caller says.
        Self(unsafe { &*descriptor })
    }

    /// Runs it.
    ///
    /// # Errors
    /// What it says went wrong, its panic included.
    pub fn run(self) -> Result<State, String> {
        // SAFETY: the descriptor is right, as `local` and `loaded` say.
        let mut answer = unsafe { (self.0.run)() };
        // SAFETY: the buffer is the answer's, taken once.
        let error = unsafe { ForeignBytes::take(&raw mut answer.error) };
        if answer.state.is_null() {
            return Err(String::from_utf8_lossy(error.as_ref()).into_owned());
        }
        Ok(State(answer.state))
    }
}

/// A function of a plugin.
#[derive(Clone, Copy)]
pub struct Function {
    descriptor: &'static Descriptor,
}

// SAFETY: a descriptor is never changed, and its functions may be called on any thread.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Function {
    /// One of this process itself.
    pub const fn local(exported: &'static Exported) -> Self {
        Self { descriptor: &exported.0 }
    }

    /// One of a loaded library.
    ///
    /// # Safety
    /// `descriptor` is that of a library whose layout was checked and that is never unloaded.
    pub unsafe fn loaded(descriptor: *const Descriptor) -> Self {
        // SAFETY: as the caller says.
        Self { descriptor: unsafe { &*descriptor } }
    }

    /// Its kind; `None` when this host does not know it.
    pub fn kind(self) -> Option<Kind> {
        Kind::from_number(self.descriptor.kind)
    }

    /// How it is run; `None` when this host does not know it.
    pub fn mode(self) -> Option<Mode> {
        Mode::from_number(self.descriptor.mode)
    }

    /// Whether it looks at the body.
    pub fn wants_body(self) -> bool {
        self.descriptor.flags & numbers::flag::NO_BODY == 0
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.text(|descriptor| descriptor.name)
    }

    /// Source file and line.
    pub fn place(self) -> (&'static str, u32) {
        (self.text(|descriptor| descriptor.file), self.descriptor.line)
    }

    /// Package and version of its plugin.
    pub fn package(self) -> (&'static str, &'static str) {
        (self.text(|descriptor| descriptor.package), self.text(|descriptor| descriptor.version))
    }

    fn text(self, field: fn(&Descriptor) -> Slice) -> &'static str {
        // SAFETY: the texts of a descriptor are statics of its library.
        unsafe { view::text(field(self.descriptor)) }
    }

    /// Runs a sync or blocking function to its end; [`Status::Failed`] for an async one.
    #[inline]
    pub fn run(self, mut message: Message<'_>) -> Status {
        let Some(run) = self.descriptor.run else { return Status::Failed };
        let call = message.call();
        // SAFETY: the descriptor is right, as `local` and `loaded` say; all that the call points to is borrowed by
        // `message`, which lives until the end of this function (invariants 2 and 3).
        Status::from_number(unsafe { run(&raw const call) })
    }

    /// Starts an async function; `None` for another.
    pub fn start(self, message: Message<'_>) -> Option<Running<'_>> {
        let start = self.descriptor.start?;
        let frame = Frame::new(message);
        // SAFETY: as in `run`; the frame stays where it is, and is freed after the future was released.
        let future = unsafe { Imported::new(start(&raw const (*frame.0).call)) };
        Some(Running { future, _frame: frame, borrowed: PhantomData })
    }
}

/// What a function is called with; borrows all of it for as long as the call lasts.
pub struct Message<'a> {
    request: Option<RequestView>,
    response: Option<ResponseView>,
    context: *const (),
    table: ContextTable_Ref,
    state: State,
    borrowed: PhantomData<&'a mut ()>,
}

// SAFETY: request, answer and context are `Send + Sync` on the host's side (their traits say so), and are borrowed here.
unsafe impl Send for Message<'_> {}

impl<'a> Message<'a> {
    /// A call with neither request nor answer, as analytics hooks get it.
    #[inline]
    pub fn new<C: ContextSide>(context: &'a C, state: State) -> Self {
        Self {
            request: None,
            response: None,
            context: std::ptr::from_ref(context).cast(),
            table: context_table::<C>(),
            state,
            borrowed: PhantomData,
        }
    }

    /// With a request.
    #[inline]
    #[must_use]
    pub fn request<R: RequestSide>(mut self, request: &'a mut R) -> Self {
        self.request = Some(request_view(request));
        self
    }

    /// With the upstream's answer.
    #[inline]
    #[must_use]
    pub fn response<S: ResponseSide>(mut self, response: &'a mut S) -> Self {
        self.response = Some(response_view(response));
        self
    }

    /// Points into `self`, which must not move while it is used.
    #[inline]
    pub(super) fn call(&mut self) -> Call {
        Call {
            request: self.request.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut),
            response: self.response.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut),
            context: self.context,
            table: self.table,
            state: self.state.0,
        }
    }
}

/// A message and the call that points into it, at one place.
struct FrameContent<'a> {
    message: Message<'a>,
    call: Call,
}

/// Owns a [`FrameContent`] through a raw pointer, because moving a box would end what points into it.
struct Frame<'a>(*mut FrameContent<'a>);

impl<'a> Frame<'a> {
    fn new(mut message: Message<'a>) -> Self {
        let call = message.call();
        let content = Box::into_raw(Box::new(FrameContent { message, call }));
        // SAFETY: the box was just made; the message has its place now, so the call is made again.
        unsafe { (*content).call = (*content).message.call() };
        Self(content)
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        // SAFETY: this is the box of `new`; the future that used it was dropped before (field order of `Running`).
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// An async function under way. Dropping it cancels it.
pub struct Running<'a> {
    // Released before the frame that it points to.
    future: Imported<u32>,
    _frame: Frame<'a>,
    borrowed: PhantomData<&'a mut ()>,
}

// SAFETY: request, answer and context are `Send + Sync` on the host's side (their traits say so).
unsafe impl Send for Running<'_> {}

impl Future for Running<'_> {
    type Output = Status;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Status> {
        let polled = Pin::new(&mut self.future).poll(context);
        polled.map(|status| status.map_or(Status::Panicked, Status::from_number))
    }
}
