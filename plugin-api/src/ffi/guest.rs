//! What a plugin asks of the gateway besides the message: the context, down to the calls through its table.
//!
//! Only what needs unsafe code is here; the methods that authors see are in `context` and its neighbours.

use std::{any::Any, mem::MaybeUninit};

use gatehouse_plugin_abi::{
    Buffer, Call, ContextTable_Ref, KeptValue, OutboundAnswer, OutboundCall, Pair, Slice, StorageAnswer,
    StorageCall, numbers::pair,
};

use super::{
    future::Imported,
    kept::{self, Shelf},
    view::{self, ForeignBytes},
};
use crate::{
    error::{Error, refusal},
    outbound::OutboundRequest,
    response::{HeaderText, Response},
    storage::Operation,
};

/// A pair that has not been written yet.
pub(super) const NO_PAIR: Pair = Pair { name: Slice::ABSENT, value: Slice::ABSENT, flags: 0 };

/// Everything of a call that is not the message itself: who calls, what is configured, what the plugin keeps, and what
/// the gateway can do for it.
///
/// May be shared with other threads and held across `.await`.
///
/// ```
/// use gatehouse_plugin::prelude::*;
///
/// #[endpoint]
/// fn greet(_: &mut Request, context: &Context) -> Response {
///     context.info(format!("called by {}", context.client_address()));
///     Response::text(format!("You are served by {}\n", context.api().name()))
/// }
/// ```
pub struct Context {
    owner: *const (),
    table: ContextTable_Ref,
    state: *const (),
    /// For hosts that keep nothing.
    shelf: Shelf,
}

// SAFETY: the owner is `Sync` on the host's side (`ContextSide`), and the state is `Send + Sync` (see `entry::state`).
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// # Safety
    /// The result is not used after the call is over (invariant 2).
    pub(super) unsafe fn new(call: &Call) -> Self {
        Self { owner: call.context, table: call.table, state: call.state, shelf: Shelf::default() }
    }

    pub(crate) fn fact(&self, fact: u32) -> Option<&str> {
        // SAFETY: facts live as long as the call, and so longer than this borrow.
        let bytes = unsafe { view::bytes(self.table.fact()(self.owner, fact)) };
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// What is made of a fact that stays the same at this place: made at the first call, kept for others.
    pub(crate) fn made_of<T: Send + Sync + 'static, E>(
        &self,
        fact: u32,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        self.shelf().get_or_make(fact, make)
    }

    fn shelf(&self) -> &Shelf {
        // SAFETY: shared access to the owner.
        let known = unsafe { self.table.kept()(self.owner, kept::mark()) };
        // SAFETY: what was kept with this library's mark is a shelf, given below, which lives until the call is over
        // (invariant 8).
        if let Some(shelf) = unsafe { known.cast::<Shelf>().as_ref() } {
            return shelf;
        }
        let new = Box::into_raw(Box::new(Shelf::default()));
        let value = KeptValue { value: new.cast(), free: kept::free };
        // SAFETY: shared access to the owner; the shelf is given away with what frees it.
        let known = unsafe { self.table.keep()(self.owner, kept::mark(), value) };
        // SAFETY: as above.
        if let Some(shelf) = unsafe { known.cast::<Shelf>().as_ref() } {
            return shelf;
        }
        // SAFETY: null says that it is still ours, and nobody has seen it.
        drop(unsafe { Box::from_raw(new) });
        &self.shelf
    }

    pub(crate) fn lookup(&self, item: u32, key: &str) -> Option<ForeignBytes> {
        // SAFETY: shared access to the owner; the buffer is ours from here on.
        let mut buffer = unsafe { self.table.lookup()(self.owner, item, Slice::text(key)) };
        // SAFETY: the gateway made the buffer as invariant 5 says.
        let bytes = unsafe { ForeignBytes::take(&raw mut buffer) };
        (!bytes.is_absent()).then_some(bytes)
    }

    pub(crate) fn put(&self, item: u32, key: &str, value: Option<&[u8]>) -> Result<(), Error> {
        let value = value.map_or(Slice::ABSENT, Slice::new);
        // SAFETY: shared access to the owner; the gateway copies what it keeps of the views.
        refusal(unsafe { self.table.put()(self.owner, item, Slice::text(key), value) }, key)
    }

    pub(super) fn respond(&self, response: Response) -> Result<(), Error> {
        const FEW: usize = 8;
        let (status, headers, body) = response.into_parts();
        let mut body = body.into_buffer();
        let mut few = [const { MaybeUninit::<Pair>::uninit() }; FEW];
        let many: Vec<Pair>;
        let pairs = if headers.len() <= FEW {
            for (pair, header) in few.iter_mut().zip(&headers) {
                pair.write(header_pair(header));
            }
            // SAFETY: there is room for all headers, and each was written.
            unsafe { std::slice::from_raw_parts(few.as_ptr().cast::<Pair>(), headers.len()) }
        } else {
            many = headers.iter().map(header_pair).collect();
            &many
        };
        let respond = self.table.respond();
        // SAFETY: shared access to the owner; pairs and what they show live for the call, what is marked static for
        // ever; the buffer is moved out.
        let answer =
            unsafe { respond(self.owner, status.into(), pairs.as_ptr(), pairs.len(), &raw mut body) };
        refusal(answer, "the response")
    }

    pub(crate) fn raw_log(&self, level: u32, message: &str) {
        // SAFETY: shared access to the owner, which copies what it keeps.
        unsafe { self.table.log()(self.owner, level, Slice::text(message)) }
    }

    pub(crate) fn raw_metric(&self, kind: u32, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<Pair> = labels.iter().map(|label| text_pair(label.0, label.1)).collect();
        // SAFETY: shared access to the owner, which copies what it keeps of the labels.
        unsafe {
            self.table.metric()(self.owner, kind, Slice::text(name), labels.as_ptr(), labels.len(), value);
        }
    }

    pub(crate) fn raw_time_left(&self) -> u64 {
        // SAFETY: shared access to the owner.
        unsafe { self.table.time_left()(self.owner) }
    }

    pub(crate) fn raw_cancelled(&self) -> bool {
        // SAFETY: shared access to the owner.
        unsafe { self.table.cancelled()(self.owner) != 0 }
    }

    pub(crate) fn raw_send(&self, request: OutboundRequest) -> Imported<OutboundAnswer> {
        let pairs: Vec<Pair> = request.headers.iter().map(|header| text_pair(&header.0, &header.1)).collect();
        let mut body = request.body.into_buffer();
        let call = OutboundCall {
            method: Slice::text(&request.method),
            url: Slice::text(&request.url),
            headers: pairs.as_ptr(),
            header_count: pairs.len(),
            body: &raw mut body,
            timeout_ms: request
                .timeout
                .map_or(0, |timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1)),
        };
        // SAFETY: shared access to the owner; the gateway copies what it needs of `call` before it answers.
        let future = unsafe { self.table.send()(self.owner, &raw const call) };
        // SAFETY: the gateway gives a future of its own that needs nothing of the call, and gives it once.
        unsafe { Imported::new(future) }
    }

    pub(crate) fn raw_storage(&self, operation: &Operation<'_>) -> Imported<StorageAnswer> {
        let call = StorageCall {
            operation: operation.number(),
            key: Slice::text(operation.key),
            value: operation.value.map_or(Slice::ABSENT, Slice::new),
            number: operation.amount,
        };
        // SAFETY: as in `raw_send`.
        let future = unsafe { self.table.storage()(self.owner, &raw const call) };
        // SAFETY: as in `raw_send`.
        unsafe { Imported::new(future) }
    }

    /// What `#[init]` made; `None` when the plugin has none.
    pub(crate) fn raw_state(&self) -> Option<&(dyn Any + Send + Sync)> {
        let state = self.state.cast::<Box<dyn Any + Send + Sync>>();
        // SAFETY: the gateway gives back what `entry::state` made in this library, which is never freed.
        unsafe { state.as_ref() }.map(|state| &**state)
    }
}

fn header_pair((name, value): &(HeaderText, HeaderText)) -> Pair {
    let flag = |text: &HeaderText, flag| if matches!(text, HeaderText::Borrowed(_)) { flag } else { 0 };
    Pair {
        name: Slice::text(name),
        value: Slice::text(value),
        flags: flag(name, pair::STATIC_NAME) | flag(value, pair::STATIC_VALUE),
    }
}

fn text_pair(name: &str, value: &str) -> Pair {
    Pair { name: Slice::text(name), value: Slice::text(value), flags: 0 }
}

/// The answer of an outbound call; freed when dropped.
pub(crate) struct RawAnswer(OutboundAnswer);

// SAFETY: the gateway's answer is not changed by anyone while it is owned here, and may be freed on any thread.
unsafe impl Send for RawAnswer {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for RawAnswer {}

impl RawAnswer {
    /// # Safety
    /// `answer` came from the gateway, and nobody else has it.
    unsafe fn new(answer: OutboundAnswer) -> Self {
        Self(answer)
    }

    pub(crate) fn status(&self) -> u16 {
        u16::try_from(self.0.status).unwrap_or(0)
    }

    pub(crate) fn body(&self) -> &[u8] {
        // SAFETY: the views live until `free`.
        unsafe { view::bytes(self.0.body) }.unwrap_or_default()
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let pairs: &[Pair] = match self.0.header_count {
            0 => &[],
            // SAFETY: the gateway gives so many pairs, which live until `free`, as does what they show.
            count => unsafe { std::slice::from_raw_parts(self.0.headers, count) },
        };
        // SAFETY: as above.
        pairs
            .iter()
            .map(|pair| unsafe { (view::text(pair.name), view::bytes(pair.value).unwrap_or_default()) })
    }
}

impl Drop for RawAnswer {
    fn drop(&mut self) {
        // SAFETY: this is the one owner.
        unsafe { (self.0.free)(self.0.owner) };
    }
}

/// An outbound call under way.
pub(crate) struct RawSend(pub(crate) Imported<OutboundAnswer>);

impl Future for RawSend {
    type Output = Option<RawAnswer>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        // SAFETY: the future of `raw_send` gives an answer of the gateway, once.
        let own = |answer| unsafe { RawAnswer::new(answer) };
        std::pin::Pin::new(&mut self.0).poll(context).map(|answer| answer.map(own))
    }
}

/// The value of an answer of the store.
pub(crate) fn storage_value(answer: StorageAnswer) -> (u32, i64, ForeignBytes) {
    let mut value: Buffer = answer.value;
    // SAFETY: the answer is the gateway's, who made the buffer as invariant 5 says; `answer` is consumed.
    let value = unsafe { ForeignBytes::take(&raw mut value) };
    (answer.kind, answer.number, value)
}
