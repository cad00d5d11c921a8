//! The messages of a call as authors get references to them, down to the calls through their tables.
//!
//! Only what needs unsafe code is here; the methods that authors see are in `request` and `upstream_response`.

use std::ptr;

use gatehouse_plugin_abi::{Call, MessageView, Pair, RequestView, ResponseView, Slice};

use super::{
    guest::{Context, NO_PAIR},
    view::{self, ForeignBytes},
};
use crate::error::{Error, refusal};

/// Headers that are read without an allocation.
const HEADERS_AT_ONCE: usize = 32;

/// A message that authors get references to, over the view that crossed, and what all messages have in common.
macro_rules! message {
    ($(#[$documentation:meta])* $message:ident, $view:ident) => {
        $(#[$documentation])*
        #[repr(C)]
        pub struct $message {
            view: $view,
            /// Without a size it cannot be swapped with another, whose call may be over sooner.
            unmovable: [()],
        }

        // SAFETY: the owner behind the view is `Send + Sync` on the host's side (`Headers` says so), reached as invariant 3
        // says.
        unsafe impl Send for $message {}
        // SAFETY: as above.
        unsafe impl Sync for $message {}

        impl $message {
            /// # Safety
            /// `view` is null, or valid and exclusively this call's for `'a`.
            unsafe fn from_view<'a>(view: *mut $view) -> Option<&'a mut Self> {
                let message = ptr::slice_from_raw_parts_mut(view.cast::<()>(), 0) as *mut Self;
                // SAFETY: as the caller says; the type is its view and nothing.
                (!view.is_null()).then(|| unsafe { &mut *message })
            }

            pub(crate) fn raw_header(&self, name: &str) -> Option<&[u8]> {
                // SAFETY: views last until the message is changed, which takes `&mut self` (invariant 4).
                unsafe { first_header(&self.view.message, name) }
            }

            pub(crate) fn raw_headers(&self) -> RawHeaders<'_> {
                // SAFETY: as in `raw_header`.
                unsafe { RawHeaders::read(&self.view.message) }
            }

            pub(crate) fn change_header(&mut self, change: u32, name: &str, value: &[u8]) -> Result<(), Error> {
                // SAFETY: exclusive access to the owner.
                unsafe { change_header(&self.view.message, change, name, value) }
            }
        }
    };
}

message! {
    /// The request that a function is called with, as it is at this point of the chain.
    ///
    /// Reading does not copy: what you get is the gateway's own. Changes are seen by the rest of the chain and by the
    /// upstream. A `&mut Request` is all there is; it cannot be moved, kept or made.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[endpoint]
    /// fn mark_mobile(request: &mut Request, _: &Context) {
    ///     if request.header("user-agent").is_some_and(|agent| agent.contains("Mobile")) {
    ///         request.set_header("x-device", "mobile").ok();
    ///     }
    /// }
    /// ```
    Request, RequestView
}

impl Request {
    pub(crate) fn raw_method(&self) -> &str {
        // SAFETY: views of the parts last until the request is changed, which takes `&mut self` (invariant 4).
        unsafe { view::text(self.view.parts.method) }
    }

    pub(crate) fn raw_path(&self) -> &str {
        // SAFETY: as in `raw_method`.
        unsafe { view::text(self.view.parts.path) }
    }

    pub(crate) fn raw_query(&self) -> Option<&str> {
        // SAFETY: as in `raw_method`.
        unsafe { view::bytes(self.view.parts.query) }.and_then(|query| std::str::from_utf8(query).ok())
    }

    pub(crate) fn raw_body(&self) -> &[u8] {
        // SAFETY: as in `raw_method`.
        unsafe { view::bytes(self.view.parts.body) }.unwrap_or_default()
    }

    pub(crate) fn change_method(&mut self, method: &str) -> Result<(), Error> {
        let set_method = self.view.table.set_method();
        // SAFETY: exclusive access to the owner, and to the parts that it refreshes.
        let answer =
            unsafe { set_method(self.view.message.owner, Slice::text(method), &raw mut self.view.parts) };
        refusal(answer, method)
    }

    pub(crate) fn change_target(&mut self, target: &str) -> Result<(), Error> {
        let set_target = self.view.table.set_target();
        // SAFETY: as in `change_method`.
        let answer =
            unsafe { set_target(self.view.message.owner, Slice::text(target), &raw mut self.view.parts) };
        refusal(answer, target)
    }

    pub(crate) fn change_body(&mut self, body: ForeignBytes) -> Result<(), Error> {
        let mut body = body.into_buffer();
        let set_body = self.view.table.set_body();
        // SAFETY: as in `change_method`; the buffer is moved out.
        let answer = unsafe { set_body(self.view.message.owner, &raw mut body, &raw mut self.view.parts) };
        refusal(answer, "the body")
    }
}

message! {
    /// The upstream's answer, which a response hook may change.
    ///
    /// ```
    /// use gatehouse_plugin::prelude::*;
    ///
    /// #[response_hook]
    /// fn hide_server(response: &mut UpstreamResponse, _: &Request, _: &Context) {
    ///     response.remove_header("server").ok();
    /// }
    /// ```
    UpstreamResponse, ResponseView
}

impl UpstreamResponse {
    pub(crate) fn raw_status(&self) -> u16 {
        u16::try_from(self.view.status).unwrap_or(0)
    }

    pub(crate) fn raw_body(&self) -> &[u8] {
        // SAFETY: the view lasts until the answer is changed, which takes `&mut self`.
        unsafe { view::bytes(self.view.body) }.unwrap_or_default()
    }

    pub(crate) fn change_status(&mut self, status: u16) -> Result<(), Error> {
        // SAFETY: exclusive access to the owner.
        let answer = unsafe { self.view.table.set_status()(self.view.message.owner, status.into()) };
        refusal(answer, "the status")?;
        self.view.status = status.into();
        Ok(())
    }

    pub(crate) fn change_body(&mut self, body: ForeignBytes) -> Result<(), Error> {
        let mut body = body.into_buffer();
        let set_body = self.view.table.set_body();
        // SAFETY: exclusive access to the owner and to the view it refreshes; the buffer is moved out.
        let answer = unsafe { set_body(self.view.message.owner, &raw mut body, &raw mut self.view.body) };
        refusal(answer, "the body")
    }
}

/// # Safety
/// The message's owner may be shared now, and stays unchanged for `'a`.
unsafe fn first_header<'a>(message: &MessageView, name: &str) -> Option<&'a [u8]> {
    // SAFETY: as the caller says; a view of the owner lasts until it is changed (invariant 4).
    unsafe { view::bytes(message.headers.first()(message.owner, Slice::text(name))) }
}

/// # Safety
/// Nobody else uses the message's owner now.
unsafe fn change_header(message: &MessageView, change: u32, name: &str, value: &[u8]) -> Result<(), Error> {
    let change_header = message.headers.change();
    // SAFETY: as the caller says; the gateway copies what it keeps of the views.
    refusal(unsafe { change_header(message.owner, change, Slice::text(name), Slice::new(value)) }, name)
}

/// All headers of a message, in order; the first ones without an allocation.
pub(crate) struct RawHeaders<'a> {
    few: [Pair; HEADERS_AT_ONCE],
    many: Vec<Pair>,
    count: usize,
    next: usize,
    views: std::marker::PhantomData<&'a [u8]>,
}

impl RawHeaders<'_> {
    /// # Safety
    /// The message's owner may be shared now, and stays unchanged for the lifetime of the result.
    unsafe fn read(message: &MessageView) -> Self {
        let mut headers = Self {
            few: [NO_PAIR; HEADERS_AT_ONCE],
            many: Vec::new(),
            count: 0,
            next: 0,
            views: std::marker::PhantomData,
        };
        let read = |to: &mut [Pair]| {
            // SAFETY: the owner is as the caller says, and `to` is a place for so many pairs.
            unsafe { message.headers.all()(message.owner, to.as_mut_ptr(), to.len()) }
        };
        headers.count = read(&mut headers.few);
        if headers.count > HEADERS_AT_ONCE {
            headers.many = vec![NO_PAIR; headers.count];
            headers.count = read(&mut headers.many).min(headers.many.len());
        }
        headers
    }
}

impl<'a> Iterator for RawHeaders<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.count {
            return None;
        }
        let pairs: &[Pair] = if self.many.is_empty() { &self.few } else { &self.many };
        let pair = pairs.get(self.next)?;
        self.next += 1;
        // SAFETY: the owner stays unchanged for 'a, so its views last (invariant 4).
        Some(unsafe { (view::text(pair.name), view::bytes(pair.value).unwrap_or_default()) })
    }
}

/// What a function is called with, whatever its kind.
pub struct Arguments<'a> {
    /// The request; for all but analytics.
    pub request: Option<&'a mut Request>,
    /// The upstream's answer; for response hooks.
    pub response: Option<&'a mut UpstreamResponse>,
    /// The rest.
    pub context: &'a Context,
}

impl<'a> Arguments<'a> {
    /// # Safety
    /// `call` is a call as invariants 2 and 3 say, its arguments are taken once, and `'a` ends before it does.
    pub(super) unsafe fn new(call: &Call, context: &'a Context) -> Self {
        // SAFETY: as the caller says.
        let (request, response) =
            unsafe { (Request::from_view(call.request), UpstreamResponse::from_view(call.response)) };
        Self { request, response, context }
    }
}
